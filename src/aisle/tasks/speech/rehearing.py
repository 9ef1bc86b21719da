"""A stream for recognisers that hear only whole recordings: what was said so far is heard again as it grows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.speech.recogniser import Heard, Hints, Partial, Recogniser
from aisle.tasks.speech.vad import RATE

FIRST = 0.5  # seconds of sound before the first look
GROWTH = 1.25  # the next look comes when there is so much more: the cost of a long speech stays within 5 hearings of it
LEAST = 0.5  # ... and at least so many seconds more


class Rehearing:
    """A Stream over any recogniser. Words that two looks agree on are stable, but for the last, which may still grow.

    (LocalAgreement-2: Liu, Spanakis and Niehues 2020, arXiv:2005.11185.)
    """

    def __init__(self, recogniser: Recogniser, hints: Hints | None = None, language: str | None = None) -> None:
        self._recogniser, self._hints, self._language = recogniser, hints, language
        self._sounds: list[NDArray[np.float32]] = []
        self._length, self._next = 0, round(FIRST * RATE)  # samples
        self._text, self._stable = "", 0

    def push(self, samples: NDArray[np.float32]) -> Partial | None:
        """The text so far, where it was time to look."""
        self._sounds.append(samples)
        self._length += len(samples)
        if self._length < self._next:
            return None
        self._next = max(round(self._length * GROWTH), self._length + round(LEAST * RATE))
        text = self._hear().text
        self._stable = (
            max(self._stable, agreed(self._text, text)) if text.startswith(self._text[: self._stable]) else self._stable
        )
        self._text = text if text.startswith(self._text[: self._stable]) else self._text  # what was called stable stays
        return Partial(self._text, self._stable)

    def finish(self) -> Heard:
        heard = self._hear()
        self._sounds, self._length, self._next = [], 0, round(FIRST * RATE)
        self._text, self._stable = "", 0
        return heard

    def _hear(self) -> Heard:
        sound = np.concatenate(self._sounds) if self._sounds else np.zeros(0, np.float32)
        self._sounds = [sound]
        (heard,) = self._recogniser.hear([sound], language=self._language, hints=self._hints)
        return heard


def agreed(before: str, now: str) -> int:
    """Characters of `now` up to the last word that both texts begin with, the last word of either left out."""
    shared = 0
    for one, other in zip(before.split(" ")[:-1], now.split(" ")[:-1], strict=False):
        if one != other:
            break
        shared += len(one) + 1
    return max(0, shared - 1)
