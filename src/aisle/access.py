"""Who may do what: tenants, API keys (hashed, shown once, scoped) and each key's rate limit."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
import zlib
from hashlib import sha256
from typing import Literal, NamedTuple

from msgspec import Struct

from aisle.errors import BadInput, Forbidden, NotFound, RateLimited, Unauthorized
from aisle.storage.database import Database

DEFAULT_TENANT = 1
PREFIX = "sk-aisle-"
SECRET_BYTES = 32
REMEMBERED = 2.0  # seconds a key's standing is believed before it is read again
WINDOW = 60  # seconds of the rate limit
MOST_REMEMBERED = 10_000
Scope = Literal["admin", "write", "read"]
IMPLIED: dict[str, frozenset[str]] = {
    "admin": frozenset({"admin", "write", "read"}),
    "write": frozenset({"write"}),
    "read": frozenset({"read"}),
}


class Who(NamedTuple):
    """A caller: whose shop, which key, what it may do."""

    tenant: int
    key_id: str
    scopes: frozenset[str]


class Allowance(NamedTuple):
    """What is left of a key's rate limit in this window."""

    limit: int
    remaining: int
    reset: int  # seconds


class Key(Struct, frozen=True):
    """An API key as its owner may see it; times in microseconds UTC."""

    id: str
    name: str
    redacted_value: str
    scopes: list[str]
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None


OWNER = Who(DEFAULT_TENANT, "local", IMPLIED["admin"])  # whoever can open the shop's folder


class Access:
    """Keys and limits of every tenant."""

    def __init__(self, database: Database, rate_limit: int) -> None:
        self._db = database
        self._limit = rate_limit
        self._known: dict[str, tuple[Who, float]] = {}
        self._spent: dict[str, list[int]] = {}  # key -> [window, requests]
        self._used: dict[str, int] = {}
        self._ensure_tenant()

    def identify(self, bearer: str | None) -> Who:
        """The caller behind an API key. Raises Unauthorized for a missing, unknown, expired or revoked one."""
        if not bearer:
            raise Unauthorized("send your API key as `Authorization: Bearer sk-aisle-…`; `aisle keys create` makes one")
        known = self._known.get(bearer)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        who = self._read(bearer)
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[bearer] = (who, time.monotonic() + REMEMBERED)
        self._used[who.key_id] = _now()
        return who

    def require(self, who: Who, scope: str) -> None:
        if scope not in who.scopes:
            raise Forbidden(
                f"this needs an API key with the scope {scope!r}; yours has {', '.join(sorted(who.scopes)) or 'none'}"
            )

    def spend(self, who: Who) -> Allowance:
        """Count one request against the key's limit. Raises RateLimited when it is used up."""
        now = time.monotonic()
        window = int(now) // WINDOW
        spent = self._spent.get(who.key_id)
        if spent is None or spent[0] != window:
            spent = self._spent[who.key_id] = [window, 0]
        reset = WINDOW - int(now) % WINDOW
        if spent[1] >= self._limit:
            raise RateLimited(f"this key may make {self._limit} requests a minute: wait {reset} s", retry_after=reset)
        spent[1] += 1
        return Allowance(self._limit, self._limit - spent[1], reset)

    def create(self, tenant: int, name: str, scopes: list[str], expires_at: int | None = None) -> tuple[Key, str]:
        """A new key and its secret, which is stored nowhere and shown this once."""
        wrong = [scope for scope in scopes if scope not in IMPLIED]
        if wrong or not scopes:
            raise BadInput(f"scopes are admin, write and read, not {', '.join(wrong) or 'nothing'}", param="/scopes")
        key_id = base64.b32encode(secrets.token_bytes(5)).decode().lower()
        secret = secrets.token_urlsafe(SECRET_BYTES)
        value = f"{PREFIX}{key_id}_{secret}{_check(key_id + secret)}"
        scoped = ",".join(dict.fromkeys(scopes))
        self._db.run(
            "keys_add", key_id=key_id, tenant=tenant, name=name, hash=sha256(value.encode()).digest(), hint=value[-4:],
            scopes=scoped, created_at=_now(), expires_at=expires_at,
        )  # fmt: skip
        return self.get(tenant, key_id), value

    def get(self, tenant: int, key_id: str) -> Key:
        row = self._db.one("keys_get", tenant=tenant, key_id=key_id)
        if row is None:
            raise NotFound(f"there is no key {key_id!r}: `aisle keys list` shows them")
        return _key(row)

    def list(self, tenant: int, limit: int = 100, after: str = "") -> tuple[list[Key], bool]:
        """Keys in id order, and whether there are more."""
        rows = self._db.rows("keys_list", tenant=tenant, after=after, limit=limit + 1)
        return [_key(row) for row in rows[:limit]], len(rows) > limit

    def revoke(self, tenant: int, key_id: str) -> Key:
        """From now on the key opens nothing."""
        self.get(tenant, key_id)
        self._db.run("keys_revoke", tenant=tenant, key_id=key_id, revoked_at=_now())
        self._known.clear()
        return self.get(tenant, key_id)

    def secret(self, tenant: int) -> bytes:
        """The tenant's own key for pseudonyms and receipts; never leaves the database."""
        row = self._db.one("tenants_get", tenant=tenant)
        if row is None:
            raise NotFound(f"there is no tenant {tenant}")
        return bytes(row[2])

    def pseudonym(self, tenant: int, subject: str) -> str:
        """A stable stand-in for a name or address, which nobody can turn back without the tenant's secret."""
        digest = hmac.new(self.secret(tenant), subject.strip().casefold().encode(), sha256).digest()
        return "p_" + base64.b32encode(digest[:15]).decode().lower()

    def flush(self) -> None:
        """Write down when keys were last used."""
        used, self._used = self._used, {}
        if used:
            self._db.bulk("keys_used", [(at, key_id) for key_id, at in used.items()])

    def _read(self, bearer: str) -> Who:
        wrong = Unauthorized("this API key is not known, has expired or was revoked: `aisle keys create` makes a new one")
        key_id, _, _ = bearer.removeprefix(PREFIX).partition("_")
        row = self._db.one("keys_secret", key_id=key_id) if bearer.startswith(PREFIX) else None
        if row is None or not hmac.compare_digest(bytes(row[1]), sha256(bearer.encode()).digest()):
            raise wrong
        tenant, _, scopes, expires_at, revoked_at = row
        if revoked_at is not None or (expires_at is not None and expires_at < _now()):
            raise wrong
        return Who(tenant, key_id, frozenset().union(*(IMPLIED[scope] for scope in scopes.split(","))))

    def _ensure_tenant(self) -> None:
        if self._db.one("tenants_get", tenant=DEFAULT_TENANT) is None:
            self._db.run("tenants_add", tenant=DEFAULT_TENANT, name="default", secret=secrets.token_bytes(32), created_at=_now())


def _key(row: tuple[object, ...]) -> Key:
    key_id, name, hint, scopes, created_at, expires_at, revoked_at, last_used_at = row
    return Key(
        str(key_id), str(name), f"{PREFIX}{key_id}_…{hint}", str(scopes).split(","),
        created_at, expires_at, revoked_at, last_used_at,  # type: ignore[arg-type]
    )  # fmt: skip


def _check(text: str) -> str:
    """Six characters by which secret scanners tell a real key from a random string (CRC-32)."""
    return base64.b32encode(zlib.crc32(text.encode()).to_bytes(4, "big")).decode().lower()[:6]


def _now() -> int:
    return time.time_ns() // 1000
