"""What is bought in the same order: the cosine of two items over orders, held back where orders are few.

    score(i, j) = n_ij / √(n_i · n_j) · n_ij / (n_ij + β)        n: orders with the item, with both (Linden et al., 2003)

An order is the purchases of one session; purchases without a session are one order while one user's follow each other
within `together_hours`. For a basket the scores of its items are averaged, so each item's share is its contribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.tasks.recommend.lists import Lists, ordered
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.weights import PURCHASE
from aisle.tasks.recommend.world import Sparse, World
from aisle.times import DAY

LARGEST = 100  # items of one order that are paired: beyond it an order is a warehouse, not a basket
DAMPING = 3.0  # β


@dataclass(frozen=True, slots=True)
class Together:
    """Lists by score, and the number of orders behind every entry."""

    lists: Lists
    orders: NDArray[np.int32]  # (items, k) orders with both


def orders(world: World, config: Config) -> Sparse:
    """(orders, items) csr of ones."""
    keep = (world.type == PURCHASE) & (world.item < world.known)
    user, item, time, session = (row[keep] for row in (world.user, world.item, world.time, world.session))
    gap = config.together_hours / 24 * DAY
    new = np.ones(len(user), bool)
    new[1:] = (user[1:] != user[:-1]) | (time[1:] - time[:-1] > gap)
    run = np.cumsum(new) - 1
    order = np.where(session >= 0, session.astype(np.int64) + len(user), run)
    _, order = np.unique(order, return_inverse=True)
    found: Sparse = sp.csr_array(
        (np.ones(len(item)), (order, item)), shape=(int(order.max()) + 1 if len(order) else 0, world.known)
    )
    found.sum_duplicates()
    found.data[:] = 1.0
    sizes = np.diff(found.indptr)
    return found[np.flatnonzero((sizes >= 2) & (sizes <= LARGEST))], np.bincount(found.indices, minlength=world.known)


def learn(world: World, config: Config, k: int = 50) -> Together:
    """The companions of every item."""
    baskets, alone = orders(world, config)
    both = (baskets.T @ baskets).tocoo()
    keep = (both.row != both.col) & (both.data >= config.min_together)
    row, column, count = both.row[keep].astype(np.int64), both.col[keep].astype(np.int64), both.data[keep]
    score = count / np.sqrt(alone[row] * alone[column]) * (count / (count + DAMPING))
    lists = ordered(row, column, score, items=world.known, k=min(k, max(world.known - 1, 1)))
    counts = sp.csr_array((count, (row, column)), shape=(world.known, world.known))
    return Together(lists, _counts(counts, lists))


def _counts(counts: Sparse, lists: Lists) -> NDArray[np.int32]:
    own = np.repeat(np.arange(len(lists.indices)), lists.indices.shape[1])
    found = np.asarray(counts[own, lists.indices.ravel()]).ravel()
    return found.reshape(lists.indices.shape).astype(np.int32)
