"""A small language model: how probable a word is after the two before it, from counts, interpolated by Witten and Bell (1991).

Several sources are mixed by weight (the language of a shop's sentences, the catalogue). A word that no source knows is spelt:
it pays for every letter, so that unheard-of names stay possible.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

ORDER = 3
START, END = "<s>", "</s>"
SPELT = -4.0  # log-probability of leaving the vocabulary,
LETTER = -2.3  # and of every letter then
Gram = tuple[str, ...]
Trie = dict[str, "Trie"]


class Counts:
    """N-grams of texts: how often, and how many different words came after each history."""

    def __init__(self, grams: dict[Gram, int] | None = None) -> None:
        self.grams: Counter[Gram] = Counter(grams or {})
        self._total: Counter[Gram] = Counter()
        self._kinds: Counter[Gram] = Counter()
        for gram, times in self.grams.items():
            self._note(gram, times, True)

    def add(self, text: str, times: int = 1) -> None:
        """Count a spoken text."""
        words = (START, *text.split(), END)
        for size in range(1, ORDER + 1):
            for end in range(max(size, 2), len(words) + 1):
                gram = words[end - size : end]
                self._note(gram, times, gram not in self.grams)
                self.grams[gram] += times

    def pruned(self, least: int) -> Counts:
        """Without the long n-grams seen fewer than `least` times."""
        return Counts({gram: times for gram, times in self.grams.items() if len(gram) == 1 or times >= least})

    def probability(self, word: str, history: Gram) -> float:
        """Witten-Bell: what was seen after the history, and the shorter history for the rest. 0 for words never seen."""
        value = self.grams[(word,)] / (self._total[()] + 1) if () in self._total else 0.0
        for size in range(1, len(history) + 1):
            past = history[-size:]
            total = self._total[past]
            if not total:
                break
            kinds = self._kinds[past]
            value = (self.grams[(*past, word)] + kinds * value) / (total + kinds)
        return value

    @property
    def words(self) -> set[str]:
        return {gram[0] for gram in self.grams if len(gram) == 1 and gram[0] != END}

    def _note(self, gram: Gram, times: int, new: bool) -> None:
        self._total[gram[:-1]] += times
        self._kinds[gram[:-1]] += new


class Language:
    """A mixture of sources, each with a weight; natural logarithms throughout."""

    def __init__(self, sources: Sequence[tuple[float, Counts]]) -> None:
        total = sum(weight for weight, _ in sources) or 1.0
        self.sources = [(weight / total, counts) for weight, counts in sources if weight > 0]
        self.words: set[str] = set().union(*(counts.words for _, counts in self.sources))
        self.score = lru_cache(200_000)(self._score)
        self.trie: Trie = {}  # of the letters of known words
        for word in self.words:
            place = self.trie
            for letter in word:
                place = place.setdefault(letter, {})

    def _score(self, word: str, history: Gram) -> float:
        """log p(word | history of at most two words)."""
        value = sum(weight * counts.probability(word, history) for weight, counts in self.sources)
        if value > 0:
            return math.log(value)
        return SPELT + LETTER * len(word)

    def text(self, text: str) -> float:
        """log p of a whole spoken text, its end included."""
        words, total = (START, *text.split(), END), 0.0
        for place in range(1, len(words)):
            total += self.score(words[place], words[max(place - ORDER + 1, 0) : place])
        return total


def counted(texts: Iterable[str]) -> Counts:
    found = Counts()
    for text in texts:
        found.add(text)
    return found


def save(counts: Counts, path: Path) -> None:
    """One line of JSON per history, sorted: {"h": "of the", "w": {"word": times}}."""
    lines: dict[str, dict[str, int]] = {}
    for gram, times in sorted(counts.grams.items()):
        lines.setdefault(" ".join(gram[:-1]), {})[gram[-1]] = times
    path.write_text("".join(json.dumps({"h": h, "w": w}, separators=(",", ":")) + "\n" for h, w in lines.items()), "utf-8")


def load(path: Path) -> Counts:
    grams: dict[Gram, int] = {}
    for line in path.read_text("utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        past = tuple(row["h"].split())
        grams.update({(*past, word): times for word, times in row["w"].items()})
    return Counts(grams)
