"""A closed-loop HTTP load generator in its own process: n connections, each sends its next request when its answer is whole.

    python -m bench.over_http_load HOST PORT REQUESTS CONNECTIONS SECONDS

REQUESTS is a file of raw requests, each preceded by its length (4 bytes). Prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import httptools
import uvloop


class Connection(asyncio.Protocol):
    """One caller."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.parser = httptools.HttpResponseParser(self)
        self.sent = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.sent = time.perf_counter()
        self.transport.write(self.load.next())

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        load = self.load
        load.seconds.append(time.perf_counter() - self.sent)
        status = self.parser.get_status_code()
        load.statuses[status] = load.statuses.get(status, 0) + 1
        if load.running:
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.open -= 1
        if self.load.open == 0:
            self.load.over.set()


class Load:
    """All callers, and what they saw."""

    def __init__(self, requests: list[bytes], connections: int) -> None:
        self.requests = requests
        self.at = 0
        self.open = connections
        self.running = True
        self.seconds: list[float] = []
        self.statuses: dict[int, int] = {}
        self.over = asyncio.Event()

    def next(self) -> bytes:
        self.at = (self.at + 1) % len(self.requests)
        return self.requests[self.at]


async def drive(host: str, port: int, requests: list[bytes], connections: int, seconds: float) -> dict[str, object]:
    """Load the server for so long; latencies in milliseconds."""
    loop = asyncio.get_running_loop()
    load = Load(requests, connections)
    started = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(load), host, port)
    await asyncio.sleep(seconds)
    load.running = False
    await asyncio.wait_for(load.over.wait(), 30)
    taken = time.perf_counter() - started
    ordered = sorted(load.seconds)
    return {
        "requests": len(ordered),
        "per_second": len(ordered) / taken,
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[int(len(ordered) * 0.99)] * 1000,
        "statuses": load.statuses,
    }


def requests_of(data: bytes) -> list[bytes]:
    """The requests in a file: each after its length."""
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def main() -> None:
    host, port, path, connections, seconds = sys.argv[1:]
    requests = requests_of(Path(path).read_bytes())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(drive(host, int(port), requests, int(connections), float(seconds)))))


if __name__ == "__main__":
    main()
