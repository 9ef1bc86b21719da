"""What one `for_user` costs inside the engine: prepare, run and finish, per request, for batches of different size.

    python bench/recommend_engine.py [--items 5000] [--users 2000] [--history 50] [--algorithm item_neighbours] [--profile]

A generated shop with tastes; n=10, brief reasons. Best of several rounds, CPU time of this thread.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np

from aisle.kit.catalogue import Catalogue
from aisle.kit.tiny_data import TinyData
from aisle.task import Context, Prepared
from aisle.tasks.recommend.engine import RecommendEngine
from aisle.tasks.recommend.engine import load as open_model
from aisle.tasks.recommend.fit import fit
from aisle.tasks.recommend.schema import Config, ForUser
from aisle.types import EVENT_CODE, Item, PastEvent

DAY = 86_400_000_000
START = 1_750_000_000_000_000
KINDS = ("view", "click", "add_to_cart", "purchase")
TASTES = 25
READ = msgspec.json.Decoder(list[PastEvent])
Row = tuple[str, str, int, str]


def shop(items: int, users: int, history: int) -> TinyData:
    """Users keep to a few kinds of item; popularity within a kind falls off like 1/rank."""
    rng = np.random.default_rng(1)
    catalogue = [
        Item(item_id=f"item-{k:05d}", title=f"Kind {k % TASTES} article {k}", category=f"Shop > Kind {k % TASTES}")
        for k in range(items)
    ]
    per = items // TASTES
    weight = 1.0 / (np.arange(per) + 10.0)
    rows: list[Row] = []
    for user in range(users):
        kinds = rng.integers(0, TASTES, 3)[rng.integers(0, 3, history)]
        ranks = rng.choice(per, history, p=weight / weight.sum())
        times = START + np.sort(rng.integers(0, 90 * DAY, history))
        done = rng.choice(len(KINDS), history, p=[0.6, 0.2, 0.12, 0.08])
        for kind, rank, at, what in zip(kinds.tolist(), ranks.tolist(), times.tolist(), done.tolist(), strict=True):
            rows.append((f"user-{user:05d}", f"item-{rank * TASTES + kind:05d}", at, KINDS[what]))
    return TinyData(catalogue, rows)


def histories(data: TinyData) -> list[tuple[str, bytes]]:
    """Every user's events, newest first, as bytes: each request reads them anew, as a server reads rows."""
    past: dict[str, list[PastEvent]] = {}
    for user, item, at, kind in reversed(data.rows):
        past.setdefault(user, []).append(PastEvent(item, EVENT_CODE[kind], at, None, None))
    return [(user, msgspec.json.encode(events)) for user, events in past.items()]


def requests(asked: list[tuple[str, bytes]], catalogue: Catalogue) -> list[tuple[ForUser, Context]]:
    now = START + 91 * DAY
    return [(ForUser(user_id=user), Context(now, READ.decode(events), catalogue)) for user, events in asked]


def measure(
    engine: RecommendEngine, asked: list[tuple[str, bytes]], catalogue: Catalogue, size: int
) -> tuple[float, float, float]:
    """Seconds of CPU in prepare, run and finish for all requests, in batches."""
    spent = [0.0, 0.0, 0.0]
    for start in range(0, len(asked) - size + 1, size):
        batch = requests(asked[start : start + size], catalogue)
        marks = [time.thread_time()]
        prepared: list[Prepared] = [engine.prepare("for_user", *pair) for pair in batch]
        marks.append(time.thread_time())
        results = engine.run("for_user", prepared)
        marks.append(time.thread_time())
        for (request, _), result in zip(batch, results, strict=True):
            engine.finish("for_user", request, result)
        marks.append(time.thread_time())
        spent = [total + after - before for total, before, after in zip(spent, marks, marks[1:], strict=False)]
    return spent[0], spent[1], spent[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--history", type=int, default=50)
    parser.add_argument("--algorithm", default="item_neighbours")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="print where the time of batches of 32 goes")
    given = parser.parse_args()
    data = shop(given.items, given.users, given.history)
    with tempfile.TemporaryDirectory() as folder:
        config = Config(algorithm=given.algorithm, held_out_users=0)
        fit(data, config, Path(folder), lambda done, total, message: None)
        engine = open_model(Path(folder))
        asked, catalogue = histories(data)[:640], Catalogue(data.catalogue)
        for size in (1, 8, 32):
            rounds = [measure(engine, asked, catalogue, size) for _ in range(given.rounds)]
            parts = min(rounds, key=sum)
            micros = [part / (len(asked) // size * size) * 1e6 for part in parts]
            total = sum(micros)
            said = "  ".join(
                f"{name} {part:6.1f} µs ({part / total:4.0%})"
                for name, part in zip(("prepare", "run", "finish"), micros, strict=True)
            )
            print(f"batch {size:3d}: {total:7.1f} µs per request   {said}")
        if given.profile:
            profile(engine, asked, catalogue)


def profile(engine: RecommendEngine, asked: list[tuple[str, bytes]], catalogue: Catalogue) -> None:
    import cProfile
    import pstats

    watched = cProfile.Profile()
    watched.runcall(measure, engine, asked, catalogue, 32)
    pstats.Stats(watched).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
