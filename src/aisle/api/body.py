"""Reads a request's body: no more of it than is allowed, unpacked no further than is allowed, and not for ever."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from aisle.api.problems import TooSlow
from aisle.errors import Malformed, TooLarge, Unsupported

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
GZIP = 16 + zlib.MAX_WBITS  # zlib's way of saying: with gzip's header
SLOWEST = 30.0  # seconds for a whole body


class Gone(Exception):  # not an error of ours
    """The caller closed the connection before the body was whole."""


async def read(receive: Receive, headers: dict[bytes, bytes], most: int) -> bytes:
    """The body, unpacked. Raises TooLarge as soon as it is known, whatever Content-Length says."""
    declared = headers.get(b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > most:
        raise _too_large(most)
    coding = headers.get(b"content-encoding")
    if coding is not None and coding.lower() not in (b"gzip", b"identity"):
        raise Unsupported("the body's Content-Encoding is not one of gzip, identity")
    body = await _whole(receive, most)
    if coding is not None and coding.lower() == b"gzip":
        return unpack(body, most)
    return body


def unpack(body: bytes, most: int) -> bytes:
    """A gzip body of at most `most` bytes unpacked. Raises TooLarge, Malformed."""
    unpacker = zlib.decompressobj(GZIP)
    try:
        plain = unpacker.decompress(body, most + 1)
    except zlib.error:
        raise Malformed("the body is not gzip, though Content-Encoding says so") from None
    if len(plain) > most or unpacker.unconsumed_tail:
        raise _too_large(most)
    if not unpacker.eof or unpacker.unused_data:
        raise Malformed("the gzip body is cut off, or more follows it")
    return plain


async def _whole(receive: Receive, most: int) -> bytes:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    late = False

    def give_up() -> None:
        nonlocal late
        late = True
        if task is not None:
            task.cancel()

    timer = loop.call_later(SLOWEST, give_up)
    try:
        message = await receive()
        body = _part(message)
        if not message.get("more_body", False):
            if len(body) > most:
                raise _too_large(most)
            return body
        return await _rest(receive, body, most)
    except asyncio.CancelledError:
        if not late:
            raise
        if task is not None:
            task.uncancel()
        raise TooSlow(f"the body did not arrive within {SLOWEST:.0f} seconds") from None
    finally:
        timer.cancel()


async def _rest(receive: Receive, first: bytes, most: int) -> bytes:
    parts, size = [first], len(first)
    more = True
    while more:
        if size > most:
            raise _too_large(most)
        message = await receive()
        part = _part(message)
        parts.append(part)
        size += len(part)
        more = message.get("more_body", False)
    if size > most:
        raise _too_large(most)
    return b"".join(parts)


def _part(message: MutableMapping[str, Any]) -> bytes:
    if message["type"] == "http.disconnect":
        raise Gone
    part: bytes = message.get("body", b"")
    return part


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"the body is larger than {most:,} bytes: send it in parts (AISLE_MAX_BODY sets the limit)")
