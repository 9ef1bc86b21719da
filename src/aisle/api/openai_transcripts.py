"""A transcription in the shapes that OpenAI's clients read: json, verbose_json, text, srt, vtt. Times in seconds."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence

from msgspec import Struct

PAUSE = 0.7  # seconds of silence between two words that begin a new segment
LONGEST = 10.0  # seconds of a segment: what can be read as one subtitle
ENDS = (".", "?", "!", "。", "？", "！")  # a word that ends so ends its segment


class Word(Struct, frozen=True):
    """One word and when it was said."""

    word: str
    start: float
    end: float


class Segment(Struct, frozen=True, kw_only=True):
    """Words said in one breath. `tokens` is empty and `no_speech_prob` 0: silence is left out before anything is recognised."""

    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float
    avg_logprob: float  # mean logarithm of the words' probabilities
    compression_ratio: float
    no_speech_prob: float


class Duration(Struct, frozen=True, tag="duration"):
    """What was heard, in seconds of sound."""

    seconds: float


class Transcript(Struct, frozen=True, kw_only=True):
    """response_format=json."""

    text: str
    usage: Duration


class VerboseTranscript(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """response_format=verbose_json."""

    text: str
    duration: float
    language: str
    usage: Duration
    task: str = ""
    words: list[Word] | None = None
    segments: list[Segment] | None = None


class Spoken(Struct, frozen=True):
    """One word of an answer of speech.transcribe."""

    word: str
    start: float
    end: float
    probability: float


class Said(Struct, frozen=True):
    """What of an answer of speech.transcribe is used here."""

    text: str
    duration: float = 0.0
    words: list[Spoken] = []
    language: str | None = None


def plain(said: Said) -> Transcript:
    return Transcript(text=said.text, usage=Duration(said.duration))


def verbose(said: Said, granularities: Iterable[str]) -> VerboseTranscript:
    """With the words, the segments or both."""
    wanted = frozenset(granularities) or frozenset({"segment"})
    return VerboseTranscript(
        task="transcribe",
        text=said.text,
        duration=said.duration,
        language=LANGUAGES.get(said.language or "", said.language or "unknown"),
        usage=Duration(said.duration),
        words=[Word(word.word, word.start, word.end) for word in said.words] if "word" in wanted else None,
        segments=segments(said) if "segment" in wanted else None,
    )


def segments(said: Said) -> list[Segment]:
    """The words gathered into what is said in one breath; one segment for a text without words."""
    groups = breaths(said.words)
    if not groups and said.text:
        groups = [[Spoken(said.text, 0.0, said.duration, 1.0)]]
    return [_segment(place, words) for place, words in enumerate(groups)]


def breaths(words: Sequence[Spoken]) -> list[list[Spoken]]:
    """Runs of words: a pause, the end of a sentence or 10 s end one."""
    groups: list[list[Spoken]] = []
    for word in words:
        last = groups[-1] if groups else None
        if (
            last is None
            or word.start - last[-1].end > PAUSE
            or word.end - last[0].start > LONGEST
            or last[-1].word.endswith(ENDS)
        ):
            groups.append([word])
        else:
            last.append(word)
    return groups


def _segment(place: int, words: list[Spoken]) -> Segment:
    text = " ".join(word.word for word in words)
    content = text.encode()
    return Segment(
        id=place,
        seek=round(words[0].start * 100),
        start=words[0].start,
        end=words[-1].end,
        text=text,
        tokens=[],
        temperature=0.0,
        avg_logprob=sum(math.log(max(word.probability, 1e-9)) for word in words) / len(words),
        compression_ratio=len(content) / len(zlib.compress(content)),
        no_speech_prob=0.0,
    )


def srt(said: Said) -> str:
    """SubRip subtitles."""
    blocks = [
        f"{one.id + 1}\n{clock(one.start, ',')} --> {clock(one.end, ',')}\n{one_line(one.text)}\n" for one in segments(said)
    ]
    return "\n".join(blocks)


def vtt(said: Said) -> str:
    """WebVTT subtitles."""
    blocks = [f"{clock(one.start, '.')} --> {clock(one.end, '.')}\n{escaped(one_line(one.text))}\n" for one in segments(said)]
    return "\n".join(["WEBVTT\n", *blocks])


def clock(seconds: float, point: str) -> str:
    """01:02:03,004"""
    millis = max(0, round(seconds * 1000))
    return f"{millis // 3_600_000:02}:{millis // 60_000 % 60:02}:{millis // 1000 % 60:02}{point}{millis % 1000:03}"


def one_line(text: str) -> str:
    """Without line breaks, and without the arrow that would end the text."""
    return " ".join(text.split()).replace("-->", "->")


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


LANGUAGES = {
    "ar": "arabic", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "fi": "finnish", "fr": "french", "he": "hebrew", "hi": "hindi", "hu": "hungarian", "id": "indonesian", "it": "italian",
    "ja": "japanese", "ko": "korean", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sv": "swedish", "th": "thai", "tr": "turkish", "uk": "ukrainian", "vi": "vietnamese", "zh": "chinese",
}  # fmt: skip
