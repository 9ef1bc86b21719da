"""The server itself, in a process of its own on a real socket: slow callers, greedy callers, signals, and OpenAI's client."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from aisle.access import DEFAULT_TENANT
from aisle.app import App
from aisle.errors import Conflict, Misconfigured
from aisle.settings import Settings

SERVE = """
import sys
from aisle.api import server
from aisle.app import App
from aisle.settings import load
server.HEAD_SECONDS = server.LINGER = 1.0
server.BODY_SECONDS = 2.0
sys.exit(server.serve(App(load(home=sys.argv[1])), "127.0.0.1", 0, lambda address: print(address, flush=True)))
"""


class Running:
    """A server process, its port, and an admin key."""

    def __init__(self, process: subprocess.Popen[str], port: int, key: str) -> None:
        self.process = process
        self.port = port
        self.key = key

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def head(self, path: str, more: str, method: str = "POST") -> bytes:
        return f"{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self.key}\r\n{more}\r\n\r\n".encode()


@contextlib.contextmanager
def running(home: Path, before: Callable[[], None] | None = None) -> Iterator[Running]:
    app = App(Settings(home=str(home)))
    _, key = app.access.create(DEFAULT_TENANT, "test", ["admin"])
    app.database.close()
    environment = {**os.environ, "AISLE_WORKER": "false", "AISLE_MAX_BODY": "1000000"}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(home)], stdout=subprocess.PIPE, text=True, env=environment, preexec_fn=before
    )
    assert process.stdout is not None
    try:
        yield Running(process, int(process.stdout.readline().rpartition(":")[2]), key)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("served") / "shop") as found:
        yield found


def answer(connection: socket.socket) -> bytes:
    """Everything until the other side closes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_callers_who_never_finish_their_headers_are_closed_while_others_are_served(server: Running) -> None:
    slow = [server.connect() for _ in range(100)]
    try:
        for connection in slow:
            connection.sendall(b"POST /v1/events HTTP/1.1\r\nhost: x\r\nx-slow: ")
        started = time.monotonic()
        assert server.get("/healthz")[0] == 200
        assert time.monotonic() - started < 1.0
        for connection in slow:
            assert answer(connection) == b""
        assert time.monotonic() - started < 6.0
    finally:
        for connection in slow:
            connection.close()


def test_a_caller_who_never_finishes_the_body_is_told_408(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(server.head("/v1/events", "content-length: 100") + b'{"events":')
        assert answer(connection).startswith(b"HTTP/1.1 408 ")


def test_headers_without_end_are_431(server: Running) -> None:
    with server.connect() as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
            for number in range(200):
                connection.sendall(b"x-%d: %s\r\n" % (number, b"y" * 1000))
        assert answer(connection).startswith(b"HTTP/1.1 431 ")


def test_what_is_not_http_is_400_problem_json(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00 this is TLS\r\n\r\n")
        said = answer(connection)
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in said


def test_an_endless_body_is_413_and_memory_stays_flat(server: Running) -> None:
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    with server.connect() as connection:
        connection.sendall(server.head("/v1/events", "transfer-encoding: chunked"))
        block = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 200_000_000:
                connection.sendall(block)
                sent += len(block)
        said = answer(connection)
    assert b"413" in said[:20]
    assert process.memory_info().rss - before < 30_000_000


def test_a_gzip_bomb_is_413_and_memory_stays_flat(server: Running) -> None:
    bomb = gzip.compress(b" " * 300_000_000, 9)
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    with server.connect() as connection:
        connection.sendall(
            server.head("/v1/events", f"content-encoding: gzip\r\ncontent-length: {len(bomb)}\r\nconnection: close") + bomb
        )
        assert b"413" in answer(connection)[:20]
    assert process.memory_info().rss - before < 30_000_000


def test_requests_sent_in_one_go_are_answered_in_order(server: Running) -> None:
    with server.connect() as connection:
        for number in range(5):
            connection.sendall(
                server.head("/healthz", f"x-request-id: n{number}" + "\r\nconnection: close" * (number == 4), "GET")
            )
        said = answer(connection)
    assert [said.count(b"x-request-id: n%d\r\n" % number) for number in range(5)] == [1] * 5
    assert said.index(b"n0") < said.index(b"n4")


def test_openais_client_lists_the_models(server: Running) -> None:
    openai = pytest.importorskip("openai")
    with openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key=server.key) as client:
        assert list(client.models.list()) == []
        with pytest.raises(openai.NotFoundError) as error:
            client.models.retrieve("gpt-4")
    assert error.value.code == "model_not_found"
    stranger = openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="sk-aisle-bad")
    with stranger, pytest.raises(openai.AuthenticationError) as refused:
        stranger.models.list()
    assert refused.value.code == "invalid_api_key"


def test_with_few_files_left_it_refuses_some_serves_again_and_stays_up(tmp_path: Path) -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))

    with running(tmp_path / "shop", few) as server:
        crowd = []
        for _ in range(120):
            with contextlib.suppress(OSError):
                crowd.append(server.connect())
        for connection in crowd:
            with contextlib.suppress(OSError):
                connection.sendall(server.head("/healthz", "connection: close", "GET"))
        time.sleep(0.5)
        for connection in crowd:
            connection.close()
        time.sleep(1.5)
        assert server.process.poll() is None
        assert server.get("/readyz")[0] == 200
        assert server.get("/v1/items", authorization=f"Bearer {server.key}")[0] == 200


def test_on_sigterm_it_finishes_what_it_is_answering_and_exits_with_0(tmp_path: Path) -> None:
    with running(tmp_path / "shop") as server:
        rows = [{"user_id": f"u{n}", "item_id": "i", "type": "view", "event_id": str(n)} for n in range(1000)]
        body = json.dumps({"events": rows}).encode()
        with server.connect() as connection:
            connection.sendall(server.head("/v1/events", f"content-length: {len(body)}") + body[:-10])
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            connection.sendall(body[-10:])
            said = answer(connection)
        assert b'"accepted":1000' in said
        assert server.process.wait(10) == 0
        app = App(Settings(home=str(tmp_path / "shop")))
        assert app.events.count(DEFAULT_TENANT) == 1000
        app.database.close()


def test_an_idle_connection_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with running(tmp_path / "shop") as server, server.connect() as idle:
        idle.sendall(server.head("/healthz", "accept: */*", "GET"))
        idle.recv(65536)
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0
        assert time.monotonic() - started < 3


def test_a_followed_job_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with running(tmp_path / "shop") as server:
        body = b'{"task":"recommend"}'
        request = urllib.request.Request(
            f"http://127.0.0.1:{server.port}/v1/jobs", body, {"authorization": f"Bearer {server.key}"}
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=10) as made:
            job = json.load(made)["id"]
        followed: list[Any] = []
        path = f"/v1/jobs/{job}/events?stream=true"
        reader = threading.Thread(target=lambda: followed.append(server.get(path, authorization=f"Bearer {server.key}")))
        reader.start()
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0
        reader.join(5)
        assert followed[0][0] == 200


def test_a_request_is_stopped_when_its_caller_leaves(tmp_path: Path) -> None:
    assert asyncio.run(_left_alone(tmp_path)) == "stopped"


async def _left_alone(tmp_path: Path) -> str:
    from aisle.api import server
    from aisle.api.reply import Reply
    from aisle.api.routing import Call, Route, Router
    from aisle.api.shell import Shell

    end: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def slow(call: Call) -> Reply:
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            end.set_result("stopped")
            raise
        return Reply()

    app = App(Settings(home=str(tmp_path / "shop")))
    listener = server.listen("127.0.0.1", 0)
    ready = asyncio.Event()
    application = Shell(app, Router([Route("GET", "/slow", slow, "", "", None, abandon=True)]))
    running_server = server.Server(server.config(application), ready.set, lambda: None)
    serving = asyncio.ensure_future(running_server.serve([listener]))
    await ready.wait()
    _, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
    await asyncio.sleep(0.3)
    writer.close()
    seen = await asyncio.wait_for(end, 5)
    running_server.should_exit = True
    await serving
    app.database.close()
    return seen


def test_a_port_that_is_taken_is_said_before_anything_starts() -> None:
    from aisle.api.server import listen

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Conflict, match="--port"):
            listen("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(Misconfigured, match="--host"):
        listen("203.0.113.1", 0)
