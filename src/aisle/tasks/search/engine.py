"""The search as the platform runs it: prepare, run, finish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.errors import Misconfigured
from aisle.kit.catalogue import Catalogue
from aisle.kit.vectors import Vectors
from aisle.kit.words import item_text
from aisle.task import Answer, Context, Prepared
from aisle.tasks.search import model as models
from aisle.tasks.search import reasons
from aisle.tasks.search.asked import Memory
from aisle.tasks.search.completing import complete
from aisle.tasks.search.curation import Curated, Rules
from aisle.tasks.search.facets import Facets
from aisle.tasks.search.fields import FIELDS, texts
from aisle.tasks.search.graph import Near
from aisle.tasks.search.index import Index, Weighing
from aisle.tasks.search.meaning import Aligned, fed_back, likeness, likeness_of, missing
from aisle.tasks.search.model import VECTORS, Model
from aisle.tasks.search.reading import Reader, Reading
from aisle.tasks.search.schema import Completions, Config, Fallback, Found, Missing, Query, Suggest, Unplaced, WithoutVector
from aisle.tasks.search.shelf import Shelf
from aisle.tasks.search.signals import NEAREST, Floats, Signals, top, weights_of, word_scores
from aisle.tasks.search.spelling import Speller
from aisle.tasks.search.words import Analyser, language_of

FIELD = {"meaning": "vector", "picture": "picture"}  # signal -> field of the request
TRUSTED = 10  # of the best: what they mean moves the question
RERANKED = 100  # of the best: they are compared with the moved question
WORDED = 2000  # of the best by words: beside what a graph finds, they are compared
MOST_NEAR = 4000  # that a graph is asked for
ENOUGH = 20_000  # items that may be shown: so many are compared without a graph
FEW = 0.05  # share of all vectors that is cheaper to gather than to compare all
AS_GOOD = 0.5  # of the best item's words: what counts as found
LOOKED_AT = 2000  # items by which the language is told
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request with what it may show."""

    request: Any
    catalogue: Catalogue
    mask: Mask  # over the catalogue's positions
    rules: Rules
    spaces: Mapping[str, Vectors]


@dataclass(frozen=True, slots=True)
class Draft:
    """A question on its way to an answer."""

    ask: Ask
    reading: Reading
    signals: Signals
    weights: dict[str, float]
    curated: Curated

    def candidates(self, k: int) -> NDArray[np.int64] | None:
        """Places that may be among the k best once meaning is added, which is 1 at most; None: all of them may."""
        score = np.where(self.curated.shown, self.signals.joined(self.weights), np.float32(0))
        found = self.curated.weighed(np.where(self.signals.found(), score, np.float32(0)))
        best = top(found, k)
        if len(best) < k:
            return None
        return np.flatnonzero(self.curated.weighed(score + np.float32(self.weights["meaning"])) >= found[best[-1]])

    def nearby(self, near: Near, place: NDArray[np.int64], vector: Sequence[float]) -> NDArray[np.int64]:
        """Places that are compared where a space is too large for all: the nearest by its graph, so many more as may not be
        shown, and the best by words."""
        shown = np.flatnonzero(self.curated.shown)
        if len(shown) <= ENOUGH:
            return shown
        wanted = NEAREST * len(place) // len(shown)
        found = place[near.rows(np.array(vector, np.float32), min(wanted, MOST_NEAR))]
        score = np.where(self.curated.shown & self.signals.found(), self.signals.joined(self.weights), np.float32(0))
        return np.union1d(found[found >= 0], top(self.curated.weighed(score), WORDED))


class SearchEngine:
    """A trained search and its index over the live catalogue."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.config = model.learnt.config
        self.memory = Memory(model.learnt.asked)
        self._shelf: Shelf | None = None
        self._reader: Reader | None = None
        self._facets = Facets()
        self._aligned = {space: Aligned() for space in VECTORS}
        self._near = {space: Near(model.graphs.get(space)) for space in VECTORS}
        self._bare: dict[str, tuple[tuple[int, int], NDArray[np.int64]]] = {}  # items without a vector, as of two versions
        self._popular: Floats = np.zeros(0, np.float32)

    def prepare(self, op: str, request: Any, context: Context) -> Prepared:
        """Masks are made here, beside the catalogue's own thread; the index is caught up where the model runs."""
        if context.catalogue is None:
            raise Misconfigured("search was asked without the catalogue: its operations declare that they need it")
        spaces = {name: space.now() for name, space in context.spaces.items()}
        mask = context.catalogue.mask(getattr(request, "filter", None))
        return Prepared(Ask(request, context.catalogue, mask, Rules.held(context, op), spaces))

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        """Answers in the order of the batch."""
        asks: list[Ask] = [one.data for one in batch]
        if op == "query":
            return self._queries(asks)
        return [self._missing(ask) if op == "missing" else self._suggest(ask) for ask in asks]

    def finish(self, op: str, request: Any, result: Any) -> Answer:
        answer: Answer = result
        return answer

    # ---- what is asked ---------------------------------------------------------------------------------------------

    def _queries(self, asks: Sequence[Ask]) -> list[Found]:
        """The vectors of all questions of a batch are compared in one product."""
        drafts = [self._draft(ask) for ask in asks]
        for space, signal in VECTORS.items():
            self._compare(drafts, space, signal)
        return [self._answer(draft) for draft in drafts]

    def _draft(self, ask: Ask) -> Draft:
        """Everything about a question that needs no vectors."""
        shelf, reader = self._look(ask.catalogue)
        reading = reader.read(ask.request.query)
        signals = self._signals(ask.request, reading, shelf, reader)
        return Draft(ask, reading, signals, weights_of(self.config, ask.request.weights), self._curated(ask, shelf, reader))

    def _curated(self, ask: Ask, shelf: Shelf, reader: Reader) -> Curated:
        """What the shop's rules want of this question."""
        return ask.rules.curated(ask.request.query, ask.mask, shelf, reader.index.vocabulary.analyser)

    def _compare(self, drafts: Sequence[Draft], space: str, signal: str) -> None:
        """Add the likeness of vectors to the questions that bring one: of few items where others cannot come into the answer."""
        vectors = drafts[-1].ask.spaces.get(space) if drafts else None
        given = [(draft, vector) for draft in drafts if (vector := getattr(draft.ask.request, FIELD[signal]))]
        if vectors is None or not vectors.dimensions or not given:
            return
        assert self._shelf is not None
        aligned = self._aligned[space]
        place = aligned.look(vectors, self._shelf)
        near = self._near[space] if self._near[space].usable(vectors) else None
        every = []
        for draft, vector in given:
            if len(vector) != vectors.dimensions:
                continue
            few = draft.candidates(max(RERANKED, draft.curated.depth(draft.ask.request.n))) if signal == "meaning" else None
            if few is None or len(few) > FEW * len(place):
                few = draft.nearby(near, place, vector) if near is not None else None
            if few is None:
                every.append((draft, vector))
            else:
                draft.signals.add(signal, likeness_of(vectors, aligned.row, vector, few, self._shelf.size))
        rows = likeness(vectors, place, [vector for _, vector in every], self._shelf.size)
        for (draft, _), row in zip(every, rows, strict=True):
            draft.signals.add(signal, row)

    def _answer(self, draft: Draft) -> Found:
        shelf, reader = self._look(draft.ask.catalogue)
        request: Query = draft.ask.request
        signals, weights = draft.signals, draft.weights
        score, fallback = self._score(signals, weights, draft.curated.shown, _asks(request))
        if fallback is None and request.vector and "meaning" in signals.of and self.config.feedback:
            self._feed_back(draft.ask, signals, weights["meaning"], score)
        score = draft.curated.weighed(score)
        matching = _matching(signals, score)
        explained = reasons.Explained(shelf, reader.index, draft.reading, signals, weights, request.explain)
        return Found(
            items=draft.curated.hits(score, request.n, explained),
            total=len(matching),
            facets=self._facets.count(shelf, matching, score) if request.facets else {},
            did_you_mean=draft.reading.meant,
            fallback=fallback,
            query=request.query,
            without_vector=len(self._without("image" if request.picture else "text", draft.ask, shelf)),
            weights={name: weights[name] for name in signals.of},
        )

    def _without(self, space: str, ask: Ask, shelf: Shelf) -> NDArray[np.int64]:
        """Places of living items without a vector; counted anew only when something changed."""
        vectors = ask.spaces.get(space)
        key = (shelf.version, -1 if vectors is None else vectors.version)
        known = self._bare.get(space)
        if known is None or known[0] != key:
            alive = shelf.mask(ask.catalogue.alive())
            place = self._aligned[space].look(vectors, shelf) if vectors is not None else np.zeros(0, np.int64)
            known = self._bare[space] = key, missing(place, alive)
        return known[1]

    def _missing(self, ask: Ask) -> WithoutVector:
        shelf, _ = self._look(ask.catalogue)
        request: Missing = ask.request
        places = self._without(request.space, ask, shelf)
        left = places[places >= request.after][: request.n].tolist()
        items = [Unplaced(shelf.item_ids[place], item_text(shelf.item(place))) for place in left]
        return WithoutVector(items=items, next=left[-1] + 1 if len(left) == request.n else None)

    def _suggest(self, ask: Ask) -> Completions:
        shelf, reader = self._look(ask.catalogue)
        request: Suggest = ask.request
        reading = reader.read(request.query, typing=True)
        signals = Signals(shelf.size)
        signals.add_both(*word_scores(reader.index, reading, shelf.size))
        weights = weights_of(self.config, None)
        curated = self._curated(ask, shelf, reader)
        score = curated.weighed(np.where(curated.shown, signals.joined(weights), np.float32(0)))
        explained = reasons.Explained(shelf, reader.index, reading, signals, weights, "brief")
        return Completions(
            completions=complete(request.query, reading, reader, score, request.n),
            items=curated.hits(score, request.n, explained),
        )

    def _feed_back(self, ask: Ask, signals: Signals, weight: float, score: Floats) -> None:
        """Compare the best found with what the ten first of them mean, too, and move their scores by the difference."""
        vectors, row = ask.spaces["text"], self._aligned["text"].row
        best = top(score, max(RERANKED, ask.request.n))
        best = best[row[best] >= 0]
        if not len(best):
            return
        near = fed_back(vectors, ask.request.vector, row[best[:TRUSTED]], row[best], self.config.feedback)
        meaning = signals.of["meaning"]
        score[best] += np.float32(weight) * (near - meaning[best])
        meaning[best] = near

    def _signals(self, request: Query, reading: Reading, shelf: Shelf, reader: Reader) -> Signals:
        signals = Signals(shelf.size)
        if reading.slots:
            signals.add_both(*word_scores(reader.index, reading, shelf.size))
        for other in request.alternatives:
            signals.add_both(*word_scores(reader.index, reader.read(other.text), shelf.size), other.probability)
        if chosen := self.memory.chosen([slot.word for slot in reading.slots]):
            signals.scatter("asked", chosen, shelf.place)
        if request.taste:
            signals.scatter("taste", _unit(request.taste), shelf.place)
        if self._popular.any():
            signals.add("popular", self._popular)
        return signals

    def _score(self, signals: Signals, weights: dict[str, float], shown: Mask, asks: bool) -> tuple[Floats, Fallback | None]:
        """(places,) 0 for what is not found or may not be shown; what stands in where no item has the words."""
        found = signals.found()
        fallback: Fallback | None = None
        if asks and "picture" not in signals.of and not (found & shown).any():
            fallback = "meaning" if "meaning" in signals.of else "popular"
        for name in ("meaning", "picture"):
            if name in signals.of:
                found[top(np.where(shown, signals.of[name], np.float32(0)), NEAREST)] = True
        if not (found & shown).any():
            fallback = "popular" if asks else None
            found[:] = True
        score = signals.joined(weights)
        if fallback == "popular" or not asks:
            score += np.float32(1e-6)  # all the same where nothing is known of popularity
        score[~(found & shown)] = 0
        return score, fallback

    # ---- catching up -----------------------------------------------------------------------------------------------

    def _look(self, catalogue: Catalogue) -> tuple[Shelf, Reader]:
        if self._shelf is None or self._reader is None:
            self._shelf, self._reader = self._open(catalogue)
        shelf, reader = self._shelf, self._reader
        opened = shelf.catalogue is not catalogue
        self._facets.forget(shelf.look(catalogue))
        if opened:
            self._facets.learn(shelf, np.flatnonzero(shelf.position >= 0).tolist())
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


def _asks(request: Query) -> bool:
    """Whether anything was asked: without words and a picture items are only looked through."""
    return bool(request.query.strip() or request.picture)


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
