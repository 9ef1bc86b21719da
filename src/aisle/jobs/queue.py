"""The queue of jobs in the database: what is to be done, who does it, how far it is. Progress is rows."""

from __future__ import annotations

import secrets
import threading
import time
from typing import Any

import msgspec
from msgspec import Struct

from aisle.errors import AisleError, Cancelled, Conflict, NotFound
from aisle.storage.database import Database, Row, Transaction

ATTEMPTS = 3  # times a job is begun before a job that kills its worker counts as failed
OFTEN = 0.2  # seconds between two rows of progress at first
SELDOM = 2.0  # and at most, once it runs for long
FADE = 500.0  # the distance grows to this part of the time so far, which bounds the rows of a long job
LONGEST = 500  # characters of a foreign error's text that are kept


class Failure(Struct, frozen=True, omit_defaults=True):
    """Why a job failed."""

    code: str
    message: str
    param: str | None = None


class Job(Struct, frozen=True, kw_only=True):
    """One piece of work. Times are microseconds UTC."""

    job_id: str
    tenant: int
    kind: str  # train, import, erase
    params: dict[str, Any]
    status: str  # queued running succeeded failed cancelled
    created_at: int
    started_at: int | None = None
    finished_at: int | None = None
    worker: str | None = None
    attempts: int = 0
    result: dict[str, Any] | None = None
    error: Failure | None = None

    @property
    def over(self) -> bool:
        return self.status not in ("queued", "running")


class JobEvent(Struct, frozen=True, kw_only=True):
    """One row of progress; numbers count 0, 1, 2 … within a job."""

    number: int
    created_at: int
    level: str  # info warn error
    done: float | None
    total: float | None
    message: str
    data: dict[str, Any] | None = None


class _Reported(Struct):
    """How far a job that runs here has been written down."""

    attempt: int
    began: float
    wrote: float = float("-inf")
    unwritten: dict[str, Any] | None = None


class Jobs:
    """Any number of processes may put in, work off and watch; every step is one statement or one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._running: dict[str, _Reported] = {}  # only jobs claimed through this object
        self._lock = threading.Lock()

    # ---- for workers -------------------------------------------------------------------------------------------

    def claim(self, worker: str, job_id: str = "") -> Job | None:
        """The oldest job that waits (or the one named, if it still does), now this worker's alone."""
        if self._db.one("jobs_waiting") is None:  # spares the writer's lock while there is nothing to do
            return None
        with self._db.transaction() as tx:
            rows = tx.rows("jobs_claim", worker=worker, job_id=job_id, now=_now())
        if not rows:
            return None
        job = _job(rows[0])
        with self._lock:
            self._running[job.job_id] = _Reported(job.attempts, time.monotonic())
        return job

    def progress(self, job_id: str, done: float, total: float, message: str, data: dict[str, Any] | None = None) -> None:
        """Say how far a claimed job is; at most about five rows a second are written, and the last one always.

        Raises Cancelled when somebody stopped the job, or another worker has taken it over.
        """
        now = time.monotonic()
        with self._lock:
            state = self._state(job_id)
            state.unwritten = {"done": done, "total": total, "message": message, "data": data}
            if now - state.wrote < min(max(OFTEN, (now - state.began) / FADE), SELDOM):
                return
        self.heartbeat(job_id)

    def heartbeat(self, job_id: str) -> None:
        """Say that a claimed job's worker lives, and write down what progress is not yet. Raises Cancelled as above."""
        with self._lock:
            state = self._state(job_id)
            with self._db.transaction() as tx:
                ours = tx.run("jobs_beat", job_id=job_id, now=_now(), attempt=state.attempt)
                if ours:
                    _flush(tx, job_id, state)
            if ours:
                state.unwritten, state.wrote = None, time.monotonic()
        if not ours:
            raise Cancelled(f"{job_id} was stopped, or its worker was silent for so long that another took it over")

    def finish(self, job_id: str, result: dict[str, Any]) -> bool:
        """Write down a claimed job's result; False where it is no longer ours (cancelled, taken over)."""
        return self._end(job_id, "succeeded", msgspec.json.encode(result), None)

    def fail(self, job_id: str, error: Exception) -> bool:
        """Write down why a claimed job failed; False as above."""
        return self._end(job_id, "failed", None, _failure(error))

    def release(self, job_id: str) -> bool:
        """Put a claimed job back for another worker, as if it had not been begun; False as above."""
        with self._lock:
            state = self._running.pop(job_id, None)
        return state is not None and self._db.run("jobs_release", job_id=job_id, attempt=state.attempt) > 0

    def recover(self, stale_seconds: float, worker: str = "") -> list[str]:
        """Queue the jobs of killed workers again: those silent for so long, and those of `worker`, known to be dead.

        A job that was begun three times and never ended has failed. Returns the jobs touched; each is touched once,
        however many processes call this.
        """
        touched = []
        with self._db.transaction() as tx:
            before = _now() - round(stale_seconds * 1e6)
            for job_id, _, attempt in tx.rows("jobs_stale", before=before, worker=worker):
                if attempt < ATTEMPTS:
                    done = tx.run("jobs_requeue", job_id=job_id, attempt=attempt)
                    text = f"its worker died: queued again after attempt {attempt} of {ATTEMPTS}"
                else:
                    text = (
                        f"its worker died {attempt} times: look for the reason (memory?) in the worker's log, then queue it again"
                    )
                    done = tx.run(
                        "jobs_end",
                        job_id=job_id,
                        attempt=attempt,
                        status="failed",
                        now=_now(),
                        result=None,
                        error=msgspec.json.encode(Failure("worker_died", text)),
                    )
                if done:
                    _event(tx, job_id, "warn" if attempt < ATTEMPTS else "error", text)
                    touched.append(job_id)
        return touched

    # ---- for those who ask -------------------------------------------------------------------------------------

    def enqueue(self, tenant: int, kind: str, params: dict[str, Any]) -> Job:
        now = _now()
        job = Job(
            job_id=f"job_{now:015x}{secrets.token_hex(4)}",
            tenant=tenant,
            kind=kind,
            params=params,
            status="queued",
            created_at=now,
        )
        self._db.run(
            "jobs_add", job_id=job.job_id, tenant=tenant, kind=kind, params=msgspec.json.encode(params), created_at=job.created_at
        )
        return job

    def get(self, tenant: int, job_id: str) -> Job:
        row = self._db.one("jobs_get", tenant=tenant, job_id=job_id)
        if row is None:
            raise NotFound(f"there is no job {job_id}: see `aisle jobs`")
        return _job(row)

    def events(self, tenant: int, job_id: str, after: int = -1, limit: int = 1000) -> list[JobEvent]:
        """Progress after event number `after`, oldest first."""
        rows = self._db.rows("job_events_page", tenant=tenant, job_id=job_id, after=after, limit=limit)
        return [
            JobEvent(
                number=number,
                created_at=created_at,
                level=level,
                done=done,
                total=total,
                message=message,
                data=msgspec.json.decode(data) if data else None,
            )
            for number, created_at, level, done, total, message, data in rows
        ]

    def cancel(self, tenant: int, job_id: str) -> Job:
        """Stop a job: at once where it waits, at its next word of progress where it runs. Raises NotFound, Conflict when over."""
        self.get(tenant, job_id)
        error = _failure(Cancelled("somebody stopped the job: queue it again if it should run after all"))
        with self._db.transaction() as tx:
            if tx.run("jobs_cancel", tenant=tenant, job_id=job_id, now=_now(), error=error):
                _event(tx, job_id, "warn", "cancelled")
                cancelled = True
            else:
                cancelled = False
        job = self.get(tenant, job_id)
        if not cancelled:
            raise Conflict(f"{job_id} is already over ({job.status}): there is nothing to stop")
        return job

    def list(self, tenant: int, limit: int = 20, after: str = "") -> list[Job]:
        """Newest first; `after` is the last job_id of the page before."""
        return [_job(row) for row in self._db.rows("jobs_page", tenant=tenant, after=after, limit=limit)]

    # ---- inside ------------------------------------------------------------------------------------------------

    def training(self) -> set[tuple[int, str]]:
        """(tenant, task) of every training that waits or runs."""
        rows = self._db.rows("jobs_training")
        return {(tenant, msgspec.json.decode(params)["task"]) for tenant, params in rows}

    def _end(self, job_id: str, status: str, result: bytes | None, error: bytes | None) -> bool:
        with self._lock:
            state = self._state(job_id)
            with self._db.transaction() as tx:
                ours = tx.run(
                    "jobs_end", job_id=job_id, attempt=state.attempt, status=status, now=_now(), result=result, error=error
                )
                if ours:
                    _flush(tx, job_id, state)
                    if error is not None:
                        _event(tx, job_id, "error", msgspec.json.decode(error, type=Failure).message)
            del self._running[job_id]
        return ours > 0

    def _state(self, job_id: str) -> _Reported:
        if job_id not in self._running:
            raise Cancelled(f"{job_id} does not run here (any more): claim it first")
        return self._running[job_id]


def _flush(tx: Transaction, job_id: str, state: _Reported) -> None:
    if state.unwritten is not None:
        _event(tx, job_id, "info", **state.unwritten)


def _event(
    tx: Transaction,
    job_id: str,
    level: str,
    message: str,
    *,
    done: float | None = None,
    total: float | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    tx.run(
        "job_events_add",
        job_id=job_id,
        created_at=_now(),
        level=level,
        done=done,
        total=total,
        message=message,
        data=None if data is None else msgspec.json.encode(data),
    )


def _failure(error: Exception) -> bytes:
    if isinstance(error, AisleError):
        return msgspec.json.encode(Failure(error.code, error.detail, error.param))
    return msgspec.json.encode(Failure(AisleError.code, f"{type(error).__name__}: {error}"[:LONGEST]))


def _job(row: Row) -> Job:
    job_id, tenant, kind, params, status, created_at, started_at, finished_at, worker, attempts, result, error = row
    return Job(
        job_id=job_id,
        tenant=tenant,
        kind=kind,
        params=msgspec.json.decode(params),
        status=status,
        created_at=created_at,
        started_at=started_at,
        finished_at=finished_at,
        worker=worker,
        attempts=attempts,
        result=msgspec.json.decode(result) if result else None,
        error=msgspec.json.decode(error, type=Failure) if error else None,
    )


def _now() -> int:
    return time.time_ns() // 1000
