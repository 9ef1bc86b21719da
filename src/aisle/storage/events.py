"""What users did, as rows: idempotent to write, one indexed read per user, columns for training."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from aisle.storage.database import Database
from aisle.types import EVENT_CODE, EVENT_TYPES, Event, EventColumns, PastEvent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KEY_BYTES = 16
_past_event: Callable[[tuple[Any, ...]], PastEvent] = partial(tuple.__new__, PastEvent)  # a third of the cost of PastEvent._make
EventRow = tuple[str, int, str, int, float | None, int | None, str | None, str | None, str | None]
"""user_id, time (microseconds), item_id, type code, value, quantity, session_id, answer_id, event_id"""


class Added(NamedTuple):
    """What became of events that were sent."""

    accepted: int
    duplicates: int


class Events:
    """Events of every tenant. An event is known by its `event_id`, or by a hash of its content where it has none."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, tenant: int, events: Iterable[Event]) -> Added:
        """Store events whose `time` is already in microseconds (or None: now); all or none. Repeats change nothing."""
        now = time.time_ns() // 1000
        return self.add_rows(tenant, [_row(event, now) for event in events])

    def add_rows(self, tenant: int, rows: Sequence[EventRow]) -> Added:
        """`add` for those who already have tuples: sorted by user, so that the clustered table grows in runs."""
        keyed = [
            (tenant, user, at, event_key(row), item, kind, value, quantity, session, answer, event_id)
            for row in rows
            for user, at, item, kind, value, quantity, session, answer, event_id in (row,)
        ]
        keyed.sort(key=_place)
        accepted = self._db.bulk("events_add", keyed)
        return Added(accepted, len(rows) - accepted)

    def recent(self, tenant: int, user_id: str, limit: int) -> list[PastEvent]:
        """The user's newest events, newest first."""
        return list(map(_past_event, self._db.fetch("events_recent", tenant, user_id, limit)))

    def of_user(self, tenant: int, user_id: str) -> list[Event]:
        """Everything a user did, oldest first."""
        rows = self._db.rows("events_of_user", tenant=tenant, user_id=user_id)
        return [
            Event(
                user_id=user_id, item_id=item, type=EVENT_TYPES[kind], time=at, value=value, quantity=quantity,
                session_id=session, answer_id=answer, event_id=event_id,
            )
            for item, kind, at, value, quantity, session, answer, event_id in rows
        ]  # fmt: skip

    def erase(self, tenant: int, user_id: str) -> int:
        """How many events of the user were deleted."""
        return self._db.run("events_erase", tenant=tenant, user_id=user_id)

    def count(self, tenant: int) -> int:
        return int(self._db.rows("events_count", tenant=tenant)[0][0])

    def users(self, tenant: int, limit: int, after: str = "") -> list[tuple[str, int, int]]:
        """Users in id order: (user_id, events, time of the newest)."""
        found: list[tuple[str, int, int]] = self._db.rows("events_users", tenant=tenant, after=after, limit=limit)
        return found

    def columns(self, tenant: int) -> EventColumns:
        """All events, sorted by user and then time, as columns; one consistent snapshot."""
        return _Columns().read(self._db.stream("events_all", tenant=tenant))


class _Columns:
    """Builds columns block by block."""

    def __init__(self) -> None:
        self.users: dict[str, int] = {}
        self.items: dict[str, int] = {}
        self.sessions: dict[object, int] = {}
        self.parts: list[tuple[NDArray[np.generic], ...]] = []

    def read(self, blocks: Iterator[list[tuple[object, ...]]]) -> EventColumns:
        import numpy as np

        for block in blocks:
            user, item, kind, at, value, quantity, session = zip(*block, strict=True)
            self.parts.append(
                (
                    np.array([self.users.setdefault(name, len(self.users)) for name in user], np.int32),
                    np.array([self.items.setdefault(name, len(self.items)) for name in item], np.int32),
                    np.array(kind, np.int8),
                    np.array(at, np.int64),
                    np.array(value, np.float32),  # None becomes NaN
                    np.array([1 if number is None else number for number in quantity], np.int64)
                    .clip(0, 2**31 - 1)
                    .astype(np.int32),
                    np.array(
                        [-1 if key is None else self.sessions.setdefault(key, len(self.sessions)) for key in session], np.int32
                    ),
                )
            )
        kinds = (np.int32, np.int32, np.int8, np.int64, np.float32, np.int32, np.int32)
        columns = [
            np.concatenate([part[k] for part in self.parts]) if self.parts else np.zeros(0, kind) for k, kind in enumerate(kinds)
        ]
        return EventColumns(list(self.users), list(self.items), *columns)


def event_key(row: EventRow) -> bytes:
    """16 bytes that are the event's identity: of its `event_id`, else of its content."""
    user, at, item, kind, value, quantity, session, _, event_id = row
    text = (
        f"i{event_id}" if event_id is not None else f"c{user}\x1f{item}\x1f{kind}\x1f{at}\x1f{value}\x1f{quantity}\x1f{session}"
    )
    return blake2b(text.encode(), digest_size=KEY_BYTES).digest()


def _row(event: Event, now: int) -> EventRow:
    at = now if event.time is None else int(event.time)
    return (
        event.user_id, at, event.item_id, EVENT_CODE[event.type], event.value, event.quantity,
        event.session_id, event.answer_id, event.event_id,
    )  # fmt: skip


def _place(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[1:3]
