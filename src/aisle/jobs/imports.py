"""Puts a feed into the shop's tables: reconciled, idempotent, with the share of events that the catalogue knows."""

from __future__ import annotations

import csv
import gc
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from aisle.errors import AisleError
from aisle.feeds import Batch, Feed, Reject
from aisle.jobs.matching import advise
from aisle.storage.events import Events
from aisle.storage.items import Items
from aisle.types import EVENT_CODE

BATCH = 50_000  # rows in one transaction
WAITING = 1  # batches between the parser and the writer: more would only cost memory
MOST_REJECTS = 100_000  # rows in the rejects file; all are counted
MOST_REASONS = 100
GOOD_MATCH = 0.9
RATE = EVENT_CODE["rate"]
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Progress = Callable[[float, float, str], None]
"""done, total (bytes of the file), and what has happened so far"""


class ImportReport(msgspec.Struct, omit_defaults=False):
    """What became of a file: rows = accepted + duplicates + rejected."""

    format: str
    rows: int = 0
    accepted: int = 0  # events not seen before; distinct items
    duplicates: int = 0  # events already there; rows that repeat or complete an item of this file
    rejected: int = 0
    reasons: dict[str, int] = {}
    rejects_file: str | None = None
    first_time: int | None = None  # microseconds UTC
    last_time: int | None = None
    currencies: dict[str, int] = {}  # items by the currency of their price
    match_rate: float | None = None  # events whose item is in the catalogue, of those accepted or already there
    masked: int = 0  # texts in which personal data was masked before they were stored
    advice: str | None = None


def import_feed(
    feed: Feed, kind: str, tenant: int, items: Items, events: Events, rejects_path: Path, progress: Progress
) -> ImportReport:
    """Read the feed to its end. Each batch is one transaction, so a file that was broken off can simply be sent again.

    The parser runs on this thread and the writer on another: SQLite works while Python reads. An error of either ends the
    import; batches written before it stay. Rejected rows go to `rejects_path`, which is only made when there are any.
    """
    report = ImportReport(format=feed.format)
    rejects_path.unlink(missing_ok=True)
    with RejectsFile(rejects_path) as rejects, _fewer_collections(), _writer() as write:
        store = _ItemStore(tenant, items, report) if kind == "items" else _EventStore(tenant, items, events, report)
        for batch in feed.row_batches(BATCH):
            write(store.put, batch)
            report.rows += batch.read
            count(report, batch.rejects, rejects)
            progress(feed.done, feed.total, f"{report.rows:,} rows")
    progress(feed.total, feed.total, f"{report.rows:,} rows")
    report.rejects_file = str(rejects_path) if rejects.written else None
    store.finish(feed)
    reconcile(report)
    return report


class _ItemStore:
    def __init__(self, tenant: int, items: Items, report: ImportReport) -> None:
        self._tenant = tenant
        self._items = items
        self._report = report

    def put(self, batch: Batch) -> None:
        newest = {item.item_id: item for item in batch.rows}
        if newest:
            self._items.put(self._tenant, list(newest.values()))
        report = self._report
        report.accepted += batch.fresh
        report.duplicates += batch.repeats
        for item in batch.rows:
            if item.price is not None:
                report.currencies[item.price.currency] = report.currencies.get(item.price.currency, 0) + 1

    def finish(self, feed: Feed) -> None:
        """Nothing to add."""


class _EventStore:
    def __init__(self, tenant: int, items: Items, events: Events, report: ImportReport) -> None:
        self._tenant = tenant
        self._items = items
        self._events = events
        self._report = report
        self._catalogue = items.ids(tenant)
        self._matched = 0
        self._unrated = 0  # ratings that do not say how good
        self._sample: Counter[str] = Counter()

    def put(self, batch: Batch) -> None:
        rows = batch.rows
        if not rows:
            return
        added = self._events.add_rows(self._tenant, rows)
        report = self._report
        report.accepted += added.accepted
        report.duplicates += added.duplicates
        times = [row[1] for row in rows]
        report.first_time = min(times) if report.first_time is None else min(report.first_time, min(times))
        report.last_time = max(times) if report.last_time is None else max(report.last_time, max(times))
        known = self._catalogue
        self._matched += sum(row[2] in known for row in rows)
        self._unrated += sum(row[3] == RATE and row[4] is None for row in rows)
        if len(self._sample) < 2000:
            self._sample.update(row[2] for row in rows[:2000])

    def finish(self, feed: Feed) -> None:
        """The match rate, and what would raise it where it is low."""
        report = self._report
        total = report.accepted + report.duplicates
        if not total:
            return
        report.match_rate = self._matched / total
        if report.match_rate < GOOD_MATCH:
            report.advice = advise(self._sample, self._catalogue, self._items.all(self._tenant), feed)
        elif self._unrated:
            report.advice = (
                f"{self._unrated:,} ratings have no value and teach nothing: say which column holds it (--map value=THEIRS), or"
                " import them as another type, in a new folder (--default type=view)"
            )


class RejectsFile:
    """A CSV of refused rows, safe to open in a spreadsheet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None
        self.written = 0

    def __enter__(self) -> RejectsFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, rejects: list[Reject]) -> None:
        rejects = rejects[: MOST_REJECTS - self.written]
        if not rejects:
            return
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("w", encoding="utf-8", errors="replace", newline="")
            csv.writer(self._file).writerow(["row", "reason", "raw"])
        csv.writer(self._file).writerows([row, unformula(reason), unformula(raw)] for row, reason, raw in rejects)
        self.written += len(rejects)


def unformula(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula."""
    return "'" + cell if cell.startswith(FORMULA) else cell


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """Rows are tuples without cycles: the collector would walk every batch several times for nothing."""
    usual = gc.get_threshold()
    gc.set_threshold(10 * BATCH)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@contextmanager
def _writer() -> Iterator[Callable[[Callable[[Batch], None], Batch], None]]:
    """Runs writes in order on a thread of its own, a few batches behind the parser; its first error is raised here."""
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="import") as pool:

        def write(put: Callable[[Batch], None], batch: Batch) -> None:
            while len(waiting) >= WAITING:
                waiting.popleft().result()
            waiting.append(pool.submit(put, batch))

        yield write
        while waiting:
            waiting.popleft().result()


def count(report: ImportReport, refused: list[Reject], rejects: RejectsFile) -> None:
    """Write down what was refused, and how often for which reason."""
    report.rejected += len(refused)
    for reason, times in Counter(reject.reason for reject in refused).items():
        known = reason in report.reasons or len(report.reasons) < MOST_REASONS
        name = reason if known else "other reasons"
        report.reasons[name] = report.reasons.get(name, 0) + times
    rejects.add(refused)


def reconcile(report: ImportReport) -> None:
    """Every row that was read is accounted for: the reader, the checks and the store each counted for themselves."""
    if report.rows != report.accepted + report.duplicates + report.rejected:
        raise AisleError(
            f"{report.rows} rows were read, but {report.accepted} accepted + {report.duplicates} duplicates"
            f" + {report.rejected} rejected: this is a fault in Aisle, please report it with the file's format ({report.format})"
        )
