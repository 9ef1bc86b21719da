"""Item-to-item lists: for every item its nearest others, in two rectangular arrays that one gather reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lists:
    """Row i names the neighbours of item i, best first; places without a neighbour point to the item itself with value 0."""

    indices: NDArray[np.int32]  # (items, k)
    values: NDArray[np.float32]  # (items, k)

    @staticmethod
    def of(indices: NDArray[np.int32], values: NDArray[np.float32], first: int = 0) -> Lists:
        """From neighbours as `kit.nearest` gives them, keeping likenesses above 0; row 0 belongs to the item at place `first`."""
        keep = (indices >= 0) & (values > 0)
        own = np.arange(first, first + len(indices), dtype=np.int32)[:, None]
        return Lists(np.where(keep, indices, own).astype(np.int32), np.where(keep, values, 0).astype(np.float32))

    @staticmethod
    def empty(items: int, k: int = 1) -> Lists:
        return Lists.of(np.full((items, k), -1, np.int32), np.zeros((items, k), np.float32))

    def row(self, item: int) -> dict[int, float]:
        """The neighbours of one item, best first."""
        indices, values = self.indices[item], self.values[item]
        return {int(j): float(v) for j, v in zip(indices.tolist(), values.tolist(), strict=True) if v > 0}


def ordered(rows: Places, columns: Places, values: Floats, *, items: int, k: int, first: int = 0) -> Lists:
    """Lists of `items` rows from (row, column, value) triples: the k highest of each row, ties by the lower column."""
    order = np.lexsort((columns, -values, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, np.arange(items))[rows]
    keep = rank < k
    indices, found = np.full((items, k), -1, np.int32), np.zeros((items, k), np.float32)
    indices[rows[keep], rank[keep]] = columns[keep]
    found[rows[keep], rank[keep]] = values[keep]
    return Lists.of(indices, found, first)
