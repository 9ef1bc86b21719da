"""What one recommendation costs over HTTP, beside a bare ASGI application that decodes and encodes the same bodies.

    python -m bench.over_http [--rounds 5] [--seconds 4] [--connections 32] [--json]

Both run under uvicorn with the same load, in turns, on a generated shop of 5,000 items and the model item_neighbours. Processor
time is utime+stime of the server's process (all its threads) divided by its answers; the minimum of the rounds counts, and the
best p99, because other work on the machine can only add to them. Then events are posted in batches of 100.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ITEMS, USERS, EVENTS_EACH = 5000, 2000, 25
REPOSITORY = Path(__file__).parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
TARGETS = {"cpu": 3.0, "p99": 4.0, "events": 3000.0}
PATH = "/v1/recommend/for_user"


@dataclass
class Server:
    """A server that runs, and what was measured of it."""

    name: str
    pid: int
    port: int
    rounds: list[dict[str, float]] = field(default_factory=list)

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def best(self, name: str) -> float:
        return min(measured[name] for measured in self.rounds)


def build(home: str) -> str:
    """A shop whose users have tastes, with a trained model; returns a key."""
    from aisle.access import DEFAULT_TENANT
    from aisle.embedded import Shop

    rng = random.Random(7)
    with Shop(home, worker=False) as shop:
        shop.put_items(_item(number) for number in range(ITEMS))
        for start in range(0, USERS, 100):
            shop.add_events(event for user in range(start, start + 100) for event in _events(user, rng))
        shop.train("recommend", algorithm="item_neighbours")
        _, secret = shop.app.access.create(DEFAULT_TENANT, "bench", ["admin"])
    return secret


def _item(number: int) -> dict[str, Any]:
    price = {"amount": 500 + number, "currency": "EUR"}
    title = f"{('Plain', 'Fine', 'Rough', 'Light')[number % 4]} thing number {number}"
    return {"item_id": f"item-{number:05}", "title": title, "category": f"Things > Kind {number % 40}", "price": price}


def _events(user: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    """A user likes one of 40 kinds; seconds apart, ending now."""
    now = int(time.time())
    for number in range(EVENTS_EACH):
        item = rng.randrange(ITEMS // 40) * 40 + user % 40 if rng.random() < 0.8 else rng.randrange(ITEMS)
        kind = rng.choice(("view", "view", "add_to_cart", "purchase"))
        yield {
            "user_id": f"user-{user:05}",
            "item_id": f"item-{item:05}",
            "type": kind,
            "time": now - rng.randrange(90 * 86_400) - number,
        }


@contextlib.contextmanager
def running(name: str, command: list[str], port: int, environment: dict[str, str]) -> Iterator[Server]:
    """A server in a process of its own, once it answers."""
    process = subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1).read()
                break
            if process.poll() is not None:
                raise SystemExit(f"{name} ended with {process.returncode}")
            time.sleep(0.1)
        yield Server(name, process.pid, port)
    finally:
        process.terminate()
        process.wait(20)


def request_of(path: str, body: bytes, key: str) -> bytes:
    """What both servers are sent."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def asked(port: int, path: str, body: bytes, key: str) -> bytes:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    answer: bytes = urllib.request.urlopen(request, timeout=30).read()
    return answer


def measure(server: Server, requests: Path, connections: int, seconds: float) -> None:
    """One round."""
    before = server.cpu_seconds()
    command = [
        sys.executable,
        "-m",
        "bench.over_http_load",
        "127.0.0.1",
        str(server.port),
        str(requests),
        str(connections),
        str(seconds),
    ]
    seen = json.loads(subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True).stdout)
    wrong = {status: count for status, count in seen.pop("statuses").items() if status != "200"}
    if wrong:
        raise SystemExit(f"{server.name} answered {wrong}")
    seen["cpu_us"] = (server.cpu_seconds() - before) * 1e6 / seen["requests"]
    server.rounds.append(seen)


def write(path: Path, requests: list[bytes]) -> Path:
    path.write_bytes(b"".join(len(request).to_bytes(4, "big") + request for request in requests))
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def recommendations(given: argparse.Namespace, folder: Path, home: str, key: str) -> dict[str, Any]:
    """The rounds of both servers and their ratios."""
    bodies = [json.dumps({"user_id": f"user-{user:05}", "n": 10}).encode() for user in range(0, USERS, 4)]
    requests = write(folder / "requests", [request_of(PATH, body, key) for body in bodies])
    ours, bare = free_port(), free_port()
    quiet = {"AISLE_RATE_LIMIT": str(10**9), "AISLE_WORKER": "false"}
    command = [sys.executable, "-m", "aisle", "serve", "--home", home, "--port", str(ours)]
    with running("aisle", command, ours, quiet) as aisle:
        answer = folder / "answer.json"
        answer.write_bytes(asked(ours, PATH, bodies[0], key))
        floor = [sys.executable, "-m", "bench.over_http_floor", str(bare), str(answer)]
        with running("bare ASGI", floor, bare, {}) as bare_server:
            for server in (bare_server, aisle):
                measure(server, requests, given.connections, 1.0)  # warm
                server.rounds.clear()
            for _ in range(given.rounds):
                for server in (bare_server, aisle):
                    measure(server, requests, given.connections, given.seconds)
        posted = events(given, folder, aisle, key)
    return summary(bare_server, aisle, answer.stat().st_size) | {"events": posted}


def events(given: argparse.Namespace, folder: Path, aisle: Server, key: str) -> dict[str, float]:
    """Events per second over HTTP, all of them new."""
    rng = random.Random(11)
    moment = int(time.time()) * 1_000_000
    batches = []
    for number in range(2500):
        rows = [
            {"user_id": f"user-{rng.randrange(USERS):05}", "item_id": f"item-{rng.randrange(ITEMS):05}", "type": "view",
             "time": moment - number * 1000 - k, "event_id": f"bench-{number}-{k}"}
            for k in range(100)
        ]  # fmt: skip
        batches.append(request_of("/v1/events", json.dumps({"events": rows}).encode(), key))
    load = Server("events", aisle.pid, aisle.port)
    measure(load, write(folder / "events", batches), 4, min(4.0, given.seconds))
    seen = load.rounds[0]
    if seen["requests"] > len(batches):
        raise SystemExit("the batches ran out: later ones were only duplicates; make more")
    return {"per_second": seen["per_second"] * 100, "cpu_us_per_event": seen["cpu_us"] / 100, "p99_ms_per_batch": seen["p99_ms"]}


def summary(bare: Server, aisle: Server, size: int) -> dict[str, Any]:
    names = ("cpu_us", "p50_ms", "p99_ms")
    rows = {server.name: {name: server.best(name) for name in names} for server in (bare, aisle)}
    for server in (bare, aisle):
        rows[server.name]["per_second"] = max(measured["per_second"] for measured in server.rounds)
    ratios = {name: aisle.best(name) / bare.best(name) for name in names}
    return {"answer_bytes": size, "servers": rows, "ratios": ratios, "rounds": {s.name: s.rounds for s in (bare, aisle)}}


def show(found: dict[str, Any]) -> None:
    print(f"for_user, n=10, {ITEMS:,} items, item_neighbours, brief reasons; an answer has {found['answer_bytes']} bytes")
    print(f"{'':12}{'req/s':>10}{'p50 ms':>10}{'p99 ms':>10}{'CPU µs':>10}")
    for name, row in found["servers"].items():
        print(f"{name:12}{row['per_second']:>10,.0f}{row['p50_ms']:>10.2f}{row['p99_ms']:>10.2f}{row['cpu_us']:>10.1f}")
    ratios = found["ratios"]
    print(f"{'ratio':12}{'':>10}{ratios['p50_ms']:>10.2f}{ratios['p99_ms']:>10.2f}{ratios['cpu_us']:>10.2f}")
    print(f"targets: CPU ≤ {TARGETS['cpu']}x, p99 ≤ {TARGETS['p99']}x")
    posted = found["events"]
    print(
        f"events in batches of 100: {posted['per_second']:,.0f}/s (target {TARGETS['events']:,.0f}), "
        f"{posted['cpu_us_per_event']:.1f} µs CPU an event, p99 {posted['p99_ms_per_batch']:.1f} ms a batch"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = str(Path(folder) / "shop")
        key = build(home)
        found = recommendations(given, Path(folder), home, key)
    print(json.dumps(found)) if given.json else show(found)


if __name__ == "__main__":
    main()
