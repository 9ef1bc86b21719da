"""A thread that computes batches: it holds no state, and says so when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, Protocol

Outcome = Sequence[Any] | BaseException  # one result per payload, or what ended the worker
Done = Callable[[Outcome, float], None]  # with the seconds that the batch took


class Carrier(Protocol):
    """Takes batches to where they are computed (a thread, another machine), one at a time."""

    def start(self, payloads: list[Any], done: Done, brief: bool) -> None:
        """`done` is called later on the event loop. After an outcome that is an exception it is dead.

        Returns at once, unless the batch is so `brief` that carrying it anywhere would cost more than computing it here.
        """

    def close(self) -> None:
        """Finish the batch it has, then end. Never waits."""


class EngineThread:
    """A Carrier: a daemon thread, started with its first batch."""

    def __init__(self, name: str, run: Callable[[list[Any]], Sequence[Any]], loop: asyncio.AbstractEventLoop) -> None:
        self._run, self._loop = run, loop
        self._inbox: SimpleQueue[tuple[list[Any], Done] | None] = SimpleQueue()
        self._thread = threading.Thread(target=_serve, args=(self._inbox, run, loop), name=name, daemon=True)

    def start(self, payloads: list[Any], done: Done, brief: bool) -> None:
        if brief:
            self._loop.call_soon(done, *_compute(self._run, payloads))
            return
        if not self._thread.ident:
            self._thread.start()
        self._inbox.put((payloads, done))

    def close(self) -> None:
        self._inbox.put(None)


def _serve(
    inbox: SimpleQueue[tuple[list[Any], Done] | None],
    run: Callable[[list[Any]], Sequence[Any]],
    loop: asyncio.AbstractEventLoop,
) -> None:
    while (work := inbox.get()) is not None:
        payloads, done = work
        outcome, took = _compute(run, payloads)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(done, outcome, took)
        if isinstance(outcome, BaseException):
            return
        del work, payloads, done, outcome  # an idle model keeps no request alive


def _compute(run: Callable[[list[Any]], Sequence[Any]], payloads: list[Any]) -> tuple[Outcome, float]:
    """The outcome and the seconds it took."""
    began = time.perf_counter()
    try:
        return run(payloads), time.perf_counter() - began
    except BaseException as error:  # noqa: BLE001 (SystemExit from a library, too, must reach the callers)
        return error, time.perf_counter() - began
