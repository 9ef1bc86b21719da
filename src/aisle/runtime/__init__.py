"""Where models answer: one interface, so that engines may live in threads of this process or on other machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

from msgspec import Struct

from aisle.task import Answer, Context, Engine

if TYPE_CHECKING:
    from aisle.runtime.streams import OpenStream

Lane = Literal["interactive", "bulk"]


class ModelStatus(Struct, frozen=True, kw_only=True):
    """How one live model is doing. Counts run since it was loaded."""

    alive: bool  # False: its worker hangs and could not be replaced
    depth: int  # requests that wait
    running: int  # requests in the batch being computed
    batches: int
    answers: int  # results given to callers, failed ones included
    failures: int  # requests that broke the engine
    cancelled: int  # callers that went away before their answer
    expired: int  # requests not answered by their deadline
    rejected: int  # requests refused because too many waited
    restarts: int  # workers replaced after they died or hung
    wait_ms: float  # how long requests waited for their batch, lately
    speed: float  # cost per second while computing, lately; 0 before the first batch


class Runtime(Protocol):
    """The live models of every tenant. All methods are called from one event loop."""

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
        """The answer and the name of the model that gave it ("recommend@7"). `deadline` is a moment of the loop's clock.

        Raises NoModel, Overloaded, Unavailable, DeadlineExceeded, EngineFailed and what the engine says of this request.
        """

    async def stream(self, tenant: int, task: str, op: str, request: Any, context: Context) -> OpenStream:
        """A stream of the live model; close it. Raises NoModel, Overloaded where too many are open, BadInput."""

    async def swap(self, tenant: int, task: str, version: int, engine: Engine) -> None:
        """Requests that arrive from now on go to `engine`; returns when those before have been answered by the old one."""

    def has(self, tenant: int, task: str) -> bool: ...

    def status(self) -> Mapping[str, ModelStatus]:
        """By "tenant/task@version"."""

    async def close(self) -> None:
        """Answer what was asked, then stop."""
