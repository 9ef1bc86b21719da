"""/v1/models: what is live, what was trained, and which version answers. The list is OpenAI's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta, Struct

from aisle.api.decode import converted
from aisle.api.reply import Page, Reply, json, page
from aisle.api.routing import Call, Route
from aisle.app import App
from aisle.errors import NoModel
from aisle.models import Version

SECOND = 1_000_000  # microseconds


class ModelOut(Struct, frozen=True):
    """A live model as OpenAI's clients know them; `created` in seconds UTC."""

    id: str  # "recommend@7"
    created: int
    owned_by: str = "aisle"
    object: str = "model"


class VersionOut(Struct, frozen=True):
    """A trained version with what it was trained on and how good it is; times in seconds UTC."""

    id: str  # "recommend@7"
    task: str
    version: int
    live: bool
    created_at: int
    scores: dict[str, Any]
    data: dict[str, Any]
    config: dict[str, Any]
    object: str = "model.version"


class TaskPath(Struct, frozen=True):
    """A task's name in the path."""

    task: Annotated[str, Meta(max_length=64, description="A task (for one live model also with its version: recommend@7).")]


class VersionPath(Struct, frozen=True):
    """A version in the path."""

    task: Annotated[str, Meta(max_length=64, description="A task.")]
    version: Annotated[int, Meta(ge=1, le=2**31 - 1, description="One of its versions.")]


class ModelHandlers:
    """The handlers of models."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def models(self, call: Call) -> Reply:
        live = await self._app.work(self._app.models.all_live, call.who.tenant)
        return page([_model(version) for version in live], len(live), "id")

    async def model(self, call: Call) -> Reply:
        name = converted(call.params, TaskPath).task
        for version in await self._app.work(self._app.models.all_live, call.who.tenant):
            if name in (version.task, version.name):
                return json(_model(version))
        raise NoModel(f"there is no live model {name!r}: GET /v1/models lists those there are")

    async def versions(self, call: Call) -> Reply:
        task = self._task(converted(call.params, TaskPath).task)
        found = await self._app.work(self._app.models.list, call.who.tenant, task)
        return page([_version(version) for version in found], len(found), "id")

    async def promote(self, call: Call) -> Reply:
        wanted = converted(call.params, VersionPath)
        task = self._task(wanted.task)
        return await self._changed(call, "model.promoted", self._app.models.promote, task, wanted.version)

    async def rollback(self, call: Call) -> Reply:
        task = self._task(converted(call.params, TaskPath).task)
        return await self._changed(call, "model.rolled_back", self._app.models.rollback, task)

    async def _changed(self, call: Call, action: str, change: Any, task: str, *version: int) -> Reply:
        """Change which version is live; it answers from the moment this reply is sent."""
        live: Version = await self._app.work(change, call.who.tenant, task, *version)
        await self._app.work(self._app.note, call.who, action, live.name)
        await self._app.refresh()
        return json(_version(live))

    def _task(self, name: str) -> str:
        return self._app.registry[name].name

    def routes(self) -> Iterator[Route]:
        yield Route("GET", "/v1/models", self.models, "The live models", "models", answer=Page[ModelOut])
        yield Route("GET", "/v1/models/{task}", self.model, "One live model", "models", params=TaskPath, answer=ModelOut,
                    errors=(404,))  # fmt: skip
        yield Route(
            "GET", "/v1/models/{task}/versions", self.versions, "Every trained version of a task, newest first", "models",
            "admin", params=TaskPath, answer=Page[VersionOut], errors=(404,),
        )  # fmt: skip
        yield Route(
            "POST", "/v1/models/{task}/versions/{version}/promote", self.promote, "Make a version live", "models", "admin",
            params=VersionPath, answer=VersionOut, errors=(404,), once=True,
        )  # fmt: skip
        yield Route(
            "POST", "/v1/models/{task}/versions/rollback", self.rollback, "Make the version before live again", "models",
            "admin", params=TaskPath, answer=VersionOut, errors=(404, 409), once=True,
        )  # fmt: skip


def _model(version: Version) -> ModelOut:
    return ModelOut(version.name, version.created_at // SECOND)


def _version(version: Version) -> VersionOut:
    card = version.card
    return VersionOut(
        id=version.name, task=version.task, version=version.version, live=version.live,
        created_at=version.created_at // SECOND, scores=card["scores"], data=card["data"], config=card["config"],
    )  # fmt: skip
