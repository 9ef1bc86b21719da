"""Memory and errors of a server under mixed traffic: answers, events, changed items, trainings, rollbacks, for ten minutes.

    python -m bench mixed_load [--seconds 600] [--rate 150] [--train-every 90]

The shop of bench.over_http. A fixed rate over 8 connections, so that a slow minute is seen as latency and not as fewer requests.
Every model version that is trained replaces the one before, and every third is rolled back under load. Resident memory is that
of the server's process and of its worker's, every second; what counts is whether the last third is above the middle one.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from bench.over_http import ITEMS, USERS, build, free_port, running

CONNECTIONS = 8
MIX = (("for_user", 60), ("similar_items", 10), ("popular", 5), ("session", 5), ("events", 15), ("items", 4), ("erase", 1))


@dataclass
class Seen:
    """What the callers saw and what the processes held."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    memory: list[tuple[float, float, float]] = field(default_factory=list)  # at, MiB of the server, of its worker
    trainings: int = 0
    rollbacks: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Caller:
    """One kept connection."""

    def __init__(self, port: int, key: str, seen: Seen) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self.seen = seen

    def ask(self, name: str, method: str, path: str, body: Any = None) -> Any:
        began = time.perf_counter()
        self.connection.request(method, path, None if body is None else json.dumps(body), self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        with self.seen.lock:
            self.seen.statuses[f"{name} {answer.status}"] += 1
            if name not in ("train", "rollback", "job"):
                self.seen.seconds.append(time.perf_counter() - began)
        return json.loads(text) if text else None


def request_of(kind: str, rng: random.Random) -> tuple[str, str, Any]:
    """(method, path, body) of one request of the mix."""
    user, item = f"user-{rng.randrange(USERS):05}", f"item-{rng.randrange(ITEMS):05}"
    if kind == "for_user":
        return "POST", "/v1/recommend/for_user", {"user_id": user, "n": 10}
    if kind == "session":
        return "POST", "/v1/recommend/for_user", {"user_id": f"new-{rng.randrange(10**6)}", "session": [{"item_id": item}]}
    if kind == "similar_items":
        return "POST", "/v1/recommend/similar_items", {"item_id": item, "n": 8}
    if kind == "popular":
        return "POST", "/v1/recommend/popular", {"n": 10, "filter": {"exclude": [item]}}
    if kind == "events":
        rows = [{"user_id": user, "item_id": f"item-{rng.randrange(ITEMS):05}", "type": "view"} for _ in range(5)]
        return "POST", "/v1/events", {"events": rows}
    if kind == "items":
        price = {"amount": rng.randrange(500, 9000), "currency": "EUR"}
        stock = rng.choice(("in_stock", "in_stock", "out_of_stock"))
        return "PUT", "/v1/items", {"items": [{"item_id": item, "title": f"Thing {item}", "price": price, "availability": stock}]}
    return "DELETE", f"/v1/users/new-{rng.randrange(10**6)}", None


def traffic(caller: Caller, rate: float, until: float, seed: int) -> None:
    """Requests at a fixed rate; who is late catches up."""
    rng, kinds, weights = random.Random(seed), [kind for kind, _ in MIX], [weight for _, weight in MIX]
    next_at = time.monotonic()
    while next_at < until:
        time.sleep(max(0.0, next_at - time.monotonic()))
        kind = rng.choices(kinds, weights)[0]
        caller.ask(kind, *request_of(kind, rng))
        next_at += rng.expovariate(rate)


def operators(port: int, key: str, seen: Seen, every: float, until: float) -> None:
    """Trains again and again, and rolls every third version back; on new connections, as idle ones are closed."""
    while time.monotonic() + every < until:
        time.sleep(every)
        caller = Caller(port, key, seen)
        job = caller.ask("train", "POST", "/v1/jobs", {"kind": "train", "task": "recommend"})
        while caller.ask("job", "GET", f"/v1/jobs/{job['id']}")["status"] in ("queued", "running"):
            time.sleep(1)
        caller.seen.trainings += 1
        if caller.seen.trainings % 3 == 0:
            caller.ask("rollback", "POST", "/v1/models/recommend/versions/rollback")
            caller.seen.rollbacks += 1


def watch(pid: int, seen: Seen, until: float) -> None:
    process, began = psutil.Process(pid), time.monotonic()
    while time.monotonic() < until:
        worker = sum(child.memory_info().rss for child in process.children(recursive=True)) / 2**20
        seen.memory.append((time.monotonic() - began, process.memory_info().rss / 2**20, worker))
        if len(seen.memory) % 60 == 0:
            print(f"  {len(seen.memory) // 60:3} min  {len(seen.seconds):>9,} requests  {seen.memory[-1][1]:.0f} MiB", flush=True)
        time.sleep(1)


def run(given: argparse.Namespace, home: str, key: str) -> Seen:
    seen, port = Seen(), free_port()
    command = [sys.executable, "-m", "aisle", "serve", "--home", home, "--port", str(port)]
    with running("aisle", command, port, {"AISLE_RATE_LIMIT": str(10**9)}) as server:
        until = time.monotonic() + given.seconds
        jobs = [
            threading.Thread(target=traffic, args=(Caller(port, key, seen), given.rate / CONNECTIONS, until, seed))
            for seed in range(CONNECTIONS)
        ]
        jobs.append(threading.Thread(target=operators, args=(port, key, seen, given.train_every, until)))
        jobs.append(threading.Thread(target=watch, args=(server.pid, seen, until)))
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
    return seen


def show(seen: Seen) -> None:
    ordered = sorted(seen.seconds)
    wrong = {name: count for name, count in seen.statuses.items() if not name.endswith(("200", "201", "204"))}
    print(
        f"{len(ordered):,} requests, {seen.trainings} trainings, {seen.rollbacks} rollbacks; not answered well: {wrong or 'none'}"
    )
    print(f"p50 {ordered[len(ordered) // 2] * 1e3:.1f} ms, p99 {ordered[int(len(ordered) * 0.99)] * 1e3:.1f} ms")
    for name, column in (("server", 1), ("worker", 2)):
        held = [row[column] for row in seen.memory]
        third = len(held) // 3
        parts = "  ".join(f"{median(held[k * third : (k + 1) * third]):.0f}" for k in range(3))
        print(
            f"{name}: {held[0]:.0f} MiB at the start, {parts} median of each third, {max(held):.0f} at most, {held[-1]:.0f} last"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--rate", type=float, default=150.0, help="requests a second, all connections together")
    parser.add_argument("--train-every", type=float, default=90.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = str(Path(folder) / "shop")
        show(run(given, home, build(home)))


if __name__ == "__main__":
    main()
