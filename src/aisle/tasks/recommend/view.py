"""The live catalogue beside a trained model: one numbering for the items training knew and those that came since.

Places 0 … N−1 are the items of training; N … S−1 are items put into the catalogue afterwards ("new"). A new item has no
behaviour; its text places it among the others, and they find it through that likeness, with no retraining.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.kit.catalogue import Catalogue
from aisle.kit.nearest import best
from aisle.tasks.recommend import compiled, content
from aisle.tasks.recommend.lists import Floats, Lists
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.weights import because
from aisle.tasks.recommend.world import Sparse
from aisle.types import Filter, Item

Mask = NDArray[np.bool_]
Places = NDArray[np.int64]
BLOCK = 64  # new items whose likeness to all others is looked at together


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Likeness by text between items and the new ones, in triples sorted by item; `start` tells where each item's begin."""

    start: Places  # (S + 1,)
    item: Places  # (pairs,) an item …
    place: Places  # (pairs,) … and the new place that is like it
    value: Floats  # (pairs,)


@dataclass(frozen=True, slots=True)
class Numbering:
    """What depends only on which items exist."""

    catalogue: Catalogue
    size: int  # of the catalogue when this was made
    place: dict[str, int]  # item_id -> place
    names: list[str]  # (S,)
    ids: NDArray[np.object_]  # (S,) the same, to gather from
    position: Places  # (S,) in the catalogue; -1: gone from it
    texts: Lists  # (S, k) neighbours by text
    personal: Lists  # (S, k) of the scoring algorithm
    arrivals: Arrivals | None  # by text; None: nothing new
    joined: Arrivals | None  # the same as the scoring algorithm has it: by what the words mean for behaviour, too
    vectors: NDArray[np.float32]  # (S, factors) of `cold`
    unheard: Mask  # (S,) without behaviour: reached by text
    created: Places  # (S,) microseconds
    popularity: Floats  # (S,) 1 for the most popular
    order: Places  # (S,) most popular first, then newest
    new: Sparse  # (S − N, terms) the texts of the new items

    def every_text(self, model: Model) -> Sparse:
        """(S, terms) the texts of all items."""
        return sp.vstack([model.content.rows, self.new]).tocsr() if self.new.shape[0] else model.content.rows


class Sentences:
    """Reasons in words, made once and kept. It knows no view, so that a view is let go of at once when the next one comes."""

    def __init__(self, model: Model, items: Numbering) -> None:
        self.known: dict[int, str] = {}  # type · S + place -> a sentence
        self._model = model
        self._items = items

    def title(self, place: int) -> str:
        position = int(self._items.position[place])
        return self._items.catalogue.items[position].title if position >= 0 else self._model.titles[place]

    def say(self, key: int) -> str:
        """The sentence of type · S + place."""
        verb, place = divmod(key, len(self._items.names))
        text = self.known[key] = because(verb, self.title(place))
        return text


@dataclass
class View:
    """A snapshot of the catalogue: what is the same for all requests until it changes."""

    model: Model
    items: Numbering
    version: int
    open: Mask  # (S,) alive and to be had
    hidden: Mask | None = None  # (S,) what a rule of the shop hides
    waits: Floats | None = None  # (S,) microseconds after a purchase until an item may come back by a rule; NaN: no rule

    def __post_init__(self) -> None:
        self.shut = np.flatnonzero(~self.open)
        self.ids = self.items.ids
        self.sentences = Sentences(self.model, self.items)
        self.ranker = compiled.ranker(self)

    @cached_property
    def paths(self) -> Places:
        """(S,) the code of every item's category; -1: none."""
        return self._by_place(self.items.catalogue.path_codes(), -1)

    @cached_property
    def log_prices(self) -> Floats:
        """(S,) log of every item's price; NaN: none."""
        price = self._by_place(self.items.catalogue.prices(), 0).astype(np.float64)
        return np.log(price, out=np.full(len(price), np.nan), where=price > 0)

    def _by_place(self, column: NDArray[Any], absent: int) -> NDArray[Any]:
        return np.append(column, absent)[self.items.position]  # the last stands for -1

    @property
    def size(self) -> int:
        return len(self.items.names)

    def mask(self, wanted: Filter | None) -> Mask:
        """(S,) which items may be shown."""
        if wanted is None:
            return self.open
        mask = mapped(self.items, wanted)
        return mask if self.hidden is None else mask & ~self.hidden

    def ruled(self, hidden: Mask, waits: Floats | None) -> View:
        """The same catalogue under rules of the shop."""
        return View(self.model, self.items, self.version, self.open & ~hidden, hidden, waits)

    def title(self, place: int) -> str:
        return self.sentences.title(place)

    def because(self, verbs: Places, places: Places) -> list[str]:
        """ "because you bought Linen Shirt" for each, made once and kept."""
        keys = (verbs * self.size + places).tolist()
        known, say = self.sentences.known, self.sentences.say
        found = list(map(known.get, keys))
        return found if None not in found else [known.get(key) or say(key) for key in keys]  # type: ignore[return-value]


def look(model: Model, catalogue: Catalogue, before: View | None) -> View:
    """The catalogue as it is now; what depends only on which items exist is kept from the view before."""
    if before is not None and before.items.catalogue is catalogue and before.items.size == catalogue.size:
        items = before.items
    else:
        items = number(model, catalogue, before.items if before is not None and before.items.catalogue is catalogue else None)
    return View(model, items, catalogue.version, mapped(items, None))


def mapped(items: Numbering, wanted: Filter | None) -> Mask:
    """A mask of the catalogue in places."""
    mask = np.append(items.catalogue.mask(wanted), False)  # the last stands for -1
    return np.asarray(mask[items.position], bool)


def number(model: Model, catalogue: Catalogue, before: Numbering | None = None) -> Numbering:
    """Give every item its place. What `before` says of the same catalogue stays; only items that came since are looked at."""
    last = before or _trained(model, catalogue)
    new = [item for item in catalogue.items[last.size :] if item.item_id not in last.place]
    names = [*last.names, *(item.item_id for item in new)]
    rows = model.content.place_of(new)
    vectors = np.vstack([last.vectors, model.kin.place_of(new, rows)]) if model.kin is not None and new else last.vectors
    texts, personal, arrivals, joined = _arrived(model, last, rows, vectors)
    position = np.append(last.position, np.full(len(new), -1))
    for place in np.flatnonzero(position < 0).tolist():
        position[place] = catalogue.position.get(names[place], -1)
    created = np.append(last.created, [moment(item) for item in new]).astype(np.int64)
    popularity = np.append(last.popularity, np.zeros(len(new)))
    return Numbering(
        catalogue=catalogue,
        size=catalogue.size,
        place=last.place
        if not new
        else {**last.place, **{name: place for place, name in enumerate(names) if place >= len(last.names)}},
        names=names,
        ids=np.array(names, object),
        position=position,
        texts=texts,
        personal=personal,
        arrivals=arrivals,
        joined=joined,
        vectors=vectors,
        unheard=np.append(last.unheard, np.ones(len(new), bool)),
        created=created,
        popularity=popularity,
        order=np.lexsort((np.arange(len(names)), -created, -popularity)),
        new=sp.vstack([last.new, rows]).tocsr() if new else last.new,
    )


def _trained(model: Model, catalogue: Catalogue) -> Numbering:
    """The items of training, before the catalogue is looked at."""
    score = model.popularity.score
    nothing = model.content.place_of([])
    vectors = model.kin.vectors if model.kin is not None else np.zeros((len(model.names), 0), np.float32)
    return Numbering(
        catalogue, 0, model.place, model.names, np.array(model.names, object), np.full(len(model.names), -1), model.texts,
        model.personal, None, None, vectors, model.unheard, model.created, score / max(float(score.max(initial=0)), 1e-300),
        np.zeros(0, np.int64), nothing,
    )  # fmt: skip


def moment(item: Item) -> int:
    """When an item came into the shop, microseconds; 0 where it does not say."""
    return item.created_at if isinstance(item.created_at, int) else 0


def _arrived(
    model: Model, last: Numbering, rows: Sparse, vectors: NDArray[np.float32]
) -> tuple[Lists, Lists, Arrivals | None, Arrivals | None]:
    """The lists with those of the items that came since, and who finds these: by text, and as the scoring algorithm has it."""
    added, known, k = rows.shape[0], len(last.names), last.texts.indices.shape[1]
    if not added:
        return last.texts, last.personal, last.arrivals, last.joined
    every = sp.vstack([model.content.rows, last.new, rows]).tocsr()
    by_text = _nearest(lambda at: content.likeness(rows[at], every).toarray(), added, known, k)
    texts, arrivals = _longer(last.texts, by_text, 1.0), _finders(by_text, last.arrivals, known)
    if model.config.algorithm == "content":
        return texts, texts, arrivals, arrivals
    kin, near, joined = model.kin, by_text, arrivals
    if kin is not None:
        near = _nearest(lambda at: kin.likeness(vectors[known:][at], vectors, content.likeness(rows[at], every)), added, known, k)
        joined = _finders(near, last.joined, known)
    return texts, _longer(last.personal, near, model.share), arrivals, joined


def _finders(lists: Lists, last: Arrivals | None, known: int) -> Arrivals:
    """Who names the new items: those that they name, and the ones of before."""
    own, near = np.nonzero(lists.values > 0)
    item, place, value = lists.indices[own, near].astype(np.int64), own + known, lists.values[own, near].astype(np.float64)
    if last is not None:
        item = np.concatenate([last.item, item])
        place, value = np.concatenate([last.place, place]), np.concatenate([last.value, value])
    order = np.lexsort((place, item))
    item = item[order]
    return Arrivals(item.searchsorted(np.arange(known + len(lists.indices) + 1)), item, place[order], value[order])


def _nearest(likeness: Callable[[slice], NDArray[Any]], rows: int, first: int, k: int) -> Lists:
    """The k items most alike to each new one, itself (at place `first` + row) left out; a few rows at a time."""
    parts = []
    for start in range(0, rows, BLOCK):
        alike = likeness(slice(start, start + BLOCK)).astype(np.float32)
        alike[alike <= 0] = -np.inf
        own = np.arange(len(alike))
        alike[own, first + start + own] = -np.inf
        parts.append(best(alike, min(k, alike.shape[1])))
    return Lists.of(np.concatenate([near for near, _ in parts]), np.concatenate([value for _, value in parts]), first)


def _longer(lists: Lists, more: Lists, share: float) -> Lists:
    """The rows of both, in the width of the first."""
    k = lists.indices.shape[1]
    indices, values = more.indices[:, :k], more.values[:, :k] * np.float32(share)
    if indices.shape[1] < k:
        wide = k - indices.shape[1]
        own = np.arange(len(lists.indices), len(lists.indices) + len(more.indices), dtype=np.int32)
        indices = np.hstack([indices, np.repeat(own[:, None], wide, axis=1)])
        values = np.hstack([values, np.zeros((len(values), wide), np.float32)])
    return Lists(np.vstack([lists.indices, indices]), np.vstack([lists.values, values]).astype(np.float32))
