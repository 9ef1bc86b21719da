"""What a served shop meets in bad times: a folder that cannot be written, a model file with a flipped bit, a full disk."""

from __future__ import annotations

import http.client
import json
import os
import resource
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

import aisle

READY_WITHIN = 20.0  # seconds
Ask = Callable[[str, str, Any], tuple[int, Any]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    with aisle.open(str(folder)) as shop:
        shop.put_items({"item_id": f"i{n}", "title": f"Thing {n}"} for n in range(20))
        shop.add_events(
            {"user_id": f"u{user}", "item_id": f"i{(user + k) % 20}", "type": "purchase", "time": 1_790_000_000 + k}
            for user in range(20)
            for k in range(4)
        )
        shop.train("recommend")
        _, key = shop.app.access.create(1, "test", ["admin"])
    (tmp_path / "key").write_text(key)
    return folder


@contextmanager
def served(home: Path, **settings: str) -> Iterator[tuple[psutil.Process, Ask]]:
    """A server's process, and a way to ask it that gives (status, body)."""
    key = (home.parent / "key").read_text()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def ask(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    command = [sys.executable, "-m", "aisle", "serve", "--home", str(home), "--port", str(port)]
    environment = {**os.environ, **{f"AISLE_{name.upper()}": value for name, value in settings.items()}}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        until = time.monotonic() + READY_WITHIN
        while True:
            try:
                ask("GET", "/healthz", None)
                break
            except OSError:
                assert time.monotonic() < until, "the server did not start"
                time.sleep(0.05)
        yield psutil.Process(process.pid), ask
    finally:
        process.terminate()
        process.wait(20)


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")  # refuses root too, whom permissions do not stop
    command = [sys.executable, "-m", "aisle", "serve", "--home", str(tmp_path / "file" / "shop")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be written" in done.stderr


def test_a_flipped_bit_in_a_model_is_never_served_and_the_answer_says_what_to_do(home: Path) -> None:
    flip_a_bit(home / "models" / "1" / "recommend" / "1")
    with served(home) as (_, ask):
        status, answer = ask("POST", "/v1/recommend/for_user", {"user_id": "u1"})
        assert status == 503
        assert "aisle models rollback recommend" in answer["detail"]
        assert ask("GET", "/readyz", None)[0] == 503
        assert ask("GET", "/v1/items", None)[0] == 200


def test_a_server_that_starts_with_a_damaged_model_answers_with_the_one_before_and_says_so(home: Path) -> None:
    with aisle.open(str(home)) as shop:
        shop.train("recommend")
    flip_a_bit(home / "models" / "1" / "recommend" / "2")
    with served(home) as (_, ask):
        status, answer = ask("POST", "/v1/recommend/for_user", {"user_id": "u1"})
        assert (status, answer["model"]) == (200, "recommend@1")
        status, said = ask("GET", "/readyz", None)
        assert status == 503
        assert "recommend version 2" in json.dumps(said)


def flip_a_bit(folder: Path) -> None:
    file = max(folder.rglob("*.npy"), key=lambda path: path.stat().st_size)
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(damaged)


def test_a_full_disk_refuses_events_serves_answers_and_is_over_when_space_returns(home: Path) -> None:
    def post(name: str) -> int:
        rows = [{"user_id": f"{name}-{n}", "item_id": "i1", "type": "view", "session_id": "s" * 200} for n in range(1000)]
        return ask("POST", "/v1/events", {"events": rows})[0]

    with served(home) as (process, ask):
        _, hard = process.rlimit(resource.RLIMIT_FSIZE)
        process.rlimit(resource.RLIMIT_FSIZE, (600_000, hard))
        assert 503 in [post(f"full{n}") for n in range(4)]
        status, answer = ask("POST", "/v1/recommend/for_user", {"user_id": "u1"})
        assert (status, bool(answer["items"])) == (200, True)
        process.rlimit(resource.RLIMIT_FSIZE, (hard, hard))
        assert post("after") == 200


CALLERS, ROOM = 80, 8  # callers at one moment, requests that may wait


def test_ten_times_what_fits_is_refused_at_once_with_a_time_to_come_back_and_what_was_let_in_is_answered(home: Path) -> None:
    key = (home.parent / "key").read_text()
    body = json.dumps({"user_id": "u1", "n": 5})
    head = f"POST /v1/recommend/for_user HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
    request = f"{head}content-length: {len(body)}\r\n\r\n{body}".encode()
    with served(home, queue=str(ROOM), batch_cost="2") as (process, ask):
        port = next(found.laddr.port for found in process.net_connections() if found.status == "LISTEN")
        sockets = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(CALLERS)]
        answers = []
        for _ in range(5):
            process.suspend()  # so that all of them have arrived when it looks
            for one in sockets:
                one.sendall(request)
            process.resume()
            for one in sockets:
                answer = http.client.HTTPResponse(one)
                answer.begin()
                answers.append((answer.status, answer.getheader("retry-after"), json.loads(answer.read())))
        for one in sockets:
            one.close()
        refused = [(after, said["detail"]) for status, after, said in answers if status == 503]
        assert {status for status, _, _ in answers} == {200, 503}
        assert len(refused) > 5 * (CALLERS - 5 * ROOM)
        assert all(after is not None and int(after) >= 1 and "try again" in detail for after, detail in refused)
        assert all(len(said["items"]) == 5 for status, _, said in answers if status == 200)
        assert ask("POST", "/v1/recommend/for_user", {"user_id": "u2"})[0] == 200
