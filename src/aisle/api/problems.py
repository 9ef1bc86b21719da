"""Errors as the outside sees them: problem+json (RFC 9457) with the `error` member that OpenAI's clients read."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from aisle.errors import AisleError, Conflict, NotFound

CONTENT_TYPE = b"application/problem+json"
KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_NUMBER = re.compile(r"\.(\d+)(?=[.\[]|$)")


class NotAllowed(AisleError):
    """The path is there, the method is not; `allow` says which are."""

    status, code, title = 405, "method_not_allowed", "Method not allowed"

    def __init__(self, detail: str, allow: str) -> None:
        super().__init__(detail)
        self.allow = allow


class NoRoute(NotFound):
    code, title = "unknown_path", "There is nothing at this address"


class TooSlow(AisleError):
    status, code, title = 408, "request_timeout", "The request did not arrive in time"


class HeadTooLarge(AisleError):
    status, code, title = 431, "headers_too_large", "The request's headers are too large"


class Reused(AisleError):
    """An Idempotency-Key that stands for another request."""

    status, code, title = 422, "idempotency_key_reused", "The Idempotency-Key belongs to another request"


class Pointer(Struct, frozen=True):
    """Where in the request: `#/items/3/price`."""

    pointer: str
    detail: str


class OpenAIError(Struct, frozen=True):
    """The same error for OpenAI's client libraries."""

    message: str
    type: str
    param: str | None
    code: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """What went wrong and what to do. `type` leads to a description in /docs."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    error: OpenAIError
    errors: list[Pointer] | None = None


def problem(error: AisleError, path: str, request_id: str) -> Problem:
    """The body for an error that happened while answering `path`."""
    pointer = f"#{error.param}" if error.param and error.param.startswith("/") else None
    return Problem(
        type=f"/docs#{error.code}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        instance=path,
        request_id=request_id,
        error=OpenAIError(error.detail, _kind(error.status), dotted(error.param), error.code),
        errors=[Pointer(pointer, error.detail)] if pointer else None,
    )


def body(error: AisleError, path: str, request_id: str) -> bytes:
    return msgspec.json.encode(problem(error, path, request_id))


def headers(error: AisleError) -> list[tuple[bytes, bytes]]:
    """Headers that belong to this error: when to come back, what is allowed instead."""
    found: list[tuple[bytes, bytes]] = []
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        found.append((b"retry-after", str(max(1, round(retry_after))).encode()))
    if isinstance(error, NotAllowed):
        found.append((b"allow", error.allow.encode()))
    if error.status == 401:
        found.append((b"www-authenticate", b'Bearer realm="aisle"'))
    if isinstance(error, Conflict):
        found.append((b"x-should-retry", b"false"))
    return found


def dotted(pointer: str | None) -> str | None:
    """`/items/3/price` as OpenAI says it: `items[3].price`."""
    if not pointer:
        return None
    return _NUMBER.sub(r"[\1]", pointer.lstrip("/").replace("/", ".").replace("~1", "/").replace("~0", "~"))


def _kind(status: int) -> str:
    return KINDS.get(status, "server_error" if status >= 500 else "invalid_request_error")
