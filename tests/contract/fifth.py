"""A complete task in one folder, as somebody else would write it: it guesses an item's category from the words of its title."""

from pathlib import Path

INIT = '''
"""Shelves: which category a text belongs to, by counting words."""

from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from aisle.task import Answer, Data, Engine, Operation, Progress, Scores
from aisle.types import Reason


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be tuned."""

    smoothing: Annotated[float, Meta(gt=0, le=100, description="Added to every count.")] = 1.0


class Guess(Struct, frozen=True, forbid_unknown_fields=True):
    """Where does this belong?"""

    text: Annotated[str, Meta(min_length=1, max_length=1000)]


class Shelf(Answer, kw_only=True):
    """The category, and the words that say so."""

    category: str
    reasons: list[Reason]


class Shelves:
    """The task, as the platform sees it."""

    name = "shelves"
    config = Config
    operations = {"guess": Operation(Guess, Shelf, {"text": "red lamp"}, "The category a text belongs to.")}

    def fit(self, data: Data, config: Config, folder: Path, progress: Progress) -> Scores:
        from aisle.tasks.shelves.words import fit

        return fit(data, config.smoothing, folder, progress)

    def load(self, folder: Path) -> Engine:
        from aisle.tasks.shelves.words import Counter

        return Counter.read(folder)

    def evaluate(self, data: Data, config: Config, protocol: str, progress: Progress) -> list[dict[str, Any]]:
        from aisle.errors import BadInput

        if protocol:
            raise BadInput("shelves has no protocols")
        return [{"model": "words", "items": sum(1 for _ in data.items())}]


TASK = Shelves()
'''

WORDS = '''
"""Counts of words per category: learnt, kept as JSON, asked."""

from collections import Counter as Counts
from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aisle.errors import BadInput
from aisle.task import Context, Data, Prepared, Progress, Scores
from aisle.tasks.shelves import Guess, Shelf
from aisle.types import Reason


def fit(data: Data, smoothing: float, folder: Path, progress: Progress) -> Scores:
    progress(0, 1, "counting words")
    counts: dict[str, Counts[str]] = {}
    for item in data.items():
        counts.setdefault(item.category or "", Counts()).update(item.title.lower().split())
    if not counts:
        raise BadInput("shelves learns from items: import some first")
    model = {"smoothing": smoothing, "counts": {name: dict(sorted(c.items())) for name, c in sorted(counts.items())}}
    (folder / "words.json").write_bytes(msgspec.json.encode(model))
    progress(1, 1, "counted")
    return {"categories": float(len(counts))}


class Counter:
    def __init__(self, model: dict[str, Any]) -> None:
        self.smoothing, self.counts = model["smoothing"], model["counts"]

    @classmethod
    def read(cls, folder: Path) -> "Counter":
        return cls(msgspec.json.decode((folder / "words.json").read_bytes()))

    def prepare(self, op: str, request: Guess, context: Context) -> Prepared:
        words = request.text.lower().split()
        if not words:
            raise BadInput("the text has no words", param="/text")
        return Prepared(words, cost=float(len(words)))

    def run(self, op: str, batch: Sequence[Prepared]) -> list[Any]:
        return [self._best(one.data) for one in batch]

    def finish(self, op: str, request: Guess, result: Any) -> Shelf:
        category, weights = result
        reasons = [Reason("token", weight, f"the word {word!r}") for word, weight in weights]
        return Shelf(category=category, reasons=reasons)

    def _best(self, words: list[str]) -> tuple[str, list[tuple[str, float]]]:
        found = {
            name: [(word, log(counts.get(word, 0) + self.smoothing)) for word in words]
            for name, counts in self.counts.items()
        }
        best = max(found, key=lambda name: float(np.sum([weight for _, weight in found[name]])))
        return best, found[best]
'''


def write(where: Path, **changed: str) -> Path:
    """Write the folder below `where`, with some text replaced (`old=new` pairs come as INIT and WORDS); returns `where`."""
    folder = where / "shelves"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(changed.get("init", INIT).lstrip(), "utf-8")
    (folder / "words.py").write_text(changed.get("words", WORDS).lstrip(), "utf-8")
    return where
