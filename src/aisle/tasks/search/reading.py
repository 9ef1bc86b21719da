"""A question as slots: for each of its words the terms that would answer it, with how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from aisle.tasks.search.index import Index
from aisle.tasks.search.spelling import Speller, slips
from aisle.tasks.search.words import RUN, words

MOST_WORDS = 64  # of a question; what follows is not read
MOST_MEANT = 3  # spellings that are tried for an unknown word
MOST_BEGUN = 24  # completions that are tried for the last word
CERTAIN, JOINED, SPLIT, BEGUN = 1.0, 0.7, 0.8, 0.8
SLIPPED = {1: 0.8, 2: 0.6}
RARE, RARER = 2, 50  # a word of so few items, and this many times rarer than one that differs by one slip, may be that slip
Synonyms = Mapping[str, Sequence[tuple[str, float]]]


@dataclass(frozen=True, slots=True)
class Way:
    """One term that answers a slot."""

    term: int
    weight: float
    word: str  # as the shop writes it


@dataclass(frozen=True, slots=True)
class Slot:
    """A word of the question."""

    word: str  # as asked
    ways: tuple[Way, ...]  # none: the shop does not know it
    meant: str  # the spelling that is suggested; the word itself where nothing is


@dataclass(frozen=True, slots=True)
class Reading:
    """A question, read."""

    slots: tuple[Slot, ...]
    meant: str | None  # the question in the shop's spelling, where that differs


class Reader:
    """Reads questions with the words of an index."""

    def __init__(self, index: Index, speller: Speller, synonyms: Synonyms) -> None:
        self.index = index
        self.speller = speller
        self.synonyms = synonyms

    def read(self, text: str, typing: bool = False) -> Reading:
        """`typing`: the last word may be only begun."""
        asked = list(dict.fromkeys(words(text)))[:MOST_WORDS]
        compounds = {a + b for a, b in pairwise(asked)}
        begun = asked[-1] if typing and asked and not text[-1:].isspace() else None
        slots = []
        for place, word in enumerate(asked):
            slot = self._slot(word, asked[place + 1 : place + 2], asked[place - 1 : place] if place else [], word == begun)
            if not slot.ways and (word in compounds or (word[0].isdigit() and not word.isdigit())):
                continue  # one word made of two that are read by themselves
            slots.append(slot)
        changed = {slot.word: slot.meant for slot in slots if slot.meant != slot.word}
        return Reading(tuple(slots), " ".join(changed.get(word, word) for word in _plain(text)) if changed else None)

    def _slot(self, word: str, after: list[str], before: list[str], begun: bool) -> Slot:
        own = self._way(word, CERTAIN)
        ways = [own] if own else []
        meant = word
        ways += [way for other in after if (way := self._way(word + other, JOINED))]
        ways += [way for other in before if (way := self._way(other + word, JOINED))]
        ways += [way for term, weight in self.synonyms.get(word, ()) if (way := self._way(term, weight))]
        if begun:
            ways += [way for other in self.speller.beginning(word, MOST_BEGUN) if (way := self._way(other, BEGUN))]
        if slips(word) and not RUN.match(word):
            meant = self._spelt(word, own, ways)
        return Slot(word, _distinct(ways), meant)

    def _spelt(self, word: str, own: Way | None, ways: list[Way]) -> str:
        """Add spellings that are meant where the word is unknown, or much rarer than one beside it; the one to suggest."""
        if ways and not own:
            return word
        count = self.index.found_in(own.term) if own else 0
        if count > RARE:
            return word
        near = self.speller.near(word)
        if own:
            near = [(other, gap) for other, gap in near if gap == 1 and self._count(other) >= RARER * max(count, 1)]
            near = [(other, gap) for other, gap in near if self.index.vocabulary.words[other] != own.term]
        elif not near:
            ways += self._split(word)
        closest = near[0][1] if near else 0
        for place, (other, gap) in enumerate(near[:MOST_MEANT]):
            if gap == closest and (way := self._way(other, SLIPPED[gap] * (0.5 if own or place else 1.0))):
                ways.append(way)
        return near[0][0] if near else word

    def _split(self, word: str) -> list[Way]:
        """ "harddrive" as "hard" and "drive", where the shop knows both."""
        for place in range(3, len(word) - 2):
            first, second = self._way(word[:place], SPLIT), self._way(word[place:], SPLIT)
            if first and second:
                return [first, second]
        return []

    def _way(self, word: str, weight: float) -> Way | None:
        vocabulary = self.index.vocabulary
        term = vocabulary.number.get(vocabulary.analyser.term(word))
        if term is None or not self.index.found_in(term):
            return None
        return Way(term, weight, word)

    def _count(self, word: str) -> int:
        return self.index.found_in(self.index.vocabulary.words[word])


def _distinct(ways: list[Way]) -> tuple[Way, ...]:
    """The surest way for each term, surest first."""
    best: dict[int, Way] = {}
    for way in ways:
        if way.term not in best or way.weight > best[way.term].weight:
            best[way.term] = way
    return tuple(sorted(best.values(), key=lambda way: -way.weight))


def _plain(text: str) -> list[str]:
    """The words as they were typed, without the compounds that are added for the index."""
    found = words(text)
    compounds = {a + b for a, b in pairwise(found)}
    return [word for word in found if word not in compounds]
