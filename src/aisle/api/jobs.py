"""/v1/jobs: start training, follow it, stop it. The shapes are those of OpenAI's fine-tuning jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from aisle.api.decode import converted, parameters, reader, require_json
from aisle.api.reply import Page, Reply, json, page
from aisle.api.routing import Call, Route
from aisle.app import App
from aisle.jobs.queue import Failure, Job, JobEvent
from aisle.types import Id

POLL = 0.3  # seconds between looks at a job that is followed
SILENCE = 15.0  # seconds without news after which a comment keeps the connection alive
SECOND = 1_000_000  # microseconds
EVENT_STREAM = b"text/event-stream"


class NewJob(Struct, frozen=True, forbid_unknown_fields=True):
    """What to do: train a task, with settings that differ from its defaults."""

    task: Annotated[str, Meta(description="The task to train: recommend, …", max_length=64)]
    kind: Literal["train"] = "train"
    config: Annotated[dict[str, Any], Meta(description="The task's settings by name; unknown ones are refused.")] = field(
        default_factory=dict
    )


class JobOut(Struct, frozen=True):
    """A job; times in seconds UTC."""

    id: str
    kind: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    created_at: int
    started_at: int | None
    finished_at: int | None
    params: dict[str, Any]
    result: dict[str, Any] | None
    error: Failure | None
    object: str = "job"


class JobEventOut(Struct, frozen=True):
    """A line of a job's progress; the time in seconds UTC."""

    id: str
    created_at: int
    level: Literal["info", "warn", "error"]
    message: str
    done: float | None
    total: float | None
    data: dict[str, Any] | None
    object: str = "job.event"
    type: str = "message"


class JobPath(Struct, frozen=True):
    """A job's id in the path."""

    job_id: Id


class JobsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of the jobs, newest first."""

    limit: Annotated[int, Meta(ge=1, le=100, description="Jobs on a page.")] = 20
    after: Annotated[str, Meta(max_length=256, description="The last id of the page before.")] = ""


class JobEventsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which events of a job, oldest first; or all that come, as a stream."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Events on a page.")] = 100
    after: Annotated[str, Meta(max_length=256, description="The last id of the page before.")] = ""
    stream: Annotated[bool, Meta(description="true: server-sent events until the job is over.")] = False


class JobHandlers:
    """The handlers of jobs."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._read = reader(NewJob)

    async def create(self, call: Call) -> Reply:
        require_json(call.headers.get(b"content-type"))
        wanted = self._read(call.body)
        job = await self._app.work(self._app.learning.train, call.who.tenant, wanted.task, wanted.config)
        await self._app.work(self._app.note, call.who, "job.created", job.job_id)
        return json(shown(job), 201, [(b"location", f"/v1/jobs/{job.job_id}".encode())])

    async def list(self, call: Call) -> Reply:
        query = parameters(call.query, JobsQuery)
        found = await self._app.work(self._app.jobs.list, call.who.tenant, query.limit + 1, query.after)
        return page([shown(job) for job in found], query.limit, "id")

    async def get(self, call: Call) -> Reply:
        return json(shown(await self._job(call)))

    async def cancel(self, call: Call) -> Reply:
        job_id = converted(call.params, JobPath).job_id
        job = await self._app.work(self._app.jobs.cancel, call.who.tenant, job_id)
        await self._app.work(self._app.note, call.who, "job.cancelled", job_id)
        return json(shown(job))

    async def events(self, call: Call) -> Reply:
        query = parameters(call.query, JobEventsQuery)
        job = await self._job(call)
        after = _number(query.after)
        if query.stream or call.headers.get(b"accept") == EVENT_STREAM:
            resumed = call.headers.get(b"last-event-id", b"").decode("latin-1")
            return Reply(media=EVENT_STREAM, stream=self._follow(job, _number(resumed) if resumed else after))
        found = await self._app.work(self._app.jobs.events, job.tenant, job.job_id, after, query.limit + 1)
        return page([_event(job.job_id, event) for event in found], query.limit, "id")

    async def _job(self, call: Call) -> Job:
        job_id = converted(call.params, JobPath).job_id
        return await self._app.work(self._app.jobs.get, call.who.tenant, job_id)

    async def _follow(self, job: Job, after: int) -> AsyncIterator[bytes]:
        """A job's events as they come, then the job itself, then the end."""
        silent = 0.0
        while not self._app.draining:
            now = await self._app.work(self._app.jobs.get, job.tenant, job.job_id)  # before its events: none can be missed
            for event in await self._app.work(self._app.jobs.events, job.tenant, job.job_id, after):
                after, silent = event.number, 0.0
                shown_event = _event(job.job_id, event)
                yield _sent("job.event", shown_event, shown_event.id)
            if now.over:
                yield _sent("job", shown(now))
                return
            silent += POLL
            if silent > SILENCE:
                silent = 0.0
                yield b": still here\n\n"
            await asyncio.sleep(POLL)

    def routes(self) -> Iterator[Route]:
        tag = "jobs"
        yield Route(
            "POST", "/v1/jobs", self.create, "Train a task", tag, "admin", NewJob, answer=JobOut, status=201,
            example={"kind": "train", "task": "recommend", "config": {}}, errors=(404, 413, 415), once=True,
        )  # fmt: skip
        yield Route("GET", "/v1/jobs", self.list, "Jobs, newest first", tag, "admin", query=JobsQuery, answer=Page[JobOut])
        yield Route("GET", "/v1/jobs/{job_id}", self.get, "One job", tag, "admin", params=JobPath, answer=JobOut, errors=(404,))
        yield Route(
            "GET", "/v1/jobs/{job_id}/events", self.events, "How far a job is", tag, "admin", params=JobPath,
            query=JobEventsQuery, answer=Page[JobEventOut], errors=(404,),
            description="With `stream=true` (or Accept: text/event-stream), server-sent events until the job is over.",
        )  # fmt: skip
        yield Route(
            "POST", "/v1/jobs/{job_id}/cancel", self.cancel, "Stop a job", tag, "admin", params=JobPath, answer=JobOut,
            errors=(404, 409), once=True,
        )  # fmt: skip


def shown(job: Job) -> JobOut:
    """A job as the outside sees it."""
    return JobOut(
        id=job.job_id, kind=job.kind, status=job.status, created_at=job.created_at // SECOND,  # type: ignore[arg-type]
        started_at=_seconds(job.started_at), finished_at=_seconds(job.finished_at), params=job.params, result=job.result,
        error=job.error,
    )  # fmt: skip


def _event(job_id: str, event: JobEvent) -> JobEventOut:
    return JobEventOut(
        id=f"{job_id}-{event.number}", created_at=event.created_at // SECOND, level=event.level,  # type: ignore[arg-type]
        message=event.message, done=event.done, total=event.total, data=event.data,
    )  # fmt: skip


def _sent(kind: str, value: Struct, event_id: str = "") -> bytes:
    line = f"id: {event_id}\n".encode() if event_id else b""
    return b"event: %s\n%sdata: %s\n\n" % (kind.encode(), line, msgspec.json.encode(value))


def _number(event_id: str) -> int:
    """The number in an event's id; ids that are none begin at the beginning."""
    number = event_id.rpartition("-")[2]
    return int(number[:15]) if number.isascii() and number.isdigit() else -1


def _seconds(micros: int | None) -> int | None:
    return None if micros is None else micros // SECOND
