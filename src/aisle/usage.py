"""Who used what: requests, errors, processor time and latency per minute, key, operation and model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from operator import add
from typing import Any

from msgspec import Struct

from aisle.errors import BadInput
from aisle.storage.database import Database

MINUTE = 60_000_000  # microseconds
WIDTHS = {"1m": MINUTE, "1h": 60 * MINUTE, "1d": 1440 * MINUTE}
WATTS_PER_CORE = 3.5  # an estimate for a cloud core; energy is never measured here
GROUPS = ("key_id", "task", "operation", "model")
Slot = tuple[int, int, str, str, str, str]
FINEST = 4  # microseconds; below it every time is a step of its own


def step_of(latency_us: int) -> int:
    """The step of the histogram a time falls into: four for every doubling."""
    if latency_us < FINEST:
        return max(latency_us, 0)
    more = latency_us.bit_length() - 3  # beyond the first three bits, which are 100, 101, 110 or 111
    return (more << 2) + (latency_us >> more)


def floor_of(step: int) -> int:
    """The shortest time of a step, in microseconds."""
    if step < FINEST:
        return step
    more = (step >> 2) - 1
    return (4 | step & 3) << more


def percentile(steps: Mapping[int, int], share: float) -> float:
    """The time in microseconds that this share of the answers took at most, read between the bounds of its step."""
    wanted = share * sum(steps.values())
    for step in sorted(steps):
        if wanted <= steps[step]:
            low, high = floor_of(step), floor_of(step + 1)
            return low + (high - low) * wanted / steps[step]
        wanted -= steps[step]
    return 0.0


class Count:
    """What one slot counted."""

    __slots__ = ("numbers", "steps")

    def __init__(self) -> None:
        self.numbers = [0, 0, 0, 0]  # requests, errors, cpu_us, latency_us
        self.steps: dict[int, int] = {}

    def add(self, other: Count) -> None:
        self.numbers = [mine + more for mine, more in zip(self.numbers, other.numbers, strict=True)]
        for step, requests in other.steps.items():
            self.steps[step] = self.steps.get(step, 0) + requests


class Result(Struct, omit_defaults=True):
    """One group's use in one bucket. `energy_joules` is estimated as processor seconds x 3.5 W."""

    num_model_requests: int
    num_errors: int
    cpu_seconds: float
    mean_latency_ms: float
    p50_latency_ms: float  # percentiles are of a histogram whose steps are a fifth wide; 0 where nothing was timed
    p95_latency_ms: float
    p99_latency_ms: float
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
        self._counts: dict[Slot, Count] = {}
        self._counting = threading.Lock()  # held for a moment only: `add` runs on the event loop
        self._writing = threading.Lock()

    def add(self, slot: Slot, *, failed: bool, cpu_us: int, latency_us: int, requests: int = 1) -> None:
        """Count one request; `slot` is (tenant, minute in microseconds, key_id, task, operation, model).

        With no `requests`: processor time alone, which led to no answer.
        """
        step = step_of(latency_us)
        with self._counting:
            count = self._counts.get(slot)
            if count is None:
                count = self._counts[slot] = Count()
            numbers, steps = count.numbers, count.steps
            numbers[0] += requests
            numbers[1] += failed
            numbers[2] += cpu_us
            numbers[3] += latency_us
            if requests:
                steps[step] = steps.get(step, 0) + 1

    def flush(self) -> None:
        """Add what was counted to the table; nothing is lost if that fails."""
        with self._writing:
            with self._counting:
                counts, self._counts = self._counts, {}
            if not counts:
                return
            try:
                with self._db.transaction() as tx:
                    tx.bulk("usage_add", [(*slot, *count.numbers) for slot, count in counts.items()])
                    tx.bulk("latency_add", [(*slot, *step) for slot, count in counts.items() for step in count.steps.items()])
            except BaseException:
                self._take_back(counts)
                raise
        if self._tell is not None:
            for (_, _, _, task, operation, _), count in counts.items():
                self._tell(task, operation, count.numbers)

    def _take_back(self, counts: dict[Slot, Count]) -> None:
        with self._counting:
            for slot, count in counts.items():
                self._counts.setdefault(slot, Count()).add(count)

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
        span = {"start": since * 1_000_000, "end": until * 1_000_000}
        sums = _Sums(WIDTHS[width], group_by)
        for *named, requests, errors, cpu_us, latency_us in self._db.rows("usage_range", tenant=tenant, **span):
            numbers = sums.of(named).numbers
            numbers[:] = map(add, numbers, (requests, errors, cpu_us, latency_us))
        for *named, step, requests in self._db.rows("latency_range", tenant=tenant, **span):
            steps = sums.of(named).steps
            steps[step] = steps.get(step, 0) + requests
        return sums.buckets()


class _Sums:
    """Counts by bucket of time and group."""

    def __init__(self, span: int, group_by: tuple[str, ...]) -> None:
        self._span = span
        self._group_by = group_by
        self._places = [1 + GROUPS.index(name) for name in group_by]
        self._found: dict[int, dict[tuple[str, ...], Count]] = {}

    def of(self, named: list[Any]) -> Count:
        """The count a row belongs to; `named` is its minute and then GROUPS."""
        groups = self._found.setdefault(named[0] // self._span * self._span, {})
        return groups.setdefault(tuple(named[place] for place in self._places), Count())

    def buckets(self) -> list[Bucket]:
        return [
            Bucket(
                start // 1_000_000,
                (start + self._span) // 1_000_000,
                [_result(self._group_by, group, count) for group, count in groups.items()],
            )
            for start, groups in sorted(self._found.items())
        ]


def _result(names: tuple[str, ...], group: tuple[str, ...], count: Count) -> Result:
    requests, errors, cpu_us, latency_us = count.numbers
    p50, p95, p99 = (percentile(count.steps, share) / 1e3 for share in (0.5, 0.95, 0.99))
    return Result(
        num_model_requests=requests,
        num_errors=errors,
        cpu_seconds=cpu_us / 1e6,
        mean_latency_ms=latency_us / 1e3 / requests if requests else 0.0,
        p50_latency_ms=p50,
        p95_latency_ms=p95,
        p99_latency_ms=p99,
        energy_joules=cpu_us / 1e6 * WATTS_PER_CORE,
        **dict(zip(names, group, strict=True)),
    )
