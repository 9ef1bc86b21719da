"""/v1/keys and /v1/tenants: who may call, and whose shop this is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta, Struct

from aisle.access import Key, Scope
from aisle.api.decode import converted, parameters, reader, require_json
from aisle.api.reply import Page, Reply, json, page
from aisle.api.routing import Call, Route
from aisle.app import App
from aisle.errors import BadInput
from aisle.types import Id

SECOND = 1_000_000  # microseconds
NEVER = 253_402_300_799  # 9999-12-31 in seconds
Seconds = Annotated[int, Meta(ge=0, le=NEVER, description="Seconds UTC since 1970.")]


class NewKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A key to make."""

    name: Annotated[str, Meta(min_length=1, max_length=256, description="What it is for.")]
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=3, description="What it may do; admin holds the other two.")]
    expires_at: Seconds | None = None


class KeyOut(Struct, frozen=True):
    """A key without its secret; times in seconds UTC."""

    id: str
    name: str
    redacted_value: str
    scopes: list[str]
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None
    object: str = "api_key"


class KeyMade(KeyOut, frozen=True, kw_only=True):
    """A new key. `value` is shown this once and stored nowhere."""

    value: str


class KeyPath(Struct, frozen=True):
    """A key's id in the path (not its secret)."""

    key_id: Id


class KeysQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of the keys."""

    limit: Annotated[int, Meta(ge=1, le=100, description="Keys on a page.")] = 20
    after: Annotated[str, Meta(max_length=256, description="The last id of the page before.")] = ""


class TenantOut(Struct, frozen=True):
    """The shop that the key belongs to; the time in seconds UTC."""

    id: str
    name: str
    created_at: int
    object: str = "tenant"


class KeyHandlers:
    """The handlers of keys and tenants."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._read = reader(NewKey)

    async def create(self, call: Call) -> Reply:
        require_json(call.headers.get(b"content-type"))
        wanted = self._read(call.body)
        if wanted.expires_at is not None and wanted.expires_at <= time.time():
            raise BadInput("expires_at lies in the past: seconds UTC since 1970, or leave it out", param="/expires_at")
        expires_at = None if wanted.expires_at is None else wanted.expires_at * SECOND
        scopes = [str(scope) for scope in wanted.scopes]
        key, value = await self._app.work(self._app.access.create, call.who.tenant, wanted.name, scopes, expires_at)
        await self._app.work(self._app.note, call.who, "key.created", key.id)
        return json(KeyMade(**_fields(key), value=value), 201)

    async def list(self, call: Call) -> Reply:
        query = parameters(call.query, KeysQuery)
        found, more = await self._app.work(self._app.access.list, call.who.tenant, query.limit, query.after)
        return page([shown(key) for key in found], query.limit, "id", more)

    async def get(self, call: Call) -> Reply:
        key_id = converted(call.params, KeyPath).key_id
        return json(shown(await self._app.work(self._app.access.get, call.who.tenant, key_id)))

    async def revoke(self, call: Call) -> Reply:
        key_id = converted(call.params, KeyPath).key_id
        key = await self._app.work(self._app.access.revoke, call.who.tenant, key_id)
        await self._app.work(self._app.note, call.who, "key.revoked", key_id)
        return json(shown(key))

    async def tenants(self, call: Call) -> Reply:
        row = await self._app.work(self._tenant, call.who.tenant)
        return page([TenantOut(str(row[0]), str(row[1]), int(row[3]) // SECOND)], 1, "id")

    def _tenant(self, tenant: int) -> tuple[Any, ...]:
        return self._app.database.rows("tenants_get", tenant=tenant)[0]

    def routes(self) -> Iterator[Route]:
        tag = "keys"
        yield Route(
            "POST", "/v1/keys", self.create, "Make a key", tag, "admin", NewKey, answer=KeyMade, status=201,
            example={"name": "web shop", "scopes": ["read", "write"]}, errors=(413, 415), once=True,
            description="The answer's `value` is the key: it is shown this once.",
        )  # fmt: skip
        yield Route("GET", "/v1/keys", self.list, "Keys", tag, "admin", query=KeysQuery, answer=Page[KeyOut])
        yield Route("GET", "/v1/keys/{key_id}", self.get, "One key", tag, "admin", params=KeyPath, answer=KeyOut, errors=(404,))
        yield Route(
            "DELETE", "/v1/keys/{key_id}", self.revoke, "Revoke a key: it opens nothing any more", tag, "admin",
            params=KeyPath, answer=KeyOut, errors=(404,),
        )  # fmt: skip
        yield Route("GET", "/v1/tenants", self.tenants, "The shop this key belongs to", "tenants", answer=Page[TenantOut])


def shown(key: Key) -> KeyOut:
    """A key as the outside sees it."""
    return KeyOut(**_fields(key))


def _fields(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "redacted_value": key.redacted_value,
        "scopes": key.scopes,
        "created_at": key.created_at // SECOND,
        "expires_at": _seconds(key.expires_at),
        "revoked_at": _seconds(key.revoked_at),
        "last_used_at": _seconds(key.last_used_at),
    }


def _seconds(micros: int | None) -> int | None:
    return None if micros is None else micros // SECOND
