"""Words that were meant: by a slip of the finger (edit distance), or by their beginning (as-you-type).

The distance is Damerau's in its optimal string alignment form: insertions, deletions, substitutions and swaps of neighbours.
All words of about the same length are compared by rapidfuzz's bit-parallel routine, so there is no index to keep.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable

from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST = 4  # characters of a word that may be misspelt
LONG = 8  # from here on two slips are possible
MOST_REMEMBERED = 4096
Count = Callable[[str], int]


def slips(word: str) -> int:
    """How many slips a word of this length may have."""
    return 0 if len(word) < SHORTEST else 1 if len(word) < LONG else 2


class Speller:
    """The words of a vocabulary. `count` says how many items have a word."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._by_length: dict[int, list[str]] = {}
        self._ordered: list[str] = []
        self._known = 0
        self._near: dict[str, list[tuple[str, int]]] = {}

    def grow(self, words: Iterable[str], size: int) -> None:
        """Learn the words after the first ones that are known already; `size` is how many there are now."""
        if size == self._known:
            return
        fresh = [word for number, word in enumerate(words) if number >= self._known]
        for word in fresh:
            if word.isalpha() and len(word) >= SHORTEST - 1:
                self._by_length.setdefault(len(word), []).append(word)
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
        among = [other for length in range(len(word) - most, len(word) + most + 1) for other in self._by_length.get(length, ())]
        found = process.extract(word, among, scorer=OSA.distance, score_cutoff=most, limit=50)
        rated = [(other, int(distance)) for other, distance, _ in found if distance and self._count(other)]
        return sorted(rated, key=lambda pair: (pair[1], pair[0][0] != word[0], -self._count(pair[0])))

    def beginning(self, prefix: str, limit: int) -> list[str]:
        """Known words that begin so, most frequent first."""
        first = bisect.bisect_left(self._ordered, prefix)
        last = bisect.bisect_left(self._ordered, prefix + "\U0010ffff")
        rated = [(self._count(word), word) for word in self._ordered[first:last]]
        return [word for count, word in sorted(rated, key=lambda pair: (-pair[0], pair[1]))[:limit] if count]
