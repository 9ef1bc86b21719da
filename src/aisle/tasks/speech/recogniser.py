"""The inner contract of speech: what every recogniser (our CTC network, Whisper, Wav2Vec2) is asked and answers.

A model folder's `recogniser.json` has a `kind`; `open_folder` picks the class that reads it. Samples are 16 kHz mono float32
(`kit.audio`); times are seconds from the start of the recording.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from aisle.errors import Misconfigured

if TYPE_CHECKING:
    from aisle.tasks.speech.phrasing import Grammar

Samples = NDArray[np.float32]
KINDS = {  # kind in recogniser.json: the module with `load(folder) -> Recogniser`
    "ctc": "aisle.tasks.speech.ctc",
    "whisper": "aisle.tasks.speech.whisper",
    "wav2vec2": "aisle.tasks.speech.wav2vec2",
}
SILENCE = "there is no speech in the recording"
SHORT = "the recording is too short to hear anything"
UNSURE = "nothing in the recording could be understood"


@dataclass(frozen=True, slots=True)
class Word:
    """One word heard: `start` and `end` in seconds, `probability` that it was said."""

    word: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class Favoured:
    """A phrase of the shop that was preferred, and by how much (natural logarithm of the odds)."""

    phrase: str
    gain: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of the n best texts; the probabilities of the n best add up to at most 1."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said in one recording. Nothing said: an empty text and the `reason` why."""

    text: str
    probability: float
    words: tuple[Word, ...] = ()
    alternatives: tuple[Alternative, ...] = ()  # best first, the text itself included
    favoured: tuple[Favoured, ...] = ()
    language: str | None = None  # ISO 639-1
    duration: float = 0.0  # seconds
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Partial:
    """What a stream has heard so far; `stable` characters of `text` will not change any more."""

    text: str
    stable: int = 0
    speaking: bool = True  # False: silence since `silence` seconds
    silence: float = 0.0  # seconds


@dataclass(frozen=True, slots=True)
class Hints:
    """What the caller knows beforehand."""

    phrases: tuple[str, ...] = ()  # words and phrases to favour
    prompt: str | None = None  # what was said or written before
    alternatives: int = 5


@dataclass(frozen=True, slots=True)
class Meaning:
    """One thing that a grammar can mean, and how probable it is given the sound."""

    intent: str
    slots: dict[str, str]
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Understood:
    """The best meanings of one recording, best first; empty with a `reason` where nothing fits."""

    meanings: tuple[Meaning, ...] = ()
    probability: float = 0.0  # of the best meaning, calibrated, against everything else that may have been said
    heard: Heard = field(default_factory=lambda: Heard("", 0.0))
    reason: str | None = None


class Stream(Protocol):
    """One caller who is heard bit by bit."""

    def push(self, samples: Samples) -> Partial | None:
        """What is heard so far, where it changed."""

    def finish(self) -> Heard:
        """The utterance; the stream is empty afterwards and may be used again."""


class Recogniser(Protocol):
    """One loaded model. Synchronous; may be used by one thread at a time."""

    def hear(self, sounds: Sequence[Samples], *, language: str | None, hints: Hints | None) -> list[Heard]:
        """One answer per recording, in order, each what it would be alone."""

    def understand(self, sounds: Sequence[Samples], grammar: Grammar) -> list[Understood]:
        """What was meant, of what the grammar can mean (`grammar.by_text` does it for recognisers that only write texts)."""

    def stream(self, hints: Hints | None, *, language: str | None = None) -> Stream:
        """Raises BadInput for a language that the model does not hear."""


class Module(Protocol):
    """What a module of KINDS has."""

    def load(self, folder: Path) -> Recogniser: ...


def open_folder(folder: Path) -> Recogniser:
    """The recogniser in a model folder. Raises Misconfigured for a kind that is not known."""
    try:
        kind = json.loads((folder / "recogniser.json").read_text("utf-8"))["kind"]
        module = cast(Module, importlib.import_module(KINDS[kind]))
    except (KeyError, ImportError, ValueError, TypeError) as error:
        raise Misconfigured(f"this is no model folder of speech that this version reads ({error}): train it again") from None
    return module.load(folder)
