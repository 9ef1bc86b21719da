"""What goes in and out of speech, and what may be tuned."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from aisle.task import Answer
from aisle.tasks.speech.phrasing import Grammar
from aisle.types import Sound

Phrase = Annotated[str, Meta(min_length=1, max_length=200)]
Language = Annotated[str, Meta(min_length=2, max_length=16, pattern="^[A-Za-z-]+$")]


class Transcribe(Struct, kw_only=True, forbid_unknown_fields=True):
    """What was said in a recording (wav, flac, mp3, ogg, webm or m4a)?"""

    audio: Sound
    language: Language | None = None  # ISO 639-1; None: the model's own, or told from the sound
    prompt: Annotated[str, Meta(max_length=2000)] | None = None  # what was said or written before: its words are favoured
    phrases: Annotated[list[Phrase], Meta(max_length=500)] = []  # words and phrases to favour
    alternatives: Annotated[int, Meta(ge=1, le=20)] = 5


class Command(Struct, kw_only=True, forbid_unknown_fields=True):
    """What was meant, of what a grammar can say? Without a grammar: the one made of the shop's catalogue."""

    audio: Sound
    grammar: Grammar | None = None
    language: Language | None = None


class HeardWord(Struct):
    """A word, its times in seconds, and the probability that it was said."""

    word: str
    start: float
    end: float
    probability: float


class Other(Struct):
    """One of the n best texts."""

    text: str
    probability: float


class FavouredPhrase(Struct):
    """A phrase of the shop or the caller that was preferred, and by how much (natural logarithm of odds)."""

    phrase: str
    gain: float


class Transcription(Answer, kw_only=True):
    """The text with its probability, words with times, and alternatives; nothing said: an empty text and a reason."""

    text: str
    probability: float
    words: list[HeardWord]
    alternatives: list[Other]
    favoured: list[FavouredPhrase]
    duration: float  # seconds
    language: str | None = None
    reason: str | None = None


class OtherMeaning(Struct):
    """Something else that may have been meant."""

    intent: str
    slots: dict[str, str]
    text: str
    probability: float


class Meant(Answer, kw_only=True):
    """Intent and slots with the probability that all of them are right; nothing fits: no intent, and a reason."""

    intent: str | None
    slots: dict[str, str]
    probability: float
    text: str
    alternatives: list[OtherMeaning]
    duration: float
    reason: str | None = None


class Config(Struct, kw_only=True, forbid_unknown_fields=True):
    """How speech is learnt. The defaults need no torch: the starter's network, in the language of the shop."""

    network: Annotated[
        Literal["starter", "fine_tune", "new"],
        Meta(description="The acoustic network: the starter's, that one trained further on recordings, or a new one (torch)."),
    ] = "starter"
    steps: Annotated[int, Meta(description="Batches of training, for fine_tune and new.", ge=1, le=1_000_000)] = 600
    minutes: Annotated[float, Meta(description="Most minutes of processor time for it.", gt=0, le=10_000)] = 60.0
    rate: Annotated[float, Meta(description="Learning rate at its highest.", gt=0, le=0.1)] = 5e-4
    hardship: Annotated[
        float, Meta(description="How much recordings are changed while training (tempo, noise, room …); 0: hardly.", ge=0, le=1)
    ] = 1.0
    width: Annotated[int, Meta(description="Width of a new network.", ge=16, le=512)] = 176
    blocks: Annotated[int, Meta(description="Conformer blocks of a new network.", ge=1, le=24)] = 6
    shop: Annotated[
        float,
        Meta(description="Weight of the catalogue's language beside the starter's; 0 leaves the shop's words out.", ge=0, le=1),
    ] = 0.5
    gain: Annotated[
        float,
        Meta(
            description="What eight letters of a phrase of the catalogue earn while decoding (log odds); 0: nothing.", ge=0, le=20
        ),
    ] = 9.0
    beam: Annotated[int, Meta(description="Texts followed at once while decoding.", ge=1, le=500)] = 24
    language: Annotated[float, Meta(description="Weight of language against sound.", ge=0, le=3)] = 0.6
    seed: Annotated[int, Meta(description="Seed of everything random.", ge=0, le=2**31)] = 7
