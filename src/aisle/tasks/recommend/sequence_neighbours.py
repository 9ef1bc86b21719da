"""What comes after what: item neighbours that know order, distance and recency, with no network and no training loop.

    follows(i, j) = Σ over users, over i before j:  ρ^(steps between − 1)          (together: both in one basket)
    sim(i, j)     = (follows(i, j) + β · follows(j, i)) / (n_i + λ)                 n_i meetings of i that something followed
    near(i, j)    = |sim(i)| · ((1 − μ) · P + μ · P P)(i, j)         P: sim with rows of sum 1;  |sim(i)|: the sum of row i
    score(u, j)   = Σ_h γ^age(h) · near(h, j)                                       age 0: the newest step of the history

The decayed transitions are those of session neighbours (Ludewig & Jannach, 2018: SR, S-SKNN), the history's decay that of
STAN (Garg et al., 2019), and the division a ridge regression of the next item on the history with nothing but its diagonal
(`ease.learn_next` keeps the rest; Choi et al., 2021). λ holds back items met a few times, so that chance pairs do not lead.
A walk of two steps (μ > 0) finds what follows the followers, where few followed directly (Cooper et al., 2014).
Ours differs in that every weight is a multiple of 2⁻²⁰: sums in float64 are then exact, adding users up in any order gives
the same bits, and taking a person out equals never having had that person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.tasks.recommend.lists import Floats, Lists, Places, ordered
from aisle.tasks.recommend.world import Sparse

GRAIN = 2.0**20  # weights are multiples of 1 / GRAIN; float64 adds 2³³ of them without loss
STRIDE = 60  # followers of an item that a walk goes by
BLOCK = 1024  # items whose walks are added up at once
PAIRS = 1 << 22  # pairs gathered before they are added up
Step = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Sequences:
    """What users met, oldest first; events of one user with one `step` came together and have no order among them."""

    start: Places  # (users + 1,) where each user's events begin
    item: NDArray[np.int64]  # (events,)
    step: NDArray[np.int64]  # (events,) never falling within a user

    @staticmethod
    def of(user: NDArray[Any], item: NDArray[Any], time: NDArray[Any] | None = None) -> Sequences:
        """From rows sorted by user and then by time; equal `time` means together, without `time` every event is a step."""
        users = int(user.max()) + 1 if len(user) else 0
        start = np.searchsorted(user, np.arange(users + 1))
        if time is None:
            return Sequences(start, np.asarray(item, np.int64), np.arange(len(item)))
        new = np.ones(len(item), bool)
        new[1:] = (user[1:] != user[:-1]) | (time[1:] != time[:-1])
        return Sequences(start, np.asarray(item, np.int64), np.cumsum(new) - 1)

    def only(self, users: NDArray[Any]) -> Sequences:
        """The sequences of some users."""
        spans = [np.arange(self.start[user], self.start[user + 1]) for user in users]
        rows = np.concatenate(spans) if spans else np.zeros(0, np.int64)
        start = np.concatenate([[0], np.cumsum([len(span) for span in spans], dtype=np.int64)])
        return Sequences(start, self.item[rows], self.step[rows])

    @property
    def user(self) -> Places:
        """(events,) whose event it is."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))


@dataclass(frozen=True, slots=True)
class Follows:
    """The sums over users that everything else is made of."""

    counts: Sparse  # (items, items) csr float64: row before column
    met: Floats  # (items,) n_i

    def __add__(self, other: Follows) -> Follows:
        return Follows((self.counts + other.counts).tocsr(), self.met + other.met)

    def __sub__(self, other: Follows) -> Follows:
        """Without these users; exact, and pairs that only they made are gone."""
        left = (self.counts - other.counts).tocsr()
        left.eliminate_zeros()
        return Follows(left, self.met - other.met)


def count(
    sequences: Sequences, items: int, *, decay: float = 0.8, window: int = 20, together: float = 0.0, step: Step | None = None
) -> Follows:
    """Add up who follows whom: `decay` ρ per step between, pairs at most `window` events apart; pairs of one basket count
    `together` in both directions."""
    counts: Sparse = sp.csr_array((items, items), dtype=np.float64)
    gathered: list[tuple[Places, Places, Floats]] = []
    for gap, first, second in _pairs(sequences, window):
        apart = sequences.step[second] - sequences.step[first]
        weight = rounded(np.where(apart > 0, decay ** np.maximum(apart - 1, 0), together))
        a, b = sequences.item[first], sequences.item[second]
        same = (apart == 0) & (weight > 0)
        gathered += [(a, b, weight), (b[same], a[same], weight[same])]
        if sum(len(part[0]) for part in gathered) >= PAIRS or gap == window:
            counts, gathered = counts + _added(gathered, items), []
        if step is not None:
            step(gap, window)
    counts = (counts + _added(gathered, items)).tocsr()
    counts.eliminate_zeros()
    return Follows(counts, _met(sequences, items, together))


def _pairs(sequences: Sequences, window: int) -> Iterator[tuple[int, Places, Places]]:
    """Positions of every two events of one user that are 1, 2, … `window` events apart."""
    user = sequences.user
    for gap in range(1, min(window, len(user) - 1) + 1):
        first = np.flatnonzero(user[:-gap] == user[gap:])
        if not len(first):
            return
        yield gap, first, first + gap


def _added(parts: list[tuple[Places, Places, Floats]], items: int) -> Sparse:
    if not parts:
        return sp.csr_array((items, items), dtype=np.float64)
    row, column, weight = (np.concatenate(part) for part in zip(*parts, strict=True))
    return sp.csr_array((weight, (row, column)), shape=(items, items))


def _met(sequences: Sequences, items: int, together: float) -> Floats:
    """(items,) meetings that something followed: all but those of a user's last step, unless a basket counts."""
    if together:
        return np.bincount(sequences.item, minlength=items).astype(np.float64)
    end = np.diff(sequences.start) > 0
    last = np.zeros(len(sequences.start) - 1, np.int64)
    last[end] = sequences.step[sequences.start[1:][end] - 1]
    followed = sequences.step < last[sequences.user]
    return np.bincount(sequences.item[followed], minlength=items).astype(np.float64)


def rounded(weight: Floats) -> Floats:
    """Weights as multiples of 2⁻²⁰."""
    return np.asarray(np.round(weight * GRAIN) / GRAIN, np.float64)


def similar(
    follows: Follows,
    *,
    damping: float = 50.0,
    backward: float = 0.5,
    popularity: float = 0.0,
    walk: float = 0.0,
    repeats: bool = False,
    k: int = 200,
) -> Lists:
    """The k nearest of every item: `damping` λ, `backward` β, `walk` μ; sim is divided by n_j^`popularity` against best-sellers,
    and with `repeats` an item may follow itself."""
    both = follows.counts + backward * follows.counts.T if backward else follows.counts
    both = both.tocoo()
    keep = (both.data > 0) if repeats else (both.data > 0) & (both.row != both.col)
    row, column = both.row[keep].astype(np.int64), both.col[keep].astype(np.int64)
    value = both.data[keep] / (follows.met[row] + damping)
    if popularity:
        value = value / np.maximum(follows.met[column], 1.0) ** popularity
    items = len(follows.met)
    most = min(k, items if repeats else max(items - 1, 1))
    direct = ordered(row, column, value, items=items, k=most)
    return walked(direct, walk, repeats=repeats) if walk else direct


def walked(direct: Lists, walk: float, *, repeats: bool = False) -> Lists:
    """The lists after one step and two: rows of the same length, and about the same sum, as `direct`."""
    items, k = direct.indices.shape
    rows = _matrix(Lists(direct.indices[:, :STRIDE], direct.values[:, :STRIDE]))
    total = np.asarray(rows.sum(axis=1), np.float64)
    once = sp.csr_array(sp.diags_array(1.0 / np.maximum(total, 1e-300)) @ rows)
    parts = [_walked(once, total, slice(start, start + BLOCK), walk, k, repeats) for start in range(0, items, BLOCK)]
    return Lists(np.concatenate([part.indices for part in parts]), np.concatenate([part.values for part in parts]))


def _walked(once: Sparse, total: Floats, part: slice, walk: float, k: int, repeats: bool) -> Lists:
    here = once[part]
    both = ((1 - walk) * here + walk * (here @ once)).tocoo()
    keep = slice(None) if repeats else both.row + part.start != both.col
    row, column = both.row[keep].astype(np.int64), both.col[keep].astype(np.int64)
    value = both.data[keep] * total[part][row]
    return ordered(row, column, value, items=here.shape[0], k=k, first=part.start)


def _matrix(lists: Lists) -> Sparse:
    """(items, items) csr of lists."""
    items, k = lists.indices.shape
    start = np.arange(0, items * k + 1, k)
    rows: Sparse = sp.csr_array((lists.values.astype(np.float64).ravel(), lists.indices.ravel(), start), shape=(items, items))
    rows.sum_duplicates()
    return rows


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What is served: lists, and how fast a history fades."""

    lists: Lists
    fade: float  # γ per step
    last: int  # newest events of a history that are read


def learn(
    sequences: Sequences,
    items: int,
    *,
    decay: float = 0.8,
    window: int = 20,
    together: float = 0.0,
    damping: float = 50.0,
    backward: float = 0.5,
    popularity: float = 0.0,
    walk: float = 0.0,
    repeats: bool = False,
    k: int = 200,
    fade: float = 0.7,
    last: int = 50,
    step: Step | None = None,
) -> Neighbours:
    """Count, then list."""
    follows = count(sequences, items, decay=decay, window=window, together=together, step=step)
    lists = similar(follows, damping=damping, backward=backward, popularity=popularity, walk=walk, repeats=repeats, k=k)
    return Neighbours(lists, fade, last)


def weights(steps: NDArray[Any], fade: float) -> Floats:
    """(events,) γ^age of a history, oldest first, with the newest step at age 0."""
    return np.asarray(fade ** (steps.max(initial=0) - steps).astype(np.float64), np.float64)


def score(model: Neighbours, history: Places, worth: Floats | None = None) -> tuple[Floats, Floats]:
    """The score of every item for a history (oldest first), and what each event gave to it: (items,), (events, items); the
    second sums to the first. `worth` multiplies the weights of events; without it every event is a step of worth 1."""
    items = len(model.lists.indices)
    recent = history[-model.last :]
    weight = weights(np.arange(len(recent)), model.fade) * (1.0 if worth is None else worth[-model.last :])
    given = np.zeros((len(recent), items))
    rows = np.arange(len(recent))[:, None]
    np.add.at(given, (rows, model.lists.indices[recent]), weight[:, None] * model.lists.values[recent].astype(np.float64))
    return given.sum(axis=0), given


def score_all(lists: Lists, query: Sparse) -> Sparse:
    """(users, items) csr scores for many weighted histories at once, (users, items) csr."""
    return (query @ _matrix(lists)).tocsr()
