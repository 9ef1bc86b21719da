"""Implicit ALS behind `for_user`: each history is folded into the space of the items as it is now, and says what it gave.

    A = Σ_h c_h x_h x_hᵀ + α XᵀX + λ (n + α·items)^ν I            h over the history with c_h > 0, n of them
    score(u, j) = Σ_h c_h · x_hᵀ A⁻¹ x_j                           (Hu et al., 2008, section 5)

The summands are the reasons. Items that came after training have no vector and score 0; likeness of texts fills them in.
"""

from __future__ import annotations

import numpy as np

from aisle.tasks.recommend.als import Factors
from aisle.tasks.recommend.history import History
from aisle.tasks.recommend.lists import Floats
from aisle.tasks.recommend.ranking import Pairs, Ranked

Said = list[tuple[Floats, slice]]  # per user: (entries, factors) c_h · A⁻¹ x_h, and which entries of the history these are


def said(factors: Factors, shared: Floats, history: History, users: int) -> Said:
    """What each entry of every history says; `shared` is α XᵀX."""
    return [(_speaks(factors, shared, history, span), span) for span in map(history.of, range(users))]


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


def scores(factors: Factors, found: Said, size: int) -> Floats:
    """(users, S) scores; a product per user, so that a batch has the bits of single requests."""
    made = np.zeros((len(found), size))
    for user, (speaks, _) in enumerate(found):
        made[user, : len(factors.items)] = factors.items @ speaks.sum(axis=0)
    return made


def pairs(factors: Factors, found: Said, ranked: Ranked, size: int) -> Pairs:
    """What every entry gave to every ranked item of its user."""
    bounds = ranked.user.searchsorted(np.arange(len(found) + 1)).tolist()
    cells, values, entries = [np.zeros(0, np.int64)], [np.zeros(0)], [np.zeros(0, np.int64)]
    for user, ((speaks, span), start, stop) in enumerate(zip(found, bounds, bounds[1:], strict=False)):
        place = ranked.place[start:stop]
        cells.append(np.tile(place + user * size, len(speaks)))
        values.append((speaks @ factors.items.take(place, axis=0).T).ravel())  # (entries · winners,)
        entries.append(np.repeat(np.arange(span.start, span.stop), len(place)))
    return Pairs(np.concatenate(cells), np.concatenate(values), 1, np.concatenate(entries))
