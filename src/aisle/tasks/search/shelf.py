"""The live catalogue beside the index: one place for each item, kept up with every change."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.kit.catalogue import Catalogue
from aisle.tasks.search.fields import texts
from aisle.tasks.search.index import Index
from aisle.tasks.search.model import Stored
from aisle.types import Item

GONE = -1
Ints = NDArray[np.int64]


def digest(item: Item) -> int:
    """A number of what is searched in an item: another price needs no other index."""
    return zlib.crc32("\x1f".join(f"{code}{text}" for code, text in texts(item)).encode("utf-8", "surrogatepass"))


@dataclass(slots=True)
class Shelf:
    """Places 0 … N−1 are the items the index was stored with; the next ones came since."""

    index: Index
    item_ids: list[str]
    place: dict[str, int]
    digests: list[int]
    position: Ints  # (places,) in the catalogue; GONE where it has left it
    titles: dict[int, str]
    version: int = -1  # of the catalogue
    catalogue: Catalogue | None = None

    @classmethod
    def of(cls, index: Index, stored: Stored | None) -> Shelf:
        names = stored.names.item_ids if stored else []
        digests = list(stored.names.digests) if stored else []
        return cls(index, list(names), {name: at for at, name in enumerate(names)}, digests, np.full(len(names), GONE), {})

    @property
    def size(self) -> int:
        return len(self.item_ids)

    def look(self, catalogue: Catalogue) -> list[int]:
        """Catch up with the catalogue; the places of items in which anything that is searched has changed."""
        if self.catalogue is not catalogue:
            self.catalogue, self.version = catalogue, -1
            self.position[:] = GONE
        version = catalogue.version
        if version == self.version:
            return []
        changed = catalogue.changed_since(self.version)
        self.version = version
        return self._put([(position, catalogue.items[position]) for position in changed.tolist()])

    def item(self, place: int) -> Item:
        """What stands there; it must be in the catalogue."""
        assert self.catalogue is not None
        return self.catalogue.items[int(self.position[place])]

    def mask(self, of_catalogue: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(places,) from a mask over the catalogue's positions; what came after that mask was made is not in it."""
        wide = np.zeros(max(int(self.position.max(initial=-1)) + 2, len(of_catalogue) + 1), bool)  # the last stands for GONE
        wide[: len(of_catalogue)] = of_catalogue
        return wide[self.position]

    def prices(self, places: Ints) -> Ints:
        """In minor units, NO_PRICE where there is none."""
        assert self.catalogue is not None
        return self.catalogue.prices()[self.position[places]]

    def _put(self, items: list[tuple[int, Item]]) -> list[int]:
        fresh: dict[int, Item] = {}
        new: list[int] = []
        for position, item in items:
            place = self.place.get(item.item_id)
            mark = digest(item)
            if place is None:
                place = self.place[item.item_id] = len(self.item_ids)
                self.item_ids.append(item.item_id)
                self.digests.append(mark)
                new.append(position)
                fresh[place] = item
                continue
            if place < len(self.position):
                self.position[place] = position
            if self.digests[place] != mark:
                self.digests[place] = mark
                fresh[place] = item
        self.position = np.append(self.position, np.array(new, np.int64))
        if fresh and self.index.size == 0:
            self.index.build(list(fresh.values()))
        elif fresh:
            self.index.change(fresh.items(), self.size)
        return list(fresh)
