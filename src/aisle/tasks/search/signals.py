"""The signals of a question for every item, each from 0 to 1, and how they are joined into one score.

score(item) = Σ_signal weight · signal(item). Because the sum is linear, each signal's share of a score is its own reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.search.index import Index
from aisle.tasks.search.reading import Reading, Slot, Way
from aisle.tasks.search.schema import Config, Weights

Floats = NDArray[np.float32]
SIGNALS = ("words", "meaning", "picture", "asked", "taste", "popular")
NEAREST = 200  # items that are found by their vector alone


@dataclass(slots=True)
class Signals:
    """(places,) by name of signal; a signal that says nothing is not there."""

    size: int
    of: dict[str, Floats] = field(default_factory=dict)

    def add(self, name: str, values: Floats) -> None:
        """A second row of the same signal: the higher counts."""
        before = self.of.get(name)
        self.of[name] = values if before is None else np.maximum(before, values)

    def scatter(self, name: str, values: Mapping[str, float], place: Mapping[str, int]) -> None:
        """A signal said by item."""
        row = np.zeros(self.size, np.float32)
        known = [(place[item_id], value) for item_id, value in values.items() if item_id in place]
        if known:
            row[[at for at, _ in known]] = [value for _, value in known]
            self.add(name, row)

    def joined(self, weights: Mapping[str, float]) -> Floats:
        """(places,) the score."""
        score = np.zeros(self.size, np.float32)
        for name, values in self.of.items():
            if weights[name]:
                score += np.float32(weights[name]) * values
        return score


def weights_of(config: Config, asked: Weights | None) -> dict[str, float]:
    """The weight of each signal: as asked, else as tuned."""
    own = {name: float(getattr(config, name)) for name in SIGNALS}
    return own | {name: value for name in SIGNALS if (value := getattr(asked, name, None)) is not None}


def words_score(index: Index, reading: Reading, size: int) -> Floats:
    """(places,) the part of the question's weight that an item answers: Σ idf · impact over Σ idf."""
    score = np.zeros(size, np.float32)
    total = whole(index, reading.slots)
    if not total:
        return score
    for slot in reading.slots:
        if len(slot.ways) == 1:
            _add(index, slot.ways[0], score, total)
        elif slot.ways:
            best = np.zeros(size, np.float32)
            for way in slot.ways:
                _raise(index, way, best, total)
            score += best
    return score


def whole(index: Index, slots: Sequence[Slot]) -> float:
    """Σ idf of a question's words; one the shop does not know counts as the rarest."""
    return sum(idf_of(index, slot) for slot in slots)


def idf_of(index: Index, slot: Slot) -> float:
    return max((index.idf(way.term) for way in slot.ways), default=float(np.log1p(2.0 * index.size + 1)))


def word_share(index: Index, slot: Slot, place: int) -> tuple[float, Way | None, int]:
    """(idf · impact, the way, its fields) of one word in one item; (0, None, 0) where it has it not."""
    best: tuple[float, Way | None, int] = (0.0, None, 0)
    for way in slot.ways:
        impact, fields = index.one(way.term, place)
        value = way.weight * index.idf(way.term) * impact
        if value > best[0]:
            best = (value, way, fields)
    return best


def _add(index: Index, way: Way, score: Floats, total: float) -> None:
    factor = np.float32(way.weight * index.idf(way.term) / total)
    for place, impact in index.postings(way.term):
        score[place] += factor * impact


def _raise(index: Index, way: Way, best: Floats, total: float) -> None:
    factor = np.float32(way.weight * index.idf(way.term) / total)
    for place, impact in index.postings(way.term):
        best[place] = np.maximum(best[place], factor * impact)


def top(score: Floats, n: int) -> NDArray[np.int64]:
    """The n best places with a score above 0, best first; equals in the order of places."""
    if n < len(score):
        least = np.partition(score, len(score) - n)[len(score) - n]
        places = np.flatnonzero(score >= max(least, np.finfo(np.float32).tiny))
    else:
        places = np.flatnonzero(score > 0)
    return places[np.argsort(-score[places], kind="stable")][:n]
