"""Quality of every algorithm on the public data sets, by the protocols that their published numbers use.

    python -m bench.quality ml-1m|ml-100k|online-retail|beauty|sports|retailrocket|diginetica
        [--set name=value]... [--algorithms a,b] [--users N]

All items are ranked, seen ones left out (but for `online-retail` (b), where repeats count). Popularity stands beside everything.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any, get_args

import msgspec
import numpy as np
from bench.shared_data import DATASETS, HOUR, RealData, describe, diginetica_asked

from aisle.tasks.recommend.evaluate import compare
from aisle.tasks.recommend.schema import Config, Single
from aisle.tasks.recommend.splits import Split, kept, leave_last_out, sampled, time_split
from aisle.times import to_micros
from aisle.types import EVENT_CODE, EventColumns, PastEvent

SERVED = 50  # newest events that the server hands to an answer
CUT = to_micros("2011-11-10")
Splits = list[tuple[str, Split]]
PUBLISHED = {  # HR@10 (= recall@10 where one item is hidden) and nDCG@10, as the data sets' READMEs give them
    "ml-1m": {"leave one out": ["SASRec .2500 / .1341", "SASRec+ (full CE) .3152 / .1821", "HSTU .3097 / .1720"]},
    "beauty": {"leave one out": ["PopRec .0152 / .0068", "SASRec .0605 / .0318", "S3-Rec .0647 / .0327", "HSTU .0708 / .0412"]},
    "sports": {"leave one out": ["PopRec .0094 / .0053", "SASRec .0350 / .0192", "S3-Rec .0385 / .0204", "TIGER .0400 / .0225"]},
    "online-retail": {
        "new items": ["popularity .0372 / .0343", "item-kNN .0727 / .0691", "EASE .1053 / .1001"],
        "all items": ["popularity .0790 / .0809", "item-kNN .1761 / .1781", "EASE .2608 / .2633", "repeats + kNN .2790 / .2694"],
    },
    "ml-100k": {"random quarter": ["recall, nDCG: SAR .1764 / .3825", "BPR .2125 / .4420", "BiVAE .2191 / .4751"]},
}


def last_one_out(events: EventColumns, config: Config) -> Splits:
    return [("leave one out", leave_last_out(events, config))]


def after_november(events: EventColumns, config: Config) -> Splits:
    """Train before 2011-11-10, then (a) items not bought before, (b) all items."""
    return [
        ("new items", time_split(events, config, cut=CUT)),
        ("all items", time_split(events, config, cut=CUT, repeats=True)),
    ]


def random_quarter(events: EventColumns, config: Config) -> Splits:
    """A random quarter of every item's ratings is hidden, whatever their value (the split of recommenders-team, own draw)."""
    rng = np.random.default_rng(42)
    hidden = np.zeros(len(events.user), bool)
    for item in range(len(events.items)):
        rows = np.flatnonzero(events.item == item)
        hidden[rng.choice(rows, round(len(rows) / 4), replace=False)] = True
    train = kept(events, ~hidden)
    known, last = set(train.users), int(events.time.max()) + 1
    asked = [user for user in np.unique(events.user[hidden]) if events.users[user] in known]
    relevant = [[events.items[i] for i in events.item[hidden & (events.user == user)]] for user in asked]
    return [("random quarter", Split(train, [events.users[u] for u in asked], relevant, [last] * len(asked), True))]


def random_fifth(events: EventColumns, config: Config) -> Splits:
    """A random fifth of what every user met is hidden, with all events that name it: these files have no times."""
    rng = np.random.default_rng(42)
    pairs, inverse = np.unique(events.user.astype(np.int64) * len(events.items) + events.item, return_inverse=True)
    hidden = rng.random(len(pairs)) < 0.2
    train = kept(events, ~hidden[inverse])
    known, last = set(train.users), int(events.time.max()) + 1
    owner, item = pairs[hidden] // len(events.items), pairs[hidden] % len(events.items)
    asked = [user for user in np.unique(owner) if events.users[user] in known]
    relevant = [[events.items[i] for i in item[owner == user]] for user in asked]
    return [("random fifth", Split(train, [events.users[u] for u in asked], relevant, [last] * len(asked), True))]


def next_click(events: EventColumns, config: Config) -> Splits:
    """What a session of the week after clicks next, items it had included: SR-GNN's test."""
    pairs = diginetica_asked()
    users = [f"t{number:06d}" for number in range(len(pairs))]
    now = int(events.time.max()) + HOUR
    second, view = HOUR // 3600, EVENT_CODE["view"]
    past = {
        user: [PastEvent(item, view, now - (ago + 1) * second, None, 1) for ago, item in enumerate(reversed(prefix))]
        for user, (prefix, _) in zip(users, pairs, strict=True)
    }
    relevant = [[item] for _, item in pairs]
    return [("next click", Split(events, users, relevant, [now] * len(users), False, "auto", histories=past))]


PROTOCOLS: dict[str, Callable[[EventColumns, Config], Splits]] = {
    "online-retail": after_november,
    "ml-100k": random_quarter,
    "retailrocket": random_fifth,
    "diginetica": next_click,
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("dataset", choices=sorted(DATASETS))
    options.add_argument("--set", action="append", default=[], help="a setting of the recommender, name=value")
    options.add_argument("--algorithms", default=",".join([*get_args(Single), "auto"]))
    options.add_argument("--users", type=int, default=10**9, help="ask only so many, drawn by a fixed seed")
    options.add_argument("--validate", action="store_true", help="hide the item before the last instead: choose settings here")
    options.add_argument("--history", type=int, default=SERVED)
    given = options.parse_args()
    config = configured(given.set)
    data: RealData = DATASETS[given.dataset]()
    print(f"{given.dataset}: {describe(data)}; settings {given.set or 'default'}\n")
    events = data.events()
    if given.validate:
        events = PROTOCOLS.get(given.dataset, last_one_out)(events, config)[0][1].train
    for name, split in (last_one_out if given.validate else PROTOCOLS.get(given.dataset, last_one_out))(events, config):
        rows = compare(
            data,
            sampled(split, given.users, 0),
            config,
            lambda done, total, message: None,
            algorithms=given.algorithms.split(","),
            history=given.history,
        )
        print(f"**{name}**, {rows[0]['users']} users\n\n{table(rows)}\n")
        print("\n".join(f"{row['model']}: {row['why']}" for row in rows if row.get("why")), "\n")
        print("read in the data set's README:", "; ".join(PUBLISHED.get(given.dataset, {}).get(name, [])), "\n")


def configured(pairs: list[str]) -> Config:
    values: dict[str, Any] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        try:
            values[name] = json.loads(value)
        except json.JSONDecodeError:
            values[name] = value
    return msgspec.convert(values, Config)


def table(rows: list[dict[str, Any]]) -> str:
    """A markdown table, best first."""
    head = (
        "| model | nDCG@10 | 95 % | HR@10 | recall@10 | …(min(10,n)) | recall@20 | MRR | coverage | fit s | ms/user | 1, 2, 5 |"
    )
    lines = [head, "|---" * 12 + "|"]
    for row in rows:
        numbers = [f"{row[name]:.4f}" for name in ("hr@10", "recall@10", "capped_recall@10", "recall@20", "mrr")]
        few = ", ".join(f"{one['ndcg@10']:.4f}" for one in row["short_histories"].values())
        sure = f"{row['ci_low']:.4f}–{row['ci_high']:.4f}"
        cells = [row["model"], f"{row['ndcg@10']:.4f}", sure, *numbers, f"{row['coverage']:.3f}"]
        lines.append("| " + " | ".join([*cells, f"{row['seconds_fit']:.1f}", f"{row['ms_per_user']:.2f}", few]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
