"""Whisper as one of the recognisers: every step of `whisper` in its order, for many recordings at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from aisle.errors import Misconfigured
from aisle.tasks.speech import windows
from aisle.tasks.speech.grammar import by_text
from aisle.tasks.speech.phrasing import Grammar
from aisle.tasks.speech.recogniser import SILENCE, UNSURE, Alternative, Heard, Hints, Stream, Understood, Word
from aisle.tasks.speech.rehearing import Rehearing
from aisle.tasks.speech.vad import RATE
from aisle.tasks.speech.whisper import decoding, words
from aisle.tasks.speech.whisper.decoding import Options, Written
from aisle.tasks.speech.whisper.network import Network
from aisle.tasks.speech.whisper.tokens import Tokens
from aisle.tasks.speech.windows import Window

NETWORK = "network"  # the folder in a model's folder that CTranslate2 reads
TOGETHER = 4  # windows that go through the network at once: a window of a large Whisper is 8 MB between the two halves
Samples = NDArray[np.float32]


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in recogniser.json beside the network; see `decoding.Options`."""

    kind: str = "whisper"
    source: str = ""
    compute_type: str = "default"  # how CTranslate2 multiplies: int8, int8_float32, float32; default: as stored
    threads: int = 0  # 0: as many as there are cores, at most 4
    beam: int = 5
    temperatures: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    alternatives: int = 5
    most_tokens: int = 448


@dataclass(frozen=True, slots=True)
class Piece:
    """A window of one of the recordings that are heard together, and what was made of it."""

    sound: int
    window: Window
    language: str
    written: Written
    words: list[Word]


class Whisper:
    """A Recogniser. Nothing in it changes between calls, so that threads may share it."""

    def __init__(self, folder: Path) -> None:
        """Opens what `adopt` wrote. Raises Misconfigured."""
        try:
            self.config = msgspec.json.decode((folder / "recogniser.json").read_bytes(), type=Config)
        except (OSError, msgspec.MsgspecError) as error:
            raise Misconfigured(f"{folder} has no readable recogniser.json ({error}): pull the model again") from None
        said = self.config
        self.network = Network(folder / NETWORK, compute_type=said.compute_type, threads=said.threads)
        self.tokens = Tokens(folder / NETWORK / "tokenizer.json")
        self.options = Options(said.beam, said.temperatures, alternatives=said.alternatives, most_tokens=said.most_tokens)

    def hear(self, sounds: Sequence[Samples], *, language: str | None = None, hints: Hints | None = None) -> list[Heard]:
        """What is said in recordings of 16 kHz, in their order; language None: found out from each one's first window."""
        phrases = [*([hints.prompt] if hints.prompt else []), *hints.phrases] if hints is not None else []
        cuts = [(sound, window) for sound, samples in enumerate(sounds) for window in windows.cut(samples)]
        languages: dict[int, tuple[str, float]] = {}
        pieces: list[Piece] = []
        for some in _together(cuts):
            encoded = self.network.encode([self.network.features(window.of(sounds[sound])) for sound, window in some])
            self._find_languages(encoded, [sound for sound, _ in some], language, languages)
            pieces += self._write(encoded, some, [languages[sound][0] for sound, _ in some], phrases)
        return [
            _heard([piece for piece in pieces if piece.sound == sound], samples, languages.get(sound), self.options.alternatives)
            for sound, samples in enumerate(sounds)
        ]

    def understand(self, sounds: Sequence[Samples], grammar: Grammar) -> list[Understood]:
        """By its texts: what of the grammar the n best say."""
        return [by_text(heard, grammar) for heard in self.hear(sounds)]

    def stream(self, hints: Hints | None = None, *, language: str | None = None) -> Stream:
        """Whisper hears 30 s at once and has no streaming form: what was said so far is heard again as it grows."""
        if language is not None:
            self.tokens.language(plain(language))  # raises BadInput now rather than later
        return Rehearing(self, hints, language)

    def _find_languages(self, encoded: Any, sounds: list[int], given: str | None, known: dict[int, tuple[str, float]]) -> None:
        """The language of each recording whose first window is among these."""
        fresh = [place for place, sound in enumerate(sounds) if sound not in known and sound not in sounds[:place]]
        if given is not None:
            known.update({sounds[place]: (plain(given), 1.0) for place in fresh})
        elif fresh:
            found = self.network.languages(self.network.pick(encoded, fresh))
            known.update({sounds[place]: best[0] for place, best in zip(fresh, found, strict=True)})

    def _write(self, encoded: Any, some: list[tuple[int, Window]], languages: list[str], hints: Sequence[str]) -> Iterator[Piece]:
        """The text and the words of windows that were encoded together."""
        prompts = [self.tokens.prompt(self._token_language(language), hints) for language in languages]
        written = decoding.write(self.network, encoded, prompts, self.options, self.tokens.text)
        timed = self._time(encoded, some, languages, written)
        for place, (sound, window) in enumerate(some):
            yield Piece(sound, window, languages[place], written[place], timed[place])

    def _time(
        self, encoded: Any, some: list[tuple[int, Window]], languages: list[str], written: list[Written]
    ) -> list[list[Word]]:
        """The words of every window; windows of one language are aligned together."""
        found: list[list[Word]] = [[] for _ in some]
        alike: dict[str, list[int]] = defaultdict(list)
        texts = [[token for token in one.tokens if token < self.tokens.end] for one in written]
        for place, text in enumerate(texts):
            if text:
                alike[languages[place]].append(place)
        for language, places in alike.items():
            start = self.tokens.prompt(self._token_language(language))[:-1]  # the aligner adds "no times" by itself
            aligned = self.network.align(
                self.network.pick(encoded, places), start, [texts[p] for p in places], [some[p][1].seconds for p in places]
            )
            for place, alignment in zip(places, aligned, strict=True):
                found[place] = words.timed(self.tokens, texts[place], alignment, language, some[place][1].start / RATE)
        return found

    def _token_language(self, language: str) -> str | None:
        return language if self.network.multilingual else None


def plain(language: str) -> str:
    """en-GB is en."""
    return language.split("-")[0].lower()


def _together(cuts: list[tuple[int, Window]]) -> Iterator[list[tuple[int, Window]]]:
    for start in range(0, len(cuts), TOGETHER):
        yield cuts[start : start + TOGETHER]


def _heard(pieces: list[Piece], samples: Samples, language: tuple[str, float] | None, most: int) -> Heard:
    """One recording's windows, joined."""
    duration = len(samples) / RATE
    if not pieces or language is None:
        return Heard("", 0.0, duration=duration, reason=SILENCE)
    spoken = [piece for piece in pieces if piece.written.text]
    if not spoken:
        return Heard("", 0.0, language=language[0], duration=duration, reason=UNSURE)
    alternatives = combined([piece.written.texts for piece in spoken], most)
    text = " ".join(piece.written.text for piece in spoken)
    probability = next((one.probability for one in alternatives if one.text == text), 0.0)
    words = tuple(word for piece in spoken for word in piece.words)
    return Heard(text, probability, words, tuple(alternatives), language=language[0], duration=duration)


def combined(windows: list[list[tuple[str, float]]], most: int) -> list[Alternative]:
    """The most probable ways to join one text of each window; their probabilities add up to 1 over those that were found."""
    joined: list[tuple[str, float]] = [("", 0.0)]
    for texts in windows:
        grown = [(f"{said} {text}".strip(), score + own) for said, score in joined for text, own in texts]
        joined = sorted(grown, key=lambda one: -one[1])[:most]
    shares: dict[str, float] = defaultdict(float)
    for text, score in joined:
        shares[text] += math.exp(score - joined[0][1])
    whole = sum(shares.values())
    return [Alternative(text, share / whole) for text, share in sorted(shares.items(), key=lambda one: -one[1])]
