"""What users did, as rows: idempotent to write, one indexed read per user, columns for training."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from aisle.storage.database import Database
from aisle.types import EVENT_CODE, EVENT_TYPES, Event, EventColumns, PastEvent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KEY_BYTES, TIME_BYTES = 16, 5
MOST_REMEMBERED = 4096  # users whose newest events are kept in memory
BY_USER = itemgetter(1)  # of what is written; within a user the order of the file, mostly that of time, does as well as any
_past_event: Callable[[tuple[Any, ...]], PastEvent] = partial(tuple.__new__, PastEvent)  # a third of the cost of PastEvent._make
EventRow = tuple[str, int, str, int, float | None, int | None, str | None, str | None, str | None]
"""user_id, time (microseconds), item_id, type code, value, quantity, session_id, answer_id, event_id"""


class Added(NamedTuple):
    """What became of events that were sent."""

    accepted: int
    duplicates: int


class _Remembered:
    """What users of one tenant did lately, as of a revision of the events."""

    __slots__ = ("revision", "users")

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.users: dict[tuple[str, int], Sequence[PastEvent]] = {}  # by user and limit


class Events:
    """Events of every tenant. An event is known by its `event_id`, or by a hash of its content where it has none.

    The newest events of active users are remembered. That is exact: every transaction that writes events takes the next
    revision; one read of it tells whether another process wrote, and what this process writes it forgets user by user.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._remembered: dict[int, _Remembered] = {}
        self._lock = threading.Lock()

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
        keyed.sort(key=BY_USER)
        with self._db.transaction() as tx:
            revision = tx.revise(tenant, "events")
            accepted = tx.bulk("events_add", keyed)
        self._wrote(tenant, revision, {row[0] for row in rows})
        return Added(accepted, len(rows) - accepted)

    def revision(self, tenant: int) -> int:
        """The number of the last transaction that wrote events."""
        return self._db.revision(tenant, "events")

    def recent(self, tenant: int, user_id: str, limit: int, revision: int | None = None) -> Sequence[PastEvent]:
        """The user's newest events, newest first: as of now, or at least as of a `revision` that was read a moment ago."""
        if revision is None:
            revision = self._db.revision(tenant, "events")
        remembered = self._remembered.get(tenant)
        if remembered is None or remembered.revision < revision:
            remembered = self._remembered[tenant] = _Remembered(revision)
        found = remembered.users.get((user_id, limit))
        if found is None:
            began = remembered.revision
            found = tuple(map(_past_event, self._db.fetch("events_recent", tenant, user_id, limit)))
            with self._lock:
                if remembered.revision == began:  # nothing was written while we read
                    if len(remembered.users) >= MOST_REMEMBERED:
                        remembered.users.clear()
                    remembered.users[user_id, limit] = found
        return found

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
        with self._db.transaction() as tx:
            revision = tx.revise(tenant, "events")
            erased = tx.run("events_erase", tenant=tenant, user_id=user_id)
        self._wrote(tenant, revision, {user_id})
        return erased

    def count(self, tenant: int) -> int:
        return int(self._db.rows("events_count", tenant=tenant)[0][0])

    def users(self, tenant: int, limit: int, after: str = "") -> list[tuple[str, int, int]]:
        """Users in id order: (user_id, events, time of the newest)."""
        found: list[tuple[str, int, int]] = self._db.rows("events_users", tenant=tenant, after=after, limit=limit)
        return found

    def columns(self, tenant: int) -> EventColumns:
        """All events, sorted by user and then time, as columns; one consistent snapshot."""
        return _Columns().read(self._db.stream("events_all", tenant=tenant))

    def _wrote(self, tenant: int, revision: int, users: set[str]) -> None:
        """Forget what these users did before; all, where somebody else wrote in between."""
        with self._lock:
            remembered = self._remembered.get(tenant)
            if remembered is None or remembered.revision != revision - 1:
                return  # the next reader sees another revision and begins anew
            for key in [key for key in remembered.users if key[0] in users]:
                del remembered.users[key]
            remembered.revision = revision


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
    """16 bytes of identity: a hash of its `event_id`, else its time (in steps of 65 ms) and a hash of its content.

    The time in front keeps the keys of a file in order of time together: their index grows at one end.
    """
    user, at, item, kind, value, quantity, session, _, event_id = row
    if event_id is not None:
        return blake2b(event_id.encode(), digest_size=KEY_BYTES, person=b"event_id").digest()
    content = f"{user}\x1f{item}\x1f{kind}\x1f{at}\x1f{value}\x1f{quantity}\x1f{session}"
    moment = (at >> 16 & 0xFFFFFFFFFF).to_bytes(TIME_BYTES, "big")
    return moment + blake2b(content.encode(), digest_size=KEY_BYTES - TIME_BYTES).digest()


def _row(event: Event, now: int) -> EventRow:
    at = now if event.time is None else int(event.time)
    return (
        event.user_id, at, event.item_id, EVENT_CODE[event.type], event.value, event.quantity,
        event.session_id, event.answer_id, event.event_id,
    )  # fmt: skip
