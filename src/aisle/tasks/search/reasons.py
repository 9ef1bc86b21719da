"""Why an item was found: the words that match and where, and the share of every other signal; together they are the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from aisle.explain import Explain
from aisle.tasks.search.fields import FIELDS
from aisle.tasks.search.index import Index
from aisle.tasks.search.reading import Reading, Slot, Way
from aisle.tasks.search.shelf import Shelf
from aisle.tasks.search.signals import Signals, whole, word_share
from aisle.types import Reason

SAID = {
    "meaning": "close in meaning to what was asked and found",
    "picture": "looks like the picture",
    "asked": "chosen by shoppers who asked alike",
    "taste": "fits what this shopper likes",
    "popular": "wanted by many shoppers",
}
NOTHING = 1e-9
Match = tuple[str, float, Way, int]  # the word asked, its contribution, the way, bits of fields


@dataclass(slots=True)
class Explained:
    """Reasons for the items of one answer."""

    shelf: Shelf
    index: Index
    reading: Reading
    signals: Signals
    weights: Mapping[str, float]
    how: Explain
    _total: float = field(init=False)

    def __post_init__(self) -> None:
        self._total = whole(self.index, self.reading.slots)

    def of(self, place: int, score: float) -> list[Reason]:
        if self.how == "none":
            return []
        matches = [match for slot in self.reading.slots if (match := self._match(slot, place))]
        found = [*self._words(place, matches), *self._coverage(place, matches)]
        for name, text in SAID.items():
            if (share := self._share(name, place)) > NOTHING:
                found.append(Reason(name, share, text))
        found.sort(key=lambda reason: -reason.contribution)
        return exact(found, score) if found else [Reason("other", score, "shown because nothing matches")]

    def _share(self, name: str, place: int) -> float:
        values = self.signals.of.get(name)
        return float(values[place]) * self.weights[name] if values is not None else 0.0

    def _coverage(self, place: int, matches: list[Match]) -> list[Reason]:
        share = self._share("coverage", place)
        if share <= NOTHING:
            return []
        return [
            Reason("coverage", share, f"has {len(matches)} of {len(self.reading.slots)} words" if matches else "has its words")
        ]

    def _words(self, place: int, matches: list[Match]) -> list[Reason]:
        share = self._share("words", place)
        if share <= NOTHING:
            return []
        said = sum(match[1] for match in matches)
        if abs(said - share) > 1e-4 * max(share, 1e-3):  # another reading of the question answered better
            return [Reason("words", share, "matches another way to understand the question")]
        if self.how == "full":
            return [Reason("words", part * share / said, _told([match])) for match in matches for part in (match[1],)]
        return [Reason("words", share, _told(matches))]

    def _match(self, slot: Slot, place: int) -> Match | None:
        value, way, fields = word_share(self.index, slot, place)
        if way is None or not self._total:
            return None
        return slot.word, value / self._total * self.weights["words"], way, fields


def exact(reasons: list[Reason], score: float) -> list[Reason]:
    """The strongest takes what single precision has rounded away, so that the sum is the score."""
    first, *others = reasons
    return [replace(first, contribution=score - sum(reason.contribution for reason in others)), *others]


def _told(matches: list[Match]) -> str:
    return "matches " + ", ".join(f"“{_spelt(word, way)}” in {_where(bits)}" for word, _, way, bits in matches)


def _spelt(word: str, way: Way) -> str:
    """The word asked, and the shop's own where it is another."""
    return word if way.word == word else f"{word}” as “{way.word}"


def _where(bits: int) -> str:
    names = [name for code, name in enumerate(FIELDS) if bits >> code & 1]
    return " and ".join(names[:2]) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
