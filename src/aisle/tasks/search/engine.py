"""The search as the platform runs it: prepare, run, finish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.errors import Misconfigured
from aisle.kit.catalogue import Catalogue
from aisle.task import Answer, Context, Prepared
from aisle.tasks.search import model as models
from aisle.tasks.search import reasons
from aisle.tasks.search.asked import Memory
from aisle.tasks.search.completing import complete
from aisle.tasks.search.facets import Facets
from aisle.tasks.search.fields import FIELDS, texts
from aisle.tasks.search.index import Index, Weighing
from aisle.tasks.search.model import Model
from aisle.tasks.search.reading import Reader, Reading
from aisle.tasks.search.schema import Completions, Config, Fallback, Found, Hit, Query, Suggest
from aisle.tasks.search.shelf import Shelf
from aisle.tasks.search.signals import NEAREST, Floats, Signals, top, weights_of, words_score
from aisle.tasks.search.spelling import Speller
from aisle.tasks.search.words import Analyser, language_of

AS_GOOD = 0.5  # of the best item's words: what counts as found
LOOKED_AT = 2000  # items by which the language is told
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request with what it may show."""

    request: Any
    catalogue: Catalogue
    mask: Mask  # over the catalogue's positions


class SearchEngine:
    """A trained search and its index over the live catalogue."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.config = model.learnt.config
        self.memory = Memory(model.learnt.asked)
        self._shelf: Shelf | None = None
        self._reader: Reader | None = None
        self._facets = Facets()
        self._popular: Floats = np.zeros(0, np.float32)

    def prepare(self, op: str, request: Any, context: Context) -> Prepared:
        """The mask is made here, beside the catalogue's own thread; the index is caught up where the model runs."""
        if context.catalogue is None:
            raise Misconfigured("search was asked without the catalogue: its operations declare that they need it")
        return Prepared(Ask(request, context.catalogue, context.catalogue.mask(request.filter)))

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        """Answers in the order of the batch."""
        answer = self._query if op == "query" else self._suggest
        return [answer(one.data) for one in batch]

    def finish(self, op: str, request: Any, result: Any) -> Answer:
        answer: Answer = result
        return answer

    # ---- what is asked ---------------------------------------------------------------------------------------------

    def _query(self, ask: Ask) -> Found:
        shelf, reader = self._look(ask.catalogue)
        request: Query = ask.request
        reading = reader.read(request.query)
        signals = self._signals(request, reading, shelf, reader)
        weights = weights_of(self.config, request.weights)
        shown = shelf.mask(ask.mask)
        score, fallback = self._score(signals, weights, shown, bool(request.query.strip()))
        best = top(score, request.n)
        matching = _matching(signals, score)
        explained = reasons.Explained(shelf, reader.index, reading, signals, weights, request.explain)
        return Found(
            items=[Hit(shelf.item_ids[at], float(score[at]), explained.of(at)) for at in best.tolist()],
            total=len(matching),
            facets=self._facets.count(shelf, matching, score) if request.facets else {},
            did_you_mean=reading.meant,
            fallback=fallback,
            query=request.query,
            weights={name: weights[name] for name in signals.of},
        )

    def _suggest(self, ask: Ask) -> Completions:
        shelf, reader = self._look(ask.catalogue)
        request: Suggest = ask.request
        reading = reader.read(request.query, typing=True)
        score = np.where(shelf.mask(ask.mask), words_score(reader.index, reading, shelf.size), np.float32(0))
        signals = Signals(shelf.size, {"words": score})
        best = top(score, request.n)
        explained = reasons.Explained(shelf, reader.index, reading, signals, {"words": 1.0}, "brief")
        return Completions(
            completions=complete(request.query, reading, reader, score, request.n),
            items=[Hit(shelf.item_ids[at], float(score[at]), explained.of(at)) for at in best.tolist()],
        )

    def _signals(self, request: Query, reading: Reading, shelf: Shelf, reader: Reader) -> Signals:
        signals = Signals(shelf.size)
        if reading.slots:
            signals.add("words", words_score(reader.index, reading, shelf.size))
        for other in request.alternatives:
            read = reader.read(other.text)
            signals.add("words", np.float32(other.probability) * words_score(reader.index, read, shelf.size))
        if chosen := self.memory.chosen([slot.word for slot in reading.slots]):
            signals.scatter("asked", chosen, shelf.place)
        if request.taste:
            signals.scatter("taste", _unit(request.taste), shelf.place)
        if self._popular.any():
            signals.add("popular", self._popular)
        return signals

    def _score(self, signals: Signals, weights: dict[str, float], shown: Mask, worded: bool) -> tuple[Floats, Fallback | None]:
        """(places,) 0 for what is not found or may not be shown; what stands in where no item has the words."""
        found = np.zeros(signals.size, bool)
        for name in ("words", "asked"):
            if name in signals.of:
                found |= signals.of[name] > 0
        fallback: Fallback | None = None
        if worded and not (found & shown).any():
            fallback = "meaning" if "meaning" in signals.of else "popular"
        for name in ("meaning", "picture"):
            if name in signals.of:
                found[top(np.where(shown, signals.of[name], np.float32(0)), NEAREST)] = True
        if not (found & shown).any():
            fallback = "popular" if worded else None
            found[:] = True
        score = signals.joined(weights)
        if fallback == "popular" or not worded:
            score += np.float32(1e-6)  # all the same where nothing is known of popularity
        score[~(found & shown)] = 0
        return score, fallback

    # ---- catching up -----------------------------------------------------------------------------------------------

    def _look(self, catalogue: Catalogue) -> tuple[Shelf, Reader]:
        if self._shelf is None or self._reader is None:
            self._shelf, self._reader = self._open(catalogue)
        shelf, reader = self._shelf, self._reader
        if shelf.look(catalogue):
            self._facets.forget()
        vocabulary = reader.index.vocabulary
        reader.speller.grow(vocabulary.words, len(vocabulary.words))
        if len(self._popular) != shelf.size:
            known = self.model.learnt.popularity
            self._popular = np.array([known.get(item_id, 0.0) for item_id in shelf.item_ids], np.float32)
        return shelf, reader

    def _open(self, catalogue: Catalogue) -> tuple[Shelf, Reader]:
        learnt, stored = self.model.learnt, self.model.stored
        language = learnt.language or spoken(
            self.config, [text for item in catalogue.items[:LOOKED_AT] for _, text in texts(item)]
        )
        index = Index(Analyser(language), weighing(self.config))
        if stored is not None:
            names = stored.names
            index.restore(names.terms, names.words, stored.segment, len(names.item_ids), names.mean)
        speller = Speller(lambda word: index.found_in(index.vocabulary.words[word]))
        return Shelf.of(index, stored), Reader(index, speller, learnt.synonyms)


def spoken(config: Config, texts: list[str]) -> str:
    """The language of the shop."""
    return language_of(texts) if config.language == "auto" else config.language


def weighing(config: Config) -> Weighing:
    """BM25F as configured."""
    return Weighing(config.saturation, tuple(float(getattr(config, name)) for name in FIELDS), (config.length,) * len(FIELDS))


def load(folder: Path) -> SearchEngine:
    """Open a trained search, or the starter."""
    return SearchEngine(models.load(folder))


def _unit(taste: dict[str, float]) -> dict[str, float]:
    """Scaled so that the best is 1; what is disliked counts nothing."""
    best = max(taste.values())
    return {item_id: max(value, 0.0) / best for item_id, value in taste.items()} if best > 0 and np.isfinite(best) else {}


def _matching(signals: Signals, score: Floats) -> NDArray[np.int64]:
    """Places that answer the question about as well as the best: at least half of its words' weight."""
    words = signals.of.get("words")
    among = np.where(score > 0, words, np.float32(0)) if words is not None else None
    if among is None or not (best := among.max(initial=0)) > 0:
        return np.flatnonzero(score > 0)
    return np.flatnonzero(among >= AS_GOOD * best)
