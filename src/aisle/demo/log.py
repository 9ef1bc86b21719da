"""A log of events as columns while the demo shop is being made."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aisle.types import EVENT_CODE, EVENT_TYPES, Event, EventType

DAY = 86_400_000_000  # microseconds
ALONE = -1  # the session of what happens outside any visit
Ints = NDArray[np.int64]
COLUMNS = ("user", "item", "type", "time", "session", "value", "quantity")


@dataclass(frozen=True, slots=True)
class Log:
    """Rows of events; users and items by position. Every method returns a new log."""

    user: Ints  # (events,)
    item: Ints  # (events,)
    type: Ints  # (events,) position in EVENT_TYPES
    time: Ints  # (events,) microseconds UTC
    session: Ints  # (events,) ALONE where none
    value: NDArray[np.float64]  # (events,) NaN where none
    quantity: Ints  # (events,) 0 where none

    @classmethod
    def of(cls, name: EventType, user: Ints, item: Ints, time: Ints, session: Ints) -> Log:
        size = len(user)
        return cls(user, item, np.full(size, EVENT_CODE[name]), time, session, np.full(size, np.nan), np.zeros(size, np.int64))

    @classmethod
    def join(cls, logs: list[Log]) -> Log:
        joined = [np.concatenate([getattr(log, name) for log in logs]) for name in COLUMNS]
        return cls(*joined)

    def __len__(self) -> int:
        return len(self.user)

    def where(self, rows: NDArray[np.bool_] | Ints) -> Log:
        """These rows only, by mask or by position."""
        return Log(*[getattr(self, name)[rows] for name in COLUMNS])

    def distinct(self, key: Ints) -> Log:
        """The first row of each key, order kept."""
        return self.where(np.sort(np.unique(key, return_index=True)[1]))

    def moved(self, by: Ints | int) -> Log:
        """The same rows, later by so many microseconds."""
        return replace(self, time=self.time + by)

    def moved_days(self, rng: np.random.Generator, low: float, high: float) -> Log:
        """The same rows, later by some days between the bounds."""
        return self.moved((rng.uniform(low, high, len(self)) * DAY).astype(np.int64))

    def typed(self, name: EventType, value: NDArray[np.float64] | float | None = None) -> Log:
        """The same rows as another type of event; a value where one is given, quantity as before only for money."""
        given = self.value if value is None else np.full(len(self), value) if isinstance(value, float) else value
        kept = self.quantity if name in ("add_to_cart", "refund", "purchase") else np.zeros_like(self.quantity)
        return replace(self, type=np.full(len(self), EVENT_CODE[name]), value=given, quantity=kept)

    def alone(self) -> Log:
        """The same rows outside any visit."""
        return replace(self, session=np.full(len(self), ALONE))

    def in_new_sessions(self, first: int) -> Log:
        """The same rows, each in a visit of its own, numbered from `first`."""
        return replace(self, session=first + np.arange(len(self)))

    def kept(self, most: Ints, since: int, until: int) -> Log:
        """In time order, inside the window, and of each user no more than the `most[user]` oldest."""
        log = self.where((self.time >= since) & (self.time <= until))
        log = log.where(np.lexsort((log.item, log.type, log.user, log.time)))
        by_user = np.argsort(log.user, kind="stable")
        first = np.searchsorted(log.user[by_user], log.user[by_user])
        rank = np.empty(len(log), np.int64)
        rank[by_user] = np.arange(len(log)) - first
        return log.where(rank < most[log.user])

    def events(self, items: list[str], users: list[str]) -> list[Event]:
        """As rows of the shop, with ids that are the same for the same log; visits are numbered in order."""
        _, visit = np.unique(self.session, return_inverse=True)
        columns = zip(*(c.tolist() for c in (self.user, self.item, self.type, self.time, self.value, self.quantity)), strict=True)
        return [
            Event(
                event_id=f"evt-{number:06d}", user_id=users[user], item_id=items[item], type=EVENT_TYPES[code], time=time,
                value=value if value == value else None, quantity=quantity or None,
                session_id=f"visit-{place:05d}" if alone != ALONE else None,
            )
            for number, ((user, item, code, time, value, quantity), place, alone) in enumerate(
                zip(columns, visit.tolist(), self.session.tolist(), strict=True), 1
            )
        ]  # fmt: skip
