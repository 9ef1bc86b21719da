"""Cuts a recording of any length into windows of at most 30 s that begin and end where nobody speaks (for Whisper, Wav2Vec2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.speech import vad
from aisle.tasks.speech.vad import RATE, STEP, Rules, Span

SECONDS = 30  # what Whisper hears at a time, and enough for any other
MOST = SECONDS * RATE
SEARCH = MOST // 3  # samples before the end of a full window in which the best place to cut is looked for


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a recording: sample `start` to before `end`."""

    start: int
    end: int

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / RATE

    def of(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return samples[self.start : self.end]


def cut(samples: NDArray[np.float32], rules: Rules | None = None) -> list[Window]:
    """The windows in which somebody speaks, in order; none where nobody does."""
    speech = vad.probabilities(samples)
    used = rules or Rules()
    return pack([piece for span in vad.padded(speech, used, len(samples)) for piece in split(span, speech)])


def split(span: Span, speech: NDArray[np.float32]) -> list[Span]:
    """A span of speech in pieces of at most 30 s, cut where speech is least likely."""
    pieces: list[Span] = []
    start = span.start
    while span.end - start > MOST:
        first, last = (start + MOST - SEARCH) // STEP, (start + MOST) // STEP
        place = (first + int(np.argmin(speech[first:last]))) * STEP
        pieces.append(Span(start, place))
        start = place
    return [*pieces, Span(start, span.end)]


def pack(pieces: list[Span]) -> list[Window]:
    """As few windows as hold the pieces in order, with the silence between those that share one."""
    windows: list[Window] = []
    for piece in pieces:
        if windows and piece.end - windows[-1].start <= MOST:
            windows[-1] = Window(windows[-1].start, piece.end)
        else:
            windows.append(Window(piece.start, piece.end))
    return windows
