"""Batches without a clock: while the model computes, requests gather; when it is free, what gathered goes in together.

Nobody waits for a timer, so an idle model answers at once and a busy one gets fuller batches by itself. Everything here runs
on the event loop; a Carrier crosses to where batches are computed, once per batch, and not at all for those that measurement
says are briefer than the crossing is worth.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from aisle import observe
from aisle.errors import EngineFailed, Overloaded, Unavailable
from aisle.runtime import Lane, ModelStatus
from aisle.runtime.lanes import Entry, Lanes
from aisle.runtime.thread import Carrier, Outcome

PATIENCE = 5.0  # seconds a batch that nobody waits for any more may take before its worker counts as hung
TOO_SLOW = 10.0  # ... or this often what such a batch took lately, if that is longer
BRIEF = 0.005  # seconds; a batch expected to be briefer is computed on the loop: a thread holds the GIL, and so the loop, as long
LEARNT = 20  # batches whose speed must have been seen before that
SPARES = 3  # hung workers that are left behind before the model counts as dead
SWEEP = 0.01  # seconds at least between looks for expired requests
MEMORY = 0.9  # how much of the measured speed is carried from batch to batch
LEAST_RETRY, MOST_RETRY = 0.05, 60.0  # seconds


class Batch:
    """What one worker computes now."""

    __slots__ = ("carrier", "cost", "entries", "since")

    def __init__(self, entries: list[Entry], carrier: Carrier, since: float) -> None:
        self.entries = entries
        self.carrier = carrier
        self.since = since
        self.cost = sum(entry.cost for entry in entries)


class Batcher:
    """Submits requests to a worker in batches of at most `budget` cost; at most `limit` requests wait in each lane."""

    def __init__(
        self, name: str, carrier: Callable[[], Carrier], *, budget: float = 64.0, limit: int = 1024, patience: float = PATIENCE
    ) -> None:
        self.name = name
        self._loop = asyncio.get_running_loop()
        self._new_carrier = carrier
        self._carrier = carrier()
        self._limit = limit
        self._patience = patience
        self._lanes = Lanes(budget)
        self._batch: Batch | None = None
        self._hung: set[Batch] = set()
        self._gathering = False
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = math.inf
        self._closed = False
        self._seconds = self._computed = 0.0  # lately, both fading
        self._wait = 0.0
        self._batches = self._answers = self._failures = 0
        self._rejected = self._restarts = 0

    @property
    def alive(self) -> bool:
        """Whether a worker is there to take requests."""
        return not self._closed and len(self._hung) <= SPARES

    def submit(
        self, payload: Any, cost: float = 1.0, lane: Lane = "interactive", deadline: float = math.inf, heavy: bool = False
    ) -> asyncio.Future[Any]:
        """A future of the result; `heavy` ones are never computed on the loop.

        Raises Overloaded when too many wait or the deadline cannot be met, Unavailable when closed.
        """
        lanes = self._lanes
        queue = lanes.interactive if lane == "interactive" else lanes.bulk
        if not 0.0 < cost <= lanes.budget:  # also NaN and infinity: such an item is a batch of its own
            cost = lanes.budget
        now = self._loop.time()
        if len(queue.waiting) >= self._limit or queue.cost > lanes.budget or self._closed or self._hung:
            self._admit(len(queue.waiting), queue.cost, deadline - now)
        entry = Entry(self._loop.create_future(), payload, cost, deadline, now, heavy)
        queue.waiting.append(entry)
        queue.cost += cost
        if self._batch is None and not self._gathering:
            self._gathering = True
            self._loop.call_soon(self._gather)
        if deadline < self._alarm_at:
            self._set_alarm(deadline)
        return entry.future

    def status(self) -> ModelStatus:
        return ModelStatus(
            alive=self.alive,
            depth=len(self._lanes),
            running=len(self._batch.entries) if self._batch else 0,
            batches=self._batches,
            answers=self._answers,
            failures=self._failures,
            cancelled=self._lanes.cancelled,
            expired=self._lanes.expired,
            rejected=self._rejected,
            restarts=self._restarts,
            wait_ms=self._wait * 1000,
            speed=self._speed(),
        )

    def close(self) -> None:
        """Refuse what comes, fail what waits, let the worker finish its batch and end."""
        self._closed = True
        self._fail_waiting(Unavailable(f"{self.name} is being shut down: try again"))
        self._carrier.close()
        if self._alarm is not None and self._batch is None:
            self._alarm.cancel()

    # ---- admission ---------------------------------------------------------------------------------------------

    def _admit(self, waiting: int, cost: float, left: float) -> None:
        if self._closed:
            raise Unavailable(f"{self.name} is being shut down: try again")
        if not self.alive:
            self._rejected += 1
            raise self._dead()
        speed = self._speed()
        if waiting >= self._limit or (speed > 0 and cost / speed > left):
            self._rejected += 1
            wait = cost / speed if speed > 0 else 1.0
            retry_after = min(max(wait, LEAST_RETRY), MOST_RETRY)
            raise Overloaded(
                f"{waiting} requests wait for {self.name}: try again in {retry_after:.2g} s", retry_after=retry_after
            )

    def _speed(self) -> float:
        return self._computed / self._seconds if self._seconds > 0 else 0.0

    def _dead(self) -> Unavailable:
        return Unavailable(f"{self.name} hangs and does not answer: restart the server, and see its log", retry_after=MOST_RETRY)

    # ---- one batch after the other -----------------------------------------------------------------------------

    def _gather(self) -> None:
        """One turn of the loop, so that requests which can already be read join the batch."""
        self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        self._gathering = False
        if self._batch is not None or not self.alive:
            return
        now = self._loop.time()
        entries = self._lanes.take(now)
        if not entries:
            return
        batch = self._batch = Batch(entries, self._carrier, now)
        self._wait += (now - entries[0].arrived - self._wait) * (1 - MEMORY)
        try:
            batch.carrier.start(
                [entry.payload for entry in entries], functools.partial(self._settle, batch), self._is_brief(batch)
            )
        except Exception as error:  # noqa: BLE001 (no thread to be had, or whatever a distant worker says)
            self._loop.call_soon(self._settle, batch, error, 0.0)

    def _is_brief(self, batch: Batch) -> bool:
        """Whether the loop may compute it by itself: expected from the measured speed, and never for what decodes files."""
        if self._batches < LEARNT or batch.cost > BRIEF * self._speed():
            return False
        return not any(entry.heavy for entry in batch.entries)

    def _settle(self, batch: Batch, outcome: Outcome, took: float) -> None:
        """A batch came back: start the next one, then wake the callers of this one."""
        if batch is not self._batch:  # its worker was given up as hung, its callers have left
            self._hung.discard(batch)
            return
        self._batch = None
        self._batches += 1
        results = self._results(batch, outcome, took)
        if len(self._lanes):
            self._drain()
        for entry, result in zip(batch.entries, results, strict=True):
            future = entry.future
            if future.done():
                self._lanes.cancelled += future.cancelled()
            elif isinstance(result, Exception):
                self._failures += isinstance(result, EngineFailed)
                future.set_exception(result)
            else:
                future.set_result(result)
        self._answers += len(results)

    def _results(self, batch: Batch, outcome: Outcome, took: float) -> Sequence[Any]:
        size = len(batch.entries)
        if isinstance(outcome, BaseException):
            self._replace("worker.died", outcome)
            text = f"the worker of {self.name} died ({type(outcome).__name__}) and was started again: try again"
            return [Unavailable(text) for _ in range(size)]
        if len(outcome) != size:
            return [EngineFailed(f"{self.name} answered {size} requests with {len(outcome)} results") for _ in range(size)]
        self._seconds = self._seconds * MEMORY + took
        self._computed = self._computed * MEMORY + batch.cost
        return outcome

    # ---- what goes wrong ---------------------------------------------------------------------------------------

    def _set_alarm(self, moment: float) -> None:
        """One timer per batcher, for the earliest deadline; it need not be exact."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = moment
        self._alarm = self._loop.call_later(max(moment - self._loop.time(), SWEEP), self._sweep)

    def _sweep(self) -> None:
        """Free the callers whose deadline has passed, waiting or being computed, and leave a worker that hangs."""
        self._alarm, self._alarm_at = None, math.inf
        now = self._loop.time()
        computing = self._batch.entries if self._batch else []
        next_look = math.inf
        for entry in itertools.chain(self._lanes, computing):
            if entry.deadline <= now:
                self._lanes.expire(entry)
            elif not entry.future.done():
                next_look = min(next_look, entry.deadline)
        if self._batch is not None and all(entry.future.done() for entry in computing):
            give_up = self._batch.since + self._enough(self._batch)
            if now < give_up:
                next_look = min(next_look, give_up)
            else:
                self._leave(self._batch)
        if next_look < math.inf:
            self._set_alarm(next_look)

    def _enough(self, batch: Batch) -> float:
        """Seconds after which a batch nobody waits for counts as hung."""
        speed = self._speed()
        return max(self._patience, TOO_SLOW * batch.cost / speed) if speed > 0 else self._patience

    def _leave(self, batch: Batch) -> None:
        """A thread cannot be stopped from outside: leave it behind, and go on with a new one."""
        self._batch = None
        self._hung.add(batch)
        batch.carrier.close()  # it ends if it ever comes back
        self._replace("worker.hung", TimeoutError(f"a batch of {len(batch.entries)} requests did not come back"))
        if self.alive:
            self._drain()
        else:
            self._fail_waiting(self._dead())

    def _replace(self, event: str, error: BaseException) -> None:
        self._restarts += 1
        self._carrier = self._new_carrier()
        observe.failure(event, error, model=self.name)

    def _fail_waiting(self, error: Unavailable) -> None:
        for entry in self._lanes:
            if not entry.future.done():
                entry.future.set_exception(type(error)(error.detail, retry_after=error.retry_after))
        self._lanes.clear()
