"""The whole `aisle train recommend` at 1, 5 and 20 million events of 100,000 items: processor time, peak memory, a plot.

    OMP_NUM_THREADS=1 python -m bench.whole [--events 1 5 20] [--items 100000] [--set name=value ...] [--out docs/train-scale.svg]

A generated shop (items with a long tail, users log-normal numbers of events, half of them in the user's own department, visits of
minutes over half a year) is written through the storage's own bulk path, as an import does. Then the command runs in a process
of its own, whose peak memory and processor time the system tells; the database and the published model are left in `--keep`.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from bench.growth import growth

from aisle.access import DEFAULT_TENANT
from aisle.embedded import Shop
from aisle.storage.database import Database
from aisle.storage.events import EventRow, Events
from aisle.storage.items import Items
from aisle.types import EVENT_CODE, Item, Money

EACH = 140  # events a user, on average
DEPARTMENTS = 500
BATCH = 50_000  # rows in one transaction, as an import has
SECOND, BEGIN, DAYS = 1_000_000, 1_750_000_000, 180
KINDS = ("view", "view", "view", "view", "view", "click", "click", "add_to_cart", "purchase")
PANELS = {
    "CPU seconds": {"write the rows": "import_cpu", "train": "cpu"},
    "Peak memory, MiB": {"train": "mib"},
}


def drawn(events: int, items: int, seed: int = 7) -> tuple[Any, ...]:
    """(events,) time in microseconds, user, item, kind, session of a generated shop, by time."""
    rng = np.random.default_rng(seed)
    users = max(events // EACH, 1)
    activity = rng.lognormal(0.0, 1.0, users)
    user = np.repeat(np.arange(users, dtype=np.int32), rng.poisson(activity / activity.sum() * events))
    popularity = np.cumsum(1 / (np.arange(items) + 50.0))
    item = np.searchsorted(popularity, rng.random(len(user)) * popularity[-1]).astype(np.int32)
    own = rng.random(len(user)) < 0.5
    item[own] = np.minimum(item[own] - item[own] % DEPARTMENTS + user[own] % DEPARTMENTS, items - 1)
    visit = rng.integers(0, 12, len(user))  # a user's twelve visits, each within an hour of a day
    day = (user.astype(np.int64) * 7919 + visit * 104729) % (DAYS * 24)
    at = (BEGIN + day * 3600 + rng.integers(0, 3600, len(user))) * SECOND
    kind = np.array([EVENT_CODE[name] for name in KINDS], np.int8)[rng.integers(0, len(KINDS), len(user))]
    order = np.argsort(at, kind="stable")
    return at[order], user[order], item[order], kind[order], visit[order].astype(np.int8)


def rows(columns: tuple[Any, ...]) -> Iterator[list[EventRow]]:
    """Batches as storage takes them."""
    for start in range(0, len(columns[0]), BATCH):
        part = zip(*(column[start : start + BATCH].tolist() for column in columns), strict=True)
        yield [
            (f"user-{user:07d}", at, f"sku-{item:06d}", kind, None, None, f"{user}-{visit}", None, None)
            for at, user, item, kind, visit in part
        ]


def written(home: Path, events: int, items: int) -> float:
    """Fill a shop; the processor time it took."""
    begun = time.process_time()
    Shop(str(home)).close()  # makes the database
    database = Database(f"sqlite:///{home / 'aisle.db'}")
    Items(database).put(DEFAULT_TENANT, catalogue(items))
    store = Events(database)
    for batch in rows(drawn(events, items)):
        store.add_rows(DEFAULT_TENANT, batch)
    database.close()
    return time.process_time() - begun


def catalogue(items: int) -> list[Item]:
    """Products whose words and category tell their department."""
    words = [f"{colour} thing{number}" for colour in ("red", "blue", "green", "white", "black") for number in range(100)]
    return [
        Item(
            item_id=f"sku-{item:06d}",
            title=f"{words[item % DEPARTMENTS]} model {item % 977}",
            category=f"Shop > Department {item % DEPARTMENTS}",
            price=Money(amount=500 + 100 * (item % 200), currency="EUR"),
        )
        for item in range(items)
    ]


def trained(home: Path, settings: list[str]) -> dict[str, float]:
    """Run the command; its processor time, wall time and peak memory."""
    command = [sys.executable, "-m", "aisle", "train", "recommend", *(f"--set={one}" for one in settings)]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, "AISLE_HOME": str(home)})
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the training ended with {status}")
    cpu = used.ru_utime + used.ru_stime
    return {"cpu": cpu, "wall": time.perf_counter() - begun, "mib": used.ru_maxrss / 1024, "before": before.ru_utime}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=float, nargs="+", default=[1, 5, 20], metavar="MILLIONS")
    options.add_argument("--items", type=int, default=100_000)
    options.add_argument("--set", action="append", default=[], help="a setting of the recommender, name=value")
    options.add_argument("--keep", type=Path, help="where the shops are left, and found again")
    options.add_argument("--out", type=Path, help="an SVG of time and memory")
    given = options.parse_args()
    found: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="aisle-whole-") as scratch:
        for millions in given.events:
            home = (given.keep or Path(scratch)) / f"{millions:g}M"
            there = (home / "aisle.db").exists()
            spent = 0.0 if there else written(home, int(millions * 1e6), given.items)
            print(f"{millions:g} M events: rows written in {spent:.0f} s of CPU", flush=True)
            one = {"items": millions * 1e6, "import_cpu": spent, **trained(home, given.set)}
            print(f"| {millions:g} M | {spent:.0f} | {one['cpu']:.0f} | {one['wall']:.0f} | {one['mib']:,.0f} |", flush=True)
            found.append(one)
    if given.out:
        given.out.write_text(growth(found, PANELS), "utf-8")


if __name__ == "__main__":
    main()
