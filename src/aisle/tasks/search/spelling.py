"""Words that were meant: by a slip of the finger (edit distance), or by their beginning (as-you-type).

The distance is Damerau's in its optimal string alignment form: insertions, deletions, substitutions and swaps of neighbours.
Words of about the same length whose letters differ by few enough (a slip changes at most two: one bit each in a mask of letters)
are compared by rapidfuzz's bit-parallel routine; nothing is missed, and there is no index to keep.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST = 4  # characters of a word that may be misspelt
LONG = 8  # from here on two slips are possible
MOST_REMEMBERED = 4096
FEW = 100  # new words that are put in their places one by one
Count = Callable[[str], int]


def slips(word: str) -> int:
    """How many slips a word of this length may have."""
    return 0 if len(word) < SHORTEST else 1 if len(word) < LONG else 2


def letters(word: str) -> int:
    """One bit for each letter there is (letters 64 apart share one)."""
    mask = 0
    for char in word:
        mask |= 1 << (ord(char) & 63)
    return mask


def _begins(word: str, other: str) -> bool:
    """Whether one is the other's beginning: a word that was not typed to its end, or a letter too many at it."""
    return other.startswith(word) or word.startswith(other)


class Speller:
    """The words of a vocabulary. `count` says how many items have a word."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._by_length: dict[int, list[str]] = {}
        self._letters: dict[int, list[int]] = {}  # of the words of a length, in their order
        self._masks: dict[int, NDArray[np.uint64]] = {}  # the same, made when first asked for
        self._ordered: list[str] = []
        self._known = 0
        self._near: dict[str, list[tuple[str, int]]] = {}

    def grow(self, words: Iterable[str], size: int) -> None:
        """Learn the words after the first ones that are known already; `size` is how many there are now."""
        if size == self._known:
            return
        fresh = list(islice(words, self._known, None))
        for word in fresh:
            length = len(word)
            if word.isalpha() and length >= SHORTEST - 1:
                self._by_length.setdefault(length, []).append(word)
                self._letters.setdefault(length, []).append(letters(word))
                self._masks.pop(length, None)
        if len(fresh) < FEW:
            for word in fresh:
                bisect.insort(self._ordered, word)
        else:
            self._ordered = sorted(self._ordered + fresh)
        self._known = size
        self._near = {}

    def near(self, word: str) -> list[tuple[str, int]]:
        """(word, distance) of the known words it may be meant for, closest and most frequent first."""
        found = self._near.get(word)
        if found is None:
            if len(self._near) >= MOST_REMEMBERED:
                self._near.clear()
            found = self._near[word] = self._look(word)
        return found

    def _look(self, word: str) -> list[tuple[str, int]]:
        most = slips(word)
        if not most or not word.isalpha():
            return []
        among = [other for length in range(len(word) - most, len(word) + most + 1) for other in self._alike(word, length, most)]
        found = process.extract(word, among, scorer=OSA.distance, score_cutoff=most, limit=50)
        rated = [(other, int(distance)) for other, distance, _ in found if distance and self._count(other)]
        return sorted(rated, key=lambda pair: (pair[1], pair[0][0] != word[0], not _begins(word, pair[0]), -self._count(pair[0])))

    def _alike(self, word: str, length: int, most: int) -> list[str]:
        """Words of a length whose letters are nearly those of the word."""
        words = self._by_length.get(length, [])
        if length not in self._masks:
            self._masks[length] = np.array(self._letters.get(length, []), np.uint64)
        differ = np.bitwise_count(self._masks[length] ^ np.uint64(letters(word)))
        return [words[place] for place in np.flatnonzero(differ <= 2 * most).tolist()]

    def beginning(self, prefix: str, limit: int) -> list[str]:
        """Known words that begin so, most frequent first."""
        first = bisect.bisect_left(self._ordered, prefix)
        last = bisect.bisect_left(self._ordered, prefix + "\U0010ffff")
        rated = [(self._count(word), word) for word in self._ordered[first:last]]
        return [word for count, word in sorted(rated, key=lambda pair: (-pair[0], pair[1]))[:limit] if count]
