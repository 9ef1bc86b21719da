"""Workers: in a thread, in a child process, killed, stopped, orphaned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

from aisle.errors import BadInput
from aisle.jobs import worker
from aisle.jobs.queue import Jobs
from aisle.jobs.worker import WorkerProcess, run_job, work, worker_name
from aisle.storage.database import Database

CHILD = textwrap.dedent("""
    import os, sys, time
    from aisle.jobs.queue import Jobs
    from aisle.jobs.worker import serve_queue
    from aisle.storage.database import Database

    def steady(job, progress):
        for step in range(job.params.get("steps", 10_000)):
            progress(step, 10_000, f"step {step}")
            time.sleep(0.01)
        return {"pid": os.getpid(), "attempt": job.attempts}

    def deadly(job, progress):
        if job.attempts < job.params["lives"]:
            os.kill(os.getpid(), 9)
        return {"attempt": job.attempts}

    serve_queue(Jobs(Database(sys.argv[1])), {"steady": steady, "deadly": deadly}, parent=True)
""")


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.005)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z" if Path("/proc").exists() else bool(os.kill(pid, 0))
    except (ProcessLookupError, FileNotFoundError):
        return True


def test_working_off_the_queue_runs_every_job_and_one_that_fails_does_not_stop_it(jobs):
    def train(job, progress):
        progress(1, 1, "done")
        if job.params["number"] == 1:
            raise BadInput("no rows")
        if job.params["number"] == 2:
            raise RuntimeError("broken")
        return {"number": job.params["number"]}

    queued = [jobs.enqueue(1, "train", {"number": number}) for number in range(4)]
    unknown = jobs.enqueue(1, "dance", {})
    assert work(jobs, {"train": train}, once=True) == 5
    assert [jobs.get(1, job.job_id).status for job in queued] == ["succeeded", "failed", "failed", "succeeded"]
    assert jobs.get(1, unknown.job_id).error.code == "not_found"


def test_a_running_job_can_be_cancelled_and_the_worker_goes_on_to_the_next(jobs, url):
    begun = threading.Event()

    def endless(job, progress):
        while True:
            progress(0, 1, "still at it")
            begun.set()
            time.sleep(0.005)

    first, second = jobs.enqueue(1, "endless", {}), jobs.enqueue(1, "short", {})
    hands = threading.Thread(
        target=work, args=(jobs, {"endless": endless, "short": lambda job, progress: {}}), kwargs={"once": True}
    )
    hands.start()
    begun.wait()
    Jobs(Database(url)).cancel(1, first.job_id)
    hands.join(5)
    assert not hands.is_alive()
    assert (jobs.get(1, first.job_id).status, jobs.get(1, second.job_id).status) == ("cancelled", "succeeded")


def test_a_handler_that_says_nothing_for_long_is_kept_alive_by_its_heartbeat(jobs, monkeypatch):
    monkeypatch.setattr(worker, "BEAT", 0.02)
    job = jobs.enqueue(1, "quiet", {})
    claimed = jobs.claim("a")

    def quiet(job, progress):
        progress(1, 3, "written at once")
        progress(2, 3, "held back, then written by the heartbeat")
        for _ in range(10):
            time.sleep(0.02)
            assert jobs.recover(0.1) == []
        return {"events": len(jobs.events(1, job.job_id))}

    run_job(jobs, claimed, {"quiet": quiet})
    assert jobs.get(1, job.job_id).result == {"events": 2}


def test_stopping_a_worker_puts_its_job_back_into_the_queue(jobs):
    stop = threading.Event()

    def steady(job, progress):
        stop.set()
        while True:
            progress(0, 1, "at it")

    job = jobs.enqueue(1, "steady", {})
    work(jobs, {"steady": steady}, stop=stop)
    assert (jobs.get(1, job.job_id).status, jobs.get(1, job.job_id).attempts) == ("queued", 0)


def test_a_killed_worker_is_started_again_and_its_job_is_done_exactly_once(jobs, url):
    child = WorkerProcess([sys.executable, "-c", CHILD, url], died=lambda name: jobs.recover(60, name), back_off=0.01)
    job = jobs.enqueue(1, "steady", {"steps": 30})
    child.start()
    try:
        wait_for(lambda: jobs.events(1, job.job_id))
        first = child.pid
        assert jobs.get(1, job.job_id).worker == worker_name(first)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: jobs.get(1, job.job_id).over)
        done = jobs.get(1, job.job_id)
        assert (done.status, done.result["attempt"], child.restarts) == ("succeeded", 2, 1)
        assert done.result["pid"] == child.pid != first
        said = [event.message for event in jobs.events(1, job.job_id)]
        assert said.count("its worker died: queued again after attempt 1 of 3") == 1
    finally:
        child.stop()


def test_a_job_that_kills_every_worker_fails_and_the_next_job_is_done(jobs, url):
    child = WorkerProcess([sys.executable, "-c", CHILD, url], died=lambda name: jobs.recover(60, name), back_off=0.01)
    deadly, harmless = jobs.enqueue(1, "deadly", {"lives": 99}), jobs.enqueue(1, "deadly", {"lives": 0})
    child.start()
    try:
        wait_for(lambda: jobs.get(1, harmless.job_id).over)
        assert jobs.get(1, deadly.job_id).error.code == "worker_died"
        assert jobs.get(1, harmless.job_id).status == "succeeded"
    finally:
        child.stop()


def test_stopping_the_process_puts_its_job_back_and_starts_no_other(jobs, url):
    child = WorkerProcess([sys.executable, "-c", CHILD, url])
    job = jobs.enqueue(1, "steady", {})
    child.start()
    wait_for(lambda: jobs.events(1, job.job_id))
    pid = child.pid
    child.stop()
    assert gone(pid)
    assert (child.pid, child.restarts, jobs.get(1, job.job_id).status) == (None, 0, "queued")


def test_a_child_that_does_not_listen_is_ended_after_the_grace():
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    child = WorkerProcess([sys.executable, "-c", deaf])
    child.start()
    time.sleep(0.2)
    began = time.monotonic()
    child.stop(grace=0.2)
    assert time.monotonic() - began < 5
    assert child.pid is None


def test_when_the_parent_is_killed_the_worker_ends_too_and_its_job_goes_back(jobs, url, tmp_path):
    parent_code = textwrap.dedent("""
        import sys, time
        from aisle.jobs.worker import WorkerProcess
        child = WorkerProcess([sys.executable, "-c", sys.argv[1], sys.argv[2]])
        child.start()
        print(child.pid, flush=True)
        time.sleep(60)
    """)
    job = jobs.enqueue(1, "steady", {})
    command = [sys.executable, "-c", parent_code, CHILD, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        wait_for(lambda: jobs.events(1, job.job_id))
        parent.kill()
    wait_for(lambda: gone(pid))
    assert jobs.get(1, job.job_id).status == "queued"
