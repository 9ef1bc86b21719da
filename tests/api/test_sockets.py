"""WebSockets: the door asks for a key and says no over HTTP; a handler's faults end one socket; limits hold."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect
from tests.api.conftest import Served
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from aisle.access import DEFAULT_TENANT
from aisle.api import create
from aisle.api.reply import Reply
from aisle.api.routing import Call, Route
from aisle.api.sockets import KEY_PROTOCOL, LATER, Socket
from aisle.app import App
from aisle.errors import BadInput
from aisle.settings import Settings

SERVE = """
import sys
from aisle.api import server
from aisle.app import App
from aisle.settings import load
from tests.api.test_sockets import ROUTE
sys.exit(server.serve(App(load(home=sys.argv[1])), "127.0.0.1", 0, lambda address: print(address, flush=True), [ROUTE]))
"""


async def echo(socket: Socket) -> None:
    await socket.accept("words" if "words" in socket.offered else None)
    while True:
        said = await socket.receive()
        if said == "wrong":
            raise BadInput("that is no word")
        if said == "break":
            raise ZeroDivisionError
        if said == "enough":
            await socket.close(LATER, "enough")
            return
        if said == "slow":
            await asyncio.sleep(0.5)
        await socket.send({"said": said if isinstance(said, str) else len(said)})


async def plain(call: Call) -> Reply:
    return Reply(b"{}")


ROUTE = Route("GET", "/v1/echo", plain, "Says it again", "test", scope="read", socket=echo)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    app = App(Settings(home=str(tmp_path / "shop"), worker=False, streams=1))
    keys = {scope: app.access.create(DEFAULT_TENANT, scope, [scope])[1] for scope in ("read", "write")}
    shell = create(app, [ROUTE])
    with TestClient(shell) as client:
        yield Served(app, shell, client, keys)


def bearer(served: Served, scope: str = "read") -> dict[str, str]:
    return {"authorization": f"Bearer {served.keys[scope]}"}


def refusal(served: Served, path: str = "/v1/echo", **more: object) -> tuple[int, str]:
    with pytest.raises(WebSocketDenialResponse) as refused, served.client.websocket_connect(path, **more):  # type: ignore[arg-type]
        pass
    problem = refused.value.json()
    assert problem["error"]["code"] == problem["type"].partition("#")[2]
    return refused.value.status_code, problem["detail"]


def test_messages_go_both_ways(served: Served) -> None:
    with served.client.websocket_connect("/v1/echo", headers=bearer(served)) as socket:
        socket.send_text("hello")
        assert socket.receive_json() == {"said": "hello"}
        socket.send_bytes(b"123")
        assert socket.receive_json() == {"said": 3}


def test_a_browser_sends_the_key_as_a_subprotocol(served: Served) -> None:
    offered = ["words", KEY_PROTOCOL + served.keys["read"]]
    with served.client.websocket_connect("/v1/echo", subprotocols=offered) as socket:
        assert socket.accepted_subprotocol == "words"
    assert refusal(served, subprotocols=["words", KEY_PROTOCOL + "sk-aisle-no"])[0] == 401


def test_who_may_not_is_told_over_http(served: Served) -> None:
    assert refusal(served)[0] == 401
    assert refusal(served, headers=bearer(served, "write"))[0] == 403
    assert refusal(served, "/v1/nowhere", headers=bearer(served))[0] == 404
    assert refusal(served, "/v1/items", headers=bearer(served)) == (
        404,
        "this address takes no WebSocket: /openapi.json lists those that do",
    )
    status, detail = refusal(served, f"/v1/echo?key={served.keys['read']}", headers=bearer(served))
    assert status == 401 and "never put an API key into a URL" in detail


def test_a_handlers_faults_end_its_socket_and_say_why(served: Served) -> None:
    for said, code, why in (("wrong", 1008, "no word"), ("break", 1011, "its log names req_"), ("enough", 1013, "enough")):
        with served.client.websocket_connect("/v1/echo", headers=bearer(served)) as socket:
            socket.send_text(said)
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_json()
        assert closed.value.code == code and why in closed.value.reason
    assert served.shell.sockets == 0


def test_only_so_many_are_open(served: Served) -> None:
    one = served.client.websocket_connect("/v1/echo", headers=bearer(served))
    two = served.client.websocket_connect("/v1/echo", headers=bearer(served))
    with one, two:
        assert refusal(served, headers=bearer(served))[0] == 503
    with served.client.websocket_connect("/v1/echo", headers=bearer(served)) as socket:
        socket.send_text("again")
        assert socket.receive_json() == {"said": "again"}


def test_over_a_real_connection_with_limits_and_a_quiet_end(tmp_path: Path) -> None:
    app = App(Settings(home=str(tmp_path)))
    key = app.access.create(DEFAULT_TENANT, "test", ["read"])[1]
    app.database.close()
    environment = {**os.environ, "AISLE_WORKER": "false", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SERVE, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip().replace("http", "ws") + "/v1/echo"
        try:
            talk(url, key, process)
        finally:
            process.kill()


def talk(url: str, key: str, process: subprocess.Popen[str]) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    with pytest.raises(InvalidStatus) as refused:
        connect(url)
    assert refused.value.response.status_code == 401
    assert b"send your API key" in refused.value.response.body
    with connect(url, additional_headers=headers) as socket:
        socket.send("hello")
        assert json.loads(socket.recv()) == {"said": "hello"}
        socket.send("x" * 3_000_000)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009
    with connect(url, subprotocols=["words", KEY_PROTOCOL + key]) as socket:  # type: ignore[list-item]
        socket.send("hello")
        assert json.loads(socket.recv()) == {"said": "hello"}
        process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1012
    assert process.wait(15) == 0
