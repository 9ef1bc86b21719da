"""EASE, the linear autoencoder with a closed form (Steck, 2019), and the same form asked for what comes next.

    G = XᵀX                        X (users, items): who met what
    P = (G + λI)⁻¹,  B = I − P / diag(P)                              items explained by the others, never by themselves
    score(u, j) = Σ_h γ^age(h) · B[h, j]                              the newest counts most (B itself is blind to order)

`learn_next` regresses the next event on the decayed history instead (SLIT: Choi et al., 2021):

    G = Σ_t x_t x_tᵀ,  R = Σ_t x_t y_tᵀ,  B = (G + λI)⁻¹ R              x_t = Σ_h ρ^(t−1−h) e_h: history before t,  y_t: the event

Both learn from sums over users, so a person is taken out of G and R exactly. The inverse is dense: 8 · items² bytes for G and
about 2 · items³ multiplications; above some 10,000 items use `sequence_neighbours`, which keeps the diagonal only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.tasks.recommend.lists import Floats, Lists, Places
from aisle.tasks.recommend.sequence_neighbours import Sequences, weights
from aisle.tasks.recommend.world import Sparse

Step = Callable[[int, int], None]
GRAIN = 2.0**12  # the decays of a history are multiples of 1 / GRAIN, so that sums of their products are exact in float64


@dataclass(frozen=True, slots=True)
class Sums:
    """What the closed form needs of the users; adding and subtracting users is exact for weights of few bits."""

    gram: Sparse  # (items, items) csr float64: G
    target: Sparse | None  # (items, items) csr float64: R; None where items explain each other

    def __add__(self, other: Sums) -> Sums:
        return Sums(_plus(self.gram, other.gram, 1.0), _both(self.target, other.target, 1.0))

    def __sub__(self, other: Sums) -> Sums:
        """Without these users."""
        return Sums(_plus(self.gram, other.gram, -1.0), _both(self.target, other.target, -1.0))


@dataclass(frozen=True, slots=True)
class Ease:
    """What is served: row h says what item h speaks for."""

    weights: NDArray[np.float32]  # (items, items)
    fade: float  # γ per event
    last: int  # newest events of a history that are read


def count(matrix: Sparse) -> Sums:
    """G of (users, items) csr worths; for yes and no, all its entries are whole numbers."""
    wide = matrix.astype(np.float64).tocsr()
    return Sums((wide.T @ wide).tocsr(), None)


def count_next(sequences: Sequences, items: int, *, decay: float = 0.8) -> Sums:
    """G and R of decayed histories and the events after them."""
    before, after = _histories(sequences, items, decay)
    return Sums((before.T @ before).tocsr(), (before.T @ after).tocsr())


def _histories(sequences: Sequences, items: int, decay: float) -> tuple[Sparse, Sparse]:
    """(events, items) csr twice: the decayed history before each event that has one, and the event."""
    user, events = sequences.user, len(sequences.item)
    row, column, value = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for gap in range(1, _reach(decay) + 1):
        first = np.flatnonzero(user[:-gap] == user[gap:]) if gap < events else user[:0]
        if not len(first):
            break
        row.append(first + gap)
        column.append(sequences.item[first])
        value.append(np.full(len(first), np.round(decay ** (gap - 1) * GRAIN) / GRAIN))
    triple = np.concatenate(value), (np.concatenate(row), np.concatenate(column))
    before: Sparse = sp.csr_array(triple, shape=(events, items))
    later = np.flatnonzero(np.diff(before.indptr) > 0)
    after: Sparse = sp.csr_array((np.ones(len(later)), (later, sequences.item[later])), shape=(events, items))
    return before, after


def _reach(decay: float) -> int:
    """Events back until the decay rounds to nothing."""
    if decay <= 0:
        return 1
    return 50 if decay >= 1 else min(50, 1 + int(np.log(0.5 / GRAIN) / np.log(decay)))


def solve(sums: Sums, *, regularisation: float = 200.0, precise: bool = False) -> NDArray[np.float32]:
    """(items, items) B by Cholesky, in float32 or, `precise`, in float64."""
    dtype = np.float64 if precise else np.float32
    gram = sums.gram.toarray().astype(dtype)
    gram.flat[:: len(gram) + 1] += regularisation
    factor = sl.cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
    if sums.target is None:
        inverse = sl.cho_solve(factor, np.eye(len(gram), dtype=dtype), overwrite_b=True, check_finite=False)
        found = inverse / -np.diag(inverse)
        found.flat[:: len(gram) + 1] = 0.0
    else:
        found = sl.cho_solve(factor, sums.target.toarray().astype(dtype), overwrite_b=True, check_finite=False)
    return np.asarray(found, dtype)


def learn(matrix: Sparse, *, regularisation: float = 200.0, fade: float = 1.0, last: int = 500, step: Step | None = None) -> Ease:
    """EASE from (users, items) csr worths."""
    return _learnt(count(matrix), regularisation, fade, last, step)


def learn_next(
    sequences: Sequences, items: int, *, decay: float = 0.8, regularisation: float = 1000.0, fade: float = 0.8, last: int = 50,
    step: Step | None = None,
) -> Ease:  # fmt: skip
    """The regression of the next event."""
    return _learnt(count_next(sequences, items, decay=decay), regularisation, fade, last, step)


def _learnt(sums: Sums, regularisation: float, fade: float, last: int, step: Step | None) -> Ease:
    if step is not None:
        step(1, 2)
    found = Ease(solve(sums, regularisation=regularisation).astype(np.float32, copy=False), fade, last)
    if step is not None:
        step(2, 2)
    return found


def lists(model: Ease, k: int) -> Lists:
    """The k strongest positive weights of every item, to serve by neighbour lists."""
    k = min(k, max(len(model.weights) - 1, 1))
    offered = model.weights.copy()
    offered.flat[:: len(offered) + 1] = 0.0
    top = np.argpartition(-offered, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(offered, top, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return Lists.of(np.take_along_axis(top, order, axis=1).astype(np.int32), np.take_along_axis(values, order, axis=1))


def score(model: Ease, history: Places, worth: Floats | None = None) -> tuple[Floats, Floats]:
    """The score of every item for a history (oldest first), and what each event gave to it: (items,), (events, items)."""
    recent = history[-model.last :]
    weight = weights(np.arange(len(recent)), model.fade) * (1.0 if worth is None else worth[-model.last :])
    given = weight[:, None] * model.weights[recent].astype(np.float64)
    return given.sum(axis=0), given


def score_all(model: Ease, query: Sparse) -> NDArray[np.float32]:
    """(users, items) scores of many weighted histories at once."""
    return np.asarray(query.astype(np.float32) @ model.weights)


def with_repeats(scores: NDArray[Any], own: Sparse, share: float) -> NDArray[Any]:
    """Scores in which what a user had before comes back: `own` (users, items) csr worths, as part of the user's largest,
    raise the item by `share` of the user's highest score."""
    top = scores.max(axis=1, initial=0.0)
    most = np.maximum(np.asarray(own.max(axis=1).todense()).ravel(), 1e-12)
    lift = sp.diags_array(share * top / most) @ own
    return np.asarray(scores + lift)


def _plus(left: Sparse, right: Sparse, sign: float) -> Sparse:
    found: Sparse = (left + sign * right).tocsr()
    found.eliminate_zeros()
    return found


def _both(left: Sparse | None, right: Sparse | None, sign: float) -> Sparse | None:
    return None if left is None or right is None else _plus(left, right, sign)
