"""A space of item vectors in memory: one row of length 1 for each item, kept up with what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Vectors:
    """A space as it was at a moment: `names` may have grown since, its first rows are these."""

    names: list[str]
    matrix: Floats  # (rows, dimensions) of length 1, or 0 where an item has none
    stamp: NDArray[np.int64]  # (rows,) the version that wrote a row last
    version: int

    @property
    def dimensions(self) -> int:
        """0 while there is no vector."""
        return int(self.matrix.shape[1])


class Space:
    """Vectors by item. `version` counts the changes. Written by one thread; what `now` gives may be read by others."""

    def __init__(self, rows: Iterable[tuple[str, bytes]] = ()) -> None:
        self.names: list[str] = []
        self.row: dict[str, int] = {}
        self.version = 0
        self.stamp = np.zeros(0, np.int64)
        self._matrix: Floats = np.zeros((0, 0), np.float32)
        self.put(rows)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def dimensions(self) -> int:
        """0 while there is no vector."""
        return int(self._matrix.shape[1])

    def now(self) -> Vectors:
        """What there is. Do not write into it."""
        size = len(self.names)
        return Vectors(self.names, self._matrix[:size], self.stamp[:size], self.version)

    def put(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Insert or replace little-endian float32 vectors. Those of another length than before replace the whole space."""
        found = dict(rows)
        if not found:
            return
        length = len(next(reversed(found.values()))) // 4
        known = [(name, vector) for name, vector in found.items() if len(vector) == 4 * length]
        if length != self.dimensions:
            self.names, self.row = [], {}
            self._matrix, self.stamp = np.zeros((0, length), np.float32), np.zeros(0, np.int64)
        places = [self._place(name) for name, _ in known]
        self._grow(len(self.names))
        vectors = np.frombuffer(b"".join(vector for _, vector in known), "<f4").reshape(len(known), length)
        size = np.linalg.norm(vectors, axis=1, keepdims=True)
        matrix = self._matrix
        matrix[places] = np.where(np.isfinite(size) & (size > 0), vectors / np.maximum(size, 1e-12), 0)
        self.version += 1
        self.stamp[places] = self.version

    def _place(self, name: str) -> int:
        place = self.row.setdefault(name, len(self.names))
        if place == len(self.names):
            self.names.append(name)
        return place

    def _grow(self, size: int) -> None:
        if size > len(self._matrix):
            room = max(size, len(self._matrix) * 5 // 4)
            wider = np.zeros((room, self._matrix.shape[1]), np.float32)
            wider[: len(self._matrix)] = self._matrix
            self._matrix = wider
            self.stamp = np.append(self.stamp, np.zeros(room - len(self.stamp), np.int64))


def cosines(space: Vectors, vectors: Sequence[Sequence[float]]) -> Floats:
    """(questions, rows) cosine of each vector with every row; zeros for vectors of another length than the space's."""
    found = np.zeros((len(vectors), len(space.matrix)), np.float32)
    fit = [number for number, vector in enumerate(vectors) if len(vector) == space.dimensions]
    if not fit or not len(space.matrix):
        return found
    asked = np.array([vectors[number] for number in fit], np.float32)
    asked /= np.maximum(np.linalg.norm(asked, axis=1, keepdims=True), 1e-12)
    found[fit] = np.nan_to_num(asked @ space.matrix.T)
    return found
