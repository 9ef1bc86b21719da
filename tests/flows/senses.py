"""Eyes and ears for tests of flows: pictures whose bytes are a vector, recordings whose bytes are the words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from aisle.errors import BadInput
from aisle.task import Answer, Context, Data, Operation, Prepared, Progress
from aisle.types import Picture, Sound


class Config(Struct, frozen=True):
    pass


class Look(Struct):
    image: Picture
    box: tuple[float, float, float, float] | None = None
    n: int = 5
    explain: str = "brief"


class Embedded(Answer, kw_only=True):
    embedding: list[float]


class Label(Struct):
    label: str
    probability: float


class Seen(Answer, kw_only=True):
    labels: list[Label]


class Listen(Struct):
    audio: Sound


class Other(Struct):
    text: str
    probability: float


class Said(Answer, kw_only=True):
    text: str
    probability: float
    alternatives: list[Other]


class Engine:
    """The data of a request is its file, as text: "0 1" a vector, "red lamp=0.6;red lamb=0.3" what was said."""

    def prepare(self, op: str, request: Any, context: Context) -> Prepared:
        text = context.media.decode()
        if op == "embed" and not text:
            raise BadInput("no picture")
        return Prepared((text, getattr(request, "box", None)))

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        return [one.data for one in batch]

    def finish(self, op: str, request: Any, result: Any) -> Answer:
        text, box = result
        if op == "embed":
            vector = [float(number) for number in text.split()]
            return Embedded(embedding=vector[::-1] if box else vector)
        if op == "classify":
            return Seen(labels=[Label("thing", 0.9)])
        heard = [(words, float(share)) for words, _, share in (part.partition("=") for part in text.split(";"))]
        best = heard[0]
        return Said(text=best[0], probability=best[1], alternatives=[Other(*one) for one in heard])


class Sense:
    """A task with the operations it is given."""

    config = Config

    def __init__(self, name: str, operations: dict[str, Operation], starter: Path) -> None:
        self.name, self.operations, self.starter = name, operations, starter

    def fit(self, data: Data, config: Config, folder: Path, progress: Progress) -> dict[str, float]:
        return {}

    def load(self, folder: Path) -> Engine:
        return Engine()

    def evaluate(self, data: Data, config: Config, protocol: str, progress: Progress) -> list[dict[str, Any]]:
        return []


def senses(starter: Path) -> dict[str, Sense]:
    """vision and speech by name; `starter` is a folder to make."""
    starter.mkdir(parents=True)
    (starter / "card.json").write_text("{}")
    eyes = {
        "embed": Operation(Look, Embedded, {}, "A vector.", frozenset({"picture"})),
        "classify": Operation(Look, Seen, {}, "Labels.", frozenset({"picture"})),
    }
    ears = {"transcribe": Operation(Listen, Said, {}, "Words.", frozenset({"sound"}))}
    return {"vision": Sense("vision", eyes, starter), "speech": Sense("speech", ears, starter)}
