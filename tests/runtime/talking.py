"""An engine that is spoken to in letters: a space ends what was said, and its answer says it in capitals."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from aisle.errors import BadInput
from aisle.task import Answer, Context, Prepared


class Said(Answer, kw_only=True):
    """What was said, in capitals."""

    text: str


class Talk(Struct):
    """Begins a talk."""

    greeting: str = ""


class TalkStream:
    """Hears letters; "!" breaks it, "?" is refused."""

    def __init__(self, engine: Talking, greeting: str) -> None:
        self.engine = engine
        self.heard = greeting

    def push(self, part: str) -> Sequence[Any]:
        self.engine.free.wait()
        if part == "!":
            raise ZeroDivisionError("broken")
        if part == "?":
            raise BadInput("that is no letter")
        if self.engine.seconds:
            time.sleep(self.engine.seconds)
        if part == " ":
            return [self.finish()]
        self.heard += part
        return [self.heard]

    def finish(self) -> Said:
        said, self.heard = self.heard, ""
        return Said(text=said.upper())


class Talking:
    """The engine; cleared `free`: every push waits."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.free = threading.Event()
        self.free.set()

    def prepare(self, op: str, request: Any, context: Context) -> Prepared:
        return Prepared(request)

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        return [one.data for one in batch]

    def finish(self, op: str, request: Any, result: Any) -> Answer:
        return Said(text="whole")

    def stream(self, op: str, request: Talk, context: Context) -> TalkStream:
        if request.greeting == "bad":
            raise BadInput("not so")
        return TalkStream(self, request.greeting)
