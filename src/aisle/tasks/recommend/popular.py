"""What many shoppers want: weighted events, half as much after each half-life; over any window of days; newest items last.

score(i) = Σ_u min(Σ_e w(e) · 2^(−age(e) / half-life), cap)        over positive events e of user u with item i

Age is counted from the newest event. The cap is what two purchases count: however often one person (or one script) buys an item,
nobody makes it popular alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.recommend.lists import Floats
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.weights import Weights
from aisle.tasks.recommend.world import World
from aisle.times import DAY

PURCHASES = 2.0  # that one person counts for an item at most, in all and on any day


@dataclass(frozen=True, slots=True)
class Popularity:
    """Scores over all time, and daily sums from which any window is added up. Items are those of the catalogue."""

    score: Floats  # (items,)
    shoppers: NDArray[np.int32]  # (items,) distinct users with a positive event
    day: NDArray[np.int32]  # (cells,) ascending; 0 is the day of the newest event, −1 the day before
    item: NDArray[np.int32]  # (cells,)
    weight: NDArray[np.float32]  # (cells,) positive weights of that item on that day

    def window(self, days: int) -> Floats:
        """(items,) the weights of the last `days` days, undecayed."""
        start = int(np.searchsorted(self.day, -days + 1))
        return np.bincount(self.item[start:], self.weight[start:], len(self.score)).astype(np.float64)


def learn(world: World, weights: Weights, config: Config) -> Popularity:
    """Counts from the events, at once."""
    worth = weights.interest(world.type, world.value)
    keep = (worth > 0) & (world.item < world.known)
    item, user, worth = world.item[keep].astype(np.int64), world.user[keep].astype(np.int64), worth[keep]
    age = world.until - world.time[keep]
    decayed = worth * np.exp2(-age / (config.popularity_half_life_days * DAY))
    users = max(len(world.users), 1)
    cap = PURCHASES * float(weights.table.max())
    pairs, each = _capped(item * users + user, decayed, cap)
    score = np.bincount(pairs // users, each, world.known).astype(np.float64)
    shoppers = np.bincount(pairs // users, minlength=world.known).astype(np.int32)
    return Popularity(score, shoppers, *_daily(item, user, worth, -(age // DAY), users, cap))


def _capped(key: NDArray[np.int64], worth: Floats, cap: float) -> tuple[NDArray[np.int64], Floats]:
    """The distinct keys, ascending, and the sum of each, at most `cap`."""
    keys, inverse = np.unique(key, return_inverse=True)
    return keys, np.minimum(np.bincount(inverse, worth, len(keys)), cap)


def _daily(
    item: NDArray[np.int64], user: NDArray[np.int64], worth: Floats, day: NDArray[np.int64], users: int, cap: float
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """(day, item, weight) of every day and item with events, by day."""
    if not len(item):
        return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32)
    first, size = int(day.min()), int(item.max()) + 1
    visits, each = _capped(((day - first) * size + item) * users + user, worth, cap)
    cells, inverse = np.unique(visits // users, return_inverse=True)
    weight = np.bincount(inverse, each).astype(np.float32)
    return (cells // size + first).astype(np.int32), (cells % size).astype(np.int32), weight
