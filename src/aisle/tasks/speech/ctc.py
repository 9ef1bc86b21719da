"""The recogniser of kind "ctc": our acoustic network, beam search in the shop's language, commands scored against grammars."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from aisle.errors import BadInput
from aisle.kit import audio
from aisle.tasks.speech import acoustic, ngram, vad
from aisle.tasks.speech.acoustic import FRAME, Acoustic, Ear
from aisle.tasks.speech.align import words
from aisle.tasks.speech.beam import Candidate, Decoder, Search, shares
from aisle.tasks.speech.calibrate import Curve
from aisle.tasks.speech.features import Floats
from aisle.tasks.speech.grammar import compiled
from aisle.tasks.speech.lattice import Path as Way
from aisle.tasks.speech.lattice import Scorer
from aisle.tasks.speech.ngram import Language
from aisle.tasks.speech.phrases import Phrases, found_in
from aisle.tasks.speech.phrasing import Grammar
from aisle.tasks.speech.recogniser import (
    SHORT,
    SILENCE,
    UNSURE,
    Alternative,
    Favoured,
    Heard,
    Hints,
    Meaning,
    Partial,
    Samples,
    Understood,
    Word,
)
from aisle.tasks.speech.spoken import spoken

QUIET = -60.0  # dB below full scale at the loudest: nobody speaks
LEAST = 0.06  # seconds
PEEK = 3200  # samples since the last look that make another one at a chunk that is not complete, once there are words: 0.2 s
LIVE = 8  # texts followed while somebody speaks; the finished text is searched for anew, as wide as a recording's
AHEAD = 6  # texts followed in a look at a chunk that is not complete, which is thrown away
PAUSE = 27  # output frames of blank, 0.8 seconds: what comes after is decoded by itself
TRACTS = (0.95, 1.05)  # beside 1: pitch and formants that a command is tried with; what its grammar explains best counts
NOTHING_FITS = "what was said is none of the phrases of the grammar"


class Settings(Struct, frozen=True):
    """How the recogniser decodes; written by training beside the network."""

    kind: str = "ctc"
    spoken_language: str = "en"
    search: Search = Search()
    gain: float = 1.0  # of a favoured phrase
    margin: float = 14.0  # by how much (log odds) the shop's language must explain the sound better than everyday language
    temperature: float = 2.0  # of the n best
    text: Curve = Curve()
    word: Curve = Curve()
    command: Curve = Curve()
    unsure: float = 0.25  # below this mean probability of its letters a text is taken for noise
    voices: bool = False  # a recording is read only where the detector hears a voice, a command only if it hears one at all
    fits: float = 0.25  # below this likeness per letter to what was heard freely, no phrase of a grammar was said


class CTC:
    """A loaded model folder. `everyday` is the language without the shop's; None where there is no other."""

    def __init__(
        self,
        network: Acoustic,
        language: Language | None,
        phrases: Sequence[str],
        settings: Settings,
        everyday: Language | None = None,
    ) -> None:
        self.acoustic = network
        self.language = language
        self.everyday = everyday or language
        self.phrases = tuple(phrases)
        self.settings = settings
        self.search = settings.search
        self.decoder = functools.lru_cache(32)(self._decoder)
        self.scorer = functools.lru_cache(16)(self._scorer)
        self.usual = Decoder(self.everyday, Phrases(()), self.search)

    def hear(self, sounds: Sequence[Samples], *, language: str | None, hints: Hints | None) -> list[Heard]:
        """Texts with probabilities. Raises BadInput for another language than the model's."""
        self._require(language)
        return [self._heard(sound, hints or Hints()) for sound in sounds]

    def understand(self, sounds: Sequence[Samples], grammar: Grammar) -> list[Understood]:
        scorer = self.scorer(msgspec.json.encode(grammar))
        return [self._understood(sound, scorer) for sound in sounds]

    def stream(self, hints: Hints | None, *, language: str | None = None) -> CTCStream:
        self._require(language)
        return CTCStream(self, hints or Hints())

    def _require(self, language: str | None) -> None:
        mine = self.settings.spoken_language
        if language is not None and language.split("-")[0].lower() != mine:
            raise BadInput(f"this recogniser hears {mine!r} only: leave out the language, or use a model that hears {language!r}")

    def read(self, logs: Floats, hints: Hints, duration: float) -> Heard:
        """What log-probabilities (frames, letters) say."""
        pieces = [(start, logs[start:end]) for start, end in pieces_of(logs)]
        plain = [(start, piece, self.usual(piece, hints.alternatives)) for start, piece in pieces]
        plain = [(start, piece, nbest) for start, piece, nbest in plain if nbest[0].text]
        heard = [word for one in plain for word in self._words(*one)]
        clear = surety(heard)
        if not plain or clear < self.settings.unsure:  # noise: whether it is one, no favoured word decides
            return Heard("", 1 - clear, language=self.settings.spoken_language, duration=duration, reason=UNSURE)
        found = [(start, piece, self._nbest(piece, usual, hints)) for start, piece, usual in plain]
        if any(one[2] is not usual[2] for one, usual in zip(found, plain, strict=True)):
            heard = [word for one in found for word in self._words(*one)]
        sure = surety(heard)
        nbest = joined([nbest for _, _, nbest in found], hints.alternatives)
        parts = shares(nbest, self.settings.temperature)
        probability = self.settings.text(parts[0] * sure)
        rest = (1 - probability) / max(1 - parts[0], 1e-9)
        alternatives = [Alternative(nbest[0].text, probability)]
        alternatives += [Alternative(one.text, part * min(rest, 1.0)) for one, part in zip(nbest[1:], parts[1:], strict=True)]
        calibrated = tuple(Word(one.word, one.start, one.end, self.settings.word(one.probability)) for one in heard)
        phrases = self.decoder(hints.phrases, hints.prompt).phrases
        favoured = tuple(Favoured(phrase, gain) for phrase, gain in found_in(nbest[0].text, phrases))
        return Heard(
            nbest[0].text, probability, calibrated, tuple(alternatives), favoured, self.settings.spoken_language, duration
        )

    def _heard(self, sound: Samples, hints: Hints) -> Heard:
        duration = audio.seconds(sound)
        nothing = unheard(sound)
        if nothing:
            return Heard("", 1.0, language=self.settings.spoken_language, duration=duration, reason=nothing)
        logs = self.acoustic.logs(sound)
        if self.settings.voices and pieces_of(logs):
            logs = within(logs, vad.spans(sound))
        return self.read(logs, hints, duration)

    def _nbest(self, piece: Floats, usual: list[Candidate], hints: Hints) -> list[Candidate]:
        """The n best in the shop's language, unless everyday language (`usual`) explains the sound about as well."""
        asked = bool(hints.phrases or hints.prompt)
        if not asked and self.everyday is self.language and not self.phrases:
            return usual
        favoured = self.decoder(hints.phrases, hints.prompt)(piece, hints.alternatives)
        needed = 0.0 if asked else self.settings.margin  # what the caller asks for needs no margin
        return favoured if favoured[0].text and favoured[0].score - usual[0].score >= needed else usual

    def _words(self, start: int, piece: Floats, nbest: Sequence[Candidate]) -> list[Word]:
        """Words of the best text; a word is as probable as its letters, times the share of candidates that have it."""
        parts = shares(nbest, self.settings.temperature)
        found, at = list[Word](), start * FRAME
        for word in words(piece, nbest[0].text, FRAME):
            had = sum(part for one, part in zip(nbest, parts, strict=True) if word.word in one.text.split())
            found.append(Word(word.word, word.start + at, word.end + at, word.probability * had))
        return found

    def _understood(self, sound: Samples, scorer: Scorer) -> Understood:
        heard = Heard("", 0.0, language=self.settings.spoken_language, duration=audio.seconds(sound))
        nothing = unheard(sound)
        if self.settings.voices and not nothing and not vad.spans(sound):
            nothing = SILENCE  # a crowd far away sounds enough like an order for the nearest phrase of a grammar to fit
        if nothing:
            return Understood(heard=heard, reason=nothing)
        chances = np.exp(self.acoustic.logs(sound).astype(np.float64))
        total, near = scorer.narrowed(chances)
        for tract in TRACTS:
            other = np.exp(self.acoustic.logs(sound, tract).astype(np.float64))
            if (explained := near.forward(other)) > total:
                chances, total = other, explained
        best = near.best(chances)
        if best is None:
            return Understood(heard=heard, reason=NOTHING_FITS)
        like = math.exp((best.score - scorer.free(chances)) / max(len(best.text), 1))
        if like < self.settings.fits:
            return Understood(heard=heard, reason=NOTHING_FITS)
        meanings = meanings_of(near, chances, best, total)
        probability = self.settings.command(meanings[0].probability * like)
        return Understood(tuple(meanings), probability, heard)

    def _decoder(self, phrases: tuple[str, ...], prompt: str | None) -> Decoder:
        """A decoder that favours the shop's phrases, the caller's, and the words of the prompt."""
        said = {spoken(phrase) for phrase in phrases} | {word for word in spoken(prompt or "").split() if len(word) > 3}
        return Decoder(self.language, Phrases({*self.phrases, *said}, self.settings.gain), self.search)

    def _scorer(self, grammar: bytes) -> Scorer:
        return Scorer(compiled(msgspec.json.decode(grammar, type=Grammar)))


class CTCStream:
    """A caller heard bit by bit; the finished text is that of the whole recording."""

    def __init__(self, owner: CTC, hints: Hints) -> None:
        self._owner, self._hints = owner, hints
        self._decoder = owner.decoder(hints.phrases, hints.prompt)
        self._begin()

    def _begin(self) -> None:
        self._ear = Ear(self._owner.acoustic)
        self._rows: list[Floats] = []
        self._beam = self._decoder.start()
        self._samples, self._loudest, self._said, self._ahead = 0, 0.0, "", 0

    def push(self, samples: Samples) -> Partial | None:
        """What is heard so far, where it changed."""
        self._samples += len(samples)
        self._loudest = max(self._loudest, float(np.abs(samples).max(initial=0.0)))
        rows = self._ear.push(samples)
        self._rows.append(rows)
        self._beam = self._decoder.advance(self._beam, rows, LIVE)
        self._ahead += len(samples)
        if self._said and not len(rows) and self._ahead < PEEK:
            return None
        self._ahead = 0
        ahead = rows[:0] if self._said and len(rows) else self._ear.peek()
        best = self._decoder.ranked(self._decoder.advance(self._beam[:AHEAD], ahead, AHEAD), 5)
        text = best[0].text if 20 * math.log10(max(self._loudest, 1e-9)) > QUIET else ""
        silence = silent_end(np.concatenate([*self._rows[-60:], ahead]))
        if text == self._said and silence < 0.2:
            return None
        self._said = text
        return Partial(text, agreed([one.text for one in best]), bool(text) and silence < 0.4, silence)

    def finish(self) -> Heard:
        """The utterance; the stream begins anew."""
        duration, loud = self._samples / audio.RATE, 20 * math.log10(max(self._loudest, 1e-9))
        rows = np.concatenate([*self._rows, self._ear.peek()]) if self._rows else np.zeros((0, 0), np.float32)
        self._begin()
        if duration < LEAST or loud <= QUIET or not len(rows):
            reason = SHORT if duration < LEAST else SILENCE
            return Heard("", 1.0, language=self._owner.settings.spoken_language, duration=duration, reason=reason)
        return self._owner.read(rows, self._hints, duration)


def unheard(sound: Samples) -> str | None:
    """Why nothing can be heard in a recording, before any network looks at it."""
    if audio.seconds(sound) < LEAST:
        return SHORT
    return SILENCE if audio.level(sound).peak <= QUIET else None


def within(logs: Floats, spans: Sequence[vad.Span]) -> Floats:
    """Log-probabilities (frames, letters) with nothing but blanks where the detector of voices finds nobody."""
    voiced = np.zeros(len(logs), np.bool_)
    for span in spans:
        voiced[int(span.start / (FRAME * vad.RATE)) : math.ceil(span.end / (FRAME * vad.RATE))] = True
    nothing = np.full(logs.shape[1], -30.0, np.float32)
    nothing[0] = 0.0
    return np.where(voiced[:, None], logs, nothing)


def pieces_of(logs: Floats) -> list[tuple[int, int]]:
    """Where something is said: stretches of frames between pauses, with a little silence on both sides."""
    heard = np.flatnonzero(logs[:, 0] < math.log(0.9))
    if not len(heard):
        return []
    cuts = np.flatnonzero(np.diff(heard) > PAUSE)
    starts, ends = [heard[0], *heard[cuts + 1]], [*heard[cuts], heard[-1]]
    return [(max(int(start) - 5, 0), min(int(end) + 6, len(logs))) for start, end in zip(starts, ends, strict=True)]


def surety(heard: Sequence[Word]) -> float:
    """The mean (of logarithms) of the words' probabilities; 0 for no word."""
    return math.exp(sum(math.log(max(word.probability, 1e-4)) for word in heard) / len(heard)) if heard else 0.0


def joined(pieces: Sequence[Sequence[Candidate]], most: int) -> list[Candidate]:
    """The n best of several pieces: all best, and every one with one piece exchanged."""
    if len(pieces) == 1:
        return list(pieces[0])
    best = [nbest[0] for nbest in pieces]
    found = [_chain(best)]
    for place, nbest in enumerate(pieces):
        found += [_chain([*best[:place], other, *best[place + 1 :]]) for other in nbest[1:]]
    return sorted(found, key=lambda one: -one.score)[:most]


def _chain(parts: Sequence[Candidate]) -> Candidate:
    text = " ".join(one.text for one in parts if one.text)
    return Candidate(text, sum(one.sound for one in parts), sum(one.score for one in parts))


def meanings_of(scorer: Scorer, chances: NDArray[np.float64], best: Way, total: float) -> list[Meaning]:
    """The best meaning and what else it may be (each slot exchanged), with probabilities given that the grammar was spoken.

    `total`: the natural logarithm of the summed probability of everything the grammar can say.
    """
    ways = {_key(best): best}
    for tag in best.slots.items():
        other = scorer.best(chances, scorer.without(tag))
        if other is not None:
            ways.setdefault(_key(other), other)
    found = []
    for way in ways.values():
        mine = scorer.forward(chances, scorer.allowing(way.slots), way.intent)
        found.append(Meaning(way.intent, way.slots, way.text, min(math.exp(mine - total), 1.0)))
    return sorted(found, key=lambda one: -one.probability)


def _key(way: Way) -> str:
    return json.dumps([way.intent, sorted(way.slots.items())])


def silent_end(logs: Floats) -> float:
    """Seconds of blank at the end."""
    heard = np.flatnonzero(logs[:, 0] < math.log(0.5)).tolist() if len(logs) else []
    return (len(logs) - 1 - int(heard[-1])) * FRAME if len(heard) else len(logs) * FRAME


def agreed(texts: Sequence[str]) -> int:
    """How many letters of the first text all of them begin with."""
    first = texts[0]
    return next((k for k in range(len(first)) if any(text[k : k + 1] != first[k] for text in texts)), len(first))


def load(folder: Path) -> CTC:
    """Open what training wrote."""
    settings = msgspec.json.decode((folder / "recogniser.json").read_bytes(), type=Settings)
    mixture = json.loads((folder / "language.json").read_text("utf-8"))
    sources = [(float(one["weight"]), ngram.load(folder / one["file"])) for one in mixture["sources"]]
    language = Language(sources) if sources else None
    return CTC(acoustic.load(folder), language, mixture["phrases"], settings, Language(sources[:1]) if len(sources) > 1 else None)
