"""How good lists of recommendations are: accuracy per user, what they reach of the catalogue, and how sure a mean is.

`ranked` is (users, k) item positions, best first, -1 where a list is shorter. What is relevant is a sparse (users, items)
matrix whose stored entries are the items each user truly took. Per-user functions return (users,) float64, so that means,
intervals and paired comparisons stay possible; a user without relevant items gets 0 and should be left out beforehand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ranked = NDArray[np.integer[Any]]
Hits = NDArray[np.bool_]
Floats = NDArray[np.float64]


def hits(ranked: Ranked, relevant: Any) -> Hits:
    """(users, k) True where a recommended item is relevant; a repeat in a list counts once."""
    users, items = relevant.shape
    owner = np.repeat(np.arange(users, dtype=np.int64), np.diff(relevant.indptr))
    wanted = np.unique(owner * items + relevant.indices)
    keys = np.arange(users, dtype=np.int64)[:, None] * items + ranked
    found = np.isin(keys, wanted) & (ranked >= 0)
    for place in range(1, ranked.shape[1]):
        repeated = (ranked[:, :place] == ranked[:, place, None]).any(axis=1)
        found[repeated, place] = False
    return np.asarray(found)


def relevant_counts(relevant: Any) -> NDArray[np.int64]:
    """(users,) how many relevant items each user has."""
    return np.asarray(np.diff(relevant.indptr), np.int64)


def precision(found: Hits, k: int) -> Floats:
    """Relevant items among the first k, divided by k (also where a list is shorter)."""
    return np.asarray(found[:, :k].sum(axis=1) / k, np.float64)


def recall(found: Hits, counts: NDArray[Any], k: int) -> Floats:
    """Relevant items among the first k, divided by all relevant ones."""
    return _share(found[:, :k].sum(axis=1), counts)


def capped_recall(found: Hits, counts: NDArray[Any], k: int) -> Floats:
    """Relevant items among the first k, divided by min(k, all relevant ones), so that 1 can always be reached."""
    return _share(found[:, :k].sum(axis=1), np.minimum(counts, k))


def hit_rate(found: Hits, k: int) -> Floats:
    """1 where at least one of the first k is relevant; equal to recall where each user has one relevant item."""
    return np.asarray(found[:, :k].any(axis=1), np.float64)


def ndcg(found: Hits, counts: NDArray[Any], k: int) -> Floats:
    """Normalised discounted cumulative gain with gain 0 or 1 and discount 1 / log₂(1 + rank) (Järvelin & Kekäläinen, 2002);
    the ideal list holds min(k, relevant) hits."""
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])
    depth = min(k, found.shape[1])
    return _share(found[:, :depth] @ discounts[:depth], ideal[np.minimum(counts, k)])


def reciprocal_rank(found: Hits, k: int) -> Floats:
    """1 / rank of the first relevant item among the first k, else 0; its mean is the MRR (Voorhees, 1999)."""
    top = found[:, :k]
    return np.where(top.any(axis=1), 1.0 / (1 + top.argmax(axis=1)), 0.0) if top.shape[1] else np.zeros(len(top))


def coverage(ranked: Ranked, items: int) -> float:
    """The share of the catalogue that stands in at least one list."""
    return len(_shown(ranked, unique=True)) / items if items else 0.0


def novelty(ranked: Ranked, popularity: NDArray[Any]) -> float:
    """Mean self-information −log₂(p) of what is shown, p being the item's share of all interactions (Zhou et al., 2010);
    an item nobody took counts as taken once."""
    shown = _shown(ranked)
    total = max(float(popularity.sum()), 1.0)
    return float(-np.log2(np.maximum(popularity[shown], 1) / total).mean()) if len(shown) else 0.0


def popularity_bias(ranked: Ranked, popularity: NDArray[Any]) -> float:
    """Mean popularity of what is shown over the mean popularity of the catalogue (average recommendation popularity, Yin et
    al., 2012, as a ratio): 1 is even-handed, larger leans to best-sellers."""
    shown, mean = _shown(ranked), float(popularity.mean()) if len(popularity) else 0.0
    return float(popularity[shown].mean()) / mean if len(shown) and mean else 0.0


def gini(ranked: Ranked, items: int) -> float:
    """How unevenly the catalogue is shown: 0 every item as often, towards 1 a few items always (Gini index of the counts)."""
    counts = np.sort(np.bincount(_shown(ranked), minlength=items)).astype(np.float64)
    total = counts.sum()
    if not total:
        return 0.0
    return float(((2 * np.arange(1, items + 1) - items - 1) * counts).sum() / (items * total))


def interval(values: Floats, *, level: float = 0.95, samples: int = 1000, seed: int = 0) -> tuple[float, float]:
    """(low, high) of the mean over users by the percentile bootstrap (Efron, 1979): resample users with replacement."""
    if len(values) == 0:
        return 0.0, 0.0
    rng = np.random.default_rng(seed)
    means = [float(values[rng.integers(0, len(values), len(values))].mean()) for _ in range(samples)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _share(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.zeros(len(whole)), where=np.asarray(whole) > 0), np.float64)


def _shown(ranked: Ranked, unique: bool = False) -> NDArray[Any]:
    shown = ranked[ranked >= 0]
    return np.unique(shown) if unique else shown
