"""Reads a request's body: no more of it than is allowed, and unpacked no further than is allowed.

How long a body may take is the server's business (`server.Protocol`), so that a quick one pays for no timer.
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from aisle.errors import Malformed, TooLarge, Unsupported

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
GZIP = 16 + zlib.MAX_WBITS  # zlib's way of saying: with gzip's header


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
    message = await receive()
    body = _part(message)
    if message.get("more_body", False):
        body = await _rest(receive, body, most)
    elif len(body) > most:
        raise _too_large(most)
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
