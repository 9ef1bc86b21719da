"""What is hidden from the recommender, and who is asked for it: the protocols of `aisle evaluate recommend`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from aisle.task import Data
from aisle.tasks.recommend.questions import Aim
from aisle.tasks.recommend.schema import Config
from aisle.types import EVENT_CODE, EVENT_TYPES, EventColumns, Item, PastEvent

TEST_SHARE = 0.2  # of the events, for time_split


@dataclass(frozen=True, slots=True)
class Split:
    """What may be learnt from, and what is asked."""

    train: EventColumns
    users: list[str]  # who is asked
    relevant: list[list[str]]  # the items each of them took next
    now: list[int]  # when each of them is asked, microseconds UTC
    exclude_seen: bool
    aim: Aim = "next"  # what the protocol asks: `auto` is chosen for it
    histories: Mapping[str, list[PastEvent]] | None = None  # newest first, of users who are not in `train`


class Part:
    """The data of a shop as it was before the hidden events."""

    def __init__(self, data: Data, events: EventColumns) -> None:
        self._data, self._events = data, events
        self.samples, self.media, self.picture, self.choices = data.samples, data.media, data.picture, data.choices

    def items(self) -> Iterator[Item]:
        return self._data.items()

    def events(self) -> EventColumns:
        return self._events

    def vectors(self, space: str) -> Iterator[tuple[str, bytes]]:
        return self._data.vectors(space)

    def write_vectors(self, space: str, rows: Iterable[tuple[str, bytes]]) -> None:
        """Nothing learnt from a part is left behind."""


def leave_last_out(events: EventColumns, config: Config) -> Split:
    """Hide each user's newest first meeting with an item, and all of that user's events from then on."""
    rows = np.flatnonzero(_wanted(events, config))
    pair = events.user[rows].astype(np.int64) * max(len(events.items), 1) + events.item[rows]
    first = rows[np.unique(pair, return_index=True)[1]]  # the first meeting of every user with every item
    first.sort()
    user = events.user[first]
    newest = first[np.append(user[1:] != user[:-1], True)] if len(first) else first
    from_row = np.full(len(events.users), len(events.user), np.int64)
    from_row[events.user[newest]] = newest
    before = np.arange(len(events.user)) < from_row[events.user]
    known = np.bincount(events.user[before & _wanted(events, config)], minlength=len(events.users))[events.user[newest]] > 0
    asked = newest[known]
    keep = before | ~np.isin(events.user, events.user[asked])  # who cannot be asked is learnt from in full
    return Split(
        kept(events, keep),
        [events.users[u] for u in events.user[asked]],
        [[events.items[i]] for i in events.item[asked]],
        events.time[asked].tolist(),
        exclude_seen=True,
    )


def time_split(events: EventColumns, config: Config, *, cut: int | None = None, repeats: bool = False) -> Split:
    """Hide what happened from `cut` on (microseconds UTC; default: the newest fifth of the events). With `repeats` items the
    user had before are right too, and may be shown."""
    if len(events.time) == 0:
        return Split(events, [], [], [], not repeats)
    aim: Literal["later", "again"] = "again" if repeats else "later"
    moment = int(np.quantile(events.time, 1 - TEST_SHARE)) if cut is None else cut
    train, wanted = events.time < moment, _wanted(events, config)
    width = max(len(events.items), 1)
    pairs = events.user.astype(np.int64) * width + events.item
    known = np.unique(events.user[train & wanted])
    later = np.unique(pairs[~train & wanted & np.isin(events.user, known)])
    if not repeats:
        later = later[~np.isin(later, pairs[train])]
    user, starts = np.unique(later // width, return_index=True)
    items = [[events.items[i] for i in part % width] for part in np.split(later, starts[1:])] if len(user) else []
    return Split(kept(events, train), [events.users[u] for u in user], items, [moment] * len(user), not repeats, aim)


PROTOCOLS: dict[str, Callable[[EventColumns, Config], Split]] = {
    "leave_last_out": leave_last_out,
    "time_split": time_split,
    "time_split_all": lambda events, config: time_split(events, config, repeats=True),
}


def sampled(split: Split, users: int, seed: int) -> Split:
    """The same split with at most `users` users asked, drawn by the seed; all are still learnt from."""
    if len(split.users) <= users:
        return split
    some = np.sort(np.random.default_rng(seed).choice(len(split.users), users, replace=False)).tolist()
    return replace(
        split,
        users=[split.users[u] for u in some],
        relevant=[split.relevant[u] for u in some],
        now=[split.now[u] for u in some],
    )


def kept(events: EventColumns, keep: NDArray[np.bool_]) -> EventColumns:
    """Only these events, and only the users and items that have any left."""
    users, user = np.unique(events.user[keep], return_inverse=True)
    items, item = np.unique(events.item[keep], return_inverse=True)
    return replace(
        events,
        users=[events.users[u] for u in users],
        items=[events.items[i] for i in items],
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        type=events.type[keep],
        time=events.time[keep],
        value=events.value[keep],
        quantity=events.quantity[keep],
        session=None if events.session is None else events.session[keep],
    )


def _wanted(events: EventColumns, config: Config) -> NDArray[np.bool_]:
    """(events,) True for the types that the configuration counts as liking."""
    liked = [EVENT_CODE[name] for name in EVENT_TYPES if getattr(config, name) > 0]
    return np.isin(events.type, liked)


def everything(data: Data, split: Split) -> list[Item]:
    """The catalogue, with what is sold out today as it was then, and items that only the events know."""
    items = {item.item_id: msgspec.structs.replace(item, availability=None) for item in data.items()}
    for item_id in (*split.train.items, *(item_id for items_of in split.relevant for item_id in items_of)):
        if item_id not in items:
            items[item_id] = Item(item_id=item_id, title=item_id)
    return list(items.values())


def histories(split: Split, limit: int) -> Callable[[str], list[PastEvent]]:
    """The newest events of a user in the training part, newest first, as storage hands them over."""
    given = split.histories
    if given is not None:
        return lambda user_id: given[user_id][:limit]
    events = split.train
    bounds = np.searchsorted(events.user, np.arange(len(events.users) + 1)).tolist()
    code = {user_id: number for number, user_id in enumerate(events.users)}

    def newest(user_id: str) -> list[PastEvent]:
        user = code[user_id]
        rows = range(bounds[user + 1] - 1, max(bounds[user], bounds[user + 1] - limit) - 1, -1)
        return [_past(events, row) for row in rows]

    return newest


def _past(events: EventColumns, row: int) -> PastEvent:
    value = float(events.value[row])
    item, kind, moment = events.items[events.item[row]], int(events.type[row]), int(events.time[row])
    return PastEvent(item, kind, moment, None if value != value else value, int(events.quantity[row]))
