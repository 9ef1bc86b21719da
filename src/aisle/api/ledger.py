"""/v1/usage, /v1/audit and /v1/ranking-parameters: what was used, who changed what, and what decides an order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from aisle.api.decode import parameters
from aisle.api.reply import Page, Reply, json, page
from aisle.api.routing import Call, Route
from aisle.app import App
from aisle.errors import BadInput
from aisle.models import Version
from aisle.usage import WIDTHS, Bucket

SECOND = 1_000_000  # microseconds
MOST_BUCKETS = 10_000
Moment = Annotated[int, Meta(ge=0, le=253_402_300_799, description="Seconds UTC since 1970.")]
Group = Literal["key_id", "task", "operation", "model"]


class UsageQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which time, in how wide buckets, split by what."""

    start_time: Moment | None = None
    end_time: Moment | None = None
    bucket_width: Annotated[Literal["1m", "1h", "1d"], Meta(description="How much time a bucket holds.")] = "1h"
    group_by: Annotated[list[Group], Meta(max_length=4, description="Split each bucket by these.")] = []


class UsagePage(Struct, frozen=True):
    """Buckets, oldest first; `energy_joules` is an estimate from processor time."""

    data: list[Bucket]
    has_more: bool = False
    next_page: str | None = None
    object: str = "page"


class AuditLine(Struct, frozen=True):
    """Something that was changed; the time in seconds UTC."""

    id: str
    type: str  # key.created, model.promoted, user.erased …
    effective_at: int
    actor: str  # a key's id, or "local" for whoever can open the shop's folder
    target: str
    object: str = "audit_log"


class AuditQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of the audit log, oldest first."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Lines on a page.")] = 100
    after: Annotated[str, Meta(max_length=256, description="The last id of the page before.")] = ""


class Parameter(Struct, frozen=True):
    """A setting that has a say in an order."""

    name: str
    value: Any
    default: bool  # whether it is what every shop starts with
    description: str


class Ranking(Struct, frozen=True):
    """What decides the order of one live model's answers, in words and in figures."""

    task: str
    model: str
    text: str
    parameters: list[Parameter]
    object: str = "ranking_parameters"


class Ledger:
    """The handlers of usage, audit and ranking parameters."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def usage(self, call: Call) -> Reply:
        query = parameters(call.query, UsageQuery)
        _check_span(query)
        report = self._app.usage.report
        found = await self._app.work(
            report, call.who.tenant, query.start_time, query.end_time, query.bucket_width, tuple(query.group_by)
        )
        return json(UsagePage(found))

    async def audit(self, call: Call) -> Reply:
        query = parameters(call.query, AuditQuery)
        found = await self._app.work(self._app.audit, call.who.tenant, query.limit + 1, query.after)
        lines = [AuditLine(id_, action, at // SECOND, actor, target) for id_, at, actor, action, target in found]
        return page(lines, query.limit, "id")

    async def ranking(self, call: Call) -> Reply:
        live = await self._app.work(self._app.models.all_live, call.who.tenant)
        return page([self._explained(version) for version in live], len(live), "task")

    def _explained(self, version: Version) -> Ranking:
        settings = self._app.registry[version.task].config
        found = list(_parameters(settings, version.card["config"]))
        return Ranking(version.task, version.name, _text(version, found), found)

    def routes(self) -> Iterator[Route]:
        yield Route("GET", "/v1/usage", self.usage, "Requests, errors, processor time and estimated energy", "ledger", "admin",
                    query=UsageQuery, answer=UsagePage)  # fmt: skip
        yield Route("GET", "/v1/audit", self.audit, "Who changed what", "ledger", "admin", query=AuditQuery,
                    answer=Page[AuditLine])  # fmt: skip
        yield Route(
            "GET", "/v1/ranking-parameters", self.ranking, "What decides the order of answers, in words", "ledger",
            answer=Page[Ranking], description="Written from the settings of the models that are live now, for shoppers to read.",
        )  # fmt: skip


def _check_span(query: UsageQuery) -> None:
    if query.start_time is None or query.end_time is None:
        return
    if query.end_time <= query.start_time:
        raise BadInput("end_time does not lie after start_time", param="/end_time")
    if (query.end_time - query.start_time) * SECOND // WIDTHS[query.bucket_width] > MOST_BUCKETS:
        raise BadInput(f"that is more than {MOST_BUCKETS:,} buckets: ask for wider ones or less time", param="/bucket_width")


def _parameters(kind: type[Struct], config: dict[str, Any]) -> Iterator[Parameter]:
    """Each setting with its value now and the sentence that stands beside it in the task's schema."""
    schema = msgspec.json.schema_components([kind])[1][kind.__name__]["properties"]
    for field in msgspec.structs.fields(kind):
        facts = schema[field.encode_name]
        value = config.get(field.encode_name, facts.get("default"))
        default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        yield Parameter(field.encode_name, value, value == msgspec.to_builtins(default), _description(facts))


def _description(facts: dict[str, Any]) -> str:
    return str(facts.get("description", ""))


def _text(version: Version, parameters: list[Parameter]) -> str:
    """Sentences for people: which model, what it learnt from, and each setting with what it does."""
    data = version.card["data"]
    learnt = " and ".join(f"{data[name]:,} {name}" for name in ("items", "events") if name in data)
    opening = f"The order of {version.task} answers is made by {version.name}"
    opening += f", which learnt from {learnt}." if learnt else "."
    lines = [f"- {p.name} = {_said(p.value)}{'' if p.default else ' (changed by the shop)'}: {p.description}" for p in parameters]
    closing = (
        "What is not to be had, or does not pass the request's filter, is left out. No setting gives a place for money. "
        "Each answer names its reasons, with what each of them added to the score."
    )
    return "\n".join([opening, "", *lines, "", closing])


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
