"""Wav2Vec2 as one of the recognisers: its letters, decoded by the same search as those of our own network."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aisle.errors import BadInput
from aisle.tasks.speech import windows
from aisle.tasks.speech.align import words
from aisle.tasks.speech.beam import Candidate, Decoder, Search, shares
from aisle.tasks.speech.ctc import joined
from aisle.tasks.speech.grammar import by_text
from aisle.tasks.speech.phrases import Phrases, found_in
from aisle.tasks.speech.phrasing import Grammar
from aisle.tasks.speech.recogniser import SILENCE, UNSURE, Alternative, Favoured, Heard, Hints, Stream, Understood, Word
from aisle.tasks.speech.rehearing import Rehearing
from aisle.tasks.speech.vad import RATE
from aisle.tasks.speech.wav2vec2.network import Network
from aisle.tasks.speech.windows import Window

Samples = NDArray[np.float32]
TEMPERATURE = 2.0  # of the n best: a beam's scores are too sure of themselves


class Wav2Vec2:
    """A Recogniser."""

    def __init__(self, folder: Path) -> None:
        """Opens what `adopt` wrote. Raises Misconfigured."""
        self.network = Network(folder)
        self.config = self.network.config
        self._decoder = functools.lru_cache(32)(self._new_decoder)

    def hear(self, sounds: Sequence[Samples], *, language: str | None = None, hints: Hints | None = None) -> list[Heard]:
        """Texts with probabilities. Raises BadInput for another language than the model's, where that is known."""
        self._require(language)
        return [self._heard(sound, hints or Hints()) for sound in sounds]

    def understand(self, sounds: Sequence[Samples], grammar: Grammar) -> list[Understood]:
        return [by_text(heard, grammar) for heard in self.hear(sounds)]

    def stream(self, hints: Hints | None = None, *, language: str | None = None) -> Stream:
        """Its attention looks at whole recordings: what was said so far is heard again as it grows."""
        self._require(language)
        return Rehearing(self, hints)

    def _require(self, language: str | None) -> None:
        mine = self.config.language
        if language is not None and mine is not None and language.split("-")[0].lower() != mine:
            raise BadInput(f"this recogniser hears {mine!r} only: leave out the language", param="/language")

    def _heard(self, sound: Samples, hints: Hints) -> Heard:
        duration = len(sound) / RATE
        cuts = windows.cut(sound)
        if not cuts:
            return Heard("", 0.0, duration=duration, reason=SILENCE)
        decoder = self._decoder(hints.phrases, hints.prompt)
        read = [self._read(window, sound, decoder, hints) for window in cuts]
        spoken = [(nbest, own) for nbest, own in read if nbest and nbest[0].text]
        if not spoken:
            return Heard("", 0.0, language=self.config.language, duration=duration, reason=UNSURE)
        nbest = joined([one for one, _ in spoken], hints.alternatives)
        alternatives = tuple(Alternative(one.text, share) for one, share in zip(nbest, shares(nbest, TEMPERATURE), strict=True))
        favoured = tuple(Favoured(phrase, gain) for phrase, gain in found_in(nbest[0].text, decoder.phrases))
        heard = tuple(word for _, own in spoken for word in own)
        return Heard(nbest[0].text, alternatives[0].probability, heard, alternatives, favoured, self.config.language, duration)

    def _read(self, window: Window, sound: Samples, decoder: Decoder, hints: Hints) -> tuple[list[Candidate], list[Word]]:
        """The texts of a window, and the words of the best one with times in the recording."""
        logs = self.network.logs(window.of(sound))
        nbest = decoder(logs, hints.alternatives) if len(logs) else []
        if not nbest or not nbest[0].text:
            return nbest, []
        at, frame = window.start / RATE, self.config.stride / RATE
        found = words(logs, nbest[0].text, frame, self.config.alphabet)
        return nbest, [Word(one.word, one.start + at, one.end + at, one.probability) for one in found]

    def _new_decoder(self, phrases: tuple[str, ...], prompt: str | None) -> Decoder:
        """A decoder that favours the caller's phrases and the longer words of the prompt, in this network's letters."""
        said = {self._letters(phrase) for phrase in phrases}
        said |= {word for word in self._letters(prompt or "").split() if len(word) > 3}
        return Decoder(None, Phrases(said - {""}, self.config.gain), Search(), self.config.alphabet)

    def _letters(self, text: str) -> str:
        """A text in the letters that the network writes."""
        written = text if any(letter.isupper() for letter in self.config.alphabet) else text.lower()
        return " ".join("".join(c if c in self.config.alphabet else " " for c in written).split())
