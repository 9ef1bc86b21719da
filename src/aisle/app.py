"""Read this first: builds everything from Settings and joins it. `App.ask` is the one door.

    shop -> feeds/api -> rows -> job "train" -> Task.fit -> Models.publish -> Runtime -> Batcher -> Engine -> answer -> usage

HTTP, console, command line and `aisle.open()` hold an App and call it; nothing answers for a model but `ask`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from aisle import observe
from aisle.access import DEFAULT_TENANT, OWNER, Access, Who
from aisle.carried import Carried
from aisle.errors import AisleError, BadInput, NoModel, StorageFailed, Unavailable
from aisle.flows import Flow
from aisle.flows import discover as discover_flows
from aisle.flows.steps import Aside, Steps
from aisle.jobs.queue import Jobs
from aisle.jobs.worker import Handler
from aisle.learning import Learning
from aisle.live import Live
from aisle.models import Models, Version
from aisle.privacy import Privacy, Receipt
from aisle.runtime.local import LocalRuntime
from aisle.runtime.streams import OpenStream
from aisle.runtime.tuning import Tuning
from aisle.settings import Settings
from aisle.storage.database import Database
from aisle.storage.events import Added, Events
from aisle.storage.items import Items
from aisle.storage.journal import Journal
from aisle.storage.media import Media
from aisle.storage.rules import Rules, timed
from aisle.storage.samples import Samples
from aisle.storage.searches import Searches
from aisle.storage.training import TrainingData
from aisle.storage.vectors import Vectors
from aisle.task import MEDIA, NO_RULES, Answer, Context, Operation, Registry, discover, starter_of
from aisle.types import Event, Item, Rule
from aisle.usage import MINUTE, UsageMeter

T = TypeVar("T")
Lane = Literal["interactive", "bulk"]
HEARTBEAT = 0.5  # seconds between looks at what other processes changed
THREADS = 4  # for blocking storage calls


class App:
    """One shop's service, or several tenants' on one machine."""

    def __init__(self, settings: Settings, registry: Registry | None = None) -> None:
        self.settings = settings
        self.registry = registry or discover()
        self.flows = discover_flows(self.registry)
        home = _home(settings)
        self.database = Database(settings.database_url)
        self.items = Items(self.database)
        self.events = Events(self.database)
        self.vectors = Vectors(self.database)
        self.samples = Samples(self.database)
        self.media = Media(home)
        self.searches = Searches(self.database)
        self.carried = Carried(self.items, self.media, may_fetch=settings.fetch, most=settings.max_body)
        self.access = Access(self.database, settings.rate_limit)
        self.metrics = observe.Metrics()
        self.usage = UsageMeter(self.database, self.metrics.count)
        self.models = Models(self.database, home / "models")
        self.tuning = Tuning(home)
        self.jobs = Jobs(self.database)
        self.learning = Learning(self.registry, self.models, self.jobs, self.data, settings)
        self.privacy = Privacy(
            self.database, Journal(home), self.events, self.samples, self.media, self.access.secret, self.learning.again
        )
        self.rules = Rules(self.database)
        self.live = Live(self.items, self.vectors, self.rules)
        self.runtime = LocalRuntime(queue=settings.queue, batch_cost=settings.batch_cost, streams=settings.streams)
        self.handlers: dict[str, Handler] = self.learning.handlers()
        self.aside = Aside()
        self.draining = False
        self._pool = ThreadPoolExecutor(THREADS, "aisle-work")
        self._loaded: dict[tuple[int, str], int] = {}
        self._refused: dict[tuple[int, str], tuple[int, str]] = {}
        self._starting: dict[tuple[int, str], asyncio.Lock] = {}
        self._revisions: dict[int, int] = {}
        self._beat: asyncio.Task[None] | None = None
        for receipt in self.privacy.again():
            self.note(OWNER, "user.erased", receipt.receipt_id)
        self._answer_ids = (f"ans_{prefix}{number:x}" for prefix in [secrets.token_hex(6)] for number in itertools.count(1))

    # ---- the door ----------------------------------------------------------------------------------------------

    async def ask(
        self, who: Who, task: str, operation: str, request: Any, *, lane: Lane = "interactive", timeout_ms: int | None = None
    ) -> Answer:
        """One answer of one operation for one caller: access, context, model, metering.

        Raises NotFound for an unknown task or operation, Forbidden, NoModel, BadInput, Unavailable, Overloaded, DeadlineExceeded.
        """
        if (flow := self.flows.get(task, operation)) is not None:
            return await Steps(self, who, timeout_ms or self.settings.timeout_ms).answer(flow, request)
        declared = self.registry.operation(task, operation)
        self.access.require(who, declared.scope)
        started = time.perf_counter_ns()
        model, cpu_ms, failed = "", 0.0, True
        try:
            if not self.runtime.has(who.tenant, task):
                await self._start_with(who.tenant, task)
            media = b"" if declared.needs.isdisjoint(MEDIA) else await self._carried(who.tenant, declared, request)
            context = self.context(who.tenant, declared, request, media)
            deadline = asyncio.get_running_loop().time() + (timeout_ms or self.settings.timeout_ms) / 1000
            answer, model = await self.runtime.call(
                who.tenant, task, operation, request, context, lane=lane, deadline=deadline, heavy=declared.heavy
            )
            answer.answer_id = self.next_id()
            answer.model = model
            cpu_ms = answer.usage.cpu_ms if answer.usage else 0.0
            failed = False
            return answer
        finally:
            self.meter(who, (task, operation, model), failed, cpu_ms, (time.perf_counter_ns() - started) // 1000)

    def has(self, tenant: int, task: str) -> bool:
        """Whether there is a model to ask, of the shop's own or one that comes with the task."""
        tasks = self.registry.tasks
        return self.runtime.has(tenant, task) or (task in tasks and starter_of(tasks[task]) is not None)

    def next_id(self) -> str:
        return next(self._answer_ids)

    def declared(self, task: str, operation: str) -> Operation | Flow:
        """What is declared by this name. Raises NotFound."""
        return self.flows.get(task, operation) or self.registry.operation(task, operation)

    def typed(self, task: str, operation: str, request: Mapping[str, Any]) -> Any:
        """A request from plain values. Raises NotFound, BadInput."""
        try:
            return msgspec.convert(request, self.declared(task, operation).request)
        except msgspec.ValidationError as error:
            name = f"{task}.{operation}" if operation else task
            raise BadInput(f"the request does not fit {name}: {error}") from None

    @contextlib.asynccontextmanager
    async def stream(self, who: Who, task: str, operation: str, request: Any) -> AsyncIterator[OpenStream]:
        """The door for callers who are heard bit by bit: every answer of the stream is metered like one of `ask`.

        Raises as `ask` does, and Overloaded where as many streams are open as may be.
        """
        declared = self.registry.operation(task, operation)
        if declared.stream is None:
            raise BadInput(f"{task}.{operation} takes no streams: ask it whole requests")
        self.access.require(who, declared.scope)
        if not self.runtime.has(who.tenant, task):
            await self._start_with(who.tenant, task)
        context = self.context(who.tenant, declared, request)
        opened = await self.runtime.stream(who.tenant, task, operation, request, context)

        def count(answer: Answer | None, cpu_ms: float, began: float, requests: int) -> None:
            if answer is not None:
                answer.answer_id = self.next_id()
            latency_us = requests * round((time.perf_counter() - began) * 1e6)
            self.meter(who, (task, operation, opened.model), answer is None and requests > 0, cpu_ms, latency_us, requests)

        opened.count = count
        try:
            yield opened
        finally:
            opened.close()

    def meter(
        self, who: Who, what: tuple[str, str, str], failed: bool, cpu_ms: float, latency_us: int, requests: int = 1
    ) -> None:
        """Count one answer, or with no `requests` what was computed without one; `what` is (task, operation, model)."""
        minute = time.time_ns() // 1000 // MINUTE * MINUTE
        slot = (who.tenant, minute, who.key_id, *what)
        self.usage.add(slot, failed=failed, cpu_us=round(cpu_ms * 1000), latency_us=latency_us, requests=requests)

    def context(self, tenant: int, declared: Operation, request: Any, media: bytes = b"") -> Context:
        """What the operation declared that it needs, as of now."""
        needs = declared.needs
        user_id = getattr(request, "user_id", None) if "events" in needs else None
        return Context(
            now=time.time_ns() // 1000,
            events=self.events.recent(tenant, user_id, self.settings.history, self._revision(tenant)) if user_id else (),
            catalogue=self.live.catalogue(tenant) if "catalogue" in needs else None,
            spaces=self.live.spaces(tenant) if "vectors" in needs else {},
            rules=self.live.rules(tenant) if "rules" in needs else NO_RULES,
            media=media,
        )

    def _revision(self, tenant: int) -> int:
        """The revision of the events, looked up once in a turn of the loop for all requests that arrived in it: what another
        process wrote counts from the next turn on. What this process wrote counts at once, whatever the revision."""
        found = self._revisions.get(tenant)
        if found is None:
            found = self._revisions[tenant] = self.events.revision(tenant)
            asyncio.get_running_loop().call_soon(self._revisions.clear)
        return found

    async def _carried(self, tenant: int, declared: Operation, request: Any) -> bytes:
        """The file of a request whose operation needs a picture or a sound."""
        sent = getattr(request, next(field for need, field in MEDIA.items() if need in declared.needs))
        content = self.carried.at_once(sent)
        return await self.work(self.carried.find, tenant, sent) if content is None else content

    # ---- rows in -----------------------------------------------------------------------------------------------

    async def put_items(self, who: Who, items: list[Item]) -> None:
        """Store items; they are in the next answer."""
        await self.work(self.items.put, who.tenant, items)
        self.live.put(who.tenant, items)

    async def remove_item(self, who: Who, item_id: str) -> bool:
        """Whether it was there; from now on it is in no answer."""
        removed = await self.work(self.items.remove, who.tenant, [item_id])
        self.live.remove(who.tenant, [item_id])
        return removed > 0

    async def add_events(self, who: Who, events: list[Event]) -> Added:
        """Store events (times in microseconds or None); they count in the next answer."""
        added = await self.work(self.events.add, who.tenant, events)
        self.metrics.events.labels("accepted").inc(added.accepted)
        self.metrics.events.labels("duplicate").inc(added.duplicates)
        return added

    async def put_rules(self, who: Who, rules: list[Rule]) -> None:
        """Store rules (times said in any way); they count in the next answer. Raises BadInput."""
        await self.work(self.rules.put, who.tenant, [timed(rule) for rule in rules])
        self.live.reread_rules(who.tenant)
        for rule in rules:
            self.note(who, "rule.put", rule.rule_id)

    async def remove_rule(self, who: Who, rule_id: str) -> bool:
        """Whether it was there; the next answer knows nothing of it."""
        removed = await self.work(self.rules.remove, who.tenant, rule_id)
        self.live.reread_rules(who.tenant)
        if removed:
            self.note(who, "rule.removed", rule_id)
        return removed

    async def erase_user(self, who: Who, user_id: str) -> Receipt:
        """Erase a person's data now, and queue the retraining of every model that learnt from it."""
        receipt = await self.work(self.privacy.erase, who.tenant, user_id)
        self.note(who, "user.erased", receipt.receipt_id)
        return receipt

    # ---- models ------------------------------------------------------------------------------------------------

    def data(self, tenant: int) -> TrainingData:
        """What tasks learn from."""
        return TrainingData(tenant, self.items, self.events, self.vectors, self.samples, self.media, self.searches)

    async def refresh(self) -> None:
        """Catch up with other processes: items they changed, models they published."""
        self.live.apply(await self.work(self.live.read))
        self.live.apply_rules(await self.work(self.live.read_rules))
        for version in await self.work(self.models.all_live):
            key = (version.tenant, version.task)
            if self._loaded.get(key) != version.version and self._refused.get(key, (0, ""))[0] != version.version:
                await self._load(version)

    async def _load(self, version: Version) -> None:
        key = (version.tenant, version.task)
        try:
            engine = await self.work(self._open, version)
        except (AisleError, OSError, ValueError) as error:
            self._refused[key] = (version.version, str(error))
            observe.failure("model.refused", error, model=version.name)
            await self._fall_back(version)
            return
        await self.runtime.swap(version.tenant, version.task, version.version, engine)
        gc.collect()  # the version before may be large, and the server looks for garbage seldom
        self._loaded[key] = version.version
        self._refused.pop(key, None)
        observe.info("model.live", model=version.name)

    async def _fall_back(self, refused: Version) -> None:
        """A start with a damaged model: the newest one before it that opens answers, and `ready` goes on saying what is wrong."""
        tenant, task = refused.tenant, refused.task
        older = [v for v in await self.work(self.models.list, tenant, task) if v.version < refused.version]
        for version in sorted(older, key=lambda v: -v.version):
            if self.runtime.has(tenant, task):
                return
            with contextlib.suppress(AisleError, OSError, ValueError):
                await self.runtime.swap(tenant, task, version.version, await self.work(self._open, version))
                self._loaded[tenant, task] = version.version
                observe.info("model.live", model=version.name)

    async def _start_with(self, tenant: int, task: str) -> None:
        """Nothing of the shop's own is live: open the model that comes with the task. Raises NoModel, Unavailable."""
        folder = starter_of(self.registry[task])
        if folder is None or (tenant, task) in self._refused:
            raise self._no_model(tenant, task)
        async with self._starting.setdefault((tenant, task), asyncio.Lock()):
            if not self.runtime.has(tenant, task):
                engine = await self.work(self.tuning.load, self.registry[task], folder)
                if not self.runtime.has(tenant, task):  # else one was published meanwhile
                    await self.runtime.swap(tenant, task, 0, engine)
                    observe.info("model.live", model=f"{task}@0")

    def _open(self, version: Version) -> Any:
        return self.tuning.load(self.registry[version.task], self.models.verify(version))

    def _no_model(self, tenant: int, task: str) -> AisleError:
        """Nothing was trained yet, or what was published cannot be opened: an operator's matter, not the caller's."""
        refused = self._refused.get((tenant, task))
        if refused:
            return Unavailable(f"version {refused[0]} of {task} cannot be used: {refused[1]}", retry_after=30)
        return NoModel(f"{task} has no model yet: run `aisle train {task}`")

    # ---- life --------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the live models and begin to follow other processes."""
        self.live.catalogue(DEFAULT_TENANT)
        self.live.spaces(DEFAULT_TENANT)
        await self.refresh()
        self._beat = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Finish what is being answered, write down what was counted, and let go of everything."""
        self.draining = True
        if self._beat is not None:
            self._beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beat
        await self.aside.close()
        await self.runtime.close()
        await self.work(self._flush)
        self._pool.shutdown()
        self.database.close()

    def ready(self) -> list[str]:
        """What is missing before requests should be sent here; empty when nothing is."""
        missing = [f"model {task} version {number}: {why}" for (_, task), (number, why) in self._refused.items()]
        if self.draining:
            missing.append("the server is shutting down")
        if self._beat is None or self._beat.done():
            missing.append("the server has not started")
        return missing + [f"model {name}: its worker has died" for name, dead in self._dead_models() if dead]

    async def work(self, function: Callable[..., T], *args: Any) -> T:
        """Run a blocking call in a thread: the one crossing from async to sync."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    def note(self, who: Who, action: str, target: str) -> None:
        """Write a line of the audit log."""
        at = time.time_ns() // 1000
        audit_id = f"audit_{at:016x}{secrets.token_hex(2)}"
        self.database.run(
            "audit_add", tenant=who.tenant, audit_id=audit_id, at=at, actor=who.key_id, action=action, target=target
        )

    def audit(self, tenant: int, limit: int = 100, after: str = "") -> list[tuple[str, int, str, str, str]]:
        """Lines of the audit log, oldest first: (audit_id, at in microseconds, actor, action, target)."""
        return self.database.rows("audit_page", tenant=tenant, after=after, limit=limit)

    def _dead_models(self) -> list[tuple[str, bool]]:
        return [(name, not status.alive) for name, status in self.runtime.status().items()]

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            try:
                await self.refresh()
                await self.work(self._flush)
            except StorageFailed as error:  # the disk may come back; requests say so meanwhile
                observe.failure("heartbeat.failed", error)

    def _flush(self) -> None:
        self.usage.flush()
        self.searches.flush()
        self.access.flush()


def _home(settings: Settings) -> Path:
    try:
        settings.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(f"the shop's folder {settings.folder} cannot be made: {error}") from None
    return settings.folder
