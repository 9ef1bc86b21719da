"""The live models in threads of this process: one engine, one batcher and one thread for each tenant and task."""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from aisle.errors import AisleError, DeadlineExceeded, Misconfigured, NoModel, Overloaded, Unavailable
from aisle.runtime import Lane, ModelStatus
from aisle.runtime.batcher import Batcher
from aisle.runtime.host import Call, EngineHost, failed
from aisle.runtime.streams import AT_ONCE, OpenStream, feed
from aisle.runtime.thread import EngineThread
from aisle.task import Answer, Context, Engine, Prepared, Stream, Streaming

TIMEOUT = 10.0  # seconds an answer may take where the caller does not say
BULK_TIMEOUT = 600.0  # the same for the bulk lane, which is meant to wait
GRACE = 30.0  # seconds that closing waits for what was asked


class Live:
    """One loaded model, and how many requests are on their way through it."""

    __slots__ = ("batcher", "host", "idle", "name", "streams", "users")

    def __init__(self, name: str, host: EngineHost, batcher: Batcher) -> None:
        self.name = name
        self.host = host
        self.batcher = batcher
        self.streams: Batcher | None = None  # of the second thread, there from the first stream on
        self.users = 0
        self.idle: asyncio.Event | None = None  # set when the last user of a model that is being replaced has gone

    def leave(self) -> None:
        self.users -= 1
        if self.users == 0 and self.idle is not None:
            self.idle.set()

    async def drain(self, grace: float) -> None:
        """Let requests finish, then end; after `grace` seconds those that are left fail."""
        if self.users:
            self.idle = asyncio.Event()
            try:
                async with asyncio.timeout(grace):
                    await self.idle.wait()
            except TimeoutError:
                pass  # an engine that hangs: its callers have their deadlines
        self.batcher.close()
        if self.streams is not None:
            self.streams.close()


class Seat:
    """A stream's place: it holds its model and counts among those that are open until it leaves."""

    __slots__ = ("_live", "_runtime", "name")

    def __init__(self, runtime: LocalRuntime, live: Live) -> None:
        self.name = live.name
        self._runtime = runtime
        self._live = live

    def leave(self) -> None:
        self._runtime.open_streams -= 1
        self._live.leave()


class LocalRuntime:
    """A Runtime in this process.

    `queue`: requests that may wait for a model; `batch_cost`: most cost in one batch; `streams`: how many may be open.
    """

    def __init__(self, *, queue: int = 1024, batch_cost: float = 64.0, streams: int = 64) -> None:
        self._queue = queue
        self._streams = streams
        self.open_streams = 0
        self._budget = batch_cost
        self._live: dict[tuple[int, str], Live] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._preparing = 0
        self._draining: set[asyncio.Task[None]] = set()
        self._closed = False

    async def call(
        self,
        tenant: int,
        task: str,
        op: str,
        request: Any,
        context: Context,
        *,
        lane: Lane = "interactive",
        deadline: float | None = None,
        heavy: bool = False,
    ) -> tuple[Answer, str]:
        """See Runtime. `heavy` requests (decoding pictures, sound) are prepared in a thread instead of on the loop."""
        live = self._live.get((tenant, task))
        if live is None:
            raise self._none(task)
        if deadline is None:
            deadline = asyncio.get_running_loop().time() + (TIMEOUT if lane == "interactive" else BULK_TIMEOUT)
        live.users += 1
        try:
            if heavy:
                prepared, cpu = await self._prepare_aside(live.host, op, request, context, deadline)
            else:
                prepared, cpu = _prepare(live.host, op, request, context)
            answer: Answer = await live.batcher.submit(Call(op, request, prepared), prepared.cost, lane, deadline, heavy)
        finally:
            live.leave()
        if answer.usage is not None:
            answer.usage.cpu_ms += cpu * 1000
        return answer, live.name

    async def stream(self, tenant: int, task: str, op: str, request: Any, context: Context) -> OpenStream:
        """See Runtime."""
        live = self._live.get((tenant, task))
        if live is None:
            raise self._none(task)
        if self.open_streams >= self._streams:
            text = f"{self.open_streams} streams are open, as many as may be (AISLE_STREAMS): try again in a few seconds"
            raise Overloaded(text, retry_after=5)
        self.open_streams += 1
        live.users += 1
        seat = Seat(self, live)
        try:
            stream = await asyncio.get_running_loop().run_in_executor(None, _begin, live.host.engine, op, request, context)
            if live.streams is None:
                carrier = partial(EngineThread, f"streams {live.name}", feed, asyncio.get_running_loop())
                live.streams = Batcher(f"streams of {live.name}", carrier, budget=AT_ONCE, limit=2 * self._streams)
        except BaseException:
            seat.leave()
            raise
        return OpenStream(op, stream, live.streams, seat, lambda: self._live.get((tenant, task)) is not live)

    async def swap(self, tenant: int, task: str, version: int, engine: Engine) -> None:
        """See Runtime."""
        if self._closed:
            raise Unavailable("the server is shutting down: no model can be loaded")
        old = self._live.get((tenant, task))
        self._live[tenant, task] = self._open(f"{task}@{version}", engine)
        if old is not None:
            draining = asyncio.create_task(old.drain(GRACE))
            self._draining.add(draining)
            draining.add_done_callback(self._draining.discard)
            await asyncio.shield(draining)  # a caller that is cancelled leaves no model behind

    def has(self, tenant: int, task: str) -> bool:
        return (tenant, task) in self._live

    def status(self) -> dict[str, ModelStatus]:
        return {f"{tenant}/{live.name}": live.batcher.status() for (tenant, _), live in self._live.items()}

    async def close(self) -> None:
        """See Runtime: at most 30 seconds."""
        self._closed = True
        models = list(self._live.values())
        self._live.clear()
        await asyncio.gather(*self._draining, *(live.drain(GRACE) for live in models))
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _open(self, name: str, engine: Engine) -> Live:
        host = EngineHost(engine)
        carrier = partial(EngineThread, f"engine {name}", host.answer, asyncio.get_running_loop())
        return Live(name, host, Batcher(name, carrier, budget=self._budget, limit=self._queue))

    def _none(self, task: str) -> Exception:
        if self._closed:
            return Unavailable("the server is shutting down: try again")
        return NoModel(f"{task} has no model yet: run `aisle train {task}`")

    async def _prepare_aside(
        self, host: EngineHost, op: str, request: Any, context: Context, deadline: float
    ) -> tuple[Prepared, float]:
        """Prepare in a small pool of threads, as many requests at a time as may wait for a model."""
        if self._preparing >= self._queue:
            raise Overloaded(f"{self._preparing} requests are being decoded: try again in a second")
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max(2, min(4, os.cpu_count() or 2)), "aisle-prepare")
        self._preparing += 1
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.get_running_loop().run_in_executor(self._pool, _prepare, host, op, request, context)
        except TimeoutError:
            raise DeadlineExceeded(
                "the request could not be decoded in the time allowed: send less, or allow more time"
            ) from None
        finally:
            self._preparing -= 1


def _prepare(host: EngineHost, op: str, request: Any, context: Context) -> tuple[Prepared, float]:
    """The prepared request, and the seconds it took: it computes without waiting, and this clock is cheaper than a thread's."""
    began = time.perf_counter()
    prepared = host.prepare(op, request, context)
    return prepared, time.perf_counter() - began


def _begin(engine: Engine, op: str, request: Any, context: Context) -> Stream:
    """A stream of this engine; whatever it raises is an AisleError."""
    if not isinstance(engine, Streaming):
        raise Misconfigured(f"the live model of {op} does not answer streams: train it again, or ask it whole requests")
    try:
        return engine.stream(op, request, context)
    except AisleError:
        raise
    except Exception as error:
        raise failed(op, error) from error
