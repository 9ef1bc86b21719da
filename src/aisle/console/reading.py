"""What the console reads beside the rest of the API: the overview, users, a user's history, a search of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta, Struct

from aisle.api.decode import converted, parameters, reader, require_json
from aisle.api.reply import Page, Reply, json
from aisle.api.routing import Call, Route
from aisle.app import App
from aisle.console import figures
from aisle.console.shelf import ItemRow, Shelf
from aisle.console.tally import Tally
from aisle.errors import BadInput
from aisle.storage.database import Row
from aisle.types import EVENT_TYPES, Id
from aisle.version import VERSION

MOST = 200  # rows on a page
TAG = "console"
NEWEST = 2**62  # microseconds; later than every event


class Me(Struct, frozen=True):
    """Who asks, and what there is to ask."""

    key_id: str
    scopes: list[str]
    tasks: list[str]
    version: str  # of the server


class UserRow(Struct, frozen=True):
    """Somebody who did something; times in microseconds UTC."""

    user_id: str
    events: int
    first_event: int
    last_event: int


class HistoryEvent(Struct, frozen=True):
    """One thing a user did; the time in microseconds UTC."""

    id: str  # its place in the history: `after` takes it
    item_id: str
    type: str
    time: int
    value: float | None
    quantity: int | None
    session_id: str | None


class History(Struct, frozen=True, kw_only=True):
    """What a user did, newest first, and how often in all."""

    user_id: str
    counts: dict[str, int]  # all events by type
    data: list[HistoryEvent]
    has_more: bool
    last_id: str | None
    object: str = "list"


class ItemPage(Struct, frozen=True, kw_only=True):
    """Items, the busiest first."""

    data: list[ItemRow]
    total: int  # that match in all
    has_more: bool
    last_id: str | None
    object: str = "list"


class UsersQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which users, in the order of their ids."""

    limit: Annotated[int, Meta(ge=1, le=MOST, description="Users on a page.")] = 20
    after: Annotated[str, Meta(max_length=256, description="The last id of the page before.")] = ""
    prefix: Annotated[str, Meta(max_length=256, description="How their ids begin.")] = ""


class HistoryQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of a history, newest first."""

    limit: Annotated[int, Meta(ge=1, le=MOST, description="Events on a page.")] = 20
    after: Annotated[str, Meta(max_length=64, description="The last id of the page before.")] = ""


class CatalogueQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which items, the busiest first."""

    limit: Annotated[int, Meta(ge=1, le=MOST, description="Items on a page.")] = 20
    after: Annotated[str, Meta(max_length=256, description="The last id of the page before.")] = ""
    query: Annotated[str, Meta(max_length=256, description="Words of the title, brand, category or id.")] = ""


class UserPath(Struct, frozen=True):
    """A user's id in the path, percent-encoded."""

    user_id: Annotated[Id, Meta(description="The shop's own id of the user.", examples=["user-0001"])]


class Lookup(Struct, frozen=True, forbid_unknown_fields=True):
    """Items wanted by their ids."""

    item_ids: Annotated[list[Id], Meta(max_length=MOST)]


class Console:
    """The handlers. Figures that need a pass over all events are counted once for many who ask."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._tally = Tally(app)
        self._shelves: dict[int, tuple[tuple[int, int], Shelf]] = {}  # tenant -> what it was made from, shelf
        self._lookup = reader(Lookup)

    async def overview(self, call: Call) -> Reply:
        tenant = call.who.tenant
        totals = await self._tally.totals(tenant)
        items = self._app.live.catalogue(tenant).living()
        return json(await self._app.work(figures.overview, totals, items))

    async def me(self, call: Call) -> Reply:
        tasks = [task.name for task in self._app.registry]
        return json(Me(call.who.key_id, sorted(call.who.scopes), tasks, VERSION))

    async def users(self, call: Call) -> Reply:
        asked = parameters(call.query, UsersQuery)
        rows = await self._rows(
            "console_users", tenant=call.who.tenant, after=asked.after, prefix=asked.prefix, until=asked.prefix + figures.LAST,
            limit=asked.limit + 1,
        )  # fmt: skip
        users = [UserRow(*row) for row in rows[: asked.limit]]
        first, last = (users[0].user_id, users[-1].user_id) if users else (None, None)
        return json(Page(users, len(rows) > asked.limit, first, last))

    async def history(self, call: Call) -> Reply:
        user_id = converted(call.params, UserPath).user_id
        asked = parameters(call.query, HistoryQuery)
        at, key = _place(asked.after)
        who = {"tenant": call.who.tenant, "user_id": user_id}
        rows = await self._rows("console_user_events", **who, time=at, event_key=key, limit=asked.limit + 1)
        types = await self._rows("console_user_types", **who)
        data = [
            HistoryEvent(f"{at}-{bytes(key).hex()}", item, EVENT_TYPES[code], at, value, quantity, session)
            for at, item, code, value, quantity, session, key in rows[: asked.limit]
        ]
        return json(
            History(
                user_id=user_id,
                counts={EVENT_TYPES[code]: events for code, events in types},
                data=data,
                has_more=len(rows) > asked.limit,
                last_id=data[-1].id if data else None,
            )
        )

    async def catalogue(self, call: Call) -> Reply:
        asked = parameters(call.query, CatalogueQuery)
        shelf = await self._shelf(call.who.tenant)
        found = await self._app.work(shelf.search, asked.query)
        start = next((k + 1 for k, row in enumerate(found) if row.item.item_id == asked.after), 0) if asked.after else 0
        return _items(found[start : start + asked.limit], len(found), len(found) > start + asked.limit)

    async def lookup(self, call: Call) -> Reply:
        require_json(call.headers.get(b"content-type"))
        wanted = self._lookup(call.body).item_ids
        shelf = await self._shelf(call.who.tenant)
        found = [shelf.rows[item_id] for item_id in dict.fromkeys(wanted) if item_id in shelf.rows]
        return _items(found, len(found), False)

    async def _rows(self, name: str, **parameters: Any) -> list[Row]:
        return await self._app.work(lambda: self._app.database.rows(name, **parameters))

    async def _shelf(self, tenant: int) -> Shelf:
        """The catalogue in the order of what happened to its items, as far as that is counted yet."""
        totals = await self._tally.at_once(tenant)
        catalogue = self._app.live.catalogue(tenant)
        made_from = catalogue.version, totals.as_of if totals else 0
        known = self._shelves.get(tenant)
        if known is None or known[0] != made_from:
            known = self._shelves[tenant] = (
                made_from,
                await self._app.work(Shelf, catalogue.living(), totals.items if totals else {}),
            )
        return known[1]

    def routes(self) -> Iterator[Route]:
        yield Route("GET", "/v1/me", self.me, "What this key may do", TAG, answer=Me)
        yield Route("GET", "/v1/overview", self.overview, "The shop at a glance", TAG, answer=figures.Overview)
        yield Route("GET", "/v1/users", self.users, "Users, page by page", TAG, "admin", query=UsersQuery, answer=Page[UserRow])
        yield Route(
            "GET", "/v1/users/{user_id}/events", self.history, "What a user did, newest first", TAG, "admin",
            params=UserPath, query=HistoryQuery, answer=History,
        )  # fmt: skip
        yield Route("GET", "/v1/catalogue", self.catalogue, "Search the catalogue", TAG, query=CatalogueQuery, answer=ItemPage)
        yield Route(
            "POST", "/v1/catalogue/lookup", self.lookup, "Items by their ids", TAG, request=Lookup, answer=ItemPage,
            example={"item_ids": ["tee-red-m"]}, description="Ids that are not in the catalogue are left out.",
        )  # fmt: skip


def _items(rows: list[ItemRow], total: int, more: bool) -> Reply:
    return json(ItemPage(data=rows, total=total, has_more=more, last_id=rows[-1].item.item_id if rows else None))


def _place(after: str) -> tuple[int, bytes]:
    """A place in a history from an event's id; the newest end of it for none."""
    if not after:
        return NEWEST, b""
    at, _, key = after.partition("-")
    try:
        place = int(at), bytes.fromhex(key)
    except ValueError:
        place = NEWEST + 1, b""
    if not 0 <= place[0] <= NEWEST:
        raise BadInput(f"{after!r} is not the last_id of a page of events", param="/after")
    return place
