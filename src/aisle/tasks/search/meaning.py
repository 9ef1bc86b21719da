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
    _names: list[str] | None = None
    _size: int = 0  # of the shelf when it was last looked at

    def look(self, space: Vectors, shelf: Shelf) -> Ints:
        """(rows,) places, kept up with new rows and new items."""
        rows = len(space.matrix)
        if space.names is not self._names:
            self._names, self.place, self._size = space.names, np.zeros(0, np.int64), 0
        known = len(self.place)
        if rows > known:
            fresh = [shelf.place.get(name, NOWHERE) for name in space.names[known:rows]]
            self.place = np.append(self.place, np.array(fresh, np.int64))
        if shelf.size != self._size:
            for row in np.flatnonzero(self.place[:known] == NOWHERE).tolist():
                self.place[row] = shelf.place.get(space.names[row], NOWHERE)
            self._size = shelf.size
        return self.place[:rows]


def likeness(space: Vectors, place: Ints, asked: Sequence[Sequence[float]], size: int) -> Iterator[Floats]:
    """(size,) by place the cosine with each vector; below 0 and without a vector it is 0."""
    there = place != NOWHERE
    whole = bool(there.all())
    for row in cosines(space, asked):
        found = np.zeros(size, np.float32)
        found[place if whole else place[there]] = np.maximum(row if whole else row[there], 0)
        yield found


def missing(place: Ints, alive: NDArray[np.bool_]) -> Ints:
    """Places of living items without a vector."""
    without = alive.copy()
    there = place[place != NOWHERE]
    without[there] = False
    return np.flatnonzero(without)
