"""WebSockets: let in with the key, limits and errors of any request; then messages both ways, no faster than they are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from aisle.api import problems
from aisle.api.routing import Call
from aisle.errors import AisleError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

KEY_PROTOCOL = "openai-insecure-api-key."  # how browsers, which cannot set headers, send the key (as OpenAI's do)
NORMAL, GOING, POLICY, BROKEN, LATER = 1000, 1001, 1008, 1011, 1013  # RFC 6455 and IANA's registry
_encode = msgspec.json.Encoder().encode


class Left(Exception):  # not an error of ours
    """The caller closed the WebSocket."""


class Socket:
    """One WebSocket that was let in: `receive` and `send` until one side closes."""

    def __init__(self, call: Call, offered: list[str], receive: Receive, send: Send) -> None:
        self.call = call
        self.offered = offered  # subprotocols, in the caller's order
        self.still_welcome: Callable[[], object] = lambda: None  # raises Unauthorized once the key has been revoked
        self.accepted = False
        self.closed = False
        self._receive = receive
        self._send = send

    async def accept(self, subprotocol: str | None = None) -> None:
        """Begin; until then an error is answered over HTTP."""
        self.accepted = True
        headers = [(b"x-request-id", self.call.request_id.encode())]
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers})

    async def receive(self) -> str | bytes:
        """The next message. Raises Left. The caller sends no faster than this is called: TCP holds it back."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.closed = True
            raise Left
        text: str | None = message.get("text")
        return text if text is not None else message.get("bytes") or b""

    async def send(self, value: Any) -> None:
        """One message of JSON. Raises Left."""
        if self.closed:
            raise Left
        try:
            await self._send({"type": "websocket.send", "text": _encode(value).decode()})
        except (OSError, RuntimeError):  # what servers raise when the other side has gone
            self.closed = True
            raise Left from None

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        if not self.closed:
            self.closed = True
            await self._send({"type": "websocket.close", "code": code, "reason": reason[:120]})


def key_in(subprotocols: list[str]) -> str | None:
    """The API key among the subprotocols that a browser offers."""
    return next((name.removeprefix(KEY_PROTOCOL) for name in subprotocols if name.startswith(KEY_PROTOCOL)), None)


async def refuse(error: AisleError, call: Call, scope: Message, send: Send) -> None:
    """Answer the handshake with the error: over HTTP where the server can, else by closing."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": POLICY, "reason": error.detail[:120]})
        return
    body = problems.body(error, call.path, call.request_id)
    headers = [(b"content-type", problems.CONTENT_TYPE), (b"x-request-id", call.request_id.encode()), *problems.headers(error)]
    await send({"type": "websocket.http.response.start", "status": error.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
