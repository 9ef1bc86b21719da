"""The signals of a question for every item, each from 0 to 1, and how they are joined into one score.

score(item) = Σ_signal weight · signal(item). Because the sum is linear, each signal's share of a score is its own reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.search.index import Index
from aisle.tasks.search.reading import CERTAIN, Reading, Slot, Way
from aisle.tasks.search.schema import Config, Weights

Floats = NDArray[np.float32]
SIGNALS = ("words", "coverage", "meaning", "picture", "asked", "taste", "popular")
NEAREST = 200  # items that are found by their vector alone
BLOCK = 64  # places whose highest score is a bound
SORTED = 2  # times as many as are wanted: so many candidates are sorted at once; of more, the wanted are parted first


@dataclass(slots=True)
class Signals:
    """(places,) by name of signal; a signal that says nothing is not there."""

    size: int
    of: dict[str, Floats] = field(default_factory=dict)

    def add(self, name: str, values: Floats) -> None:
        """A second row of the same signal: the higher counts."""
        before = self.of.get(name)
        self.of[name] = values if before is None else np.maximum(before, values)

    def add_both(self, words: Floats, coverage: Floats, probability: float = 1.0) -> None:
        """What a reading of the question says, which was meant with this probability."""
        self.add("words", words * np.float32(probability))
        self.add("coverage", coverage * np.float32(probability))

    def scatter(self, name: str, values: Mapping[str, float], place: Mapping[str, int]) -> None:
        """A signal said by item."""
        row = np.zeros(self.size, np.float32)
        known = [(place[item_id], value) for item_id, value in values.items() if item_id in place]
        if known:
            row[[at for at, _ in known]] = [value for _, value in known]
            self.add(name, row)

    def found(self) -> NDArray[np.bool_]:
        """(places,) items that have a word of the question or were chosen for it."""
        found = np.zeros(self.size, bool)
        for name in ("words", "asked"):
            if name in self.of:
                found |= self.of[name] > 0
        return found

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


def word_scores(index: Index, reading: Reading, size: int) -> tuple[Floats, Floats]:
    """Two rows (places,): words: the part of the question's weight that an item answers, Σ idf · impact over Σ idf; coverage: the
    part that it has at all, Σ idf of the words it has over Σ idf."""
    words, coverage = np.zeros(size, np.float32), np.zeros(size, np.float32)
    total = whole(index, reading.slots)
    for slot in reading.slots:
        if len(slot.ways) == 1:
            _add(index, slot.ways[0], weight_of(index, slot, slot.ways[0]) / total, words, coverage)
        elif slot.ways:
            best, had = np.zeros(size, np.float32), np.zeros(size, np.float32)
            for way in slot.ways:
                _raise(index, way, weight_of(index, slot, way) / total, best, had)
            words += best
            coverage += had
    return words, coverage


def _add(index: Index, way: Way, weight: float, words: Floats, coverage: Floats) -> None:
    factor = np.float32(weight)
    for place, impact in index.postings(way.term):
        words[place] += factor * impact
        coverage[place] += factor


def _raise(index: Index, way: Way, weight: float, words: Floats, coverage: Floats) -> None:
    factor = np.float32(weight)
    for place, impact in index.postings(way.term):
        words[place] = np.maximum(words[place], factor * impact)
        coverage[place] = np.maximum(coverage[place], factor)


def whole(index: Index, slots: Sequence[Slot]) -> float:
    """Σ idf of a question's words; one the shop does not know counts as the rarest."""
    return sum(idf_of(index, slot) for slot in slots)


def idf_of(index: Index, slot: Slot) -> float:
    """Of the word as asked; of the rarest that it may be where the shop does not know it."""
    own = [index.idf(way.term) for way in slot.ways if way.weight == CERTAIN]
    return max(own or [index.idf(way.term) for way in slot.ways], default=float(np.log1p(2.0 * index.size + 1)))


def weight_of(index: Index, slot: Slot, way: Way) -> float:
    """idf · sureness; a rarer spelling of a word is worth no more than the word."""
    return way.weight * min(index.idf(way.term), idf_of(index, slot))


def word_share(index: Index, slot: Slot, place: int) -> tuple[float, Way | None, int]:
    """(idf · impact, the way, its fields) of one word in one item; (0, None, 0) where it has it not."""
    best: tuple[float, Way | None, int] = (0.0, None, 0)
    for way in slot.ways:
        impact, fields = index.one(way.term, place)
        value = weight_of(index, slot, way) * impact
        if value > best[0]:
            best = (value, way, fields)
    return best


def top(score: Floats, n: int) -> NDArray[np.int64]:
    """The n best places with a score above 0, best first; equals in the order of places.

    The n-th highest maximum of blocks is a bound that at least n places reach, and few others: one pass instead of a partition.
    """
    least = np.float32(0)
    blocks = len(score) // BLOCK
    if n <= blocks:
        highest = score[: blocks * BLOCK].reshape(blocks, BLOCK).max(axis=1)
        least = np.partition(highest, blocks - n)[blocks - n]
    places = np.flatnonzero(score >= least) if least > 0 else np.flatnonzero(score > 0)
    if len(places) > SORTED * n:
        places = _best(score, places, n)
    return places[np.argsort(-score[places], kind="stable")][:n]


def _best(score: Floats, places: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """The n best of these places, in their order; of equals at the end the first ones."""
    among = score[places]
    least = np.partition(among, len(among) - n)[len(among) - n]
    over, same = among > least, np.flatnonzero(among == least)
    over[same[: n - int(over.sum())]] = True
    found: NDArray[np.int64] = places[over]
    return found
