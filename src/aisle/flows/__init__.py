"""Tasks in a row: what takes several tasks to answer, declared like an operation and asked through the same door.

A flow is a module here with a tuple `FLOWS`. It asks tasks by name through `Door.ask` (access, context, metering and reasons
stay on that one path), and is served, documented and checked because it is declared. Adding one is adding a module.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from msgspec import Struct

from aisle.task import Answer, Need, Registry
from aisle.types import Sample


class Door(Protocol):
    """What the App hands a flow: its one way to everything else, as the caller who asked."""

    async def ask(self, task: str, operation: str, request: Mapping[str, Any] | Struct) -> Any:
        """The answer of another task, by name. Raises what `App.ask` raises."""

    def has(self, task: str) -> bool:
        """Whether there is a model of this task to ask."""

    async def cards(self, task: str) -> Sequence[Mapping[str, Any]]:
        """The cards of the model that answers and of the one that comes with the task, where there are such."""

    async def texts(self, item_id: str, limit: int) -> list[Sample]:
        """The shop's newest labelled texts about an item."""

    def searched(self, kind: str, query: str, found: int, fallback: str) -> None:
        """Note what was looked for and what came of it: never who asked, and personal data in the words masked."""

    def later(self, name: str, work: Callable[[Door], Awaitable[None]]) -> None:
        """Do this after the answer has gone out, in the bulk lane; not again under the same name for a minute."""

    async def keep_vectors(self, space: str, rows: Mapping[str, Sequence[float]]) -> None:
        """Store vectors of items that had none, beside those that training wrote."""


Run = Callable[[Door, Any], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Flow:
    """One thing that tasks answer together: POST <path>, `shop.<name>(…)`, `aisle ask <name>`."""

    name: str  # "search", "search.image"
    path: str  # "/v1/search/image"
    request: type[Struct]
    answer: type[Answer]
    example: Mapping[str, Any]  # works on the demo shop
    summary: str
    run: Run
    asks: tuple[str, ...]  # the operations it may ask, for the documentation
    requires: frozenset[str]  # tasks it cannot do without: where one is not installed, there is no such flow
    needs: frozenset[Need] = frozenset()
    scope: Literal["read", "write", "admin"] = "read"
    heavy: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What App.ask knows it by: ("search", "image"); ("search", "") for the first of its name."""
        task, _, operation = self.name.partition(".")
        return task, operation


class Flows:
    """All flows, by (task, operation)."""

    def __init__(self, flows: Iterable[Flow] = ()) -> None:
        self._flows = {flow.key: flow for flow in flows}

    def get(self, task: str, operation: str) -> Flow | None:
        return self._flows.get((task, operation))

    def of(self, task: str) -> list[str]:
        """The operations that flows add to a task's."""
        return [operation for name, operation in self._flows if name == task]

    def __iter__(self) -> Iterator[Flow]:
        return iter(self._flows.values())


def discover(registry: Registry) -> Flows:
    """The flows of every module here for which the tasks are there."""
    package = importlib.import_module("aisle.flows")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    found = [flow for name in names for flow in getattr(importlib.import_module(f"aisle.flows.{name}"), "FLOWS", ())]
    return Flows(flow for flow in found if flow.requires <= registry.tasks.keys())
