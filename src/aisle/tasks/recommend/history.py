"""What each user of a batch did, as arrays: how much every item of their history counts now, and what must not be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.recommend.lists import Floats, Places
from aisle.tasks.recommend.model import BOUGHT, DISMISSED, SEEN, Model
from aisle.tasks.recommend.schema import ForUser
from aisle.tasks.recommend.view import Mask, View
from aisle.tasks.recommend.weights import DISMISS, PURCHASE, RATE, REFUND, superseded
from aisle.times import DAY
from aisle.types import PastEvent

UNKNOWN = repeat(-1)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of `for_user`, with what the door fetched for it."""

    request: ForUser
    view: View
    events: Sequence[PastEvent]  # newest first, this session's included; empty where nothing personal may be used
    now: int  # microseconds
    mask: Mask  # (S,) what may be shown
    row: int  # the user's row at training, -1: unknown
    session_only: bool


@dataclass(frozen=True, slots=True)
class History:
    """Entries by user, then item. A cell is user · S + item."""

    user: Places  # (entries,) position in the batch
    item: Places  # (entries,) place
    share: Floats  # (entries,) of the user's interest; Σ|share| = 1 per user
    verb: Places  # (entries,) type code of the strongest event
    hidden: Places  # (cells,) what must not be shown

    def of(self, user: int) -> slice:
        """The entries of one user."""
        return slice(int(np.searchsorted(self.user, user)), int(np.searchsorted(self.user, user, side="right")))


@dataclass(frozen=True, slots=True)
class Past:
    """The events of a batch that name items of the view, newest first within a user."""

    user: Places
    item: Places
    type: Places
    age: Places  # microseconds
    value: Floats | None  # only where there are ratings; NaN: absent

    @property
    def cell_count(self) -> int:
        return len(self.item)


def gather(batch: Sequence[Ask], view: View, model: Model) -> History:
    """The histories of a batch."""
    past = _past(batch, view)
    cell = past.user * view.size + past.item
    order = np.argsort(cell, kind="stable")
    cells = cell[order]
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    worth = _worth(past, model)
    total = _net(past, worth, order, starts, model)
    verb = _verbs(past, order, starts, model)
    hidden = _hidden(batch, past, cell, model, view.size)
    return _shares(cells[starts], total, verb, hidden, view.size, len(batch), model.config.history)


def _past(batch: Sequence[Ask], view: View) -> Past:
    counts = [len(ask.events) for ask in batch]
    total = sum(counts)
    user = np.repeat(np.arange(len(batch)), counts)
    now = np.array([ask.now for ask in batch], np.int64)
    names, kinds, times, values, _ = zip(*chain.from_iterable(ask.events for ask in batch), strict=True) if total else ((),) * 5
    item = np.fromiter(map(view.items.place.get, names, UNKNOWN), np.int64, total)
    types, age = np.array(kinds, np.int64), now[user] - np.array(times, np.int64)
    value = np.array(values, np.float64) if (types == RATE).any() else None  # None becomes NaN
    known = item >= 0
    if known.all():
        return Past(user, item, types, age, value)
    return Past(user[known], item[known], types[known], age[known], None if value is None else value[known])


def _worth(past: Past, model: Model) -> Floats:
    """(events,) what each event counts now."""
    weights = model.weights
    if past.value is None:
        return np.asarray(weights.table[past.type] * weights.decay(past.age), np.float64)
    worth = weights.interest(past.type, past.value)
    oldest_first = slice(None, None, -1)
    worth[superseded(past.user[oldest_first], past.item[oldest_first], past.type[oldest_first])[oldest_first]] = 0.0
    return np.asarray(worth * weights.decay(past.age), np.float64)


def _net(past: Past, worth: Floats, order: Places, starts: Places, model: Model) -> Floats:
    """(entries,) sums; a refund takes away purchases of the same item as they count now, and nothing else."""
    if not len(starts):
        return np.zeros(0)
    refunded = past.type == REFUND
    if not refunded.any():
        return np.asarray(np.add.reduceat(worth[order], starts), np.float64)
    bought = past.type == PURCHASE
    parts = [np.add.reduceat(part[order], starts) for part in (np.where(refunded, 0.0, worth), np.where(bought, worth, 0.0))]
    counts = [np.add.reduceat(kind[order].astype(np.float64), starts) for kind in (refunded, bought)]
    table = model.weights.table
    each = abs(table[REFUND]) / max(abs(table[PURCHASE]), 1e-12)  # purchases one refund undoes
    undone = np.divide(counts[0] * each, counts[1], out=np.zeros_like(counts[0]), where=counts[1] > 0).clip(0, 1)
    return np.asarray(parts[0] - undone * parts[1], np.float64)


def _verbs(past: Past, order: Places, starts: Places, model: Model) -> Places:
    """(entries,) the type of the event that counts most, whatever its age."""
    if not len(starts):
        return np.zeros(0, np.int64)
    strength, by_strength = model.strength
    return np.asarray(by_strength[np.maximum.reduceat(strength[past.type][order], starts)], np.int64)


def _shares(cells: Places, total: Floats, verb: Places, hidden: Places, size: int, users: int, most: int) -> History:
    keep = np.flatnonzero(total)
    if len(keep) < len(cells):
        cells, total, verb = cells[keep], total[keep], verb[keep]
    user = cells // size
    strength = np.abs(total)
    if len(cells) and np.bincount(user).max() > most:
        order = np.lexsort((-strength, user))
        rank = np.arange(len(user)) - np.searchsorted(user, np.arange(users))[user]
        keep = np.sort(order[rank < most])
        cells, total, verb, user, strength = cells[keep], total[keep], verb[keep], user[keep], strength[keep]
    whole = np.bincount(user, strength, users)
    return History(user, cells - user * size, total / whole[user], verb, hidden)


def _hidden(batch: Sequence[Ask], past: Past, cell: Places, model: Model, size: int) -> Places:
    """The cells that must not be shown: dismissed ones, seen ones where asked, bought ones by the rule."""
    leave_out = np.array([ask.request.exclude_seen for ask in batch])
    rule = model.config.bought
    drop = (model.weights.seen[past.type] & leave_out[past.user]) | (past.type == DISMISS)
    if rule == "never":
        drop |= past.type == PURCHASE
    stored, flag, bought, owner = _stored(batch, model, size)
    wanted = SEEN * leave_out[owner] | DISMISSED | (BOUGHT if rule == "never" else 0)
    found = np.concatenate([cell[drop], stored[(flag & wanted) > 0]])
    if rule != "again":
        return found
    return _again(found, batch, past, cell, stored, flag, bought, owner, model, size)


def _stored(batch: Sequence[Ask], model: Model, size: int) -> tuple[Places, NDArray[Any], Places, Places]:
    """What training knew of these users, as (cells, flags, time bought, position in the batch)."""
    had = model.had
    spans = [slice(had.indptr[ask.row], had.indptr[ask.row + 1]) if ask.row >= 0 else slice(0, 0) for ask in batch]
    owner = np.repeat(np.arange(len(batch)), [span.stop - span.start for span in spans])
    item, flag, bought = (np.concatenate([column[span] for span in spans]) for column in (had.item, had.flag, had.bought))
    return owner * size + item, flag, bought, owner


def _again(
    found: Places, batch: Sequence[Ask], past: Past, cell: Places, stored: Places, flag: NDArray[Any], bought: Places,
    owner: Places, model: Model, size: int,
) -> Places:  # fmt: skip
    """Rule "again": an item whose last purchase is long enough ago may be shown, unless it was dismissed."""
    now = np.array([ask.now for ask in batch], np.int64)
    cells = np.concatenate([cell[past.type == PURCHASE], stored[flag & BOUGHT > 0]])
    ages = np.concatenate([past.age[past.type == PURCHASE], (now[owner] - bought)[flag & BOUGHT > 0]])
    every, inverse = np.unique(cells, return_inverse=True)
    youngest = np.full(len(every), np.inf)
    np.minimum.at(youngest, inverse, ages)
    free = every[youngest >= model.config.again_after_days * DAY]
    dismissed = np.concatenate([cell[past.type == DISMISS], stored[flag & DISMISSED > 0]])
    return found[~np.isin(found, free) | np.isin(found, dismissed)]
