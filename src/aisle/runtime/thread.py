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

    def start(self, payloads: list[Any], done: Done) -> None:
        """Returns at once; `done` is called later on the event loop. After an outcome that is an exception it is dead."""

    def close(self) -> None:
        """Finish the batch it has, then end. Never waits."""


class EngineThread:
    """A Carrier: a daemon thread, started with its first batch."""

    def __init__(self, name: str, run: Callable[[list[Any]], Sequence[Any]], loop: asyncio.AbstractEventLoop) -> None:
        self._inbox: SimpleQueue[tuple[list[Any], Done] | None] = SimpleQueue()
        self._thread = threading.Thread(target=_serve, args=(self._inbox, run, loop), name=name, daemon=True)

    def start(self, payloads: list[Any], done: Done) -> None:
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
        began = time.perf_counter()
        outcome: Outcome
        try:
            outcome = run(payloads)
        except BaseException as error:  # noqa: BLE001 (SystemExit from a library, too, must reach the callers)
            outcome = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(done, outcome, time.perf_counter() - began)
        if isinstance(outcome, BaseException):
            return
        del work, payloads, done, outcome  # an idle model keeps no request alive
