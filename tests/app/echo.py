"""A task for tests of the platform: it answers with what it was given, so that everything on the way shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from aisle.errors import BadInput
from aisle.task import Answer, Context, Data, Operation, Prepared, Progress, Registry


class Config(Struct, frozen=True):
    word: str = "hello"


class Ask(Struct):
    user_id: str = ""
    text: str = ""


class Echo(Answer, kw_only=True):
    word: str
    text: str
    seen: list[str]
    shown: int


class Engine:
    def __init__(self, word: str) -> None:
        self.word = word

    def prepare(self, op: str, request: Ask, context: Context) -> Prepared:
        if request.text == "bad":
            raise BadInput("bad text")
        shown = int(context.catalogue.mask().sum()) if context.catalogue else -1
        return Prepared(([event.item_id for event in context.events], shown))

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        return [one.data for one in batch]

    def finish(self, op: str, request: Ask, result: Any) -> Echo:
        return Echo(word=self.word, text=request.text, seen=result[0], shown=result[1])


class Task:
    name = "echo"
    config = Config
    operations = {
        "say": Operation(Ask, Echo, {"text": "x"}, "Says it again", frozenset({"events", "catalogue"})),
        "secret": Operation(Ask, Echo, {}, "For admins", scope="admin"),
    }

    def fit(self, data: Data, config: Config, folder: Path, progress: Progress) -> dict[str, float]:
        progress(1, 2, "learning")
        (folder / "word.txt").write_text(config.word)
        progress(2, 2, "done")
        return {"items": float(sum(1 for _ in data.items())), "events": float(len(data.events().user))}

    def load(self, folder: Path) -> Engine:
        return Engine((folder / "word.txt").read_text())

    def evaluate(self, data: Data, config: Config, protocol: str, progress: Progress) -> list[dict[str, Any]]:
        return [{"model": "echo", "score": 1.0}]


REGISTRY = Registry({"echo": Task()})
