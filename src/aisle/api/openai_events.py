"""OpenAI's realtime transcription: the events that callers send, and what of a session they may change.

Both forms of a session are taken: today's (`session.update` with `audio.input`) and the older one
(`transcription_session.update` with flat names). What a caller sends beside what is named here is left aside: the event
`session.updated`, which answers, says what holds.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from aisle.api.decode import invalid
from aisle.errors import BadInput, Malformed

Text = Annotated[str, Meta(max_length=2_000)]
Milliseconds = Annotated[int, Meta(ge=0, le=10_000)]


class Format(Struct, frozen=True):
    """How sound is sent; OpenAI knows 24,000 samples per second only, other rates are ours."""

    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"] = "audio/pcm"
    rate: Annotated[int, Meta(ge=8_000, le=48_000)] | None = None


class Transcription(Struct, frozen=True):
    """Which model, in which language, with what likely words."""

    model: Text | None = None
    language: Annotated[str, Meta(min_length=2, max_length=16)] | None = None
    prompt: Text | None = None
    keywords: Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(max_length=500)] | None = None


class TurnDetection(Struct, frozen=True):
    """When speech begins and ends."""

    type: Literal["server_vad"] = "server_vad"
    threshold: Annotated[float, Meta(ge=0, le=1)] = 0.5
    prefix_padding_ms: Milliseconds = 300
    silence_duration_ms: Milliseconds = 500


class Input(Struct, frozen=True):
    """What of a session's hearing is changed."""

    format: Format | UnsetType = UNSET
    transcription: Transcription | UnsetType | None = UNSET
    turn_detection: TurnDetection | UnsetType | None = UNSET


class Audio(Struct, frozen=True):
    input: Input = Input()


class Session(Struct, frozen=True):
    """A session, as `session.update` says it."""

    type: Literal["transcription"] = "transcription"
    audio: Audio = Audio()


class OldSession(Struct, frozen=True):
    """A session, as `transcription_session.update` says it."""

    input_audio_format: Literal["pcm16", "g711_ulaw", "g711_alaw"] | UnsetType = UNSET
    input_audio_transcription: Transcription | UnsetType | None = UNSET
    turn_detection: TurnDetection | UnsetType | None = UNSET


class Update(Struct, frozen=True, tag="session.update"):
    session: Session
    event_id: Text | None = None


class OldUpdate(Struct, frozen=True, tag="transcription_session.update"):
    session: OldSession
    event_id: Text | None = None


class Append(Struct, frozen=True, tag="input_audio_buffer.append"):
    """More sound, base64."""

    audio: bytes
    event_id: Text | None = None


class Commit(Struct, frozen=True, tag="input_audio_buffer.commit"):
    event_id: Text | None = None


class Clear(Struct, frozen=True, tag="input_audio_buffer.clear"):
    event_id: Text | None = None


Event = Update | OldUpdate | Append | Commit | Clear
OLD_FORMATS = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def read(message: str | bytes) -> Event:
    """A caller's event. Raises Malformed, BadInput."""
    if isinstance(message, bytes):
        raise BadInput("events are text messages of JSON; sound goes base64-encoded into input_audio_buffer.append")
    try:
        return _decoder.decode(message)
    except msgspec.ValidationError as error:
        raise _named(message) or invalid(error, Event) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed(f"the event is not JSON: {error}") from None


def event_id(message: str | bytes) -> str | None:
    """The caller's own name of an event that could not be read, where it has one."""
    try:
        found = msgspec.json.decode(message).get("event_id")
    except (msgspec.DecodeError, AttributeError, UnicodeError, RecursionError):
        return None
    return found[:200] if isinstance(found, str) else None


def _named(message: str) -> BadInput | None:
    """An error for a type of event, or of session, that there is not."""
    try:
        plain = msgspec.json.decode(message)
    except (msgspec.DecodeError, RecursionError):
        return None
    kind = plain.get("type") if isinstance(plain, dict) else None
    known = [one.__struct_config__.tag for one in (Update, OldUpdate, Append, Commit, Clear)]
    if kind not in known:
        return BadInput(f"there is no event {str(kind)[:80]!r} here: send {', '.join(map(str, known))}", param="/type")
    session = plain.get("session")
    if kind == "session.update" and isinstance(session, dict) and session.get("type") not in (None, "transcription"):
        return BadInput("this server transcribes: the session's type is transcription", param="/session/type")
    return None


class Hearing(Struct, frozen=True, kw_only=True):
    """What holds in a session."""

    format: Format = Format("audio/pcm", 24_000)
    transcription: Transcription = Transcription()
    turns: TurnDetection | None = TurnDetection()

    def changed(self, event: Update | OldUpdate) -> Hearing:
        """With what the event says, the rest as before."""
        said = _input(event.session) if isinstance(event, OldUpdate) else event.session.audio.input
        return Hearing(
            format=self.format if said.format is UNSET else whole(said.format),
            transcription=self.transcription if said.transcription is UNSET else said.transcription or Transcription(),
            turns=self.turns if said.turn_detection is UNSET else said.turn_detection,
        )

    def listen(self) -> dict[str, Any]:
        """As the request that opens a stream of speech.transcribe."""
        said, turns = self.transcription, self.turns
        return {
            "format": self.format.type.removeprefix("audio/"),
            "rate": self.format.rate,
            "language": said.language or None,
            "prompt": said.prompt or None,
            "phrases": said.keywords or [],
            "turns": None if turns is None else {
                "threshold": turns.threshold, "prefix_padding_ms": turns.prefix_padding_ms,
                "silence_duration_ms": turns.silence_duration_ms,
            },
        }  # fmt: skip


def whole(given: Format) -> Format:
    """A format with its rate: G.711 has 8,000 samples per second."""
    return Format(given.type, given.rate or 24_000) if given.type == "audio/pcm" else Format(given.type, 8_000)


def _input(old: OldSession) -> Input:
    kind = old.input_audio_format
    return Input(
        UNSET if kind is UNSET else Format(OLD_FORMATS[kind]),  # type: ignore[arg-type]
        old.input_audio_transcription,
        old.turn_detection,
    )
