"""One answer of a flow on its way through the tasks: what it asked, what that cost, and the time that is left."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

from aisle.access import Access, Who
from aisle.flows import Flow
from aisle.task import Answer, Usage


class Asked(Protocol):
    """What of the App a flow goes through."""

    access: Access

    async def ask(self, who: Who, task: str, operation: str, request: Any, *, timeout_ms: int | None = None) -> Answer: ...
    def typed(self, task: str, operation: str, request: Mapping[str, Any]) -> Any: ...
    def has(self, tenant: int, task: str) -> bool: ...
    def next_id(self) -> str: ...
    def meter(self, who: Who, what: tuple[str, str, str], failed: bool, cpu_ms: float, latency_us: int) -> None: ...


class Steps:
    """The door of one answer (`flows.Door`)."""

    def __init__(self, app: Asked, who: Who, timeout_ms: int) -> None:
        self._app, self._who = app, who
        self._until = time.monotonic() + timeout_ms / 1000
        self._models: dict[str, None] = {}  # those that answered, in order
        self._cpu_ms = 0.0

    async def answer(self, flow: Flow, request: Any) -> Answer:
        """The flow's answer; its tasks are metered as they are asked, it is itself counted without their cost."""
        self._app.access.require(self._who, flow.scope)
        started, failed = time.perf_counter_ns(), True
        try:
            answer = await flow.run(self, request)
            answer.answer_id, answer.model = self._app.next_id(), "+".join(self._models)
            answer.usage = Usage(cpu_ms=self._cpu_ms)
            failed = False
            return answer
        finally:
            latency_us = (time.perf_counter_ns() - started) // 1000
            self._app.meter(self._who, (flow.key[0], flow.name, ""), failed, 0.0, latency_us)

    async def ask(self, task: str, operation: str, request: Mapping[str, Any] | Struct) -> Any:
        left = max(1, round((self._until - time.monotonic()) * 1000))
        asked = request if isinstance(request, Struct) else self._app.typed(task, operation, request)
        answer = await self._app.ask(self._who, task, operation, asked, timeout_ms=left)
        self._models[answer.model] = None
        self._cpu_ms += answer.usage.cpu_ms if answer.usage else 0.0
        return answer

    def has(self, task: str) -> bool:
        return self._app.has(self._who.tenant, task)
