"""Implicit ALS behind `for_user`: each history is folded into the space of the items as it is now, and says what it gave.

    A = Σ_h c_h x_h x_hᵀ + α XᵀX + λ (n + α·items)^ν I            h over the history with c_h > 0, n of them
    score(u, j) = Σ_h c_h · x_hᵀ A⁻¹ x_j                           (Hu et al., 2008, section 5)

The summands are the reasons. Items that came after training have no vector and score 0; likeness of texts fills them in.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.recommend.als import Factors
from aisle.tasks.recommend.history import History
from aisle.tasks.recommend.lists import Floats, Places

Spoken = list[tuple[Floats, slice]]  # per user: (entries, factors) c_h · A⁻¹ x_h, and which entries of the history these are


class Folded(NamedTuple):
    """What the histories of a batch say, a `ranking.Speaker`."""

    scores: Floats  # (users, S)
    spoken: Spoken
    items: NDArray[np.float32]  # (N, factors)

    def given(self, user: int, places: Places) -> tuple[Places, Floats]:
        """The entries of a user's history, and (entries, places) what each adds; nothing to items that came after training."""
        speaks, span = self.spoken[user]
        known = places < len(self.items)
        given = speaks @ self.items.take(np.where(known, places, 0), axis=0).T
        return np.arange(span.start, span.stop), np.where(known, given, 0.0)


def fold(factors: Factors, shared: Floats, history: History, users: int, size: int) -> Folded:
    """Fold every history in; `shared` is α XᵀX. A product per user, so that a batch has the bits of single requests."""
    spoken = [(_speaks(factors, shared, history, span), span) for span in map(history.of, range(users))]
    scores = np.zeros((users, size))
    for user, (speaks, _) in enumerate(spoken):
        scores[user, : len(factors.items)] = factors.items @ speaks.sum(axis=0)
    return Folded(scores, spoken, factors.items)


def _speaks(factors: Factors, shared: Floats, history: History, span: slice) -> Floats:
    item, share = history.item[span], history.share[span]
    count = np.where(item < len(factors.items), np.maximum(share, 0.0), 0.0)
    own = factors.items.take(np.where(count > 0, item, 0), axis=0)
    if not count.any():
        return np.zeros_like(own)
    met = np.count_nonzero(count)
    count *= met / count.sum()  # 1 on average, as at training
    ridge = factors.regularisation * (met + factors.alpha * len(factors.items)) ** factors.exponent
    matrix = (own * count[:, None]).T @ own + shared + ridge * np.eye(own.shape[1])
    return np.asarray(np.linalg.solve(matrix, own.T).T * count[:, None], np.float64)
