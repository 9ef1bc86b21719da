"""The inverted index: which items have which terms, and how much each says of the item (BM25F), kept up with the catalogue.

BM25F (Robertson, Zaragoza and Taylor 2004; "Foundations of BM25 and Beyond" 2009): the frequencies of a term in the fields of an
item are weighted, divided by the relative length of their field, added up, and saturated together:

    tf = Σ_field w_f · n_f / (1 − b_f + b_f · length_f / mean length_f)      impact = tf / (k1 + tf)      score = Σ idf · impact

The impact of every posting is computed when the index is built, so a question is one addition of a slice for each of its terms.
Items have places, 0, 1, 2 …; what changes goes into a second, small segment, and when that has grown, both become one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.search.fields import FIELDS, texts
from aisle.tasks.search.words import Analyser, words
from aisle.types import Item

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
MERGE_AT = 2000  # changed items that are worth a merge, at least
MERGE_SHARE = 0.05  # and at least this share of all


@dataclass(frozen=True, slots=True)
class Weighing:
    """How much a field counts, and how much its length counts against it."""

    k1: float
    weight: tuple[float, ...]  # by field
    b: tuple[float, ...]  # by field


@dataclass(slots=True)
class Vocabulary:
    """Words and their terms by number; grows only."""

    analyser: Analyser
    terms: list[str] = field(default_factory=list)
    number: dict[str, int] = field(default_factory=dict)  # of a term
    words: dict[str, int] = field(default_factory=dict)  # a word as written, folded -> its term's number

    def of(self, word: str) -> int:
        """The number of a word's term, new ones included."""
        if word not in self.words:
            self.words[word] = self.add(self.analyser.term(word))
        found: int = self.words[word]
        return found

    def add(self, term: str) -> int:
        found: int = self.number.setdefault(term, len(self.terms))
        if found == len(self.terms):
            self.terms.append(term)
        return found


@dataclass(frozen=True, slots=True)
class Tokens:
    """The terms of some items as one row of numbers."""

    term: Ints  # (tokens,)
    place: Ints  # (tokens,) position of the item
    field: NDArray[np.uint8]  # (tokens,)


@dataclass(frozen=True, slots=True)
class Segment:
    """Postings sorted by term, then position."""

    start: NDArray[np.int64]  # (terms + 1,)
    place: Ints  # (postings,)
    impact: Floats  # (postings,)
    fields: NDArray[np.uint8]  # (postings,) one bit for each field that has the term

    def slice(self, term: int) -> slice:
        if term >= len(self.start) - 1:
            return slice(0, 0)
        return slice(int(self.start[term]), int(self.start[term + 1]))

    def count(self, term: int) -> int:
        found = self.slice(term)
        return int(found.stop - found.start)


def read(items: Iterable[tuple[int, Item]], vocabulary: Vocabulary) -> Tokens:
    """The terms of items at their positions."""
    term: list[int] = []
    sizes: list[int] = []
    places: list[int] = []
    fields: list[int] = []
    of, known = vocabulary.of, vocabulary.words
    for place, item in items:
        for code, text in texts(item):
            found = words(text)
            term += [known[word] if word in known else of(word) for word in found]
            sizes.append(len(found))
            places.append(place)
            fields.append(code)
    return Tokens(
        np.array(term, np.int32), np.repeat(np.array(places, np.int32), sizes), np.repeat(np.array(fields, np.uint8), sizes)
    )


def lengths(tokens: Tokens, size: int) -> NDArray[np.float32]:
    """(fields, size) words of each field of each item."""
    count = np.bincount(tokens.field.astype(np.int64) * size + tokens.place, minlength=len(FIELDS) * size)
    return count.reshape(len(FIELDS), size).astype(np.float32)


def means(length: NDArray[np.float32]) -> NDArray[np.float32]:
    """(fields,) the mean length of a field, over the items that have it."""
    there = (length > 0).sum(axis=1)
    return np.asarray(length.sum(axis=1) / np.maximum(there, 1), np.float32)


def segment(tokens: Tokens, size: int, terms: int, weighing: Weighing, mean: NDArray[np.float32]) -> Segment:
    """Postings of tokens whose places are below `size`."""
    length = lengths(tokens, size)
    b = np.array(weighing.b, np.float32)[:, None]
    share = np.array(weighing.weight, np.float32)[:, None] / (1 - b + b * length / np.maximum(mean, 1e-6)[:, None])
    key = (tokens.term.astype(np.int64) * size + tokens.place) * len(FIELDS) + tokens.field
    key, count = np.unique(key, return_counts=True)
    code = key % len(FIELDS)
    pair = key // len(FIELDS)
    place = (pair % size).astype(np.int32)
    begins = np.flatnonzero(np.diff(pair, prepend=-1)) if len(pair) else np.zeros(0, np.int64)
    frequency = np.add.reduceat(count * share[code, place], begins) if len(pair) else np.zeros(0)
    bits = np.bitwise_or.reduceat(np.left_shift(1, code).astype(np.uint8), begins) if len(pair) else np.zeros(0, np.uint8)
    start = np.searchsorted(pair[begins] // size, np.arange(terms + 1))
    impact = (frequency / (weighing.k1 + frequency)).astype(np.float32)
    return Segment(start, place[begins], impact, bits)


def merged(main: Segment, delta: Segment, stale: NDArray[np.bool_], terms: int) -> Segment:
    """Both as one, without what the first says of stale items."""
    kept = ~stale[main.place]
    term = np.concatenate([np.repeat(np.arange(len(one.start) - 1), np.diff(one.start)) for one in (main, delta)])
    term = np.concatenate([term[: len(main.place)][kept], term[len(main.place) :]])
    order = np.argsort(term, kind="stable")
    joined = [np.concatenate([getattr(main, name)[kept], getattr(delta, name)])[order] for name in ("place", "impact", "fields")]
    return Segment(np.searchsorted(term[order], np.arange(terms + 1)), *joined)


class Index:
    """The index over the items of one catalogue, by position."""

    def __init__(self, analyser: Analyser, weighing: Weighing) -> None:
        self.vocabulary = Vocabulary(analyser)
        self.weighing = weighing
        self.size = 0
        self.mean = np.zeros(len(FIELDS), np.float32)
        nothing = Tokens(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8))
        self.main = self.delta = segment(nothing, 1, 0, weighing, self.mean)
        self.stale = np.zeros(0, bool)  # (size,) what the main segment says of it is no longer so
        self._changed: dict[int, Item] = {}

    def build(self, items: Sequence[Item]) -> None:
        """Index all of a catalogue's items, each at its place in the list."""
        tokens = read(enumerate(items), self.vocabulary)
        self.size = max(len(items), 1)
        self.mean = means(lengths(tokens, self.size))
        self.main = segment(tokens, self.size, len(self.vocabulary.terms), self.weighing, self.mean)
        self.delta = Segment(np.zeros(1, np.int64), self.main.place[:0], self.main.impact[:0], self.main.fields[:0])
        self.stale = np.zeros(self.size, bool)
        self._changed = {}

    def restore(self, terms: list[str], words: dict[str, int], main: Segment, size: int, mean: list[float]) -> None:
        """Take an index from files."""
        self.vocabulary.terms, self.vocabulary.words = list(terms), dict(words)
        self.vocabulary.number = {term: number for number, term in enumerate(terms)}
        self.size, self.main, self.mean = size, main, np.array(mean, np.float32)
        self.stale = np.zeros(size, bool)

    def change(self, items: Iterable[tuple[int, Item]], size: int) -> None:
        """Items that are new or other than before, at their positions; `size` positions are in use."""
        self._changed.update(items)
        self.size = max(size, self.size)
        self.stale = np.append(self.stale, np.zeros(self.size - len(self.stale), bool))
        self.stale[list(self._changed)] = True
        tokens = read(sorted(self._changed.items()), self.vocabulary)
        self.delta = segment(tokens, self.size, len(self.vocabulary.terms), self.weighing, self.mean)
        if len(self._changed) > max(MERGE_AT, MERGE_SHARE * self.size):
            self.main = merged(self.main, self.delta, self.stale, len(self.vocabulary.terms))
            self.delta = Segment(np.zeros(1, np.int64), self.main.place[:0], self.main.impact[:0], self.main.fields[:0])
            self.stale[:] = False
            self._changed = {}

    def found_in(self, term: int) -> int:
        """How many items have a term (what has changed since the last merge may be counted twice)."""
        return self.main.count(term) + self.delta.count(term)

    def idf(self, term: int) -> float:
        """ln(1 + (N − n + ½) / (n + ½)): never negative."""
        count = min(self.found_in(term), self.size)
        return float(np.log1p((self.size - count + 0.5) / (count + 0.5)))

    def postings(self, term: int) -> list[tuple[Ints, Floats]]:
        """(places, impacts) of a term, in the segments that have it; no place stands in two."""
        found = []
        main, delta = self.main.slice(term), self.delta.slice(term)
        if main.stop > main.start:
            place, impact = self.main.place[main], self.main.impact[main]
            if self._changed:
                fresh = ~self.stale[place]
                place, impact = place[fresh], impact[fresh]
            found.append((place, impact))
        if delta.stop > delta.start:
            found.append((self.delta.place[delta], self.delta.impact[delta]))
        return found

    def one(self, term: int, place: int) -> tuple[float, int]:
        """(impact, bits of fields) of a term in one item; zeros where it has it not."""
        part = self.delta if self.stale[place] else self.main
        where = part.slice(term)
        at = where.start + int(np.searchsorted(part.place[where], place))
        if at >= where.stop or part.place[at] != place:
            return 0.0, 0
        return float(part.impact[at]), int(part.fields[at])
