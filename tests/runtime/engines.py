"""Small engines with known answers and known faults."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from aisle.errors import BadInput
from aisle.task import Answer, Context, Prepared


class Doubled(Answer):
    """The answer of `Doubling`."""

    value: float
    engine: str = ""


class Doubling:
    """Doubles numbers; can be held, and breaks on what it is told to break on."""

    def __init__(self, name: str = "", seconds: float = 0.0, poison: Sequence[Any] = (), error: type[BaseException] = ValueError):
        self.name = name
        self.seconds = seconds
        self.poison = set(poison)
        self.error = error
        self.free = threading.Event()  # cleared: run waits
        self.free.set()
        self.started = threading.Event()  # set when a batch has begun
        self.batches: list[tuple[str, list[Any]]] = []

    def prepare(self, op: str, request: Any, context: Context) -> Prepared:
        if request == "unknown":
            raise BadInput("this is unknown")
        value, cost = request if isinstance(request, tuple) else (request, 1.0)
        return Prepared(value, cost)

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        values = [one.data for one in batch]
        self.batches.append((op, values))
        self.started.set()
        self.free.wait()
        if self.seconds:
            time.sleep(self.seconds)
        if any(value in self.poison for value in values):
            raise self.error("broken by one of them")
        return [value * 2 if op == "double" else -value for value in values]

    def finish(self, op: str, request: Any, result: Any) -> Answer:
        return Doubled(value=result, engine=self.name)
