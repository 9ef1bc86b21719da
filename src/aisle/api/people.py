"""/v1/users: a person's data, to take away or to have erased."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from aisle.api.decode import converted
from aisle.api.reply import Reply, json
from aisle.api.routing import Call, Route
from aisle.app import App
from aisle.privacy import Receipt
from aisle.types import Event, Id, Sample


class UserPath(Struct, frozen=True):
    """A user's id in the path, percent-encoded."""

    user_id: Annotated[Id, Meta(description="The shop's own id of the user.", examples=["user-0001"])]


class Export(Struct, frozen=True):
    """Everything stored about a user; times in microseconds UTC."""

    user_id: str
    events: list[Event]
    samples: list[Sample]


class Erased(Struct, frozen=True):
    """Proof that a person's data is gone; times in microseconds UTC."""

    receipt: Receipt


class People:
    """The handlers of users."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def export(self, call: Call) -> Reply:
        user_id = converted(call.params, UserPath).user_id
        return json(await self._app.work(self._app.privacy.export, call.who.tenant, user_id))

    async def erase(self, call: Call) -> Reply:
        user_id = converted(call.params, UserPath).user_id
        return json(Erased(await self._app.erase_user(call.who, user_id)))

    def routes(self) -> Iterator[Route]:
        yield Route(
            "GET", "/v1/users/{user_id}/export", self.export, "Everything stored about a user", "users", "admin",
            params=UserPath, answer=Export, description="A user nobody has seen has no events: the answer is not an error.",
        )  # fmt: skip
        yield Route(
            "DELETE", "/v1/users/{user_id}", self.erase, "Erase a user's data", "users", "admin", params=UserPath, answer=Erased,
            description="Events are deleted now; models that learnt from them are trained again. Asking twice is harmless.",
        )  # fmt: skip
