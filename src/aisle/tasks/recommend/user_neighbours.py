"""User-based collaborative filtering (Resnick et al., 1994; Herlocker et al., 1999).

    sim(u, v) = measure(vector of u, vector of v) · n / (n + β)      n items both know; Pearson only (significance)
    score(u, i) = Σ_v sim(u, v) · r(v, i) / Σ_v sim(u, v)             v over the k nearest with sim > 0

The vector of u is what is known of them now: the events of training and those since. r(v, i) is log(1 + interest) of
a neighbour in an item. `relative_euclidean` can be negative; such users, like all others at or below 0, are no neighbours.
Pearson runs over co-rated items where the shop has ratings, and over full vectors where it has only yes/no data, in which
two shoppers who know the same items have no variance to compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from aisle.kit import compiled
from aisle.kit.similarity import Measure, Rows, against, plain
from aisle.tasks.recommend.lists import Floats
from aisle.tasks.recommend.weights import RATE, Weights
from aisle.tasks.recommend.world import Sparse, World
from aisle.types import PastEvent

Vector = tuple[NDArray[np.int64], Floats]  # (columns, values)


@dataclass
class Crowd:
    """All users of the training rows; what is derived from them is made when first asked for."""

    users: list[str]
    taste: Sparse  # (users, columns) csr float64: the vectors users are compared by
    wants: Sparse  # (users, items) csr: log(1 + interest), positive only
    first: NDArray[np.int64]  # (users,) microseconds, oldest event
    last: NDArray[np.int64]  # (users,) newest event
    rated: bool
    row: dict[str, int] = field(default_factory=dict)
    checked: bool = False  # the compiled ranker has found these arrays to fit each other

    def __post_init__(self) -> None:
        self.row = {user: row for row, user in enumerate(self.users)}

    @cached_property
    def rows(self) -> Rows:
        return Rows.from_csr(self.taste)

    def measure(self, name: str) -> Measure:
        """Pearson over full vectors where there are no ratings to correlate."""
        return "pearson_full" if name == "pearson" and not self.rated else name  # type: ignore[return-value]


def learn(world: World, weights: Weights) -> Crowd:
    """Nothing is fitted: the users' vectors are the model."""
    wants = world.interest(weights)
    wants.data = np.log1p(np.maximum(wants.data, 0.0))
    wants.eliminate_zeros()
    starts = np.searchsorted(world.user, np.arange(len(world.users)))
    stops = np.searchsorted(world.user, np.arange(len(world.users)), side="right")
    known = stops > starts
    first, last = np.full(len(world.users), 2**62), np.full(len(world.users), -1)
    first[known], last[known] = world.time[starts[known]], world.time[stops[known] - 1]
    return Crowd(world.users, world.taste(weights), wants, first, last, bool((world.type == RATE).any()))


def vector_of(crowd: Crowd, weights: Weights, column: dict[str, int], user_id: str, events: Sequence[PastEvent]) -> Vector:
    """A user's vector as of now. `events` are their newest, newest first. Where these reach back to the user's first event
    they are all there is; else what training knew is kept, and the events after it are added.

    Items nobody had at training get columns after the last, so that they count in the vector's length."""
    row = crowd.row.get(user_id)
    if row is not None and events and events[-1].time > crowd.first[row]:
        newer = [event for event in events if event.time > crowd.last[row]]
    elif row is not None and not events:
        newer = []
    else:
        row, newer = None, list(events)
    known = dict(zip(*(part.tolist() for part in _row(crowd.taste, row)), strict=True)) if row is not None else {}
    return _summed(known, weights, column, newer)


def _row(matrix: Sparse, row: int) -> Vector:
    span = slice(matrix.indptr[row], matrix.indptr[row + 1])
    return matrix.indices[span], matrix.data[span]


def _summed(known: dict[int, float], weights: Weights, column: dict[str, int], newer: Sequence[PastEvent]) -> Vector:
    """Add events, newest first, to a vector: of several ratings of an item only the newest counts."""
    unknown: dict[str, int] = {}
    rated: set[str] = set()
    sums, table = dict(known), weights.table.tolist()
    for item_id, kind, _, value, _ in newer:
        worth = table[kind]
        if kind == RATE:
            if item_id in rated:
                continue
            rated.add(item_id)
            worth = value or 0.0
        place = column.get(item_id)
        if place is None:
            place = unknown.setdefault(item_id, len(column) + len(unknown))
        sums[place] = sums.get(place, 0.0) + worth
    kept = {place: value for place, value in sums.items() if value != 0}
    return np.array(list(kept), np.int64), np.array(list(kept.values()), np.float64)


def nearest(
    crowd: Crowd, measure: Measure, vector: Vector, user_id: str, k: int, shrinkage: float
) -> tuple[NDArray[np.int64], Floats]:
    """The k users most alike (the user left out), with likeness above 0, best first."""
    found = against(measure, *vector, crowd.rows, shrinkage if measure in ("pearson", "pearson_full") else 0.0)
    if (own := crowd.row.get(user_id)) is not None:
        found[own] = 0.0
    best = _highest(found, k)
    return best, found[best]


def _highest(found: Floats, k: int) -> NDArray[np.int64]:
    """The places of the k highest numbers above 0, best first, ties by the lower place."""
    k = min(k, len(found))
    if compiled.BUILT and k:  # rounded to float32 the k-th highest is no higher than any of the k highest
        rounded = found.astype(np.float32)
        least = compiled.best(rounded[None, :], k, 0.0)[1][0, -1]
        best = np.flatnonzero((rounded >= least) & (found > 0))
    else:
        best = np.flatnonzero(found >= np.partition(found, -k)[-k]) if k else np.zeros(0, np.int64)
        best = best[found[best] > 0]
    return np.asarray(best[np.lexsort((best, -found[best]))][:k], np.int64)


def predict(crowd: Crowd, neighbours: NDArray[np.int64], similarity: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """(items,) scores, and the number of neighbours behind each."""
    items = crowd.wants.shape[1]
    if len(neighbours) and compiled.adds_up(crowd.wants):
        return compiled.sums(crowd.wants, neighbours, _shares(similarity), items, alike=False)
    starts, stops = crowd.wants.indptr[neighbours], crowd.wants.indptr[neighbours + 1]
    spans = [slice(start, stop) for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]
    if not spans:
        return np.zeros(items), np.zeros(items, np.int64)
    item = np.concatenate([crowd.wants.indices[span] for span in spans])
    want = np.concatenate([crowd.wants.data[span] for span in spans])
    share = np.repeat(_shares(similarity), stops - starts)
    return np.bincount(item, want * share, items).astype(np.float64), np.bincount(item, minlength=items).astype(np.int64)


def _shares(similarity: Floats) -> Floats:
    """Each as part of all, added up one after the other as the compiled ranker does."""
    return np.asarray(similarity / np.add.accumulate(similarity)[-1], np.float64)


def alike(crowd: Crowd, measure: Measure, vector: Vector, user_id: str, n: int) -> list[tuple[str, float]]:
    """The n users with the highest plain measure, the user left out; ties by user id. The fast scan finds them, the plain
    formula says their numbers. Users about whom the measure says nothing (no vector; exactly 0) are not among them."""
    if not len(vector[0]):
        return []
    found = against(measure, *vector, crowd.rows)
    said = (found != 0) & (crowd.rows.counts > 0)
    if (own := crowd.row.get(user_id)) is not None:
        said[own] = False
    rows = np.flatnonzero(said)
    if len(rows) > n:
        least = np.partition(found[rows], len(rows) - n)[len(rows) - n]
        rows = rows[found[rows] >= least - 1e-9]
    pairs = [(crowd.users[row], _plain(crowd, measure, vector, row)) for row in rows.tolist()]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:n]


def _plain(crowd: Crowd, measure: Measure, vector: Vector, row: int) -> float:
    """The formula itself, over the columns that either of the two has: no plain measure asks for more."""
    columns, theirs = _row(crowd.taste, row)
    every = np.union1d(vector[0], columns)
    mine, other = np.zeros(len(every)), np.zeros(len(every))
    mine[np.searchsorted(every, vector[0])] = vector[1]
    other[np.searchsorted(every, columns)] = theirs
    return plain(measure, mine, other)
