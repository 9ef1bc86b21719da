"""One answer of a flow on its way through the tasks: what it asked, what that cost, what time is left, and what is done later."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct, json

from aisle import observe
from aisle.access import Access, Who
from aisle.errors import AisleError
from aisle.flows import Door, Flow
from aisle.kit.personal import masked
from aisle.kit.words import plain
from aisle.models import Models
from aisle.storage.samples import Samples
from aisle.storage.searches import Searches
from aisle.storage.vectors import Vectors
from aisle.task import Answer, Registry, Usage, starter_of
from aisle.types import Sample

Lane = Literal["interactive", "bulk"]
AGAIN = 60.0  # seconds before work of the same name is done again
LONG = 600_000  # ms that work done later may wait for an answer


class Asked(Protocol):
    """What of the App a flow goes through."""

    registry: Registry
    models: Models
    access: Access
    vectors: Vectors
    searches: Searches
    samples: Samples
    aside: Aside

    async def ask(
        self, who: Who, task: str, operation: str, request: Any, *, lane: Lane = "interactive", timeout_ms: int | None = None
    ) -> Answer: ...
    def typed(self, task: str, operation: str, request: Mapping[str, Any]) -> Any: ...
    def has(self, tenant: int, task: str) -> bool: ...
    def next_id(self) -> str: ...
    def meter(self, who: Who, what: tuple[str, str, str], failed: bool, cpu_ms: float, latency_us: int) -> None: ...
    async def work(self, function: Callable[..., Any], *args: Any) -> Any: ...


class Steps:
    """The door of one answer (`flows.Door`)."""

    def __init__(self, app: Asked, who: Who, timeout_ms: int, lane: Lane = "interactive") -> None:
        self._app, self._who, self._lane = app, who, lane
        self._until = time.monotonic() + timeout_ms / 1000
        self._models: dict[str, None] = {}  # those that answered, in order
        self._cpu_ms = 0.0
        self._searched: list[tuple[str, str, int, str]] = []

    async def answer(self, flow: Flow, request: Any) -> Answer:
        """The flow's answer; its tasks are metered as they are asked, it is itself counted without their cost."""
        self._app.access.require(self._who, flow.scope)
        started, failed = time.perf_counter_ns(), True
        try:
            answer = await flow.run(self, request)
            answer.answer_id, answer.model = self._app.next_id(), "+".join(self._models) or flow.name  # where no task was asked
            answer.usage = Usage(cpu_ms=self._cpu_ms)
            for searched in self._searched:
                self._app.searches.add(self._who.tenant, answer.answer_id, *searched)
            failed = False
            return answer
        finally:
            latency_us = (time.perf_counter_ns() - started) // 1000
            self._app.meter(self._who, (flow.key[0], flow.name, ""), failed, 0.0, latency_us)

    async def ask(self, task: str, operation: str, request: Mapping[str, Any] | Struct) -> Any:
        left = max(1, round((self._until - time.monotonic()) * 1000))
        asked = request if isinstance(request, Struct) else self._app.typed(task, operation, request)
        answer = await self._app.ask(self._who, task, operation, asked, lane=self._lane, timeout_ms=left)
        self._models[answer.model] = None
        self._cpu_ms += answer.usage.cpu_ms if answer.usage else 0.0
        return answer

    def has(self, task: str) -> bool:
        return self._app.has(self._who.tenant, task)

    async def cards(self, task: str) -> list[Mapping[str, Any]]:
        cards: list[Mapping[str, Any]] = await self._app.work(self._cards, task)
        return cards

    def _cards(self, task: str) -> list[Mapping[str, Any]]:
        live, starter = self._app.models.live(self._who.tenant, task), starter_of(self._app.registry[task])
        own: list[Mapping[str, Any]] = [live.card] if live is not None else []
        return own if starter is None else [*own, json.decode((starter / "card.json").read_bytes())]

    async def texts(self, item_id: str, limit: int) -> list[Sample]:
        found: list[Sample] = await self._app.work(self._app.samples.of_item, self._who.tenant, item_id, limit)
        return found

    def searched(self, kind: str, query: str, found: int, fallback: str) -> None:
        self._searched.append((kind, masked(plain(query)), found, fallback))

    def later(self, name: str, work: Callable[[Door], Awaitable[None]]) -> None:
        door = Steps(self._app, self._who, LONG, "bulk")
        self._app.aside.do((self._who.tenant, name), lambda: work(door))

    async def keep_vectors(self, space: str, rows: Mapping[str, Sequence[float]]) -> None:
        packed = [(item_id, struct.pack(f"<{len(vector)}f", *vector)) for item_id, vector in rows.items()]
        await self._app.work(self._app.vectors.put, self._who.tenant, space, packed)


class Aside:
    """What flows do after they have answered: each name of a tenant once at a time, and not again for a minute."""

    def __init__(self) -> None:
        self._begun: dict[tuple[int, str], float] = {}
        self._running: dict[tuple[int, str], asyncio.Task[None]] = {}

    def do(self, key: tuple[int, str], work: Callable[[], Awaitable[None]]) -> None:
        """Begin it, unless it runs or has just been done."""
        if key in self._running or time.monotonic() - self._begun.get(key, -AGAIN) < AGAIN:
            return
        self._begun[key] = time.monotonic()
        task = self._running[key] = asyncio.create_task(self._quietly(key, work))
        task.add_done_callback(lambda _: self._running.pop(key, None))

    async def close(self) -> None:
        """Stop what is under way; it will be begun again by the next answer that needs it."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _quietly(self, key: tuple[int, str], work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except AisleError as error:  # nobody waits for it
            observe.failure("flow.later_failed", error, name=key[1])
