"""Streams: callers who are heard bit by bit, each part computed by the model's second thread, and none waiting for ever.

A stream keeps the version of the model that it was opened with. Parts go through a batcher of their own, so that a long
request beside them delays no live voice, and so that what cannot be kept up with is refused instead of piling up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from aisle.errors import AisleError, DeadlineExceeded, Overloaded
from aisle.runtime.batcher import Batcher
from aisle.runtime.host import failed
from aisle.task import Answer, Stream, Usage

PATIENCE = 2.0  # seconds a part may wait and be computed: a live voice that lags further behind is of no use
CLOSING = 10.0  # the same for the last part, whose answer is worth waiting for
AT_ONCE = 8.0  # parts computed before their callers hear of it


class Owner(Protocol):
    """The live model a stream belongs to."""

    name: str

    def leave(self) -> None: ...


class Part:
    """What one caller sent, or (`data` None) its end, on the way to its stream."""

    __slots__ = ("data", "op", "stream")

    def __init__(self, op: str, stream: Stream, data: Any) -> None:
        self.op = op
        self.stream = stream
        self.data = data


def feed(parts: Sequence[Part]) -> list[Any]:
    """For every part what became known, or an error: a broken stream fails alone. Answers carry their processor time."""
    return [_fed(part) for part in parts]


def _fed(part: Part) -> Any:
    began = time.thread_time()
    try:
        found = [part.stream.finish()] if part.data is None else part.stream.push(part.data)
    except AisleError as error:
        return error
    except Exception as error:  # noqa: BLE001 (whatever an engine raises concerns this caller alone)
        return failed(part.op, error)
    return list(found), (time.thread_time() - began) * 1000


class OpenStream:
    """One caller's stream, on the event loop.

    `count` hears of every answer (None: it failed), its milliseconds of processor time and when it began; with 0 requests, of
    the time that went into what is never answered, such as silence.
    """

    def __init__(self, op: str, stream: Stream, batcher: Batcher, owner: Owner, stale: Callable[[], bool]) -> None:
        self.model = owner.name
        self.count: Callable[[Answer | None, float, float, int], None] = lambda answer, cpu_ms, began, requests: None
        self._op, self._stream, self._batcher, self._owner, self._stale = op, stream, batcher, owner, stale
        self._cpu_ms = 0.0  # since the last answer
        self._began = time.perf_counter()
        self._open = True

    @property
    def stale(self) -> bool:
        """Whether a newer version of the model is live: open another stream when it suits you."""
        return self._stale()

    async def push(self, part: Any, patience: float | None = None) -> list[Any]:
        """What became known with this part; Answers among it are stamped and counted. `patience`: seconds it may take.

        Raises Overloaded or DeadlineExceeded where the model cannot keep up, and what the engine says of this part.
        """
        return await self._send(part, patience or PATIENCE)

    async def finish(self, patience: float | None = None) -> Answer:
        """The answer on what was not answered yet; the stream may be pushed again. Raises as `push` does."""
        answer: Answer = (await self._send(None, patience or CLOSING))[-1]
        return answer

    def close(self) -> None:
        """Let go of the model; what was not answered is dropped."""
        if self._open:
            self._open = False
            self._owner.leave()
            if self._cpu_ms > 0:
                self._count(None, 0)

    async def _send(self, data: Any, patience: float) -> list[Any]:
        deadline = asyncio.get_running_loop().time() + patience
        try:
            found, cpu_ms = await self._batcher.submit(Part(self._op, self._stream, data), 1.0, "interactive", deadline, True)
        except DeadlineExceeded:
            self._count(None)
            raise Overloaded("the model does not keep up with this stream: try again in a few seconds", retry_after=5) from None
        except AisleError:
            self._count(None)
            raise
        self._cpu_ms += cpu_ms
        for one in found:
            if isinstance(one, Answer):
                one.model = self.model
                one.usage = Usage(cpu_ms=self._cpu_ms)
                self._count(one)
        return list(found)

    def _count(self, answer: Answer | None, requests: int = 1) -> None:
        """Tell of an answer or its failure; what comes next is another one's."""
        self.count(answer, self._cpu_ms, self._began, requests)
        self._cpu_ms, self._began = 0.0, time.perf_counter()
