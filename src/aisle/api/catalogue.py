"""/v1/items and /v1/events: what the shop tells Aisle. Every row is judged by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from aisle.api.decode import NDJSON_TYPES, converted, media_type, parameters, reader, require_json
from aisle.api.reply import Page, Reply, json, page
from aisle.api.routing import Call, Route
from aisle.app import App
from aisle.errors import BadInput, NotFound
from aisle.storage.events import Added
from aisle.times import to_micros
from aisle.types import Event, Id, Item

T = TypeVar("T", Item, Event)
MOST = 1000  # rows in a request
LARGE = 256 * 1024  # bytes of a body that is decoded beside the event loop
NDJSON = "application/x-ndjson"
EXAMPLE_ITEM = {
    "item_id": "tee-red-m",
    "title": "Red T-shirt, organic cotton",
    "brand": "Aisle",
    "category": "Clothing > Shirts > T-shirts",
    "price": {"amount": 1900, "currency": "EUR"},
    "availability": "in_stock",
    "attributes": {"colour": "red", "size": "M"},
}
EXAMPLE_EVENT = {
    "event_id": "order-1001-1",
    "user_id": "user-0001",
    "item_id": "tee-red-m",
    "type": "purchase",
    "time": "2026-11-20T10:15:00Z",
    "value": 19.0,
    "quantity": 1,
}


class Rejected(Struct, frozen=True, omit_defaults=True):
    """A row that was not stored: its place in the request, why, and where in the row."""

    index: int
    error: str
    pointer: str | None = None


class ItemsIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Products to insert or replace by `item_id`."""

    items: Annotated[list[Item], Meta(max_length=MOST)]


class EventsIn(Struct, frozen=True, forbid_unknown_fields=True):
    """What users did. A repeated `event_id` (or, without one, the same content) is stored once."""

    events: Annotated[list[Event], Meta(max_length=MOST)]


class ItemsTaken(Struct, frozen=True):
    """What became of the items."""

    accepted: int
    rejected: list[Rejected]


class EventsTaken(Struct, frozen=True):
    """What became of the events."""

    accepted: int
    duplicates: int
    rejected: list[Rejected]


class Deleted(Struct, frozen=True):
    """It was there, and is gone."""

    id: str
    deleted: bool = True


class ItemPath(Struct, frozen=True):
    """An item's id in the path, percent-encoded."""

    item_id: Id


class ItemsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of the catalogue, in the order of ids."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Items on a page.")] = 20
    after: Annotated[str, Meta(max_length=256, description="The last id of the page before.")] = ""


class Rows(Generic[T]):
    """Reads many rows of one type: all at once when all are good, else one by one."""

    def __init__(self, kind: type[T], whole: type[Struct], field: str) -> None:
        self._field = field
        self._whole = msgspec.json.Decoder(whole).decode
        self._split = reader(msgspec.defstruct("Rows", [(field, list[msgspec.Raw])], forbid_unknown_fields=True))
        self._one: Callable[[bytes], T] = reader(kind)

    def read(self, body: bytes, content_type: bytes | None) -> tuple[list[tuple[int, T]], list[Rejected]]:
        """The good rows with their places, and the others. Raises BadInput where no rows can be made out at all."""
        if media_type(content_type) in NDJSON_TYPES:
            return self._sorted([line for line in body.split(b"\n") if line.strip()])
        require_json(content_type)
        try:
            rows: list[T] = getattr(self._whole(body), self._field)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._sorted([bytes(row) for row in getattr(self._split(body), self._field)])
        return list(enumerate(rows)), []

    def _sorted(self, rows: Sequence[bytes]) -> tuple[list[tuple[int, T]], list[Rejected]]:
        if len(rows) > MOST:
            raise BadInput(f"a request carries at most {MOST} {self._field}: send the rest in another", param=f"/{self._field}")
        good: list[tuple[int, T]] = []
        bad: list[Rejected] = []
        for index, row in enumerate(rows):
            try:
                good.append((index, self._one(row)))
            except BadInput as error:
                bad.append(Rejected(index, error.detail, error.param))
        return good, bad


class Catalogue:
    """The handlers of items and events."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._items = Rows(Item, ItemsIn, "items")
        self._events = Rows(Event, EventsIn, "events")

    async def put_items(self, call: Call) -> Reply:
        good, bad = await self._read(self._items, call)
        items = _timed(good, bad, "created_at", None)
        if items:
            await self._app.put_items(call.who, items)
        return json(ItemsTaken(len(items), bad))

    async def add_events(self, call: Call) -> Reply:
        good, bad = await self._read(self._events, call)
        events = _timed(good, bad, "time", time.time_ns() // 1000)
        added = await self._app.add_events(call.who, events) if events else Added(0, 0)
        return json(EventsTaken(added.accepted, added.duplicates, bad))

    async def items(self, call: Call) -> Reply:
        query = parameters(call.query, ItemsQuery)
        found, more = await self._app.work(self._app.items.page, call.who.tenant, query.limit, query.after)
        return page(found, query.limit, "item_id", more)

    async def item(self, call: Call) -> Reply:
        item_id = converted(call.params, ItemPath).item_id
        found = await self._app.work(self._app.items.get, call.who.tenant, item_id)
        if found is None:
            raise _no_item(item_id)
        return json(found)

    async def remove_item(self, call: Call) -> Reply:
        item_id = converted(call.params, ItemPath).item_id
        if not await self._app.remove_item(call.who, item_id):
            raise _no_item(item_id)
        return json(Deleted(item_id))

    async def _read(self, rows: Rows[T], call: Call) -> tuple[list[tuple[int, T]], list[Rejected]]:
        content_type = call.headers.get(b"content-type")
        if len(call.body) > LARGE:
            return await self._app.work(rows.read, call.body, content_type)
        return rows.read(call.body, content_type)

    def routes(self) -> Iterator[Route]:
        both = ("application/json", NDJSON)
        yield Route(
            "PUT", "/v1/items", self.put_items, "Insert or replace items", "items", "write", ItemsIn, answer=ItemsTaken,
            request_media=both, example={"items": [EXAMPLE_ITEM]}, errors=(413, 415),
            description="At most 1,000. Each item is judged by itself: those that do not fit are listed in `rejected`.",
        )  # fmt: skip
        yield Route("GET", "/v1/items", self.items, "The catalogue, page by page", "items", query=ItemsQuery, answer=Page[Item])
        yield Route("GET", "/v1/items/{item_id}", self.item, "One item", "items", params=ItemPath, answer=Item, errors=(404,))
        yield Route(
            "DELETE", "/v1/items/{item_id}", self.remove_item, "Remove an item: it is in no answer any more", "items", "write",
            params=ItemPath, answer=Deleted, errors=(404,),
        )  # fmt: skip
        yield Route(
            "POST", "/v1/events", self.add_events, "Tell what users did", "events", "write", EventsIn, answer=EventsTaken,
            request_media=both, example={"events": [EXAMPLE_EVENT]}, errors=(413, 415), once=True,
            description="At most 1,000. Sending an event again changes nothing. Events count in the next answer.",
        )  # fmt: skip


def _timed(good: list[tuple[int, T]], bad: list[Rejected], field: str, now: int | None) -> list[T]:
    """Rows whose moment (said in any way) is in microseconds; rows with an impossible one join the rejected."""
    rows = []
    for index, row in good:
        said = getattr(row, field)
        if said is not None:
            try:
                force_setattr(row, field, to_micros(said, now))  # just decoded: nobody else has seen it
            except BadInput as error:
                bad.append(Rejected(index, error.detail, f"/{field}"))
                continue
        rows.append(row)
    bad.sort(key=lambda rejected: rejected.index)
    return rows


def _no_item(item_id: str) -> NotFound:
    return NotFound(f"there is no item {item_id!r}: GET /v1/items lists those there are")
