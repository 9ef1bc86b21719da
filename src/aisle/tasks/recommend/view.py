"""The live catalogue beside a trained model: one numbering for the items training knew and those that came since.

Places 0 … N−1 are the items of training; N … S−1 are items put into the catalogue afterwards ("new"). A new item has no
behaviour; its text places it among the others, and they find it through that likeness, with no retraining.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.kit.catalogue import Catalogue
from aisle.tasks.recommend import content
from aisle.tasks.recommend.lists import Floats, Lists, ordered
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.weights import because
from aisle.tasks.recommend.world import Sparse
from aisle.types import Filter, Item

Mask = NDArray[np.bool_]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Likeness by text between items and the new ones: row i of `start` … names the new places that item i is like."""

    start: Places  # (S + 1,)
    place: Places  # (pairs,) new places
    value: Floats  # (pairs,)


@dataclass(frozen=True, slots=True)
class Numbering:
    """What depends only on which items exist."""

    catalogue: Catalogue
    size: int  # of the catalogue when this was made
    place: dict[str, int]  # item_id -> place
    names: list[str]  # (S,)
    position: Places  # (S,) in the catalogue; -1: gone from it
    texts: Lists  # (S, k) neighbours by text
    personal: Lists  # (S, k) of the scoring algorithm
    arrivals: Arrivals | None  # None: nothing new
    unheard: Mask  # (S,) without behaviour: reached by text
    order: Places  # (S,) most popular first, then newest
    popularity: Floats  # (S,) 1 for the most popular
    ids: NDArray[np.object_]  # (S,) item ids again, to gather from
    new: Sparse  # (S − N, terms) the texts of the new items

    def every_text(self, model: Model) -> Sparse:
        """(S, terms) the texts of all items."""
        return sp.vstack([model.content.rows, self.new]).tocsr() if self.new.shape[0] else model.content.rows


@dataclass
class View:
    """A snapshot of the catalogue: what is the same for all requests until it changes."""

    model: Model
    items: Numbering
    version: int
    open: Mask  # (S,) alive and to be had

    def __post_init__(self) -> None:
        self.shut = np.flatnonzero(~self.open)
        self.ids = self.items.ids
        self.words: dict[int, str] = {}  # type · S + place -> a sentence

    @property
    def size(self) -> int:
        return len(self.items.names)

    def mask(self, wanted: Filter | None) -> Mask:
        """(S,) which items may be shown."""
        return self.open if wanted is None else mapped(self.items, wanted)

    def title(self, place: int) -> str:
        position = int(self.items.position[place])
        return self.items.catalogue.items[position].title if position >= 0 else self.model.titles[place]

    def because(self, verbs: Places, places: Places) -> list[str]:
        """ "because you bought Linen Shirt" for each, made once and kept."""
        keys = (verbs * self.size + places).tolist()
        found = list(map(self.words.get, keys))
        return found if None not in found else [self.words.get(key) or self._say(key) for key in keys]  # type: ignore[return-value]

    def _say(self, key: int) -> str:
        verb, place = divmod(key, self.size)
        text = self.words[key] = because(verb, self.title(place))
        return text


def look(model: Model, catalogue: Catalogue, before: View | None) -> View:
    """The catalogue as it is now; what depends only on which items exist is kept from the view before."""
    if before is not None and before.items.catalogue is catalogue and before.items.size == catalogue.size:
        items = before.items
    else:
        items = number(model, catalogue)
    return View(model, items, catalogue.version, mapped(items, None))


def mapped(items: Numbering, wanted: Filter | None) -> Mask:
    """A mask of the catalogue in places."""
    mask = np.append(items.catalogue.mask(wanted), False)  # the last stands for -1
    return np.asarray(mask[items.position], bool)


def number(model: Model, catalogue: Catalogue) -> Numbering:
    """Give every item its place."""
    new = [item for item in catalogue.items if item.item_id not in model.place]
    place = model.place if not new else {**model.place, **{item.item_id: len(model.names) + k for k, item in enumerate(new)}}
    names = [*model.names, *(item.item_id for item in new)]
    position = np.array([catalogue.position.get(name, -1) for name in names], np.int64)
    rows = model.content.place_of(new)
    texts, personal, arrivals = _arrived(model, rows)
    score = np.append(model.popularity.score, np.zeros(len(new)))
    created = np.append(model.created, [moment(item) for item in new]).astype(np.int64)
    order = np.lexsort((np.arange(len(names)), -created, -score))
    return Numbering(
        catalogue, catalogue.size, place, names, position, texts, personal, arrivals,
        np.append(model.unheard, np.ones(len(new), bool)), order, score / max(float(score.max(initial=0)), 1e-300),
        np.array(names, object), rows,
    )  # fmt: skip


def moment(item: Item) -> int:
    """When an item came into the shop, microseconds; 0 where it does not say."""
    return item.created_at if isinstance(item.created_at, int) else 0


def _arrived(model: Model, rows: Sparse) -> tuple[Lists, Lists, Arrivals | None]:
    if not rows.shape[0]:
        return model.texts, model.personal, None
    known, new, k = len(model.names), rows.shape[0], model.texts.indices.shape[1]
    size = known + new
    alike = content.likeness(rows, sp.vstack([model.content.rows, rows]).tocsr()).tocoo()
    keep = alike.col != alike.row + known
    lists = ordered(
        alike.row[keep].astype(np.int64), alike.col[keep].astype(np.int64), alike.data[keep], items=new, k=k, first=known
    )
    own, near = np.nonzero(lists.values > 0)
    item, value = lists.indices[own, near].astype(np.int64), lists.values[own, near].astype(np.float64)
    order = np.lexsort((own, item))
    arrivals = Arrivals(np.searchsorted(item[order], np.arange(size + 1)), own[order] + known, value[order])
    share = 1.0 if model.config.algorithm == "content" else model.config.content_share
    return _longer(model.texts, lists, 1.0), _longer(model.personal, lists, share), arrivals


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
