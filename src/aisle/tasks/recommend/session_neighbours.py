"""Visits like this one, and what they held: neighbours for people of whom nothing but the visit is known.

    alike(q, s)   = Σ_h w(q, h) · m_h · log(S / n_h)^κ · e^(−ρ·age(s)) / √|s|       h: items of the history q, met m_h times in s
    near(s, j)    = φ^(d−1) where j is d steps after the newest shared item in s, β·ψ^(d−1) where before it, ω where it is itself
    score(q, j)   = Σ_s alike(q, s) · near(s, j) / n_j^ν                            s: the `nearest` most alike

w(q, h) is the history as every algorithm of steps has it (`way`): γ for every step back. The faded history, the age of visits and
the distance from what is shared are those of STAN (Garg et al., 2019), rare items that say more those of VSTAN (Ludewig et al.,
2021). Ours differs in that the newest SPAN visits with an item are all looked at, unsampled, and in 1 / n_j^ν against
best-sellers. n: meetings of an item; S visits; the age of a visit is the share of all that are newer. A score is a sum over
the history, and what each item of it gave is its reason. Nothing is fitted: the visits are the model, and who is erased has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.recommend.lists import Floats, Places

SPAN = 1000  # newest visits with an item that are looked at: an answer stays a matter of milliseconds
REACH = 30  # events before and after what is shared that are looked at: further away next to nothing is left
DENSE = 8  # numbers of a table for each that is looked up in it
MOST = 5_000_000  # newest events that are kept
Rows = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Nearness:
    """The settings, named as in the formulas; chosen on the validation part of Diginetica."""

    rarity: float = 1.5  # κ
    ageing: float = 1.0  # ρ
    after: float = 0.8  # φ
    before: float = 0.9  # ψ
    backward: float = 0.7  # β
    own: float = 0.8  # ω
    popularity: float = 0.3  # ν
    nearest: int = 1000


@dataclass(frozen=True)
class Visits:
    """Visits, the oldest first, and for every item where it was met."""

    start: Rows  # (visits + 1,)
    item: Rows  # (events,)
    items: int

    @staticmethod
    def of(visit: NDArray[Any], item: NDArray[Any], time: NDArray[Any], items: int) -> Visits:
        """From events by visit and time; visits are put in the order in which they ended."""
        if not len(visit):
            return Visits(np.zeros(1, np.int32), np.zeros(0, np.int32), items)
        begin = np.flatnonzero(np.append(True, visit[1:] != visit[:-1]))
        length = np.diff(np.append(begin, len(visit)))
        order = np.argsort(time[begin + length - 1], kind="stable")
        kept = int(np.searchsorted(np.cumsum(length[order][::-1]), MOST, side="right"))  # so many of the newest fit
        order = order[len(order) - max(kept, 1) :]
        start = np.append(0, np.cumsum(length[order]))
        rows = np.repeat(begin[order] - start[:-1], length[order]) + np.arange(start[-1])
        return Visits(start.astype(np.int32), np.asarray(item, np.int32)[rows], items)

    @cached_property
    def order(self) -> Rows:
        """(events,) by item, and of one item the oldest first."""
        return np.argsort(self.item, kind="stable").astype(np.int32)

    @cached_property
    def where(self) -> Rows:
        """(events,) the visit of every event."""
        return np.repeat(np.arange(len(self.start) - 1, dtype=np.int32), np.diff(self.start))

    @cached_property
    def first(self) -> Places:
        """(items + 1,) bounds of every item in `order`."""
        return np.append(0, np.cumsum(self.counts))

    @cached_property
    def counts(self) -> Places:
        """(items,) n."""
        return np.bincount(self.item, minlength=self.items)

    @cached_property
    def _powers(self) -> dict[float, Floats]:
        return {}

    def held_back(self, popularity: float) -> Floats:
        """(items,) n^ν."""
        if popularity not in self._powers:
            self._powers[popularity] = np.maximum(self.counts, 1.0) ** popularity
        return self._powers[popularity]


class Alike(NamedTuple):
    """The visits most like a history."""

    visit: Places  # (near,)
    anchor: Places  # (near,) the event of the newest item that is shared
    given: Floats  # (entries, near) what every entry of the history adds to how alike they are


class Answered(NamedTuple):
    """What one history finds."""

    alike: Alike
    row: Places  # (events,) position in `alike` of every event of these visits …
    item: Rows  # … which item it was …
    near: Floats  # … and how near it stands, held back by its popularity

    def scores(self, size: int) -> Floats:
        """(size,) the score of every item."""
        return np.bincount(self.item, self.alike.given.sum(axis=0)[self.row] * self.near, size).astype(np.float64, copy=False)

    def given(self, places: Places, size: int) -> Floats:
        """(entries, places) what each entry of the history adds to these items."""
        number = np.full(size, -1, np.int32)
        number[places] = np.arange(len(places))
        column = number[self.item]
        hit = np.flatnonzero(column >= 0)
        table = np.bincount(
            self.row[hit] * len(places) + column[hit], self.near[hit], len(self.alike.visit) * len(places)
        )  # (near · places,)
        return np.asarray(self.alike.given @ table.reshape(len(self.alike.visit), len(places)), np.float64)


def ask(visits: Visits, item: Places, weight: Floats, given: Nearness) -> Answered:
    """What visits like this history held: its items, each once, and what each counts, above 0, the newest most."""
    found = _alike(visits, item, weight, given)
    begin = np.maximum(visits.start[found.visit], found.anchor - REACH)
    lengths = np.minimum(visits.start[found.visit + 1], found.anchor + REACH + 1) - begin
    row = np.repeat(np.arange(len(lengths)), lengths)
    event = np.arange(len(row)) + np.repeat(begin - lengths.cumsum() + lengths, lengths)
    items = visits.item[event]
    steps = _nearness(np.arange(-REACH, REACH + 1), given)  # of every distance there is, once
    near = steps[event - found.anchor[row] + REACH] / visits.held_back(given.popularity)[items]
    return Answered(found, row, items, near)


def _alike(visits: Visits, item: Places, weight: Floats, given: Nearness) -> Alike:
    """The `nearest` visits that share an item with the history."""
    total, newest_first = len(visits.start) - 1, np.argsort(-weight, kind="stable")
    stop = visits.first[item + 1]
    spans = [slice(max(int(visits.first[at]), int(end) - SPAN), int(end)) for at, end in zip(item, stop, strict=True)]
    events = np.concatenate([visits.order[spans[entry]] for entry in newest_first]) if len(item) else np.zeros(0, np.int32)
    entry = np.repeat(newest_first, [spans[one].stop - spans[one].start for one in newest_first])
    near, first, inverse = distinct(visits.where[events], total)
    worth = weight * np.log(np.maximum(total / np.maximum(visits.counts[item], 1), 1.0)) ** given.rarity
    scale = np.diff(visits.start)[near] ** -0.5 * np.exp(-given.ageing * (total - near) / max(total, 1))
    alike = np.bincount(inverse, worth[entry], len(near)) * scale
    best = np.argpartition(-alike, given.nearest)[: given.nearest] if len(near) > given.nearest else np.arange(len(near))
    kept = np.full(len(near), -1)
    kept[best] = np.arange(len(best))
    column = kept[inverse]
    inside = column >= 0
    cells = np.bincount(entry[inside] * len(best) + column[inside], worth[entry[inside]], len(item) * len(best))
    return Alike(near[best], events[first[best]].astype(np.int64), cells.reshape(len(item), len(best)) * scale[best])


def distinct(visit: Rows, total: int) -> tuple[Places, Places | Rows, Places | Rows]:
    """np.unique's values, first places and inverse of numbers below `total`; without sorting where a table of all is no larger
    than a few times the numbers, which takes a fifth of the time."""
    if total > DENSE * len(visit):
        return np.unique(visit, return_index=True, return_inverse=True)
    table = np.full(total, -1, np.int32)
    table[visit[::-1]] = np.arange(len(visit) - 1, -1, -1, dtype=np.int32)  # of several the first, which comes last, stays
    near = np.flatnonzero(table >= 0)
    first = table[near]
    table[near] = np.arange(len(near), dtype=np.int32)
    return near, first, table[visit]


def _nearness(steps: Places, given: Nearness) -> Floats:
    """(events,) what an event counts that is so many steps after (or before, below 0) what is shared."""
    far = np.maximum(np.abs(steps) - 1, 0)
    aside = np.where(steps > 0, given.after**far, given.backward * given.before**far)
    return np.asarray(np.where(steps == 0, given.own, aside), np.float64)
