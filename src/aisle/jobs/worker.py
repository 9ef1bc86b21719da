"""Works off the queue, in this process or in a child that is started again when it dies and dies when its parent does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aisle import observe
from aisle.errors import AisleError, Cancelled, NotFound, StorageFailed
from aisle.jobs.queue import Job, Jobs
from aisle.task import Progress

Handler = Callable[[Job, Progress], dict[str, Any]]
IDLE = 0.5  # seconds between two looks into an empty queue
BEAT = 2.0  # seconds between two signs of life of a running job
PLANS = 60.0  # seconds between two looks for what is due
STALE = 30.0  # seconds of silence after which a job's worker counts as dead
BACK_OFF, MOST_BACK_OFF = 0.5, 30.0  # seconds before a child that died is started again, doubled each time
STEADY = 60.0  # seconds of life after which the back-off starts anew
GRACE = 10.0  # seconds between asking a child to end and ending it


def worker_name(pid: int | None = None) -> str:
    """ "host:pid" of a worker process, this one by default."""
    return f"{socket.gethostname()}:{os.getpid() if pid is None else pid}"


def run_job(jobs: Jobs, job: Job, handlers: Mapping[str, Handler], stop: threading.Event | None = None) -> None:
    """Do one claimed job and write down how it ended. When `stop` is set meanwhile, the job goes back into the queue."""

    def progress(done: float, total: float, message: str) -> None:
        if stop is not None and stop.is_set():
            raise Cancelled("this worker is shutting down")
        jobs.progress(job.job_id, done, total, message)

    over = threading.Event()
    heart = threading.Thread(target=_beat, args=(jobs, job.job_id, over), name="heartbeat", daemon=True)
    heart.start()
    try:
        result = _handler(handlers, job.kind)(job, progress)
    except Cancelled as error:
        if stop is None or not stop.is_set() or not jobs.release(job.job_id):
            jobs.fail(job.job_id, error)  # changes nothing where somebody cancelled it
    except Exception as error:  # noqa: BLE001 (a job may fail in any way; the worker goes on)
        if not isinstance(error, AisleError):
            observe.failure("job.failed", error, job_id=job.job_id, kind=job.kind)
        jobs.fail(job.job_id, error)
    else:
        jobs.finish(job.job_id, result)
    finally:
        over.set()
        heart.join()


def work(
    jobs: Jobs,
    handlers: Mapping[str, Handler],
    *,
    once: bool = False,
    stop: threading.Event | None = None,
    plan: Callable[[], object] | None = None,
) -> int:
    """Do jobs as they come, until `stop` is set; with `once`, until none waits. Returns how many were begun.

    `plan` is called now and then, to queue what is due.
    """
    stop = stop or threading.Event()
    name, begun, looked, planned = worker_name(), 0, -STALE, time.monotonic()
    while not stop.is_set():
        try:
            if time.monotonic() - looked >= STALE / 3:
                jobs.recover(STALE)
                looked = time.monotonic()
            if plan is not None and time.monotonic() - planned >= PLANS:
                plan()
                planned = time.monotonic()
            job = jobs.claim(name)
            if job is not None:
                begun += 1
                run_job(jobs, job, handlers, stop)
            elif once:
                break
            else:
                stop.wait(IDLE)
        except StorageFailed as error:  # the disk may come back; a job that ran is recovered by its silence
            observe.failure("worker.storage", error)
            if once:
                raise
            stop.wait(error.retry_after)
    return begun


def serve_queue(
    jobs: Jobs, handlers: Mapping[str, Handler], *, parent: bool = False, plan: Callable[[], object] | None = None
) -> int:
    """`work` as the main thing of a process: until SIGTERM or SIGINT, or with `parent` until standard input ends.

    A WorkerProcess holds the other end of standard input, so it ends when that process dies, however it dies.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if parent:
        threading.Thread(target=_end_with_parent, args=(stop,), name="parent", daemon=True).start()
    return work(jobs, handlers, stop=stop, plan=plan)


class WorkerProcess:
    """A child process that works off the queue: started again after a crash, ended with us."""

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        died: Callable[[str], object] | None = None,
        back_off: float = BACK_OFF,
    ) -> None:
        """`died` is told the worker_name of a child that ended unasked, so that its job can be queued again at once."""
        self._argv = list(argv)
        self._env = None if env is None else dict(env)
        self._died = died
        self._back_off = back_off
        self._lock = threading.Lock()  # between starting a child and stopping for good
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep, name="worker-keeper", daemon=True)
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The child's, while it runs."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def start(self) -> None:
        self._spawn()
        self._keeper.start()

    def stop(self, grace: float = GRACE) -> None:
        """Ask the child to end, end it after `grace` seconds, and wait until it has."""
        with self._lock:
            self._stopping.set()
        child = self._child
        if child is not None:
            child.terminate()
            try:
                child.wait(grace)
            except subprocess.TimeoutExpired:
                child.kill()
            self._keeper.join()

    def _spawn(self) -> None:
        with self._lock:
            if not self._stopping.is_set():
                self._child = subprocess.Popen(self._argv, env=self._env, stdin=subprocess.PIPE)

    def _keep(self) -> None:
        pause = self._back_off
        while self._child is not None:
            began = time.monotonic()
            with self._child as child:  # closes our end of its standard input
                code = child.wait()
            if self._stopping.is_set():
                return
            if time.monotonic() - began > STEADY:
                pause = self._back_off
            observe.warn("worker.died", code=code, again_in=pause)
            self._tell(worker_name(child.pid))
            self._stopping.wait(pause)
            pause = min(pause * 2, MOST_BACK_OFF)
            self.restarts += 1
            try:
                self._spawn()
            except OSError as error:  # no memory or no processes left: try again later
                observe.failure("worker.not_started", error)

    def _tell(self, name: str) -> None:
        try:
            if self._died is not None:
                self._died(name)
        except AisleError as error:  # its silence will tell, too
            observe.failure("worker.recovery", error)


def _handler(handlers: Mapping[str, Handler], kind: str) -> Handler:
    if kind not in handlers:
        raise NotFound(f"this version has no jobs of kind {kind!r}: it knows {', '.join(sorted(handlers))}")
    return handlers[kind]


def _beat(jobs: Jobs, job_id: str, over: threading.Event) -> None:
    """Signs of life while a handler is busy without a word, and its last word on paper meanwhile."""
    while not over.wait(BEAT):
        try:
            jobs.heartbeat(job_id)
        except Cancelled:
            return
        except StorageFailed as error:
            observe.failure("worker.heartbeat", error)


def _end_with_parent(stop: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    stop.set()
    time.sleep(GRACE)
    os._exit(1)  # a job that does not say a word: its silence puts it back into the queue
