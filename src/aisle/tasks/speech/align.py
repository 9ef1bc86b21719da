"""When each letter was heard: the best CTC path of a known text (Viterbi), and from it times and probabilities of words."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.speech.recogniser import Word
from aisle.tasks.speech.spoken import ALPHABET

Floats = NDArray[np.float32]


def aligned(logs: Floats, text: str, alphabet: str = ALPHABET) -> list[tuple[int, int]]:
    """For every letter the first frame and the one after the last in which it is heard; [] where the text cannot fit."""
    wanted = np.zeros(2 * len(text) + 1, int)
    wanted[1::2] = [alphabet.index(letter) + 1 for letter in text]
    barred = np.full(len(wanted), -np.inf)
    barred[3::2] = np.where(wanted[3::2] != wanted[1:-2:2], 0.0, -np.inf)  # two letters follow each other without a blank
    reached = np.full(len(wanted) + 2, -np.inf)  # two places before the first, so that what came before is a slice
    best, one, two = reached[2:], reached[1:-1], reached[:-2]
    best[:2] = logs[0, wanted[:2]] if len(logs) else -np.inf
    came, heard = np.zeros((len(logs), len(wanted)), np.int8), logs[:, wanted]
    for t in range(1, len(logs)):
        near, far = np.maximum(best, one), two + barred
        came[t] = np.where(far > near, 2, one > best)
        best[:] = np.maximum(near, far) + heard[t]
    place = len(wanted) - 1 if len(wanted) == 1 or best[-1] >= best[-2] else len(wanted) - 2
    if not np.isfinite(best[place]):
        return []
    spans: list[list[int]] = [[] for _ in text]
    for t in range(len(logs) - 1, -1, -1):
        if place % 2:
            spans[place // 2].append(t)
        place -= int(came[t, place])
    return [(span[-1], span[0] + 1) for span in spans]


def words(logs: Floats, text: str, frame: float, alphabet: str = ALPHABET) -> tuple[Word, ...]:
    """Words of a text with their times; `frame` is seconds per row of `logs`. A word is as probable as its letters' mean."""
    spans = aligned(logs, text, alphabet)
    if not spans:
        return tuple(Word(word, 0.0, 0.0, 0.0) for word in text.split())
    found, place = [], 0
    for word in text.split():
        mine = spans[place : place + len(word)]
        heard = [_letter(logs[a:b, alphabet.index(letter) + 1]) for letter, (a, b) in zip(word, mine, strict=True)]
        found.append(Word(word, mine[0][0] * frame, mine[-1][1] * frame, math.exp(sum(heard) / len(heard))))
        place += len(word) + 1
    return tuple(found)


def _letter(logs: Floats) -> float:
    """A letter is as sure as its surest frame."""
    return float(logs.max())
