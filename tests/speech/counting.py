"""A recogniser that counts: half a second of sound is a word. What is around a recogniser can be seen by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from aisle.kit import audio
from aisle.task import Answer, Context, Operation, Prepared, Registry
from aisle.tasks.speech.listener import Listener
from aisle.tasks.speech.live import Listen
from aisle.tasks.speech.recogniser import Alternative, Heard, Hints, Partial, Word
from aisle.types import Sound

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
Samples = NDArray[np.float32]


def count(samples: Samples, hints: Sequence[str] = (), language: str | None = None) -> Heard:
    seconds = len(samples) / audio.RATE
    said = [*hints, *(NUMBERS * 100)[: round(seconds * 2)]]
    words = tuple(Word(word, place / 2, place / 2 + 0.5, 0.9) for place, word in enumerate(said))
    text = " ".join(said)
    alternatives = (Alternative(text, 0.8), Alternative("many", 0.2))
    return Heard(text, 0.8, words, alternatives, language=language or "en", duration=seconds)


class Counted:
    """Its stream."""

    def __init__(self, hints: Sequence[str], slowly: Callable[[], object] = lambda: None) -> None:
        self._hints, self._slowly, self._parts = hints, slowly, [np.zeros(0, np.float32)]

    def push(self, samples: Samples) -> Partial | None:
        self._slowly()
        self._parts.append(samples)
        heard = count(np.concatenate(self._parts), self._hints)
        return Partial(heard.text, len(heard.text)) if heard.words else None

    def finish(self) -> Heard:
        return count(np.concatenate(self._parts), self._hints)


class Counting:
    """The recogniser."""

    def hear(self, sounds: Sequence[Samples], *, language: str | None = None, hints: Hints | None = None) -> list[Heard]:
        return [count(sound, hints.phrases if hints else (), language) for sound in sounds]

    def stream(self, hints: Hints | None = None, *, language: str | None = None) -> Counted:
        return Counted(hints.phrases if hints else ())


class Transcribe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    audio: Sound
    language: str | None = None
    prompt: str | None = None
    phrases: list[str] = []


class Transcription(Answer, kw_only=True, omit_defaults=True):
    text: str
    probability: float
    words: Sequence[Word]
    alternatives: Sequence[Alternative]
    duration: float
    language: str | None = None
    reason: str | None = None


def answer(heard: Heard) -> Transcription:
    return Transcription(
        text=heard.text, probability=heard.probability, words=heard.words, alternatives=heard.alternatives,
        duration=heard.duration, language=heard.language, reason=heard.reason,
    )  # fmt: skip


def hinted(request: Transcribe | Listen) -> list[str]:
    return [*([request.prompt] if request.prompt else []), *request.phrases]


class Engine:
    """As the speech task's: whole files, and live voices; `slowly` is called with every part that is heard."""

    def __init__(self, slowly: Callable[[], object] = lambda: None) -> None:
        self.slowly = slowly

    def prepare(self, op: str, request: Transcribe, context: Context) -> Prepared:
        return Prepared((audio.decode(context.media), request))

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        return [count(one.data[0], hinted(one.data[1]), one.data[1].language) for one in batch]

    def finish(self, op: str, request: Any, result: Heard) -> Answer:
        return answer(result)

    def stream(self, op: str, request: Listen, context: Context) -> Listener:
        return Listener(request, lambda: Counted(hinted(request), self.slowly), answer)


class Task:
    """Stands in the place of the speech task."""

    name = "speech"
    config = Transcribe
    operations: Mapping[str, Operation] = {
        "transcribe": Operation(
            Transcribe, Transcription, {}, "Counts half seconds.", frozenset({"sound"}), heavy=True, stream=Listen
        )
    }


REGISTRY = Registry({"speech": Task()})  # type: ignore[dict-item]
