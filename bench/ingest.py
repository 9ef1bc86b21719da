"""How fast events come in: from a file into SQLite, with flat memory, and over HTTP.

    python -m bench.ingest                    a million generated events from a CSV, and a quarter of them: memory is flat
    python -m bench.ingest --rows 4000000
    python -m bench.ingest --http http://127.0.0.1:8765 --key aisle_…   batches of 100 to a running server

Each measured import runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

START = 1_735_689_600  # 2025-01-01
TYPES = ("view", "view", "view", "view", "click", "click", "add_to_cart", "purchase")
HTTP_BATCH = 100  # events in one request
HTTP_SECONDS = 10.0


def lines(rows: int, seed: int = 7) -> Iterator[str]:
    """Events as a shop's log has them: in order of time, users and items with long tails, ISO times."""
    dice = random.Random(seed)
    users, items = max(rows // 20, 10), max(rows // 50, 10)
    second = START
    yield "user_id,item_id,type,time,value,quantity\n"
    for _ in range(rows):
        second += dice.random() < 0.7
        user, item, kind = int(users * dice.random() ** 2), int(items * dice.random() ** 3), TYPES[dice.randrange(len(TYPES))]
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
        bought = f"{dice.randrange(100, 9999) / 100},{dice.randrange(1, 4)}" if kind == "purchase" else ","
        yield f"user-{user:06},sku-{item:05},{kind},{moment},{bought}\n"


def measure(path: Path, folder: Path) -> dict[str, float]:
    """Import one file into a fresh database, in this process."""
    from aisle.feeds import open_feed
    from aisle.jobs.imports import import_feed
    from aisle.storage.database import Database
    from aisle.storage.events import Events
    from aisle.storage.items import Items

    database = Database(f"sqlite:///{folder / 'aisle.db'}")
    own: list[float] = []
    feed = open_feed(path, "events", currency="EUR", pseudonym=str)
    wall, cpu = time.perf_counter(), time.process_time()
    report = import_feed(
        feed, "events", 1, Items(database), Events(database), folder / "rejects.csv", lambda *_: own.append(own_memory())
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    stored = Events(database).count(1)
    database.close()
    if stored != report.accepted or report.rows != report.accepted + report.duplicates + report.rejected:
        raise SystemExit(f"the import does not add up: {report}")
    return {"rows": report.rows, "accepted": report.accepted, "seconds": wall, "cpu": cpu, "peak_mib": max(own)}


def own_memory() -> float:
    """MiB of this process's own memory. Pages of the database file that SQLite maps are the system's cache, and left out."""
    with Path("/proc/self/status").open(encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:")) / 1024


def from_file(rows: int) -> dict[str, float]:
    """Generate a file, import it in a process of its own, and say how that went."""
    with tempfile.TemporaryDirectory(prefix="aisle-ingest-") as folder:
        path = Path(folder) / "events.csv"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(lines(rows))
        command = [sys.executable, "-m", "bench.ingest", "--measure", str(path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found: dict[str, float] = json.loads(done.stdout)
    return found


def over_http(address: str, key: str, seconds: float = HTTP_SECONDS) -> dict[str, float]:
    """POST batches of 100 new events on one kept connection; events acknowledged per second."""
    target = urlsplit(address)
    connection = http.client.HTTPConnection(target.hostname or "127.0.0.1", target.port or 8765, timeout=30)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    run = f"{os.getpid()}-{time.time_ns()}"
    accepted = requests = 0
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        events = [
            {"event_id": f"{run}-{requests}-{k}", "user_id": f"user-{k % 97}", "item_id": f"sku-{(requests + k) % 499}",
             "type": "view", "time": START + requests}
            for k in range(HTTP_BATCH)
        ]  # fmt: skip
        connection.request("POST", "/v1/events", json.dumps({"events": events}), headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"the server answered {answer.status}: {body[:300].decode('utf-8', 'replace')}")
        accepted += json.loads(body)["accepted"]
        requests += 1
    passed = time.perf_counter() - started
    connection.close()
    return {"requests": requests, "accepted": accepted, "seconds": passed, "per_second": accepted / passed}


def main() -> None:
    given = _arguments()
    if given.measure:
        with tempfile.TemporaryDirectory(prefix="aisle-ingest-") as folder:
            print(json.dumps(measure(Path(given.measure), Path(folder))))
        return
    if given.http:
        found = over_http(given.http, given.key, given.seconds)
        print(f"HTTP: {found['per_second']:,.0f} events/s ({found['requests']:,.0f} requests of {HTTP_BATCH}, one connection)")
        return
    quarter, full = from_file(given.rows // 4), from_file(given.rows)
    for found in (quarter, full):
        print(
            f"{found['rows']:>12,.0f} rows  {found['rows'] / found['seconds']:>10,.0f} rows/s"
            f"  {found['cpu'] / found['rows'] * 1e6:>6.1f} us CPU a row  peak {found['peak_mib']:.0f} MiB"
        )
    grown = full["peak_mib"] - quarter["peak_mib"]
    print(f"memory: {grown:+.0f} MiB for 4 times the rows (the database's page cache fills up to its 64 MiB, then it is flat)")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--http", metavar="URL", help="measure a running server instead")
    parser.add_argument("--key", default=os.environ.get("AISLE_KEY", ""), help="an API key with the scope write")
    parser.add_argument("--seconds", type=float, default=HTTP_SECONDS)
    parser.add_argument("--measure", metavar="CSV", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
