"""How models come to be: training and adoption as jobs, each checked when it is queued, published when it is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from aisle.errors import AisleError, BadInput, Misconfigured
from aisle.jobs.queue import Job, Jobs
from aisle.jobs.worker import Handler
from aisle.models import Models, Version
from aisle.settings import Settings
from aisle.storage.training import TrainingData
from aisle.task import Adopts, Forgets, Inherits, Progress, Registry, Scores, Task
from aisle.times import DAY, to_iso, to_micros
from aisle.version import VERSION

HOUR = 3_600_000_000  # microseconds
DEADLINE = 30 * DAY  # from an erasure until a network that had learnt from the person has been trained again …
MARGIN = 2 * DAY  # … which is begun so much earlier
RETRAIN_BY, SETTLED = "retrain_by", "settled_at"  # facts of a card: that deadline; when its settings were last chosen


class Learning:
    """The jobs "train" and "adopt". `data` gives a tenant's rows to learn from; `settings` say when to learn again."""

    def __init__(
        self, registry: Registry, models: Models, jobs: Jobs, data: Callable[[int], TrainingData], settings: Settings
    ) -> None:
        self._registry = registry
        self._models = models
        self._jobs = jobs
        self._data = data
        self._hours, self._growth = settings.retrain_hours, settings.retrain_growth

    def handlers(self) -> dict[str, Handler]:
        return {"train": self._train, "adopt": self._adopt}

    def train(self, tenant: int, task: str, config: dict[str, Any]) -> Job:
        """Queue the training of a task; its configuration is checked now. Raises BadInput, NotFound."""
        self.config(task, config)
        return self._jobs.enqueue(tenant, "train", {"task": task, "config": config})

    def again(self, tenant: int) -> tuple[list[str], list[str]]:
        """Queue every task with a live model again, as it was configured, to replace all versions there are: somebody was erased.

        Who can (`Forgets`) keeps the settings that were found and makes only the sums again. Returns the names of these versions,
        and of the jobs.
        """
        versions = [v for v in self._models.all_live(tenant) if _own(v)]
        how = {"forget": True, "settled": True}
        jobs = [
            self._jobs.enqueue(tenant, "train", {"task": v.task, "config": v.card.get("config", {}), **how}) for v in versions
        ]
        return [v.name for v in self._models.list(tenant)], [job.job_id for job in jobs]

    def plan(self) -> list[Job]:
        """Queue again every training that is due, each as it was configured; the old versions answer meanwhile.

        Due is a model that is old while rows have changed (the schedule), or one whose shop has grown a lot since it learnt
        (drift: it knows none of what came). A task whose training waits or runs is left alone.
        """
        waiting = self._jobs.training()
        return [
            self._queued_again(version)
            for version in self._models.all_live()
            if (version.tenant, version.task) not in waiting and self._is_due(version)
        ]

    def _queued_again(self, version: Version) -> Job:
        config = version.card.get("config", {})
        self.config(version.task, config)
        params = {"task": version.task, "config": config}
        if RETRAIN_BY in version.card.get("data", {}):  # a part of it, and the versions before it, still remember somebody
            params["forget"] = True
        return self._jobs.enqueue(version.tenant, "train", params)

    def _is_due(self, version: Version) -> bool:
        learnt = version.card.get("data", {})
        if not _own(version):
            return False
        if RETRAIN_BY in learnt and to_micros(learnt[RETRAIN_BY]) - MARGIN <= time.time_ns() // 1000:
            return True
        now = self._data(version.tenant).sizes()
        grown = max(abs(now[name] - learnt.get(name, 0)) / max(learnt.get(name, 0), 1) for name in now)
        old = 0 < self._hours * HOUR <= time.time_ns() // 1000 - learnt.get(SETTLED, version.created_at)
        return bool((old and grown > 0) or 0 < self._growth <= grown)

    def config(self, task: str, given: dict[str, Any]) -> Any:
        """A task's configuration from plain values. Raises BadInput naming the setting."""
        kind = self._registry[task].config
        unknown = sorted(set(given) - {field.name for field in msgspec.structs.fields(kind)})
        if unknown:
            known = ", ".join(field.name for field in msgspec.structs.fields(kind))
            raise BadInput(f"{task} has no setting {', '.join(unknown)}: its settings are {known}", param="/config")
        try:
            return msgspec.convert(given, kind, strict=False)
        except msgspec.ValidationError as error:
            raise BadInput(f"a setting of {task} is not valid: {error}", param="/config") from None

    def _train(self, job: Job, progress: Progress) -> dict[str, Any]:
        """The handler of "train" jobs: fit, then publish."""
        task = self._registry[job.params["task"]]
        given = job.params.get("config", {})
        config = self.config(task.name, given)
        started = time.monotonic()
        folder = self._models.scratch(task.name)
        data = self._data(job.tenant)
        old = self._models.live(job.tenant, task.name) if job.params.get("settled") else None
        forgot = None if old is None else self._forgot(old, data, folder, progress)
        kept = {} if forgot else self._inherit(job.tenant, task, folder, learnt=False)[0]
        scores, more = forgot or (task.fit(data, config, folder, progress), kept)
        facts: dict[str, Any] = {**data.sizes(), **more, "seconds": time.monotonic() - started}
        if (about := folder / "about.json").exists():  # what a task says of its training in words
            facts |= msgspec.json.decode(about.read_bytes(), type=dict[str, str])
        version = self._models.publish(
            job.tenant, task.name, folder, config=msgspec.to_builtins(config), scores=scores, facts=facts
        )
        if job.params.get("forget"):  # somebody was erased: no older version may remember them
            self._models.forget(job.tenant, task.name, version.version)
        return {"model": version.name, "version": version.version, "scores": scores, **facts}

    def _forgot(self, old: Version, data: TrainingData, folder: Path, progress: Progress) -> tuple[Scores, dict[str, Any]] | None:
        """Write the live model without whoever was erased; its scores and facts, or None where it has to be trained anew."""
        task = self._registry[old.task]
        if not isinstance(task, Forgets) or old.card["aisle"] != VERSION:
            return None
        try:
            whole = task.forget(data, self._models.verify(old), folder, progress)
        except Misconfigured:  # its files are damaged
            return None
        learnt = old.card.get("data", {})
        facts = {SETTLED: learnt.get(SETTLED, old.created_at)}
        if not whole:
            facts[RETRAIN_BY] = learnt.get(RETRAIN_BY, to_iso(time.time_ns() // 1000 + DEADLINE))
        return old.card["scores"], facts

    def adopt(self, tenant: int, task: str, source: str) -> Job:
        """Queue the conversion of a model made elsewhere: a local folder, or a name on a model hub. Raises BadInput, NotFound."""
        if not isinstance(self._registry[task], Adopts):
            raise BadInput(f"{task} takes no models made elsewhere: train it with `aisle train {task}`")
        return self._jobs.enqueue(tenant, "adopt", {"task": task, "source": source})

    def _adopt(self, job: Job, progress: Progress) -> dict[str, Any]:
        """The handler of "adopt" jobs: convert, then publish."""
        task = self._registry[job.params["task"]]
        assert isinstance(task, Adopts)
        folder = self._models.scratch(task.name)
        kept, config = self._inherit(job.tenant, task, folder, learnt=True)
        scores = task.adopt(job.params["source"], folder, progress)
        facts = {"adopted_from": Path(job.params["source"]).name} | kept
        version = self._models.publish(job.tenant, task.name, folder, config=config, scores=scores, facts=facts)
        return {"model": version.name, "version": version.version, "scores": scores, **facts}

    def _inherit(self, tenant: int, task: Task, folder: Path, *, learnt: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the new model takes over from the live one, for its card; and how that was configured."""
        live = self._models.live(tenant, task.name)
        if live is None or not isinstance(task, Inherits):
            return {}, {}
        try:
            names = task.inherit(self._models.verify(live), folder, learnt=learnt)
        except AisleError as error:  # a damaged model is no reason not to train a sound one
            return {"nothing kept": error.detail}, {}
        facts: dict[str, Any] = {"kept": names} if names else {}
        if not learnt or not names or not _own(live):
            return facts, {}
        sizes = {name: live.card["data"][name] for name in self._data(tenant).sizes() if name in live.card["data"]}
        return facts | sizes | {"again": True}, live.card.get("config", {})


def _own(version: Version) -> bool:
    """Whether something of it was learnt from the shop's rows, so that it can be learnt again."""
    learnt = version.card.get("data", {})
    return "adopted_from" not in learnt or bool(learnt.get("again"))
