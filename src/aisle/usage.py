"""Who used what: requests, errors, processor time and latency per minute, key, operation and model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from msgspec import Struct

from aisle.errors import BadInput
from aisle.storage.database import Database

MINUTE = 60_000_000  # microseconds
WIDTHS = {"1m": MINUTE, "1h": 60 * MINUTE, "1d": 1440 * MINUTE}
WATTS_PER_CORE = 3.5  # an estimate for a cloud core; energy is never measured here
GROUPS = ("key_id", "task", "operation", "model")
Slot = tuple[int, int, str, str, str, str]


class Result(Struct, omit_defaults=True):
    """One group's use in one bucket. `energy_joules` is estimated as processor seconds x 3.5 W."""

    num_model_requests: int
    num_errors: int
    cpu_seconds: float
    mean_latency_ms: float
    energy_joules: float
    key_id: str | None = None
    task: str | None = None
    operation: str | None = None
    model: str | None = None


class Bucket(Struct):
    """A span of time; its bounds in seconds UTC."""

    start_time: int
    end_time: int
    results: list[Result]
    object: str = "bucket"


class UsageMeter:
    """Counts in memory, written down by `flush`."""

    def __init__(self, database: Database, tell: Callable[[str, str, list[int]], None] | None = None) -> None:
        """`tell` hears of what is written down: task, operation, [requests, errors, cpu_us, latency_us]."""
        self._db = database
        self._tell = tell
        self._counts: dict[Slot, list[int]] = {}
        self._counting = threading.Lock()  # held for a moment only: `add` runs on the event loop
        self._writing = threading.Lock()

    def add(self, slot: Slot, *, failed: bool, cpu_us: int, latency_us: int) -> None:
        """Count one request; `slot` is (tenant, minute in microseconds, key_id, task, operation, model)."""
        with self._counting:
            counts = self._counts.get(slot)
            if counts is None:
                counts = self._counts[slot] = [0, 0, 0, 0]
            counts[0] += 1
            counts[1] += failed
            counts[2] += cpu_us
            counts[3] += latency_us

    def flush(self) -> None:
        """Add what was counted to the table; nothing is lost if that fails."""
        with self._writing:
            with self._counting:
                counts, self._counts = self._counts, {}
            if not counts:
                return
            try:
                self._db.bulk("usage_add", [(*slot, *numbers) for slot, numbers in counts.items()])
            except BaseException:
                self._take_back(counts)
                raise
        if self._tell is not None:
            for (_, _, _, task, operation, _), numbers in counts.items():
                self._tell(task, operation, numbers)

    def _take_back(self, counts: dict[Slot, list[int]]) -> None:
        with self._counting:
            for slot, numbers in counts.items():
                kept = self._counts.setdefault(slot, [0, 0, 0, 0])
                kept[:] = [mine + more for mine, more in zip(kept, numbers, strict=True)]

    def report(
        self, tenant: int, start: int | None = None, end: int | None = None, width: str = "1h", group_by: tuple[str, ...] = ()
    ) -> list[Bucket]:
        """Use between two moments (seconds UTC; default the last day), in buckets of 1m, 1h or 1d, oldest first."""
        if width not in WIDTHS:
            raise BadInput(f"bucket_width is 1m, 1h or 1d, not {width!r}", param="/bucket_width")
        unknown = [name for name in group_by if name not in GROUPS]
        if unknown:
            raise BadInput(f"group_by takes {', '.join(GROUPS)}, not {', '.join(unknown)}", param="/group_by")
        self.flush()
        until = end if end is not None else int(time.time()) + 1
        since = start if start is not None else until - 86_400
        rows = self._db.rows("usage_range", tenant=tenant, start=since * 1_000_000, end=until * 1_000_000)
        return _buckets(rows, WIDTHS[width], group_by)


def _buckets(rows: list[tuple[object, ...]], span: int, group_by: tuple[str, ...]) -> list[Bucket]:
    sums: dict[int, dict[tuple[object, ...], list[int]]] = {}
    for row in rows:
        named = dict(zip(("minute", *GROUPS), row[:5], strict=True))
        start = int(row[0]) // span * span  # type: ignore[call-overload]
        group = tuple(named[name] for name in group_by)
        total = sums.setdefault(start, {}).setdefault(group, [0, 0, 0, 0])
        total[:] = [mine + int(more) for mine, more in zip(total, row[5:], strict=True)]  # type: ignore[call-overload]
    return [
        Bucket(
            start // 1_000_000, (start + span) // 1_000_000, [_result(group_by, group, total) for group, total in groups.items()]
        )
        for start, groups in sorted(sums.items())
    ]


def _result(names: tuple[str, ...], group: tuple[object, ...], total: list[int]) -> Result:
    requests, errors, cpu_us, latency_us = total
    return Result(
        num_model_requests=requests,
        num_errors=errors,
        cpu_seconds=cpu_us / 1e6,
        mean_latency_ms=latency_us / 1e3 / requests if requests else 0.0,
        energy_joules=cpu_us / 1e6 * WATTS_PER_CORE,
        **dict(zip(names, group, strict=True)),  # type: ignore[arg-type]
    )
