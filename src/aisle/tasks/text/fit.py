"""Training: the shop's texts become the files of a model; every item's vector is left for recommendations and search."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from aisle.errors import BadInput
from aisle.kit.words import item_text
from aisle.task import Data, Progress, Scores
from aisle.tasks.text import choice, classifiers, datasets, static
from aisle.tasks.text.inherit import embeds
from aisle.tasks.text.schema import Config
from aisle.types import Item

STARTER = Path(__file__).parent / "starter"
BLOCK = 1000  # items embedded at once
SPACE = "text"  # of the items' vectors
STEPS = 100.0
KEPT = (
    "accuracy",
    "macro_f1",
    "calibration_error",
    "majority",
    "held_out",
    "known_accuracy",
    "strangers_found",
    "answered_accuracy",
)  # scores of each classifier in the card


def fit(data: Data, config: Config, folder: Path, progress: Progress) -> Scores:
    """Embed the catalogue, learn every classifier there are labels for. Raises BadInput where there is nothing to read."""
    items = list(data.items())
    sets, refused = datasets.read(data, config.columns)
    if missing := sorted(set(config.columns) - {one.name for one in sets}):
        known = ", ".join(one.name for one in sets) or "none"
        why = "; ".join(f"{name}: {refused[name]}" for name in missing if name in refused)
        raise BadInput(f"no column {', '.join(missing)} of labels can be learnt ({why or f'those that can: {known}'})")
    if not items and not sets:
        raise BadInput(
            "there is nothing to read: import the catalogue (`aisle import items FILE`) or labelled texts"
            " (`aisle import texts FILE`), then train again"
        )
    begin(folder)
    embedding = static.load(folder / "embedding")
    served = embeds(folder, embedding)
    if items:
        data.write_vectors(SPACE, item_vectors(items, served, progress))
    scores: Scores = {"items": float(len(items)), "dimensions": float(served.dimensions)}
    about = {name: "kept: " + spec.about for name, spec in classifiers.specs(folder).items() if spec.source}
    about |= {f"column {name} is not learnt": why for name, why in refused.items()}
    for number, dataset in enumerate(sets):
        low, wide = 10 + 90 * number / len(sets), 90 / len(sets)
        made = choice.learn(dataset, config, folder, embedding, Reporter(progress, low, wide))
        scores |= {f"{dataset.name}_{name}": made.scores[name] for name in KEPT if name in made.scores}
        about[dataset.name] = made.about
    (folder / "about.json").write_bytes(msgspec.json.encode(about))
    progress(STEPS, STEPS, f"done: {len(items):,} items, {len(sets)} classifiers")
    return scores


def begin(folder: Path) -> None:
    """A model's folder begins as the starter: its embedding, and the classifiers the shop has no labels for."""
    for part in (STARTER / "embedding", *(STARTER / "classifiers").iterdir()):
        place = folder / part.relative_to(STARTER)
        if not place.exists():
            shutil.copytree(part, place)


class Reporter:
    """Progress of one classifier inside the whole; a share below 0 leaves the bar where it is."""

    def __init__(self, progress: Progress, low: float, wide: float) -> None:
        self._progress, self._low, self._wide, self._share = progress, low, wide, 0.0

    def __call__(self, share: float, message: str) -> None:
        self._share = max(self._share, min(share, 1.0))
        self._progress(self._low + self._wide * self._share, STEPS, message)


def item_vectors(items: list[Item], embedding: static.Embedding, progress: Progress) -> Iterator[tuple[str, bytes]]:
    """(item_id, little-endian float32 of length 1) of each item."""
    for start in range(0, len(items), BLOCK):
        progress(10 * start / len(items), STEPS, "embedding items")
        block = items[start : start + BLOCK]
        vectors, _ = embedding.embed([item_text(item) for item in block])
        yield from zip([item.item_id for item in block], (row.astype("<f4").tobytes() for row in vectors), strict=True)
