"""Prefix beam search over CTC (Hannun et al. 2014; Graves 2012) with language model and favoured phrases.

A hypothesis is a text; its probability sums over all the ways to stretch it over the frames, in two parts: ending in a blank,
and ending in its last letter. Words are judged by the language model when they end. Frames that are almost surely blank are
skipped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.speech.ngram import END, LETTER, ORDER, SPELT, START, Language, Trie
from aisle.tasks.speech.phrases import Node, Phrases
from aisle.tasks.speech.spoken import ALPHABET

NONE = -1e30


@dataclass(frozen=True, slots=True)
class Search:
    """How widely to look, and what language counts beside sound."""

    width: int = 24
    likely: float = 1e-3  # letters below this in a frame are not followed
    silent: float = 0.999  # a frame with more blank than this is passed over
    language: float = 0.6  # weight of the language model's logarithm
    word: float = 2.5  # earned by every word, against the language model's pull to few words


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the n best: its text, the sound's log-probability, and the score that ranks it (natural logarithms)."""

    text: str
    sound: float
    score: float


class Prefix:
    """A text that some hypothesis has reached: the sound's probability in two parts, and what language adds."""

    __slots__ = ("blank", "extra", "history", "letter", "node", "paid", "place", "text", "word")

    def __init__(
        self, text: str, word: str, history: tuple[str, ...], node: Node | None, place: Trie | None, extra: float
    ) -> None:
        self.text, self.word, self.history, self.node, self.place, self.extra = text, word, history, node, place, extra
        self.paid = 0.0  # by the word so far, for being none that is known
        self.blank = self.letter = NONE

    @property
    def sound(self) -> float:
        return _add(self.blank, self.letter)


class Decoder:
    """Texts of log-probabilities, in the language of one shop."""

    def __init__(self, language: Language | None, phrases: Phrases, search: Search, alphabet: str = ALPHABET) -> None:
        self.language = language
        self.known: Trie = language.trie if language is not None else {}
        self.phrases = phrases
        self.search = search
        self.alphabet = alphabet

    def __call__(self, logs: NDArray[np.float32], most: int = 5) -> list[Candidate]:
        """`logs` (frames, 1 + letters), the blank first. At most `most` candidates, best first; one may be the empty text."""
        return self.ranked(self.advance(self.start(), logs), most)

    def start(self) -> list[Prefix]:
        """Nothing heard yet: a beam to advance."""
        first = Prefix("", "", (START,), self.phrases.root, self.known, 0.0)
        first.blank = 0.0
        return [first]

    def advance(self, beam: list[Prefix], logs: NDArray[np.float32], width: int | None = None) -> list[Prefix]:
        """The beam after more frames, `width` texts wide where that is given; the given beam stays as it was."""
        width = width or self.search.width
        for row in logs:
            beam = _passed(beam, float(row[0])) if row[0] > math.log(self.search.silent) else self._frame(beam, row, width)
        return beam

    def _frame(self, beam: Sequence[Prefix], row: NDArray[np.float32], width: int) -> list[Prefix]:
        """All texts after one more frame, the best of them."""
        letters = [(int(k), float(row[k])) for k in np.flatnonzero(row > math.log(self.search.likely)) if k]
        after: dict[str, Prefix] = {}
        for one in beam:
            sound, last = one.sound, one.text[-1:]
            same = self._kept(after, one)
            same.blank = _add(same.blank, sound + float(row[0]))
            for k, log in letters:
                letter = self.alphabet[k - 1]
                if letter == last:
                    same.letter = _add(same.letter, one.letter + log)
                    sound_before = one.blank
                else:
                    sound_before = sound
                if sound_before > NONE / 2 and not (letter == " " and last in ("", " ")):
                    longer = self._longer(after, one, letter)
                    longer.letter = _add(longer.letter, sound_before + log)
        return sorted(after.values(), key=lambda one: -(one.sound + one.extra))[:width]

    def _kept(self, after: dict[str, Prefix], one: Prefix) -> Prefix:
        found = after.get(one.text)
        if found is None:
            found = after[one.text] = _copy(one)
        return found

    def _longer(self, after: dict[str, Prefix], one: Prefix, letter: str) -> Prefix:
        text = one.text + letter
        found = after.get(text)
        if found is None:
            node, earned = self.phrases.step(one.node, letter)
            if letter == " ":
                extra = one.extra + earned + self._judged(one.word, one.history) - one.paid
                found = Prefix(text, "", (*one.history, one.word)[-ORDER + 1 :], node, self.known, extra)
            else:
                place, paid = self._spelt(one, letter)
                found = Prefix(text, one.word + letter, one.history, node, place, one.extra + earned + paid - one.paid)
                found.paid = paid
            after[text] = found
        return found

    def _spelt(self, one: Prefix, letter: str) -> tuple[Trie | None, float]:
        """Where the word is among the known ones after a letter, and what it paid: leaving them costs at once, not later."""
        place = one.place.get(letter) if one.place is not None else None
        if place is not None or self.language is None:
            return place, 0.0
        return None, self.search.language * (SPELT + LETTER * (len(one.word) + 1))

    def _judged(self, word: str, history: tuple[str, ...]) -> float:
        if self.language is None:
            return 0.0
        return self.search.language * self.language.score(word, history) + self.search.word

    def ranked(self, beam: Sequence[Prefix], most: int) -> list[Candidate]:
        """The n best of a beam. Closes the last word of each text; texts that differ only in a space at the end are one."""
        found: dict[str, Candidate] = {}
        for one in beam:
            text, score = one.text.strip(), one.sound + one.extra - one.paid + self.phrases.end(one.node)
            history = one.history
            if one.word:
                score += self._judged(one.word, history)
                history = (*history, one.word)[-ORDER + 1 :]
            if self.language is not None and text:
                score += self.search.language * self.language.score(END, history)
            if text not in found or found[text].score < score:
                found[text] = Candidate(text, one.sound, score)
        return sorted(found.values(), key=lambda one: -one.score)[:most]


def _copy(one: Prefix) -> Prefix:
    """The same text before the next frame is counted."""
    same = Prefix(one.text, one.word, one.history, one.node, one.place, one.extra)
    same.paid = one.paid
    return same


def _passed(beam: Sequence[Prefix], blank: float) -> list[Prefix]:
    """A frame of silence: every text stays, and ends in a blank."""
    after = []
    for one in beam:
        same = _copy(one)
        same.blank = one.sound + blank
        after.append(same)
    return after


def _add(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a + math.log1p(math.exp(b - a)) if b > NONE / 2 else a


def shares(candidates: Sequence[Candidate], temperature: float = 1.0) -> list[float]:
    """p(text | sound) among the candidates: softmax of scores over `temperature`."""
    scores = np.array([one.score for one in candidates]) / temperature
    found = np.exp(scores - scores.max(initial=-np.inf))
    return [float(one) for one in found / found.sum()]
