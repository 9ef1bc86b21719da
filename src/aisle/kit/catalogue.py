"""The catalogue as columns: which items may be shown, right now, for a filter.

Positions are stable for the life of the object (a removed item keeps its position, dead), so an engine may map its own
item order to positions once and extend the map when `size` grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aisle.types import Attribute, Filter, Item

SOLD_OUT = frozenset({"out_of_stock", "discontinued"})
CACHED_MASKS = 256
NO_PRICE = -1

Mask = NDArray[np.bool_]


class Catalogue:
    """A live view of the items: `put` and `remove` update it, `mask` answers from it."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self.items: list[Item] = []  # by position, dead ones included
        self.position: dict[str, int] = {}
        self.version = 0
        self.paths: list[str] = []  # distinct category paths
        self._path_code: dict[str, int] = {}
        self._alive = np.zeros(64, bool)
        self._stocked = np.zeros(64, bool)
        self._price = np.full(64, NO_PRICE, np.int64)  # minor units
        self._path = np.full(64, -1, np.int32)
        self._stamp = np.zeros(64, np.int64)  # the version that changed a position last
        self._masks: dict[bytes, Mask] = {}
        self.put(items)

    @property
    def size(self) -> int:
        """Positions in use, dead ones included."""
        return len(self.items)

    def __len__(self) -> int:
        """Items that are alive."""
        return int(self._alive[: self.size].sum())

    def __contains__(self, item_id: str) -> bool:
        position = self.position.get(item_id)
        return position is not None and bool(self._alive[position])

    def get(self, item_id: str) -> Item | None:
        return self.items[self.position[item_id]] if item_id in self else None

    def living(self) -> list[Item]:
        return [item for item, alive in zip(self.items, self._alive, strict=False) if alive]

    def prices(self) -> NDArray[np.int64]:
        """(size,) in minor units, NO_PRICE where an item has none. Do not write into it."""
        return self._price[: self.size]

    def alive(self) -> Mask:
        """(size,) True where an item is in the catalogue, to be had or not."""
        return self._alive[: self.size].copy()

    def path_codes(self) -> NDArray[np.int32]:
        """(size,) the place of every item's category in `paths`; -1: none."""
        return self._path[: self.size]

    def changed_since(self, version: int) -> NDArray[np.int64]:
        """The positions whose item was put after this version; -1 means all. Safe beside a `put` in another thread."""
        return np.flatnonzero(self._stamp[: self.size] > version)

    def put(self, items: Iterable[Item]) -> None:
        """Insert or replace items by `item_id`."""
        for item in items:
            position = self.position.setdefault(item.item_id, self.size)
            if position == self.size:
                self._grow(position + 1)
                self.items.append(item)
            else:
                self.items[position] = item
            self._alive[position] = True
            self._stamp[position] = self.version + 1
            self._stocked[position] = item.availability not in SOLD_OUT
            self._price[position] = item.price.amount if item.price else NO_PRICE
            self._path[position] = self._code_of(item.category)
        self._changed()

    def remove(self, item_ids: Iterable[str]) -> None:
        for item_id in item_ids:
            position = self.position.get(item_id)
            if position is not None:
                self._alive[position] = False
        self._changed()

    def mask(self, wanted: Filter | None = None) -> Mask:
        """(size,) True where an item is alive, to be had, and passes the filter. Do not write into it."""
        key = msgspec.json.encode(wanted) if wanted is not None else b""
        found = self._masks.get(key)
        if found is None:
            if len(self._masks) >= CACHED_MASKS:
                self._masks.clear()
            found = self._masks[key] = self._build(wanted or Filter())
        return found

    def _build(self, wanted: Filter) -> Mask:
        size = self.size
        mask = self._alive[:size].copy()
        if wanted.availability is None:
            mask &= self._stocked[:size]
        else:
            self._keep(mask, lambda item: (item.availability or "in_stock") in wanted.availability)  # type: ignore[operator]
        if wanted.category is not None:
            mask &= np.isin(self._path[:size], self._below(wanted.category))
        if wanted.price is not None:
            low, high = wanted.price.min, wanted.price.max
            price = self._price[:size]
            mask &= (price >= (low if low is not None else 0)) & (price <= (high if high is not None else np.iinfo(np.int64).max))
        if wanted.brand is not None:
            brands = {brand.casefold() for brand in wanted.brand}
            self._keep(mask, lambda item: (item.brand or "").casefold() in brands)
        if wanted.attributes is not None:
            self._keep(mask, lambda item: _has(item, wanted.attributes or {}))
        self._listed(mask, wanted)
        return mask

    def _listed(self, mask: Mask, wanted: Filter) -> None:
        if wanted.include is not None:
            kept = np.zeros(self.size, bool)
            kept[self._positions(wanted.include)] = True
            mask &= kept
        if wanted.exclude:
            mask[self._positions(wanted.exclude)] = False

    def _positions(self, item_ids: Iterable[str]) -> list[int]:
        return [self.position[item_id] for item_id in item_ids if item_id in self.position]

    def _keep(self, mask: Mask, passes: Callable[[Item], bool]) -> None:
        for position in np.flatnonzero(mask):
            mask[position] = passes(self.items[position])

    def _below(self, categories: list[str]) -> list[int]:
        roots = [split_path(category) for category in categories]
        split = [split_path(path) for path in self.paths]
        return [code for code, path in enumerate(split) if any(path[: len(root)] == root for root in roots)]

    def _code_of(self, category: str | None) -> int:
        if category is None:
            return -1
        code = self._path_code.setdefault(category, len(self.paths))
        if code == len(self.paths):
            self.paths.append(category)
        return code

    def _grow(self, size: int) -> None:
        if size <= len(self._alive):
            return
        self._alive = _longer(self._alive, False)
        self._stocked = _longer(self._stocked, False)
        self._price = _longer(self._price, NO_PRICE)
        self._path = _longer(self._path, -1)
        self._stamp = _longer(self._stamp, 0)

    def _changed(self) -> None:
        self._masks = {}
        self.version += 1


def split_path(category: str) -> list[str]:
    """ "Clothing > Shirts" as ["clothing", "shirts"]: how categories are compared."""
    return [part.strip().casefold() for part in category.split(">")]


def _longer(column: NDArray[Any], fill: object) -> NDArray[Any]:
    return np.concatenate([column, np.full(len(column), fill, column.dtype)])


def _has(item: Item, wanted: dict[str, Attribute]) -> bool:
    own = item.attributes or {}
    return all(name in own and _overlap(own[name], value) for name, value in wanted.items())


def _overlap(have: Attribute, want: Attribute) -> bool:
    mine = have if isinstance(have, list) else [have]
    asked = want if isinstance(want, list) else [want]
    return any(str(value).casefold() == str(other).casefold() for value in mine for other in asked)
