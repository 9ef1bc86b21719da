"""What a handler gives back: a status and bytes, or a stream of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

JSON = b"application/json"
_encode = msgspec.json.Encoder(decimal_format="number").encode
T = TypeVar("T")


class Reply:
    """An answer; `stream` replaces the body where it is made bit by bit."""

    __slots__ = ("body", "cpu_ms", "headers", "media", "status", "stream")

    def __init__(
        self,
        body: bytes = b"",
        status: int = 200,
        media: bytes = JSON,
        headers: Sequence[tuple[bytes, bytes]] = (),
        stream: AsyncIterator[bytes] | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.media = media
        self.headers = headers
        self.stream = stream
        self.cpu_ms: float | None = None  # processor time of the model, for Server-Timing


class Page(Struct, Generic[T], omit_defaults=False):
    """One page of a list; ask for the next with `?after=<last_id>`."""

    data: list[T]
    has_more: bool
    first_id: str | None = None
    last_id: str | None = None
    object: str = "list"


def json(value: Any, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()) -> Reply:
    return Reply(_encode(value), status, headers=headers)


def page(found: list[Any], limit: int, id_of: str, more: bool | None = None) -> Reply:
    """A page of what was found; with `more` unknown, `found` was asked one longer than the limit."""
    rows = found[:limit]
    ids = [str(getattr(rows[at], id_of)) for at in (0, -1)] if rows else [None, None]
    return json(Page(rows, len(found) > limit if more is None else more, *ids))
