"""What surrounds every request: its id, the key, limits, errors, metrics, headers, and a quiet end.

One pure ASGI callable. What it costs is paid by every answer, so it is written for that: no middleware, no regular
expression and no allocation that a request does not need.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from aisle import observe
from aisle.access import Allowance
from aisle.api import body, problems, sockets
from aisle.api.once import Once
from aisle.api.reply import Reply
from aisle.api.routing import NO_PARAMS, Call, Route, Router
from aisle.api.sockets import Socket
from aisle.app import App
from aisle.errors import AisleError, Overloaded, RateLimited, Unauthorized

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

MOST_IN_FLIGHT = 2048  # requests being answered; beyond it the answer is 503 at once
SWITCHED = 101  # a WebSocket that was let in
GONE = 499  # the caller left before the answer
SAFE_ID = re.compile(rb"^[A-Za-z0-9._:-]{1,128}$")
SECRET = b"sk-aisle-"
WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE"})
NO_SNIFFING: Header = (b"x-content-type-options", b"nosniff")
NO_STORE: Header = (b"cache-control", b"no-store")
NO_PAGE: Header = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")  # were it taken for one
SECURITY = (NO_SNIFFING, NO_STORE, NO_PAGE, (b"x-frame-options", b"DENY"), (b"referrer-policy", b"no-referrer"))
WHOLE = "aisle.whole"  # in the scope: our server, which takes a start with the body in it and the head's lines under this name
LIMITS = b'\r\nratelimit-policy: "default";q=%d;w=60\r\nratelimit: "default";r=%d;t=%d'  # draft-ietf-httpapi-ratelimit-headers-10
TASK, LEFT = "aisle.task", "aisle.left"  # in the scope: what to stop when the caller leaves, and that it left


class Shell:
    """The ASGI application."""

    def __init__(self, app: App, router: Router) -> None:
        self.app = app
        self.router = router
        self.in_flight = 0
        self.sockets = 0
        self._once = Once()
        self._timers: dict[tuple[str, str, int], Any] = {}
        self._ids = itertools.count(1)
        self._prefix = secrets.token_hex(6)
        app.metrics.in_flight.set_function(lambda: self.in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.in_flight += 1
            try:
                await self._http(scope, receive, send)
            finally:
                self.in_flight -= 1
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._socket(scope, receive, send)

    # ---- one request -------------------------------------------------------------------------------------------

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        call = Call(UNKNOWN, NO_PARAMS, scope["path"], dict(scope["headers"]))
        call.request_id = self._request_id(call.headers.get(b"x-request-id"))
        try:
            reply = await self._reply(call, scope, receive)
        except AisleError as error:
            reply = self._refusal(error, call)
        except body.Gone:
            self._count(scope["method"], call.route, GONE, started)
            return
        except asyncio.CancelledError:
            self._count(scope["method"], call.route, GONE, started)
            if LEFT in scope:
                return
            raise
        except Exception as error:  # noqa: BLE001  the outermost frame: what is left is a fault of ours
            observe.failure("request.failed", error, route=call.route.path, request_id=call.request_id)
            reply = self._refusal(AisleError("something went wrong inside Aisle: its log names this request id"), call)
        seconds = self._count(scope["method"], call.route, reply.status, started)
        head = _head(reply, call, seconds)
        if reply.stream is None and WHOLE in scope:
            await send({"type": "http.response.start", "status": reply.status, WHOLE: head, "body": reply.body})
            return
        await send({"type": "http.response.start", "status": reply.status, "headers": headers_of(head)})
        if reply.stream is None:
            await send({"type": "http.response.body", "body": reply.body})
        else:
            await _stream(reply.stream, receive, send)

    async def _reply(self, call: Call, scope: Scope, receive: Receive) -> Reply:
        """Find the route, let the caller in, read the body, answer."""
        if self.in_flight > MOST_IN_FLIGHT:
            raise Overloaded(f"{MOST_IN_FLIGHT} requests are being answered: try again in a second")
        method = scope["method"]
        raw_path = scope.get("raw_path") or quote(call.path).encode()
        call.query = scope["query_string"]
        if SECRET in raw_path or SECRET in call.query:
            call.path = ""  # it must not come back in the error, nor anywhere else
            raise Unauthorized("never put an API key into a URL: revoke this one, and send keys as `Authorization: Bearer …`")
        call.route, call.params = self.router.find(method, raw_path)
        if call.route.scope is not None:
            self._admit(call, bearer_of(call))
        if method not in WITHOUT_BODY:
            call.body = await body.read(receive, call.headers, self.app.settings.max_body)
        if call.route.abandon:
            scope[TASK] = asyncio.current_task()
        if call.route.once:
            return await self._once.run(call, call.route.handler)
        return await call.route.handler(call)

    # ---- one WebSocket -----------------------------------------------------------------------------------------

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        call = Call(UNKNOWN, NO_PARAMS, scope["path"], dict(scope["headers"]))
        call.request_id = self._request_id(call.headers.get(b"x-request-id"))
        socket = Socket(call, list(scope.get("subprotocols", ())), receive, send)
        await receive()  # "websocket.connect"
        self.sockets += 1
        status = SWITCHED
        try:
            await self._open_socket(call, scope, socket)(socket)
        except AisleError as error:
            status = error.status
            await (socket.close(sockets.POLICY, error.detail) if socket.accepted else sockets.refuse(error, call, scope, send))
        except sockets.Left:
            pass
        except Exception as error:  # noqa: BLE001  the outermost frame: what is left is a fault of ours
            status = AisleError.status
            observe.failure("socket.failed", error, route=call.route.path, request_id=call.request_id)
            await socket.close(sockets.BROKEN, f"something went wrong inside Aisle: its log names {call.request_id}")
        finally:
            self.sockets -= 1
            self._count("WS", call.route, status, started)

    def _open_socket(self, call: Call, scope: Scope, socket: Socket) -> Callable[[Socket], Awaitable[None]]:
        """The handler of a WebSocket whose caller may use it."""
        most, raw_path = 2 * self.app.settings.streams, scope.get("raw_path") or quote(call.path).encode()
        if self.sockets > most:
            raise Overloaded(f"{most} WebSockets are open, as many as may be: try again in a few seconds", retry_after=5)
        if SECRET in raw_path or SECRET in scope["query_string"]:
            call.path = ""
            raise Unauthorized("never put an API key into a URL: revoke this one; browsers send it as a subprotocol")
        call.query = scope["query_string"]
        call.route, call.params = self.router.find("GET", raw_path)
        if call.route.socket is None:
            raise problems.NoRoute("this address takes no WebSocket: /openapi.json lists those that do")
        bearer = bearer_of(call) or sockets.key_in(socket.offered)
        self._admit(call, bearer)
        socket.still_welcome = partial(self.app.access.identify, bearer)
        return call.route.socket

    def _admit(self, call: Call, bearer: str | None) -> None:
        """Who calls, whether they may, and what is left of their limit."""
        access = self.app.access
        call.who = access.identify(bearer)
        call.allowance = access.spend(call.who)
        access.require(call.who, call.route.scope or "admin")

    def _refusal(self, error: AisleError, call: Call) -> Reply:
        """The error as an answer."""
        if isinstance(error, RateLimited):
            call.allowance = Allowance(self.app.settings.rate_limit, 0, max(1, round(error.retry_after)))
        return Reply(
            problems.body(error, call.path, call.request_id), error.status, problems.CONTENT_TYPE, problems.headers(error)
        )

    def _request_id(self, given: bytes | None) -> str:
        if given is not None and SAFE_ID.match(given):
            return given.decode("ascii")
        return f"req_{self._prefix}{next(self._ids):08x}"

    def _count(self, method: str, route: Route, status: int, started: float) -> float:
        """Seconds it took, written into the histogram of this route."""
        seconds = time.perf_counter() - started
        key = (method, route.path, status)
        timer = self._timers.get(key)
        if timer is None:
            known = method if route is not UNKNOWN else "other"
            timer = self._timers[key] = self.app.metrics.http_seconds.labels(known, route.path, str(status))
        timer.observe(seconds)
        return seconds

    # ---- life --------------------------------------------------------------------------------------------------

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """For servers that start applications by ASGI's lifespan; `aisle serve` starts and closes the App itself."""
        await receive()
        try:
            await self.app.start()
        except AisleError as error:
            await send({"type": "lifespan.startup.failed", "message": error.detail})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.app.close()
        await send({"type": "lifespan.shutdown.complete"})


def bearer_of(call: Call) -> str | None:
    """The API key in the Authorization header."""
    authorization = call.headers.get(b"authorization", b"")
    return authorization[7:].decode("latin-1").strip() if authorization[:7].lower() == b"bearer " else None


async def _nowhere(call: Call) -> Reply:
    raise problems.NoRoute("there is nothing at this address")


UNKNOWN = Route("GET", "unknown", _nowhere, "", "")  # stands for every path that is not ours, so that labels stay few


async def _stream(source: AsyncIterator[bytes], receive: Receive, send: Send) -> None:
    """Send what the stream yields until it ends or the caller leaves."""
    left = asyncio.ensure_future(_left(receive))
    try:
        async for part in source:
            if left.done():
                return
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        left.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _head(reply: Reply, call: Call, seconds: float) -> bytes:
    """The lines of every header, without a line break at the end."""
    head = b"x-request-id: %b\r\nserver-timing: total;dur=%.2f" % (call.request_id.encode(), seconds * 1000)
    if reply.cpu_ms is not None:
        head += b", model;dur=%.2f" % reply.cpu_ms
    if reply.media:
        head += b"\r\ncontent-type: " + reply.media
    if reply.stream is None:
        head += b"\r\ncontent-length: %d" % len(reply.body)
    if call.allowance is not None:
        head += LIMITS % call.allowance
    return head + (_own(reply.headers) if reply.headers else PLAIN)


def _lines(headers: Iterable[Header]) -> bytes:
    return b"".join([b"\r\n%b: %b" % header for header in headers])


PLAIN = _lines((NO_SNIFFING, NO_STORE, NO_PAGE))


def _own(headers: Sequence[Header]) -> bytes:
    """The headers of a reply that has some, and of the usual ones those it does not replace."""
    if any(b"\n" in part or b"\r" in part for header in headers for part in header):
        raise RuntimeError("a header holds a line break")
    names = {name for name, _ in headers}
    return _lines([*(header for header in SECURITY if header[0] not in names), *headers])


def headers_of(head: bytes) -> list[Header]:
    """The lines as other servers take them."""
    return [(name, value) for name, _, value in (line.partition(b": ") for line in head.split(b"\r\n"))]
