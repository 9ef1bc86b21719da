"""Scores from item-to-item lists for a batch of users, the best of them, and the parts each score is the sum of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.recommend.history import Ask, History
from aisle.tasks.recommend.lists import Floats, Lists, Places
from aisle.tasks.recommend.view import Mask, View

GROUPS = 128  # columns are maximised in at least so many groups to guess where the best begin
FEW = 512  # contributions that are sorted without packing
NONE = np.zeros(0, np.int64)
LEAST = np.finfo(np.float64).tiny


class Pairs(NamedTuple):
    """One contribution each: what an entry of a history adds to the score of a cell (user · S + item)."""

    cell: Places  # (pairs,)
    value: Floats  # (pairs,)
    width: int  # the first pairs come in rows of this width, one row an entry …
    later: Places  # … the entries of those after them

    def entry(self, pair: Places) -> Places:
        """The history entries of pairs given by number."""
        if not len(self.later):
            return pair // self.width
        regular = len(self.cell) - len(self.later)
        return np.where(pair < regular, pair // self.width, self.later[np.maximum(pair - regular, 0)])


class Speaker(Protocol):
    """What an algorithm without lists says of a batch, and why."""

    @property
    def scores(self) -> NDArray[np.float64]:
        """(users, S)"""

    def given(self, user: int, places: Places) -> tuple[Places, Floats]:
        """(entries,) which entries of the batch's history speak for this user, and (entries, places) what each adds to the
        scores of these items."""


class Ranked(NamedTuple):
    """The best items of every user, by user, best first."""

    user: Places
    place: Places
    score: Floats


def pairs(history: History, lists: Lists, view: View, share: float) -> Pairs:
    """What every entry of the histories adds to every neighbour of its item; new items count `share` of their likeness."""
    cell = lists.indices.take(history.item, axis=0) + (history.user * view.size)[:, None]  # (entries, k)
    value = lists.values.take(history.item, axis=0) * history.share[:, None]
    width = lists.indices.shape[1]
    arrivals = view.items.arrivals if lists is view.items.texts else view.items.joined
    if arrivals is None:
        return Pairs(cell.reshape(-1), value.reshape(-1), width, NONE)
    old = np.flatnonzero(history.item < len(view.model.names))  # new items have lists of their own
    starts, counts = arrivals.start[history.item[old]], np.diff(arrivals.start)[history.item[old]]
    entry = np.repeat(old, counts)
    found = np.arange(len(entry)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(starts, counts)
    more_cell = arrivals.place[found] + history.user[entry] * view.size
    more_value = arrivals.value[found] * share * history.share[entry]
    return Pairs(np.concatenate([cell.ravel(), more_cell]), np.concatenate([value.ravel(), more_value]), width, entry)


def told(speaker: Speaker, ranked: Ranked, users: int) -> Pairs:
    """What every entry gave to every ranked item of its user."""
    size = speaker.scores.shape[1]
    cells, values, entries = [NONE], [np.zeros(0)], [NONE]
    for user, (start, stop) in enumerate(pairwise(ranked.user.searchsorted(np.arange(users + 1)).tolist())):
        if start == stop:
            continue
        place = ranked.place[start:stop]
        entry, given = speaker.given(user, place)
        cells.append(np.tile(place + user * size, len(entry)))
        values.append(given.ravel())
        entries.append(np.repeat(entry, len(place)))
    return Pairs(np.concatenate(cells), np.concatenate(values), 1, np.concatenate(entries))


def add_up(found: Pairs, users: int, size: int) -> NDArray[np.float64]:
    """(users, S) scores."""
    return np.bincount(found.cell, found.value, users * size).astype(np.float64, copy=False).reshape(users, size)


def close(scores: NDArray[np.float64], batch: Sequence[Ask], hidden: Places, view: View) -> None:
    """Take away, in place, what must not be shown."""
    scores.reshape(-1)[hidden] = 0.0
    shut = view.shut
    if len(shut):
        scores[:, shut] = 0.0
    for user, ask in enumerate(batch):
        if ask.mask is not view.open:
            scores[user] *= ask.mask


def best(scores: NDArray[np.float64], wanted: Sequence[int]) -> Ranked:
    """The highest scores above 0 of every row, at most `wanted` of it; ties by the lower place."""
    users, size = scores.shape
    most = np.array(wanted)
    cell = _promising(scores, most)
    user = cell // size
    score = scores.reshape(-1).take(cell)
    order = np.lexsort((cell, -score, user))
    user = user.take(order)
    rank = np.arange(len(user)) - user.searchsorted(np.arange(users)).take(user)
    kept = (rank < most.take(user)).nonzero()[0]
    order, user = order.take(kept), user.take(kept)
    return Ranked(user, cell.take(order) - user * size, score.take(order))


def _promising(scores: NDArray[np.float64], most: Places) -> Places:
    """Cells among which the best are, and not many others. A bound comes from the maxima of groups of columns: the n-th highest
    of these is at most the n-th highest score, and only groups that reach it can hold a winner."""
    users, size = scores.shape
    groups = max(GROUPS, 4 * int(most.max(initial=0)))
    height = size // groups
    if height < 2:
        return np.asarray((scores > 0).reshape(-1).nonzero()[0], np.int64)
    body = height * groups
    peaks = scores[:, :body].reshape(users, height, groups).max(axis=1)  # (users, groups)
    ordered = peaks.copy()
    ordered.sort(axis=1)
    bound = np.maximum(ordered[np.arange(users), groups - most], LEAST)
    high = (peaks >= bound[:, None]).reshape(-1).nonzero()[0]
    user = high // groups
    inside = (high + user * (size - groups))[:, None] + np.arange(0, body, groups)
    rest = (np.arange(users) * size)[:, None] + np.arange(body, size)
    cell = np.concatenate([inside.reshape(-1), rest.reshape(-1)])
    return np.asarray(cell[scores.reshape(-1).take(cell) >= bound.take(cell // size)], np.int64)


class Parts(NamedTuple):
    """The contributions to the ranked items: those of item i are `start[i]` … `start[i + 1]` − 1, the highest first."""

    start: Places  # (items + 1,)
    entry: Places  # (parts,) of the history
    value: Floats  # (parts,)


def parts(ranked: Ranked, found: Pairs, users: int, size: int) -> Parts:
    """Looks the winners up among the pairs."""
    winners = len(ranked.user)
    number = np.zeros(users * size, np.int16 if winners < 2**15 else np.int32)  # of the winner in each cell, from 1
    number[ranked.user * size + ranked.place] = np.arange(1, winners + 1)
    winner: Any = number.take(found.cell)
    hit = ((winner > 0) & (found.value != 0)).nonzero()[0]
    winner, value = winner.take(hit), found.value.take(hit)
    order = _strongest_first(winner, value)
    start = np.bincount(winner, minlength=winners + 1).cumsum()  # winner 0 has none
    return Parts(start, found.entry(hit.take(order)), value.take(order))


def _strongest_first(winner: NDArray[Any], value: Floats) -> Places:
    """The order by winner, then by value (as float32, the highest first), then as it was. Where there are many, the three are
    packed into one integer, because integers sort several times faster than keys in turn."""
    size = len(value)
    single = value.astype(np.float32) + np.float32(0.0)  # what underflows is 0, and not -0, in both ways of sorting
    if size < FEW or size >= 2**16 or winner.dtype != np.int16:
        return np.lexsort((-single, winner))
    bits = single.view(np.int32).astype(np.int64)
    bits ^= (bits >> 31) & 0x7FFFFFFF  # now integers in the order of the floats
    key = (winner.astype(np.int64) << 48) | ((2**31 - 1 - bits) << 16) | np.arange(size)
    key.sort()
    return np.asarray(key & 0xFFFF, np.int64)


def shown(mask: Mask, order: Places, n: int) -> Places:
    """The first n of an order that may be shown."""
    return order[mask[order]][:n]
