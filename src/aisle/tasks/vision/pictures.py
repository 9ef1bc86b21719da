"""The shop's labelled pictures: from the catalogue and from imported samples, each with what it is of and where it is kept."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from aisle.kit.softmax import MISSING, Floats, Ints
from aisle.task import Data
from aisle.tasks.vision.model import CATEGORY
from aisle.types import Box, Item, Sample, Split

FOLDS = 10  # of a picture's name: fold 0 is the test, 1 the validation, where the shop gives no split
SAME = 0.96  # cosine of the centred features of two copies of one picture
BITS = 20  # of 256, in which the fingerprints of copies may differ
FEW, BLOCK = 4000, 1024
LONGEST = 200  # characters of a label
LEAST_SHARE = 0.1  # of the pictures must carry an attribute: a lamp's socket means nothing for other things


@dataclass(frozen=True, slots=True)
class Source:
    """One picture that is not read yet."""

    name: str  # the item's id, or the sample's
    labels: dict[str, str]
    read: Callable[[], bytes | None]
    split: Split | None = None
    is_item: bool = False
    boxes: list[Box] | None = None


def sources(data: Data) -> Iterator[Source]:
    """Every item, and every sample that is a picture."""
    for item in data.items():
        if item.image_urls:
            yield Source(item.item_id, labels_of(item), lambda item=item: data.picture(item), is_item=True)  # type: ignore[misc]
    for sample in data.samples("picture"):
        if sample.media is not None:
            read = lambda address=sample.media: data.media(address)  # noqa: E731
            yield Source(sample.sample_id, labels_of_sample(sample), read, sample.split, boxes=sample.boxes)


def labels_of(item: Item) -> dict[str, str]:
    """The category as the catalogue has it, and attributes that are one word each."""
    found = {CATEGORY: item.category} if item.category else {}
    for name, value in (item.attributes or {}).items():
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, str) and 0 < len(value) <= LONGEST and name != CATEGORY:
            found[name] = value
    return found


def labels_of_sample(sample: Sample) -> dict[str, str]:
    """A sample's main label is its category."""
    found = {}
    for name, value in sample.labels.items():
        one = value if isinstance(value, str) else value[0] if len(value) == 1 else ""
        if one:
            found[CATEGORY if name == "label" else name] = one[:LONGEST]
    return found


@dataclass(slots=True)
class Vocabulary:
    """The heads: what each tells apart. Labels too rare to learn are left out, and said."""

    names: list[str]
    labels: list[list[str]]
    left_out: list[str] = field(default_factory=list)

    @staticmethod
    def of(labels: Sequence[dict[str, str]], least: int, most: int) -> Vocabulary:
        """Category first, then attributes by name. `least` pictures a label needs; an attribute has `most` labels at most."""
        counts: dict[str, Counter[str]] = {}
        for one in labels:
            for name, value in one.items():
                counts.setdefault(name, Counter())[value] += 1
        found = Vocabulary([], [])
        for name in sorted(counts, key=lambda name: (name != CATEGORY, name)):
            if counts[name].total() < LEAST_SHARE * len(labels):
                found.left_out.append(f"{name} is said of {counts[name].total()} of {len(labels)} pictures only")
                continue
            kept = sorted(value for value, count in counts[name].items() if count >= least)
            rare = len(counts[name]) - len(kept)
            if rare:
                found.left_out.append(f"{rare} of {len(counts[name])} labels of {name} have fewer than {least} pictures")
            if len(kept) > most:
                found.left_out.append(f"{name} has {len(kept)} labels, more than {most}")
            elif len(kept) >= 2:
                found.names.append(name)
                found.labels.append(kept)
            elif kept:
                found.left_out.append(f"{name} has one label with enough pictures: there is nothing to tell apart")
        return found

    @property
    def sizes(self) -> list[int]:
        return [len(labels) for labels in self.labels]

    def codes(self, labels: Sequence[dict[str, str]]) -> Ints:
        """(pictures, heads); MISSING where a picture has no label that is learnt."""
        code = [{label: k for k, label in enumerate(known)} for known in self.labels]
        rows = [[code[head].get(one.get(name, ""), MISSING) for head, name in enumerate(self.names)] for one in labels]
        return np.array(rows, np.int64).reshape(len(labels), len(self.names))


@dataclass(frozen=True, slots=True)
class Division:
    """Which rows train, validate and test; copies of one picture are always on one side."""

    train: Ints
    validation: Ints
    test: Ints
    copies: int  # pictures that are a copy of an earlier one
    across: list[str]  # names of training pictures of which a copy is held out: they are not trained on


def divide(names: Sequence[str], splits: Sequence[Split | None], prints: Sequence[bytes], features: Floats) -> Division:
    """The shop's own split where it gave one; else by the name of the first of its copies, so that it never changes."""
    group = copies(prints, features)
    sides: dict[int, set[str]] = {}
    chosen: list[str] = []
    for row, first in enumerate(group):
        side = splits[row] or _side(names[first])
        chosen.append(side)
        sides.setdefault(first, set()).add(side)
    across = [row for row, first in enumerate(group) if chosen[row] == "train" and len(sides[first]) > 1]
    left_out = set(across)
    rows = {
        side: [r for r, one in enumerate(chosen) if one == side and r not in left_out] for side in ("train", "validation", "test")
    }
    train, validation, test = (np.array(rows[side], np.int64) for side in ("train", "validation", "test"))
    copied = sum(first != row for row, first in enumerate(group))
    return Division(train, validation, test, copied, [names[row] for row in across])


def copies(prints: Sequence[bytes], features: Floats) -> list[int]:
    """For every picture the row of the first one that it is a copy of; its own row where it is none.

    Copies are nearly the same to the network and to the eye: cosine of the centred features ≥ SAME, and at most BITS of the 256
    bits of their fingerprints other.
    """
    group = list(range(len(prints)))
    if len(prints) < 2:
        return group
    unit = features - features.mean(0)
    if len(unit) > FEW:  # angles survive a random projection (Johnson and Lindenstrauss, 1984)
        unit = unit @ np.random.default_rng(0).standard_normal((unit.shape[1], 128)).astype(np.float32)
    unit = unit / np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    bits = np.frombuffer(b"".join(prints), np.uint8).reshape(len(prints), -1)
    for start in range(0, len(unit), BLOCK):
        stop = min(start + BLOCK, len(unit))
        alike = unit[start:stop] @ unit[:stop].T
        for k, j in zip(*np.nonzero(alike >= SAME), strict=True):
            row, earlier = start + int(k), int(j)
            if earlier < row and group[row] == row and int(np.bitwise_count(bits[row] ^ bits[earlier]).sum()) <= BITS:
                group[row] = group[earlier]
    return group


def _side(name: str) -> Split:
    fold = zlib.crc32(name.encode()) % FOLDS
    return "test" if fold == 0 else "validation" if fold == 1 else "train"
