"""Likeness of vectors: every item's cosine with the question's vector, computed exactly, for all questions of a batch at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aisle.kit.vectors import Vectors, cosines
from aisle.tasks.search.shelf import Shelf

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
NOWHERE = -1


@dataclass(slots=True)
class Aligned:
    """Where each row of a space stands on the shelf."""

    place: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # (rows,) NOWHERE where the item is not there
    row: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # (places,) NOWHERE where an item has no vector
    _names: list[str] | None = None
    _size: int = 0  # of the shelf when it was last looked at

    def look(self, space: Vectors, shelf: Shelf) -> Ints:
        """(rows,) places, kept up with new rows and new items."""
        rows, before = len(space.matrix), (len(self.place), self._size)
        anew = space.names is not self._names
        if anew:
            self._names, self.place, self._size = space.names, np.zeros(0, np.int64), 0
        known = len(self.place)
        if rows > known:
            fresh = [shelf.place.get(name, NOWHERE) for name in space.names[known:rows]]
            self.place = np.append(self.place, np.array(fresh, np.int64))
        if shelf.size != self._size:
            for row in np.flatnonzero(self.place[:known] == NOWHERE).tolist():
                self.place[row] = shelf.place.get(space.names[row], NOWHERE)
            self._size = shelf.size
        if (len(self.place), self._size) != before or anew:
            there = np.flatnonzero(self.place != NOWHERE)
            self.row = np.full(shelf.size, NOWHERE)
            self.row[self.place[there]] = there
        return self.place[:rows]


def likeness(space: Vectors, place: Ints, asked: Sequence[Sequence[float]], size: int) -> Iterator[Floats]:
    """(size,) by place the cosine with each vector; below 0 and without a vector it is 0."""
    there = place != NOWHERE
    whole = bool(there.all())
    for row in cosines(space, asked):
        found = np.zeros(size, np.float32)
        found[place if whole else place[there]] = np.maximum(row if whole else row[there], 0)
        yield found


def likeness_of(space: Vectors, row: Ints, asked: Sequence[float], places: Ints, size: int) -> Floats:
    """(size,) the same for these places only; 0 for all others."""
    found = np.zeros(size, np.float32)
    there = places[row[places] != NOWHERE]
    found[there] = np.maximum(space.matrix[row[there]] @ _unit(np.array(asked, np.float32)), 0)
    return found


def fed_back(space: Vectors, asked: Sequence[float], best: Ints, rows: Ints, weight: float) -> Floats:
    """(rows,) cosine with the question moved towards its best answers, q + β · mean(best) (Rocchio 1971, no unwanted ones)."""
    question = np.array(asked, np.float32)
    middle = space.matrix[best].mean(axis=0)
    moved = _unit(question) + np.float32(weight) * _unit(middle)
    found: Floats = np.maximum(space.matrix[rows] @ _unit(moved), 0)
    return found


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)


def missing(place: Ints, alive: NDArray[np.bool_]) -> Ints:
    """Places of living items without a vector."""
    without = alive.copy()
    there = place[place != NOWHERE]
    without[there] = False
    return np.flatnonzero(without)
