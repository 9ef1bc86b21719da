"""Item-based collaborative filtering (Sarwar et al., 2001; Deshpande & Karypis, 2004).

An item is the column of what all users did with it; two items are alike when the same users want both:

    sim(i, j) = measure(column i, column j) · n / (n + β)        n users want both
    score(u, i) = Σ_h w(u, h) · sim(h, i) / Σ_h |w(u, h)|         h over the user's own history, as of now

Ours differs in two ways. A user's wants enter a column as log(1 + interest), so that one keen shopper does not decide.
Items nobody has wanted yet have no column; likeness of texts stands in for them, at `content_share` of its size, so that
new items are found and a history of new items still finds something.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aisle.kit.nearest import top_k_neighbours
from aisle.kit.similarity import Measure
from aisle.tasks.recommend.lists import Lists, ordered
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.world import Sparse


def learn(interest: Sparse, config: Config, measure: Measure, step: Callable[[int, int], None]) -> Lists:
    """The neighbours of every item by behaviour, from (users, items) interest."""
    liked = interest.copy()
    liked.data = np.log1p(np.maximum(liked.data, 0.0))
    liked.eliminate_zeros()
    columns = liked.T.tocsr()  # (items, users)
    k = min(config.neighbours, max(columns.shape[0] - 1, 1))
    indices, values = top_k_neighbours(columns, measure, k, shrinkage=config.shrinkage, progress=step)
    return Lists.of(indices, values)


def with_cold(behaviour: Lists, content: Lists, share: float) -> Lists:
    """Behaviour lists in which items without any behaviour stand by the likeness of their texts."""
    items, k = behaviour.indices.shape
    cold = np.asarray(~(behaviour.values > 0).any(axis=1), bool)
    if not cold.any() or share == 0:
        return behaviour
    texts = (content.values > 0) & (cold[:, None] | cold[content.indices])
    rows, places = np.nonzero(behaviour.values > 0)
    own, near = np.nonzero(texts)
    column = content.indices[own, near]
    # A new item's own list names its likes; each of them names the new item in return.
    row = np.concatenate([rows, own, column]).astype(np.int64)
    to = np.concatenate([behaviour.indices[rows, places], column, own]).astype(np.int64)
    value = np.concatenate([behaviour.values[rows, places], *[content.values[own, near] * share] * 2]).astype(np.float64)
    _, first = np.unique(row * items + to, return_index=True)
    return ordered(row[first], to[first], value[first], items=items, k=k)
