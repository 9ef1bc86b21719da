"""The embedded face: a shop in this process, no server. An event loop in a thread of its own carries the same App."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from aisle.access import OWNER
from aisle.app import App
from aisle.errors import BadInput, Conflict, NotFound
from aisle.jobs.queue import Job
from aisle.jobs.worker import run_job, worker_name
from aisle.settings import load
from aisle.storage.events import Added
from aisle.task import Answer, Progress
from aisle.times import to_micros
from aisle.types import Event, Item, Rule

T = TypeVar("T")


class Shop:
    """A shop's folder, opened: `shop.recommend.for_user(user_id="user-0001", n=5)`, `shop.train("recommend")`."""

    def __init__(self, home: str = "./shop", **settings: Any) -> None:
        self.app = App(load(home=home, **settings))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="aisle", daemon=True)
        self._thread.start()
        self._run(self.app.start())

    def __enter__(self) -> Shop:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __getattr__(self, task: str) -> Operations:
        if task.startswith("_"):
            raise AttributeError(task)
        try:
            if not self.app.flows.of(task):
                self.app.registry[task]
        except NotFound as error:
            raise AttributeError(error.detail) from None
        return Operations(self, task)

    def ask(self, task: str, operation: str, request: dict[str, Any]) -> Answer:
        """One answer. Raises the same errors that HTTP would answer with, and BadInput for a request of the wrong shape."""
        return self._run(self.app.ask(OWNER, task, operation, self.app.typed(task, operation, request)))

    def put_items(self, items: Iterable[Item | dict[str, Any]]) -> None:
        """Insert or replace products by `item_id`."""
        self._run(self.app.put_items(OWNER, [_convert(item, Item) for item in items]))

    def add_events(self, events: Iterable[Event | dict[str, Any]]) -> Added:
        """Store what users did; it counts in the next answer."""
        typed = [_convert(event, Event) for event in events]
        timed = [
            msgspec.structs.replace(event, time=to_micros(event.time)) if event.time is not None else event for event in typed
        ]
        return self._run(self.app.add_events(OWNER, timed))

    def put_rules(self, rules: Iterable[Rule | dict[str, Any]]) -> None:
        """Insert or replace merchandisers' rules by `rule_id`; they count in the next answer."""
        self._run(self.app.put_rules(OWNER, [_convert(rule, Rule) for rule in rules]))

    def remove_rule(self, rule_id: str) -> bool:
        """Whether it was there."""
        return self._run(self.app.remove_rule(OWNER, rule_id))

    def train(self, task: str, progress: Progress | None = None, **config: Any) -> dict[str, Any]:
        """Learn from the shop's rows and publish the result; returns the version and its scores."""
        job = self.app.learning.train(OWNER.tenant, task, config)
        done = self.run(job, progress)
        self._run(self.app.refresh())
        return done.result or {}

    def pull(self, task: str, source: str, progress: Progress | None = None) -> dict[str, Any]:
        """Take a model made elsewhere (a local folder, or a name on a model hub) and publish it; returns its version."""
        done = self.run(self.app.learning.adopt(OWNER.tenant, task, source), progress)
        self._run(self.app.refresh())
        return done.result or {}

    def evaluate(self, task: str, protocol: str = "", progress: Progress | None = None, **config: Any) -> list[dict[str, Any]]:
        """Quality of this configuration and its rivals on held-out data, best first."""
        settings = self.app.learning.config(task, config)
        return self.app.registry[task].evaluate(self.app.data(OWNER.tenant), settings, protocol, progress or _quiet)

    def run(self, job: Job, progress: Progress | None = None) -> Job:
        """Work on a queued job here, or follow it where a worker took it first. Raises what the job failed with."""
        mine = self.app.jobs.claim(worker_name(), job.job_id)
        if mine is None:
            return self._follow(job, progress)
        hands = threading.Thread(target=run_job, args=(self.app.jobs, mine, self.app.handlers), name="job", daemon=True)
        hands.start()
        try:
            return self._follow(job, progress)
        except KeyboardInterrupt:
            self.app.jobs.cancel(job.tenant, job.job_id)
            raise
        finally:
            hands.join()

    def close(self) -> None:
        """Let go of the folder. Closing twice is harmless."""
        if self._loop.is_closed():
            return
        self._run(self.app.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _follow(self, job: Job, progress: Progress | None) -> Job:
        seen = -1
        pause = threading.Event()
        while True:
            now = self.app.jobs.get(job.tenant, job.job_id)
            for event in self.app.jobs.events(job.tenant, job.job_id, seen):
                seen = event.number
                if progress is not None and event.total:
                    progress(event.done or 0.0, event.total, event.message)
            if now.status == "succeeded":
                return now
            if now.over:
                raise Conflict(now.error.message if now.error else f"the job {job.job_id} was {now.status}")
            pause.wait(0.1)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class Operations:
    """A task of a shop: each operation it declares is a method taking the request's fields; so are flows: `shop.search(…)`."""

    def __init__(self, shop: Shop, task: str) -> None:
        self._shop = shop
        self._task = task

    def __getattr__(self, operation: str) -> Callable[..., Answer]:
        try:
            self._shop.app.declared(self._task, operation)
        except NotFound as error:
            raise AttributeError(error.detail) from None
        return lambda **fields: self._shop.ask(self._task, operation, fields)

    def __call__(self, **fields: Any) -> Answer:
        return self._shop.ask(self._task, "", fields)

    def __dir__(self) -> list[str]:
        app = self._shop.app
        tasks = app.registry.tasks
        own = tasks[self._task].operations if self._task in tasks else ()
        return sorted({*own, *filter(None, app.flows.of(self._task))})


def _convert(value: Any, kind: type[T]) -> T:
    if isinstance(value, kind):
        return value
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"this is not a valid {kind.__name__.lower()}: {error}") from None


def _quiet(done: float, total: float, message: str) -> None:
    """Progress nobody wants to see."""
