"""What each user of a batch did, as arrays: how much every item of their history counts now, and what must not be shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.recommend.lists import Floats, Places
from aisle.tasks.recommend.model import BOUGHT, DISMISSED, SEEN, Model
from aisle.tasks.recommend.schema import ForUser
from aisle.tasks.recommend.view import Mask, View
from aisle.tasks.recommend.weights import PURCHASE, RATE, REFUND, superseded
from aisle.times import DAY
from aisle.types import PastEvent

UNKNOWN = repeat(-1)
ITEM, TYPE, TIME = itemgetter(0), itemgetter(1), itemgetter(2)  # of a PastEvent


class Ask(NamedTuple):
    """One request of `for_user`, with what the door fetched for it."""

    request: ForUser
    view: View
    events: Sequence[PastEvent]  # newest first, this session's included; empty where nothing personal may be used
    now: int  # microseconds
    mask: Mask  # (S,) what may be shown
    row: int  # the user's row at training, -1: unknown
    session_only: bool


class History(NamedTuple):
    """Entries by user, then item. A cell is user · S + item."""

    user: Places  # (entries,) position in the batch
    item: Places  # (entries,) place
    share: Floats  # (entries,) of the user's interest; Σ|share| = 1 per user
    verb: Places  # (entries,) type code of the strongest event
    hidden: Places  # (cells,) what must not be shown

    def of(self, user: int) -> slice:
        """The entries of one user."""
        return slice(int(np.searchsorted(self.user, user)), int(np.searchsorted(self.user, user, side="right")))


class Past(NamedTuple):
    """The events of a batch that name items of the view, newest first within a user."""

    user: Places
    item: Places
    type: NDArray[np.uint8]
    age: Places  # microseconds
    value: Floats | None  # only where there are ratings; NaN: absent


def gather(batch: Sequence[Ask], view: View, model: Model) -> History:
    """The histories of a batch."""
    past = _past(batch, view)
    cell = past.user * view.size + past.item
    order = cell.argsort(kind="stable")
    cells = cell.take(order)
    first = np.ones(len(cells), bool)
    np.not_equal(cells[1:], cells[:-1], out=first[1:])
    starts = first.nonzero()[0]
    hidden = _hidden(batch, past, cell, model, view.size)
    if not len(starts):
        return History(starts, starts, np.zeros(0), starts, hidden)
    total = model.way.summed(_net(past, _worth(past, model), order, starts, model))
    strength, by_strength = model.strength
    rank = strength.take(past.type).take(order)
    verb = by_strength.take(np.maximum.reduceat(rank, starts))  # of the event that counts most, whatever its age
    return _shares(cells.take(starts), total, verb, hidden, size=view.size, users=len(batch), most=model.way.most)


def _past(batch: Sequence[Ask], view: View) -> Past:
    counts = [len(ask.events) for ask in batch]
    total = sum(counts)
    user = np.arange(len(batch)).repeat(counts)
    events = list(chain.from_iterable(ask.events for ask in batch))
    item = np.fromiter(map(view.items.place.get, map(ITEM, events), UNKNOWN), np.int64, total)
    kinds = bytes(map(TYPE, events))
    types = np.frombuffer(kinds, np.uint8)
    now = np.array([ask.now for ask in batch], np.int64)
    age = now.take(user) - np.fromiter(map(TIME, events), np.int64, total)
    value = np.array([event.value for event in events], np.float64) if RATE in kinds else None  # None becomes NaN
    known = item >= 0
    if known.all():
        return Past(user, item, types, age, value)
    return Past(user[known], item[known], types[known], age[known], None if value is None else value[known])


def _worth(past: Past, model: Model) -> Floats:
    """(events,) what each event counts now."""
    weights, way = model.weights, model.way
    fade = _halved(past.age, weights.half_life) if way.step is None else way.fades().take(_steps(past, model), mode="clip")
    if past.value is None:
        return way.counted(weights.table).take(past.type) * fade
    worth = weights.interest(past.type, past.value)
    oldest_first = slice(None, None, -1)
    worth[superseded(past.user[oldest_first], past.item[oldest_first], past.type[oldest_first])[oldest_first]] = 0.0
    return np.asarray(way.counted(worth) * fade, np.float64)


def _halved(age: Places, half_life: float) -> Floats:
    """`Weights.decay` by the C library's exp2, which the compiled ranker has too: numpy's own may differ in the last bit."""
    exponent = np.maximum(age, 0) * (-1.0 / half_life)
    return np.fromiter(map(math.exp2, exponent.tolist()), np.float64, len(age))


def _steps(past: Past, model: Model) -> Places:
    """(events,) how many steps after each event its user has made. Events of one moment, and those with the same item in a row,
    are one step; what speaks for nothing (an impression) or against its item is none."""
    forward = (model.weights.table.take(past.type) > 0).nonzero()[0]
    user, item, age = past.user.take(forward), past.item.take(forward), past.age.take(forward)
    new = np.zeros(len(past.user), np.int64)
    new[forward[1:]] = (user[1:] == user[:-1]) & (item[1:] != item[:-1]) & (age[1:] != age[:-1])
    steps = new.cumsum()
    first = past.user.searchsorted(past.user)  # of the same user
    return np.asarray(steps - steps.take(first), np.int64)


def _net(past: Past, worth: Floats, order: Places, starts: Places, model: Model) -> Floats:
    """(entries,) sums; a refund takes away purchases of the same item as they count now, and nothing else."""
    refunded = past.type == REFUND
    entry = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(order)))
    if not refunded.any():
        return np.bincount(entry, worth.take(order)).astype(np.float64, copy=False)
    bought = past.type == PURCHASE
    parts = [np.bincount(entry, part[order]) for part in (np.where(refunded, 0.0, worth), np.where(bought, worth, 0.0))]
    counts = [np.bincount(entry, kind[order]) for kind in (refunded, bought)]
    table = model.weights.table
    each = abs(table[REFUND]) / max(abs(table[PURCHASE]), 1e-12)  # purchases one refund undoes
    undone = np.divide(counts[0] * each, counts[1], out=np.zeros_like(counts[0]), where=counts[1] > 0).clip(0, 1)
    return np.asarray(parts[0] - undone * parts[1], np.float64)


def _shares(cells: Places, total: Floats, verb: Places, hidden: Places, *, size: int, users: int, most: int) -> History:
    """Shares of the `most` strongest entries of every user (and of those as strong as the last of them)."""
    user = cells // size
    strength = np.abs(total)
    keep = strength > 0
    counts = np.bincount(user, minlength=users)
    if int(counts.max()) > most:
        table = np.zeros((users, int(counts.max())))
        table[user, np.arange(len(user)) - (counts.cumsum() - counts).take(user)] = strength
        table.partition(table.shape[1] - most, axis=1)
        keep &= strength >= table[:, table.shape[1] - most].take(user)
    if not keep.all():
        cells, total, verb, user, strength = cells[keep], total[keep], verb[keep], user[keep], strength[keep]
    whole = np.bincount(user, strength, users)
    return History(user, cells - user * size, total / whole.take(user), verb, hidden)


class Stored(NamedTuple):
    """What training knew that these users had."""

    cell: Places
    flag: NDArray[np.uint8]
    bought: Places  # microseconds
    owner: Places  # position in the batch


def _hidden(batch: Sequence[Ask], past: Past, cell: Places, model: Model, size: int) -> Places:
    """The cells that must not be shown: dismissed ones, seen ones where asked, bought ones by the rule."""
    rule = model.config.bought
    always = DISMISSED | (BOUGHT if rule == "never" else 0)
    wanted = np.array([always | SEEN if ask.request.exclude_seen else always for ask in batch], np.uint8)
    flag = model.flags.take(past.type)
    stored = _stored(batch, model, size)
    found = np.concatenate([cell[flag & wanted.take(past.user) > 0], stored.cell[stored.flag & wanted.take(stored.owner) > 0]])
    waits = batch[0].view.waits
    if rule != "again" and waits is None:
        return found
    now = np.array([ask.now for ask in batch], np.int64)
    cells, flags = np.concatenate([cell, stored.cell]), np.concatenate([flag, stored.flag])
    ages = np.concatenate([past.age, now[stored.owner] - stored.bought])
    usual = model.config.again_after_days * DAY if rule == "again" else np.nan
    return _by_last_purchase(found, cells, flags, ages, usual, np.full(size, np.nan) if waits is None else waits)


def _stored(batch: Sequence[Ask], model: Model, size: int) -> Stored:
    had = model.had
    row = np.array([ask.row for ask in batch])  # row -1 spans from the last bound to the first: nothing
    start = had.indptr.take(row)
    counts = np.maximum(had.indptr.take(row + 1) - start, 0)
    owner = np.arange(len(batch)).repeat(counts)
    place = np.arange(len(owner)) + (start - counts.cumsum() + counts).take(owner)
    return Stored(owner * size + had.item.take(place), had.flag.take(place), had.bought.take(place), owner)


def _by_last_purchase(
    found: Places, cells: Places, flags: NDArray[np.uint8], ages: Places, usual: float, waits: Floats
) -> Places:
    """An item whose last purchase is its wait (microseconds) ago may be shown, unless it was dismissed. The wait is the rule's of
    `waits` (S,), where there is one (not NaN), else the usual one; what a rule still holds back is hidden, asked for or not."""
    bought = flags & BOUGHT > 0
    every, inverse = np.unique(cells[bought], return_inverse=True)
    youngest = np.full(len(every), np.inf)
    np.minimum.at(youngest, inverse, ages[bought])
    ruled = waits[every % len(waits)]
    back = every[youngest >= np.where(np.isnan(ruled), usual, ruled)]  # never true where neither is set
    dismissed = cells[flags & DISMISSED > 0]
    return np.concatenate([found[~np.isin(found, back) | np.isin(found, dismissed)], every[youngest < ruled]])
