"""`aisle serve` as a process: started, doubled, killed, its worker killed; every acknowledged event survives."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

import aisle

READY_WITHIN = 15.0  # seconds, on a machine that does other things too; bench/startup.py measures the real figure


class Server:
    """A served folder and an admin key to it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with aisle.open(str(home)) as shop:
            shop.put_items({"item_id": f"i{n}", "title": f"Thing {n}"} for n in range(20))
            shop.add_events(
                {"user_id": f"u{user}", "item_id": f"i{(user + k) % 20}", "type": "purchase", "time": 1_790_000_000 + k}
                for user in range(20)
                for k in range(4)
            )
            shop.train("recommend")
            _, self.key = shop.app.access.create(1, "test", ["admin"])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def command(self) -> list[str]:
        return [sys.executable, "-m", "aisle", "serve", "--home", str(self.home), "--port", str(self.port)]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.wait_ready()
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(20)

    def wait_ready(self) -> None:
        until = time.monotonic() + READY_WITHIN
        while time.monotonic() < until:
            try:
                self.ask("GET", "/readyz")
            except (OSError, urllib.error.HTTPError):
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the server did not become ready")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path / "shop")


def test_a_second_server_on_the_folder_is_refused_and_told_who_holds_it(server: Server) -> None:
    with server.running() as first:
        second = subprocess.run(server.command(), capture_output=True, text=True, timeout=30)
        assert second.returncode == 1
        assert str(first.pid) in second.stderr
        assert "--home" in second.stderr
        server.ask("GET", "/readyz")


def test_sigterm_ends_it_cleanly_with_its_worker(server: Server) -> None:
    with server.running() as process:
        family = psutil.Process(process.pid).children(recursive=True)
        assert family, "there is a worker"
        process.terminate()
        assert process.wait(20) == 0
    assert not [child for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_a_killed_worker_is_replaced_and_the_job_it_had_is_done(server: Server) -> None:
    with server.running() as process:
        (worker,) = psutil.Process(process.pid).children()
        worker.send_signal(signal.SIGSTOP)  # so that the job cannot be over before the kill
        job = server.ask("POST", "/v1/jobs", {"kind": "train", "task": "recommend"})
        worker.kill()
        until = time.monotonic() + 60
        while time.monotonic() < until:
            state = server.ask("GET", f"/v1/jobs/{job['id']}")
            if state["status"] == "succeeded":
                break
            time.sleep(0.1)
        assert state["status"] == "succeeded"
        answer = server.ask("POST", "/v1/recommend/for_user", {"user_id": "u1"})
        assert answer["items"]


def test_kill_9_while_events_arrive_loses_no_acknowledged_one_and_doubles_none(server: Server) -> None:
    acknowledged: list[str] = []

    def post(sender: int) -> None:
        for number in range(1000):
            ids = [f"e-{sender}-{number}-{k}" for k in range(10)]
            events = [{"user_id": f"w{sender}", "item_id": "i1", "type": "view", "event_id": name} for name in ids]
            try:
                server.ask("POST", "/v1/events", {"events": events})
            except (OSError, ValueError):
                return  # the server was killed: this batch was not acknowledged
            acknowledged.extend(ids)

    with server.running() as process:
        senders = [threading.Thread(target=post, args=(sender,)) for sender in range(4)]
        for sender in senders:
            sender.start()
        while len(acknowledged) < 400:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        for sender in senders:
            sender.join()
        process.wait()
    with server.running():
        stored = [
            event["event_id"] for sender in range(4) for event in server.ask("GET", f"/v1/users/w{sender}/export")["events"]
        ]
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))


WATCHED = """
import sys, socket
seen = []
def watch(name, arguments):
    if name in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        seen.append((name, str(arguments[1:])))
sys.addaudithook(watch)
import aisle
from aisle import api, console
with aisle.open(sys.argv[1]) as shop:
    api.create(shop.app, console.routes(shop.app))
    shop.train("recommend")
    shop.evaluate("recommend")
    shop.recommend.for_user(user_id="u1")
print([one for one in seen if "127.0.0.1" not in one[1] and "/" not in one[1]])
"""


def test_nothing_leaves_the_machine(server: Server) -> None:
    done = subprocess.run([sys.executable, "-c", WATCHED, str(server.home)], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr
