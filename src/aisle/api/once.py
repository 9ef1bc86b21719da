"""Idempotency-Key: the same request sent again has one effect and gets the same answer."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from hashlib import blake2b

from aisle.api.problems import Reused
from aisle.api.reply import Reply
from aisle.api.routing import Call
from aisle.errors import BadInput

KEPT_SECONDS = 24 * 3600.0
KEPT = 10_000  # answers; the oldest go first
LONGEST = 255  # characters of a key
REPLAYED = ((b"idempotent-replayed", b"true"),)


class Once:
    """Answers by caller and key, in this process's memory: after a restart, or 24 hours, a key is new again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, bytes], tuple[bytes, float, asyncio.Future[Reply]]] = OrderedDict()

    async def run(self, call: Call, handler: Callable[[Call], Awaitable[Reply]]) -> Reply:
        """The handler's answer, or the one it gave before. Only successes are kept."""
        key = call.headers.get(b"idempotency-key")
        if key is None:
            return await handler(call)
        if not 0 < len(key) <= LONGEST:
            raise BadInput(f"an Idempotency-Key has 1 to {LONGEST} characters")
        name = (call.who.key_id, key)
        print_ = blake2b(call.body, digest_size=16, person=blake2b(_line(call), digest_size=16).digest()).digest()
        while (found := self._kept.get(name)) is not None and found[1] > time.monotonic():
            if found[0] != print_:
                raise Reused("this Idempotency-Key was sent with another request before: make a new one")
            reply = await _result(found[2])
            if reply is not None:
                return Reply(reply.body, reply.status, reply.media, (*reply.headers, *REPLAYED))
        return await self._first(name, print_, call, handler)

    async def _first(
        self, name: tuple[str, bytes], print_: bytes, call: Call, handler: Callable[[Call], Awaitable[Reply]]
    ) -> Reply:
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._kept[name] = (print_, time.monotonic() + KEPT_SECONDS, answer)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        try:
            reply = await handler(call)
        except BaseException:
            self._kept.pop(name, None)
            answer.cancel()
            raise
        answer.set_result(reply)
        return reply


async def _result(answer: asyncio.Future[Reply]) -> Reply | None:
    """What the first request got; None where it failed, so that this one may try."""
    await asyncio.wait([answer])
    return None if answer.cancelled() else answer.result()


def _line(call: Call) -> bytes:
    return f"{call.route.method} {call.path}?".encode() + call.query
