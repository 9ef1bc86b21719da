"""How many of the items found are of each category, brand, price and attribute."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from aisle.kit.catalogue import NO_PRICE
from aisle.tasks.search.schema import FacetValue
from aisle.tasks.search.shelf import Shelf

COUNTED = 2000  # of the best items; more would not change what is shown
MOST_VALUES = 10
MOST_FACETS = 12
LONGEST = 60  # characters of a value; a longer one is a text
PRICE_STEPS = 5
Value = tuple[str, str]
Codes = NDArray[np.int32]


class Facets:
    """Counts values; remembers those of each item until it changes."""

    def __init__(self) -> None:
        self._values: list[Value] = []
        self._code: dict[Value, int] = {}
        self._paths: dict[str, list[int]] = {}
        self._known: dict[int, Codes] = {}  # by place

    def forget(self, places: Iterable[int]) -> None:
        for place in places:
            self._known.pop(place, None)

    def count(self, shelf: Shelf, places: NDArray[np.int64], score: NDArray[np.float32]) -> dict[str, list[FacetValue]]:
        """By name of facet its values, most frequent first; a facet that does not divide what was found is left out."""
        if len(places) > COUNTED:
            places = places[np.argpartition(-score[places], COUNTED)[:COUNTED]]
        known = self._known
        codes = [known[place] if place in known else self._learn(shelf, place) for place in places.tolist()]
        counts = np.bincount(np.concatenate(codes), minlength=len(self._values)) if codes else np.zeros(0, np.int64)
        by_name: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for code in np.flatnonzero(counts).tolist():
            name, value = self._values[code]
            by_name[name].append((int(counts[code]), value))
        weight = {name: sum(count for count, _ in values) for name, values in by_name.items() if len(values) > 1}
        chosen = sorted(weight, key=lambda name: (name not in ("category", "brand"), -weight[name], name))[:MOST_FACETS]
        prices = shelf.prices(places)
        steps = price_steps(prices[prices != NO_PRICE])
        return {name: _most(by_name[name]) for name in chosen} | ({"price": steps} if steps else {})

    def learn(self, shelf: Shelf, places: Iterable[int]) -> None:
        """Look at items before anybody asks: an answer then only counts."""
        for place in places:
            if place not in self._known:
                self._learn(shelf, place)

    def _learn(self, shelf: Shelf, place: int) -> Codes:
        item = shelf.item(place)
        codes = list(self._levels(item.category)) if item.category else []
        if item.brand:
            codes.append(self._number("brand", item.brand))
        for name, value in (item.attributes or {}).items():
            for one in value if isinstance(value, list) else (value,):
                if isinstance(one, str) and 0 < len(one) <= LONGEST:
                    codes.append(self._number(name, one))
        if len(codes) != len(set(codes)):
            codes = list(dict.fromkeys(codes))
        found = self._known[place] = np.array(codes, np.int32)
        return found

    def _levels(self, category: str) -> list[int]:
        """Of "A > B" the numbers of "A" and "A > B"."""
        known = self._paths.get(category)
        if known is None:
            parts = [part.strip() for part in category.split(">")]
            levels = dict.fromkeys(" > ".join(parts[: depth + 1]) for depth in range(len(parts)))
            known = self._paths[category] = [self._number("category", level) for level in levels]
        return known

    def _number(self, name: str, value: str) -> int:
        key = (name, value)
        code = self._code.setdefault(key, len(self._values))
        if code == len(self._values):
            self._values.append(key)
        return code


def price_steps(prices: NDArray[np.int64]) -> list[FacetValue]:
    """Ranges "from-to" in minor units with about as many items in each."""
    if len(prices) < 2 or prices.min() == prices.max():
        return []
    bounds = np.unique(np.quantile(prices, np.linspace(0, 1, PRICE_STEPS + 1), method="nearest")).tolist()
    counts = np.histogram(prices, bounds)[0].tolist()
    return [FacetValue(f"{low}-{high}", count) for low, high, count in zip(bounds, bounds[1:], counts, strict=False)]


def _most(values: list[tuple[int, str]]) -> list[FacetValue]:
    return [FacetValue(value, count) for count, value in sorted(values, key=lambda pair: (-pair[0], pair[1]))[:MOST_VALUES]]
