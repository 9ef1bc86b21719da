"""The shell costs a small multiple of the bare work; a single middleware of the usual kind would be ten times that."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from tests.api.conftest import Served

from aisle.api.reply import Reply
from aisle.api.routing import Call, Route, Router
from aisle.api.shell import Shell

Application = Callable[[Any, Any, Any], Awaitable[None]]
REQUESTS = 1500
ROUNDS = 5
MOST = 6.0  # measured 2.4


class Ask(msgspec.Struct):
    user_id: str
    n: int = 10


def test_the_shell_costs_a_small_multiple_of_the_bare_work(fresh: Served) -> None:
    decode, encode = msgspec.json.Decoder(Ask).decode, msgspec.json.Encoder().encode
    answer = {"items": [{"item_id": f"item-{number}", "score": 0.5, "reasons": []} for number in range(10)]}

    async def handler(call: Call) -> Reply:
        decode(call.body)
        return Reply(encode(answer))

    async def bare(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        decode(message["body"])
        body = encode(answer)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    shell = Shell(fresh.app, Router([Route("POST", "/ask", handler, "", "")]))
    key = fresh.keys["read"]
    costs = {bare: float("inf"), shell: float("inf")}
    for _ in range(ROUNDS):
        for application in costs:
            costs[application] = min(costs[application], asyncio.run(cost(application, key)))
    assert costs[shell] / costs[bare] < MOST


async def cost(application: Application, key: str) -> float:
    """Processor seconds for many requests."""
    headers = [(b"authorization", b"Bearer " + key.encode()), (b"content-type", b"application/json"), (b"host", b"x")]
    scope = {"type": "http", "method": "POST", "path": "/ask", "raw_path": b"/ask", "query_string": b"", "headers": headers}
    statuses: set[int] = set()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b'{"user_id":"user-0001","n":10}', "more_body": False}

    async def send(message: Any) -> None:
        statuses.add(message.get("status", 200))

    started = time.process_time()
    for _ in range(REQUESTS):
        await application(dict(scope), receive, send)
    taken = time.process_time() - started
    assert statuses == {200}
    return taken
