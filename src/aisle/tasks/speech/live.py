"""What a live voice is asked about, and what becomes known while it speaks."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Milliseconds = Annotated[int, Meta(ge=0, le=10_000)]


class Turns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When somebody begins and stops to speak, found out by a voice activity detector."""

    threshold: Annotated[float, Meta(ge=0, le=1, description="How sure it must be that this is speech.")] = 0.5
    prefix_padding_ms: Annotated[Milliseconds, Meta(description="Sound before the beginning that is heard, too.")] = 300
    silence_duration_ms: Annotated[Milliseconds, Meta(description="Silence that ends what was said.")] = 500


class Listen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Opens a live voice: raw sound follows in parts of any length."""

    format: Annotated[
        Literal["pcm", "pcmu", "pcma"], Meta(description="16-bit little-endian samples, or G.711 µ-law or A-law; one channel.")
    ] = "pcm"
    rate: Annotated[int, Meta(ge=8_000, le=48_000, description="Samples per second.")] = 24_000
    turns: Annotated[Turns | None, Meta(description="null: what was said ends when the caller says so.")] = Turns()
    language: Annotated[str, Meta(min_length=2, max_length=16, description="en, de, …; absent: found out.")] | None = None
    prompt: Annotated[str, Meta(max_length=2000, description="What was said or written before.")] | None = None
    phrases: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(max_length=500, description="Words and phrases to favour.")
    ] = []
    alternatives: Annotated[int, Meta(ge=1, le=20, description="How many texts an answer tells at most.")] = 5


class SpeechStarted(Struct, frozen=True, tag="speech_started"):
    """Somebody began to speak, so many milliseconds after the stream was opened."""

    at_ms: int


class SpeechStopped(Struct, frozen=True, tag="speech_stopped"):
    """... and stopped; the answer follows."""

    at_ms: int


class Partly(Struct, frozen=True, tag="partly"):
    """The text so far of what is being said; its first `stable` characters will not change any more."""

    text: str
    stable: int = 0
