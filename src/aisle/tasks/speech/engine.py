"""Speech as the platform runs it: decode (prepare), listen (run), answer (finish), whatever recogniser the folder holds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from aisle.errors import AisleError, BadInput
from aisle.kit import audio
from aisle.task import Answer, Context, Prepared
from aisle.tasks.speech.grammar import compiled
from aisle.tasks.speech.listener import Listener
from aisle.tasks.speech.live import Listen
from aisle.tasks.speech.phrasing import Grammar
from aisle.tasks.speech.recogniser import Heard, Hints, Recogniser, Understood, open_folder
from aisle.tasks.speech.schema import (
    Command,
    FavouredPhrase,
    HeardWord,
    Meant,
    Other,
    OtherMeaning,
    Transcribe,
    Transcription,
)

COMMAND_SECONDS = 30.0  # a command is short; its cost grows with the grammar


class SpeechEngine:
    """A recogniser, and the grammar of the shop's catalogue."""

    def __init__(self, recogniser: Recogniser, grammar: Grammar | None) -> None:
        self.recogniser = recogniser
        self.grammar = grammar

    def prepare(self, op: str, request: Any, context: Context) -> Prepared:
        """16 kHz samples; the cost is their seconds. Raises BadInput, TooLarge or Unsupported for this recording alone."""
        if op == "command":
            grammar = self._grammar(request)
            sound = audio.decode(context.media, audio.Limits(seconds=COMMAND_SECONDS))
            return Prepared((sound, grammar), max(audio.seconds(sound), 0.1))
        sound = audio.decode(context.media)
        return Prepared((sound, request), max(audio.seconds(sound), 0.1))

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        """Heard or Understood, in the order of the batch; a recording that cannot be heard is an error of its own."""
        return [self._one(op, *one.data) for one in batch]

    def finish(self, op: str, request: Any, result: Any) -> Answer:
        return meant(result) if op == "command" else transcription(result)

    def stream(self, op: str, request: Listen, context: Context) -> Listener:
        """A live voice. Raises BadInput for a language that the model does not hear."""
        hints = Hints(tuple(request.phrases), request.prompt, request.alternatives)
        begin = partial(self.recogniser.stream, hints, language=request.language)
        begin()  # what is wrong with the language or the hints is said before anything is heard
        return Listener(request, begin, transcription)

    def _one(self, op: str, sound: Any, asked: Any) -> Any:
        try:
            if op == "command":
                return self.recogniser.understand([sound], asked)[0]
            return self.recogniser.hear([sound], language=asked.language, hints=hints_of(asked))[0]
        except AisleError as error:
            return error

    def _grammar(self, request: Command) -> Grammar:
        if request.grammar is not None:
            compiled(request.grammar)  # raises BadInput before anything is decoded
            return request.grammar
        if self.grammar is None:
            raise BadInput(
                "this model has no grammar of its own: send one, or train speech on a shop with items", param="/grammar"
            )
        return self.grammar


def hints_of(request: Transcribe) -> Hints:
    return Hints(tuple(request.phrases), request.prompt, request.alternatives)


def transcription(heard: Heard) -> Transcription:
    """The answer of `transcribe`."""
    return Transcription(
        text=heard.text,
        probability=heard.probability,
        words=[HeardWord(one.word, one.start, one.end, one.probability) for one in heard.words],
        alternatives=[Other(one.text, one.probability) for one in heard.alternatives],
        favoured=[FavouredPhrase(one.phrase, one.gain) for one in heard.favoured],
        duration=heard.duration,
        language=heard.language,
        reason=heard.reason,
    )


def meant(understood: Understood) -> Meant:
    """The answer of `command`."""
    best, *others = understood.meanings or (None,)
    return Meant(
        intent=best.intent if best else None,
        slots=best.slots if best else {},
        probability=understood.probability,
        text=best.text if best else "",
        alternatives=[OtherMeaning(one.intent, one.slots, one.text, one.probability) for one in others if one],
        duration=understood.heard.duration,
        reason=understood.reason,
    )


def load(folder: Path) -> SpeechEngine:
    """Open a model folder of any kind."""
    path = folder / "grammar.json"
    grammar = msgspec.json.decode(path.read_bytes(), type=Grammar) if path.exists() else None
    return SpeechEngine(open_folder(folder), grammar)
