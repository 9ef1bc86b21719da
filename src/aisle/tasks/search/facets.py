"""How many of the items found are of each category, brand, price and attribute."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from heapq import nsmallest

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
Codes = NDArray[np.intc]
Places = NDArray[np.int64]
UNKNOWN = -1
LEAST_DROPPED = 10_000  # numbers: fewer are not worth a tidying


class Runs:
    """A run of numbers for each place, one after the other in one piece of memory: a question reads 2,000 of them at once."""

    def __init__(self) -> None:
        self._flat = array("i")
        self._start = np.zeros(0, np.int64)
        self._size = np.zeros(0, np.int64)  # UNKNOWN where there is none yet
        self._dropped = 0  # numbers that nobody reads any more

    def missing(self, places: Places) -> list[int]:
        """Of these places those without a run."""
        if len(places) and (highest := int(places.max()) + 1) > len(self._size):
            more = max(highest, 2 * len(self._size)) - len(self._size)
            self._start = np.append(self._start, np.zeros(more, np.int64))
            self._size = np.append(self._size, np.full(more, UNKNOWN))
        found: list[int] = places[self._size[places] == UNKNOWN].tolist()
        return found

    def put(self, place: int, numbers: Iterable[int]) -> None:
        """`missing` must have been asked for the place."""
        self._start[place] = len(self._flat)
        self._flat.extend(numbers)
        self._size[place] = len(self._flat) - self._start[place]

    def drop(self, place: int) -> None:
        """Forget a place's run; what is not read any more is given back once it is more than the rest."""
        if place >= len(self._size) or self._size[place] == UNKNOWN:
            return
        self._dropped += int(self._size[place])
        self._size[place] = UNKNOWN
        if self._dropped > max(LEAST_DROPPED, len(self._flat) // 2):
            known = np.flatnonzero(self._size != UNKNOWN)
            kept = array("i", self.of(known).tobytes())
            self._start[known] = np.cumsum(self._size[known]) - self._size[known]
            self._flat, self._dropped = kept, 0

    def of(self, places: Places) -> Codes:
        """The numbers of all these places, which have a run, one place after the other."""
        size = self._size[places]
        first = np.cumsum(size) - size
        at = np.arange(int(size.sum())) + np.repeat(self._start[places] - first, size)
        return np.frombuffer(self._flat, np.intc)[at] if len(at) else np.zeros(0, np.intc)


class Facets:
    """Counts values; remembers those of each item until it changes."""

    def __init__(self) -> None:
        self._values: list[Value] = []
        self._code: dict[Value, int] = {}
        self._paths: dict[str, list[int]] = {}
        self._known = Runs()  # by place

    def forget(self, places: Iterable[int]) -> None:
        for place in places:
            self._known.drop(place)

    def count(self, shelf: Shelf, places: NDArray[np.int64], score: NDArray[np.float32]) -> dict[str, list[FacetValue]]:
        """By name of facet its values, most frequent first; a facet that does not divide what was found is left out."""
        if len(places) > COUNTED:
            places = places[np.argpartition(-score[places], COUNTED)[:COUNTED]]
        for place in self._known.missing(places):
            self._learn(shelf, place)
        counts = np.bincount(self._known.of(places), minlength=len(self._values))
        by_name: dict[str, list[tuple[int, str]]] = defaultdict(list)
        weight: dict[str, int] = defaultdict(int)
        there = np.flatnonzero(counts)
        for code, count in zip(there.tolist(), counts[there].tolist(), strict=True):
            name, value = self._values[code]
            by_name[name].append((-count, value))  # in the order in which they are shown
            weight[name] += count
        dividing = [name for name, values in by_name.items() if len(values) > 1]
        chosen = sorted(dividing, key=lambda name: (name not in ("category", "brand"), -weight[name], name))[:MOST_FACETS]
        prices = shelf.prices(places)
        steps = price_steps(prices[prices != NO_PRICE])
        return {name: _most(by_name[name]) for name in chosen} | ({"price": steps} if steps else {})

    def learn(self, shelf: Shelf, places: Iterable[int]) -> None:
        """Look at items before anybody asks: an answer then only counts."""
        for place in self._known.missing(np.fromiter(places, np.int64)):
            self._learn(shelf, place)

    def _learn(self, shelf: Shelf, place: int) -> None:
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
        self._known.put(place, codes)

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
    return [FacetValue(value, -count) for count, value in nsmallest(MOST_VALUES, values)]
