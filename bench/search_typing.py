"""Completions while one types, over HTTP: the time of each answer at the client, and its processor time in the server.

    python -m bench search_typing [--items 100000] [--questions 300]

The catalogue and the questions are those of `search_scale`, imported into a shop and served by `aisle serve`, without a training.
Each question is cut after the third letter of its last word, one after the other on one kept connection.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bench.over_http import free_port, running
from bench.search_scale import begun, catalogue, questions

from aisle.access import DEFAULT_TENANT
from aisle.embedded import Shop

PATH = "/v1/search/suggest"


def timed(connection: http.client.HTTPConnection, text: str, key: str, allowed: int = 10_000) -> float:
    """Milliseconds until the answer has been read; `allowed`: milliseconds that the server may take."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "x-aisle-timeout-ms": str(allowed)}
    began = time.perf_counter()
    connection.request("POST", PATH, json.dumps({"query": text}), headers)
    answer = connection.getresponse()
    answer.read()
    took = (time.perf_counter() - began) * 1000
    if answer.status != 200:
        raise SystemExit(f"the server answered {answer.status} to {text!r}")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=300)
    given = parser.parse_args()
    items = list(catalogue(given.items))
    asked = [begun(text) for text in questions(items, given.questions, random.Random(1))]
    with tempfile.TemporaryDirectory() as folder:
        home, port = Path(folder) / "shop", free_port()
        with Shop(str(home), worker=False) as shop:
            shop.put_items(items)
            _, key = shop.app.access.create(DEFAULT_TENANT, "bench", ["admin"])
        quiet = {"AISLE_RATE_LIMIT": str(10**9), "AISLE_WORKER": "false"}
        command = [sys.executable, "-m", "aisle", "serve", "--home", str(home), "--port", str(port)]
        with running("aisle", command, port, quiet) as server:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
            first = timed(connection, "x", key, 600_000)  # the index is made by it
            for text in asked[:20]:
                timed(connection, text, key)
            before = server.cpu_seconds()
            took = [timed(connection, text, key) for text in asked]
            cpu = (server.cpu_seconds() - before) * 1000 / len(asked)
    p50, p95 = np.quantile(took, (0.5, 0.95))
    print(f"{given.items:,} items: p50 {p50:.1f} ms, p95 {p95:.1f} ms by the clock, {cpu:.1f} ms of processor time on average;")
    print(f"the first answer, which makes the index, {first / 1000:.1f} s")


if __name__ == "__main__":
    main()
