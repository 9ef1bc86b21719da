"""Words with the times at which they were said and how sure the network is of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aisle.tasks.speech.recogniser import Word
from aisle.tasks.speech.whisper.network import Alignment
from aisle.tasks.speech.whisper.tokens import Tokens


def timed(tokens: Tokens, text: Sequence[int], alignment: Alignment, language: str | None, start: float) -> list[Word]:
    """The words of a window that begins at `start` seconds.

    A word's probability is the mean of its tokens'; marks that touch it (comma, full stop) count neither for that nor for its
    times, since nobody says them.
    """
    words: list[Word] = []
    at = 0
    for said, own in tokens.words(text, language):
        spoken = [at + k for k, token in enumerate(own) if any(map(str.isalnum, tokens.text([token])))] or range(
            at, at + len(own)
        )
        begin, end = alignment.starts[spoken[0]], alignment.starts[spoken[-1] + 1]
        probability = float(np.mean(alignment.probabilities[list(spoken)]))
        if said.strip():
            words.append(Word(said.strip(), round(start + float(begin), 3), round(start + float(end), 3), probability))
        at += len(own)
    return words
