"""What classifiers learn from: the shop's labelled texts by column, and its catalogue by category."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aisle.kit.words import plain
from aisle.task import Data
from aisle.types import Item, Sample

MAIN = "label"  # the column that the importer knows as the label
SENTIMENT = "sentiment"
CATEGORY = "category"
STARS = frozenset({"1", "2", "3", "4", "5"})
NOT_LABELS = ("item_id", "time", "date", "created_at", "stars_by", "user_id", "split", "language_code")
FEWEST = 12  # texts that a classifier needs
FEWEST_OF_LABEL = 3
MOST_LABELS = 1000
COVERED = 0.8  # share of a column's texts whose label is frequent enough
TEST = 0.2  # share held out where the shop did not divide
VALIDATION = "validation"  # texts that settings are chosen on
LONGEST = 20_000  # characters that are read


@dataclass(slots=True)
class Dataset:
    """Texts with their labels for one classifier."""

    name: str
    labels: list[str]
    texts: list[str]
    targets: NDArray[np.float32]  # (texts, labels): 1 where the label applies
    held_out: NDArray[np.bool_]  # (texts,) never learnt from before quality is measured
    checked: NDArray[np.bool_]  # (texts,) those the shop marked `validation`: settings are chosen on them; often none
    kept_out: bool  # the shop itself named test texts: they are never learnt from
    multi: bool

    @property
    def target(self) -> NDArray[np.int64]:
        """(texts,) the one label of each."""
        found: NDArray[np.int64] = self.targets.argmax(axis=1)
        return found

    def divided(
        self, share: float, most: int, seed: int, most_learnt: int | None = None
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(texts,) twice: what is learnt from while settings are chosen, and what they are chosen on, at most `most`.

        The latter are those the shop marked, or a share of what is not held out; of the former, at most `most_learnt`.
        """
        draw = np.random.default_rng(seed).permutation
        checked, known = draw(np.flatnonzero(self.checked)), draw(np.flatnonzero(~self.held_out & ~self.checked))
        if not len(checked):
            known = known[: None if most_learnt is None else most_learnt + most]
            cut = max(1, min(most, round(len(known) * share)))
            checked, known = known[:cut], known[cut:]
        chosen, learnt = (np.isin(np.arange(len(self.texts)), part) for part in (checked[:most], known[:most_learnt]))
        return learnt, chosen

    def part(self, rows: NDArray[np.bool_]) -> tuple[list[str], NDArray[np.float32]]:
        return [text for text, chosen in zip(self.texts, rows, strict=True) if chosen], self.targets[rows]


@dataclass(slots=True)
class _Column:
    texts: list[str] = field(default_factory=list)
    labels: list[list[str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # what decides what is held out: texts of one key stay together
    splits: list[str | None] = field(default_factory=list)

    def add(self, text: str, labels: list[str], key: str, split: str | None) -> None:
        self.texts.append(plain(text[:LONGEST]))
        self.labels.append(labels)
        self.keys.append(key)
        self.splits.append(split)


def read(data: Data, columns: Sequence[str]) -> tuple[list[Dataset], dict[str, str]]:
    """The data sets there are (only those named, where any are), and why a column became none."""
    found = _columns(data.samples("text"))
    catalogue = _catalogue(data.items())
    if CATEGORY not in found and catalogue.texts:
        found[CATEGORY] = catalogue
    sets, refused = [], {}
    for name in sorted(found, key=lambda name: (name != SENTIMENT, name == CATEGORY, name)):
        if columns and name not in columns:
            continue
        made = _dataset(name, found[name])
        if isinstance(made, str):
            refused[name] = made
        else:
            sets.append(made)
    return sets, refused


def _columns(samples: Iterable[Sample]) -> dict[str, _Column]:
    columns: dict[str, _Column] = {}
    for sample in samples:
        for name, label in sample.labels.items():
            if name in NOT_LABELS or name.endswith("_id") or not sample.text:
                continue
            labels = [label] if isinstance(label, str) else label
            columns.setdefault(name, _Column()).add(sample.text, labels, sample.sample_id, sample.split)
    main = columns.get(MAIN)
    if main is not None and SENTIMENT not in columns and {one for row in main.labels for one in row} <= STARS:
        columns[SENTIMENT] = columns.pop(MAIN)
    return columns


def _catalogue(items: Iterable[Item]) -> _Column:
    """An item's title, and its title with the description, each with the item's category."""
    column = _Column()
    for item in items:
        if item.category:
            column.add(item.title, [item.category], item.item_id, None)
            if item.description:
                column.add(f"{item.title}. {item.description}", [item.category], item.item_id, None)
    return column


def _dataset(name: str, column: _Column) -> Dataset | str:
    """A data set, or why the column cannot be learnt."""
    counts = Counter(one for row in column.labels for one in set(row))
    frequent = sorted(label for label, count in counts.items() if count >= FEWEST_OF_LABEL)
    place = {label: number for number, label in enumerate(frequent)}
    rows = [number for number, labels in enumerate(column.labels) if any(one in place for one in labels)]
    if len(frequent) < 2:
        return f"fewer than 2 labels with {FEWEST_OF_LABEL} texts each"
    if len(rows) < FEWEST or len(rows) < COVERED * len(column.texts) or len(frequent) > MOST_LABELS:
        return (
            f"{len(rows)} of {len(column.texts)} texts have a frequent label, of {len(frequent)} labels: not a column of labels"
        )
    targets = np.zeros((len(rows), len(frequent)), np.float32)
    for row, number in enumerate(rows):
        targets[row, [place[one] for one in column.labels[number] if one in place]] = 1.0
    multi = any(len(column.labels[number]) > 1 for number in rows)
    splits = [column.splits[number] for number in rows]
    kept_out = "test" in splits
    held_out = np.array([split == "test" for split in splits]) if kept_out else _drawn([column.keys[n] for n in rows])
    held_out = _possible(held_out)
    checked = np.array([split == VALIDATION for split in splits]) & ~held_out
    texts = [column.texts[number] for number in rows]
    return Dataset(name, frequent, texts, targets, held_out, checked, kept_out, multi)


def _drawn(keys: Sequence[str]) -> NDArray[np.bool_]:
    """A fifth, decided by each key alone: the same whatever else there is."""
    first = np.array([hashlib.sha256(key.encode("utf-8", "replace")).digest()[0] for key in keys])
    return first < TEST * 256


def _possible(held_out: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """At least one text on each side."""
    if held_out.all() or not held_out.any():
        held_out = np.zeros(len(held_out), bool)
        held_out[:: round(1 / TEST)] = True
    return held_out
