"""The queue's promises: each job done once, in order, watched, cancelled, recovered."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from aisle.errors import BadInput, Cancelled, Conflict, NotFound
from aisle.jobs.queue import ATTEMPTS, Job, Jobs
from aisle.storage.database import Database


def test_jobs_are_claimed_oldest_first_and_each_by_one_worker(jobs):
    queued = [jobs.enqueue(1, "train", {"number": number}) for number in range(3)]
    claimed = [jobs.claim("a"), jobs.claim("b"), jobs.claim("a")]
    assert [job.job_id for job in claimed] == [job.job_id for job in queued]
    assert [(job.status, job.worker, job.attempts) for job in claimed] == [("running", name, 1) for name in "aba"]
    assert claimed[1].params == {"number": 1}
    assert jobs.claim("c") is None


def test_a_job_can_be_claimed_by_name_but_not_twice(jobs):
    jobs.enqueue(1, "train", {})
    second = jobs.enqueue(1, "train", {})
    assert jobs.claim("a", second.job_id).job_id == second.job_id
    assert jobs.claim("b", second.job_id) is None


def test_many_workers_at_once_never_get_the_same_job(url, jobs):
    for number in range(60):
        jobs.enqueue(1, "train", {"number": number})
    claimed, start = [], threading.Barrier(4)

    def take():
        mine = Jobs(Database(url))
        start.wait()
        while (job := mine.claim("worker")) is not None:
            claimed.append(job.job_id)
        mine._db.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 60


def test_a_result_or_an_error_is_kept_and_the_job_is_over(jobs):
    first, second, third = (jobs.enqueue(1, "train", {}) for _ in range(3))
    for _ in range(3):
        jobs.claim("a")
    assert jobs.finish(first.job_id, {"version": 7})
    assert jobs.fail(second.job_id, BadInput("no rows: import some", param="/events"))
    assert jobs.fail(third.job_id, ZeroDivisionError("division by zero"))
    done, failed, broken = (jobs.get(1, job.job_id) for job in (first, second, third))
    assert (done.status, done.result, done.error, done.over) == ("succeeded", {"version": 7}, None, True)
    assert (failed.status, failed.error.code, failed.error.param) == ("failed", "invalid_request", "/events")
    assert (broken.error.code, broken.error.message) == ("internal_error", "ZeroDivisionError: division by zero")
    assert done.finished_at >= done.started_at >= done.created_at
    assert jobs.events(1, failed.job_id)[-1].level == "error"


def test_the_list_is_newest_first_in_pages_and_one_tenants_own(jobs):
    ids = [jobs.enqueue(1, "train", {}).job_id for _ in range(5)]
    jobs.enqueue(2, "train", {})
    first = jobs.list(1, limit=3)
    assert [job.job_id for job in first] == ids[:1:-1]
    assert [job.job_id for job in jobs.list(1, limit=3, after=first[-1].job_id)] == ids[1::-1]


def test_another_tenants_job_is_not_found(jobs):
    job = jobs.enqueue(1, "train", {})
    for call in (jobs.get, jobs.cancel):
        with pytest.raises(NotFound):
            call(2, job.job_id)
    assert jobs.events(2, job.job_id) == []


def test_progress_is_rows_a_few_a_second_and_the_last_word_is_never_lost(jobs):
    job = jobs.enqueue(1, "train", {})
    jobs.claim("a")
    until, number = time.monotonic() + 0.5, 0
    while time.monotonic() < until:
        number += 1
        jobs.progress(job.job_id, number, 10**6, f"step {number}", {"loss": 1 / number})
        time.sleep(0.001)
    jobs.finish(job.job_id, {})
    events = jobs.events(1, job.job_id)
    assert 3 <= len(events) <= 5
    assert [event.number for event in events] == list(range(len(events)))
    assert (events[0].message, events[-1].done, events[-1].message) == ("step 1", number, f"step {number}")
    assert events[-1].data == {"loss": 1 / number}
    assert jobs.events(1, job.job_id, after=events[-2].number) == events[-1:]


def test_cancelling_a_waiting_job_means_it_is_never_claimed(jobs):
    job = jobs.enqueue(1, "train", {})
    assert jobs.cancel(1, job.job_id).status == "cancelled"
    assert jobs.claim("a") is None
    with pytest.raises(Conflict):
        jobs.cancel(1, job.job_id)


def test_cancelling_a_running_job_raises_in_its_progress_and_nothing_it_does_changes_that(jobs, url):
    job = jobs.enqueue(1, "train", {})
    jobs.claim("a")
    Jobs(Database(url)).cancel(1, job.job_id)
    with pytest.raises(Cancelled):
        jobs.progress(job.job_id, 1, 2, "half")
    assert not jobs.finish(job.job_id, {"late": True})
    assert (jobs.get(1, job.job_id).status, jobs.get(1, job.job_id).result) == ("cancelled", None)


def test_the_jobs_of_a_silent_worker_are_queued_again_once_and_the_worker_that_wakes_has_lost_them(jobs, url):
    job = jobs.enqueue(1, "train", {})
    jobs.claim("asleep")
    others = [Jobs(Database(url)) for _ in range(3)]
    assert others[0].recover(60) == []
    time.sleep(0.02)
    assert [one.recover(0.01) for one in others] == [[job.job_id], [], []]
    again = others[0].claim("awake")
    assert (again.job_id, again.attempts) == (job.job_id, 2)
    with pytest.raises(Cancelled):
        jobs.heartbeat(job.job_id)
    assert not jobs.finish(job.job_id, {"by": "asleep"})
    assert others[0].finish(job.job_id, {"by": "awake"})
    assert jobs.get(1, job.job_id).result == {"by": "awake"}


def test_a_worker_that_says_it_lives_keeps_its_job(jobs):
    job = jobs.enqueue(1, "train", {})
    jobs.claim("a")
    for _ in range(5):
        time.sleep(0.02)
        jobs.heartbeat(job.job_id)
        assert jobs.recover(0.05) == []
    assert jobs.recover(60, worker="b") == []
    assert jobs.recover(60, worker="a") == [job.job_id]


def test_a_job_that_kills_its_worker_again_and_again_fails_with_a_reason(jobs):
    job = jobs.enqueue(1, "train", {})
    for _ in range(ATTEMPTS):
        assert jobs.claim("a").job_id == job.job_id
        assert jobs.recover(60, worker="a") == [job.job_id]
    failed = jobs.get(1, job.job_id)
    assert (failed.status, failed.error.code, failed.attempts) == ("failed", "worker_died", 3)
    assert jobs.claim("a") is None


def test_a_job_given_back_does_not_count_as_an_attempt(jobs):
    job = jobs.enqueue(1, "train", {})
    for _ in range(5):
        assert jobs.claim("a").attempts == 1
        assert jobs.release(job.job_id)
    assert jobs.get(1, job.job_id).status == "queued"


class Queue(RuleBasedStateMachine):
    """Two processes and a plain list agree on every job's state, whatever happens in whatever order."""

    folder: str

    @initialize()
    def start(self) -> None:
        Queue.round = getattr(Queue, "round", 0) + 1
        self.database = Database(f"sqlite:///{self.folder}/{Queue.round}.db")
        self.workers = [Jobs(self.database), Jobs(self.database)]
        self.expected: dict[str, str] = {}
        self.held: list[dict[str, int]] = [{}, {}]  # by worker: job -> attempt
        self.attempts: dict[str, int] = {}

    def ours(self, worker: int, job_id: str) -> bool:
        return self.expected[job_id] == "running" and self.attempts[job_id] == self.held[worker][job_id]

    @rule()
    def enqueue(self) -> None:
        job = self.workers[0].enqueue(1, "train", {})
        self.expected[job.job_id], self.attempts[job.job_id] = "queued", 0

    @rule(worker=st.integers(0, 1))
    def claim(self, worker: int) -> None:
        job: Job | None = self.workers[worker].claim(f"worker-{worker}")
        waiting = sorted(job_id for job_id, status in self.expected.items() if status == "queued")
        assert (job.job_id if job else None) == (waiting[0] if waiting else None)
        if job:
            self.expected[job.job_id] = "running"
            self.attempts[job.job_id] += 1
            self.held[worker][job.job_id] = job.attempts

    @rule(worker=st.integers(0, 1), data=st.data(), how=st.sampled_from(["finish", "fail", "release", "progress"]))
    def end(self, worker: int, data: st.DataObject, how: str) -> None:
        if not self.held[worker]:
            return
        job_id = data.draw(st.sampled_from(sorted(self.held[worker])))
        ours, jobs = self.ours(worker, job_id), self.workers[worker]
        if how == "progress":
            if not ours:
                with pytest.raises(Cancelled):
                    jobs.heartbeat(job_id)
            else:
                jobs.heartbeat(job_id)
            return
        if how == "finish":
            assert jobs.finish(job_id, {"ok": True}) == ours
        elif how == "fail":
            assert jobs.fail(job_id, ValueError("no")) == ours
        else:
            assert jobs.release(job_id) == ours
        if ours:
            self.expected[job_id] = {"finish": "succeeded", "fail": "failed", "release": "queued"}[how]
            self.attempts[job_id] -= how == "release"
        del self.held[worker][job_id]

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        alive = sorted(job_id for job_id, status in self.expected.items() if status in ("queued", "running"))
        if alive:
            job_id = data.draw(st.sampled_from(alive))
            self.workers[0].cancel(1, job_id)
            self.expected[job_id] = "cancelled"

    @rule(worker=st.integers(0, 1))
    def recover(self, worker: int) -> None:
        lost = [job_id for job_id, status in self.expected.items() if status == "running"]
        lost = [job_id for job_id in lost if self.workers[0].get(1, job_id).worker == f"worker-{worker}"]
        assert sorted(self.workers[0].recover(3600, worker=f"worker-{worker}")) == sorted(lost)
        for job_id in lost:
            self.expected[job_id] = "queued" if self.attempts[job_id] < ATTEMPTS else "failed"

    @invariant()
    def rows_say_the_same(self) -> None:
        if hasattr(self, "workers"):
            found = {job.job_id: (job.status, job.attempts) for job in self.workers[1].list(1, limit=1000)}
            assert found == {job_id: (status, self.attempts[job_id]) for job_id, status in self.expected.items()}

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()


def test_whatever_happens_in_whatever_order_rows_and_a_plain_list_agree(tmp_path):
    Queue.folder = str(tmp_path)
    few = settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Queue, settings=few)
