"""What was asked of the search, without who asked: for the console, and, joined with what was chosen, for learning."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from msgspec import Struct

from aisle.storage.database import Database
from aisle.types import Choice

LONGEST = 200  # characters of a question that are kept
MOST_WAITING = 50_000  # questions not yet written; beyond it they are dropped
DAY = 86_400_000_000  # microseconds
KEPT_DAYS = 400


class AskedFor(Struct, frozen=True):
    """A question and how often it was asked; times in microseconds UTC."""

    query: str
    times: int
    last_at: int
    found: int  # items that have its words, at the least
    fallback: str  # what stood in where none had: meaning, popular; else empty


class Searches:
    """Questions wait in memory until `flush`; a question is noted without slowing its answer."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._waiting: list[tuple[int, str, int, str, str, int, str]] = []
        self._lock = threading.Lock()
        self._swept = 0

    def add(self, tenant: int, answer_id: str, kind: str, query: str, found: int, fallback: str) -> None:
        """Note a question in which personal data is masked already. Cheap: it is written later."""
        plain = " ".join(query[: LONGEST * 2].casefold().split())[:LONGEST]
        with self._lock:
            if len(self._waiting) < MOST_WAITING:
                self._waiting.append((tenant, answer_id, time.time_ns() // 1000, kind, plain, found, fallback))

    def flush(self) -> None:
        """Write what waits, and once a day forget what is older than 400 days."""
        with self._lock:
            rows, self._waiting = self._waiting, []
        if not rows:
            return
        self._db.bulk("searches_add", rows)
        now = rows[-1][2]
        if now - self._swept > DAY:
            self._swept = now
            for tenant in {row[0] for row in rows}:
                self._db.run("searches_forget", tenant=tenant, until=now - KEPT_DAYS * DAY)

    def asked(self, tenant: int, since: int, limit: int, unanswered: bool) -> list[AskedFor]:
        """The most frequent questions since a moment; `unanswered`: those for which something had to stand in."""
        self.flush()
        rows = self._db.rows("searches_asked", tenant=tenant, since=since, unanswered=int(unanswered), limit=limit)
        return [AskedFor(*row) for row in rows]

    def counts(self, tenant: int, since: int) -> tuple[int, int]:
        """(all questions, those for which something had to stand in) since a moment."""
        self.flush()
        asked, unanswered = self._db.rows("searches_count", tenant=tenant, since=since)[0]
        return int(asked), int(unanswered)

    def choices(self, tenant: int) -> Iterator[Choice]:
        """What shoppers did with what a search had shown them, oldest first."""
        self.flush()
        for block in self._db.stream("searches_chosen", tenant=tenant):
            yield from (Choice(*row) for row in block)
