"""The requests that wait for a model, in two lanes, and which of them go into the next batch."""

from __future__ import annotations

from asyncio import Future
from collections import deque
from collections.abc import Iterator
from typing import Any

from aisle.errors import DeadlineExceeded

ROUNDING = 1e-9  # sums of costs are floats
SHARE = 0.1  # of every batch's budget that the bulk lane may count on


class Entry:
    """One waiting request. `arrived` and `deadline` are moments of the loop's clock."""

    __slots__ = ("arrived", "cost", "deadline", "future", "heavy", "payload")

    def __init__(self, future: Future[Any], payload: Any, cost: float, deadline: float, arrived: float, heavy: bool) -> None:
        self.heavy = heavy
        self.future = future
        self.payload = payload
        self.cost = cost
        self.deadline = deadline
        self.arrived = arrived


class Lane:
    """First come, first served, and how much cost waits."""

    __slots__ = ("cost", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Entry] = deque()
        self.cost = 0.0

    def pop(self) -> Entry:
        entry = self.waiting.popleft()
        self.cost = self.cost - entry.cost if self.waiting else 0.0  # no rounding error outlives a queue
        return entry


class Lanes:
    """Interactive before bulk; bulk fills what is left, and saves up its share so that it never starves."""

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self.interactive = Lane()
        self.bulk = Lane()
        self.cancelled = 0  # callers that went away while they waited
        self.expired = 0
        self._saved = 0.0  # cost that bulk may take ahead of interactive

    def __len__(self) -> int:
        return len(self.interactive.waiting) + len(self.bulk.waiting)

    def __iter__(self) -> Iterator[Entry]:
        yield from self.interactive.waiting
        yield from self.bulk.waiting

    def clear(self) -> None:
        self.interactive, self.bulk = Lane(), Lane()

    def take(self, now: float) -> list[Entry]:
        """The next batch: at most `budget` of cost; what does not fit stays at the front.

        Requests whose caller has gone or whose deadline has passed are dropped on the way, and counted.
        """
        batch: list[Entry] = []
        left = self.budget
        if self.bulk.waiting and self.interactive.waiting:
            taken = self._fill(batch, self.bulk, self._reserve(), now)
            self._saved = max(self._saved - taken, 0.0)
            left -= taken
        left -= self._fill(batch, self.interactive, left, now)
        if not self.interactive.waiting:  # never past an interactive request that waits for room
            self._fill(batch, self.bulk, left, now)
        if not self.bulk.waiting:
            self._saved = 0.0
        return batch

    def expire(self, entry: Entry) -> None:
        """Tell a caller that its deadline has passed."""
        if not entry.future.done():
            self.expired += 1
            entry.future.set_exception(DeadlineExceeded("no answer in the time allowed: ask for less, or allow more time"))

    def _reserve(self) -> float:
        """What bulk may take ahead of interactive in this batch.

        Its share, as long as the first interactive request still fits beside it; a whole batch when that was never enough.
        """
        self._saved += SHARE * self.budget
        if self._saved >= self.budget:
            self._saved = 0.0
            return self.budget
        return min(self._saved, self.budget - self.interactive.waiting[0].cost)

    def _fill(self, batch: list[Entry], lane: Lane, room: float, now: float) -> float:
        """Move requests while they fit, and say what they cost."""
        taken = 0.0
        waiting = lane.waiting
        while waiting:
            entry = waiting[0]
            if entry.future.done():
                self.cancelled += entry.future.cancelled()
            elif entry.deadline <= now:
                self.expire(entry)
            elif taken + entry.cost > room + ROUNDING:
                break
            else:
                batch.append(entry)
                taken += entry.cost
            lane.pop()
        return taken
