"""Reads the public recommendation data sets (folder `rec`, see each README there) into the rows a task learns from."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.kit.tiny_data import TinyData
from aisle.types import EVENT_CODE, EventColumns, Item

HOUR = 3_600_000_000  # microseconds
START = 1_500_000_000_000_000  # where data sets without times begin
DATA = Path(os.environ.get("AISLE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
REC, SPEECH = DATA / "rec", DATA / "speech"


class RealData(TinyData):
    """A data set as a shop: items and events in memory."""

    def __init__(self, items: list[Item], events: EventColumns) -> None:
        super().__init__(catalogue=items)
        self._events = events

    def events(self) -> EventColumns:
        return self._events


def lines(path: Path, encoding: str = "utf-8") -> Iterator[str]:
    with gzip.open(path, "rt", encoding=encoding) as file:
        yield from (line.rstrip("\n") for line in file)


def columns(user: list[str], item: list[str], time: Any, *, kind: str = "purchase", value: Any = None) -> EventColumns:
    """Rows in any order as event columns, sorted by user and time; rows of one user at one time keep their order."""
    users, user_code = np.unique(np.array(user, dtype=object).astype(str), return_inverse=True)
    items, item_code = np.unique(np.array(item, dtype=object).astype(str), return_inverse=True)
    moments = np.asarray(time, np.int64)
    order = np.lexsort((np.arange(len(moments)), moments, user_code))
    values = np.full(len(moments), np.nan, np.float32) if value is None else np.asarray(value, np.float32)
    return EventColumns(
        users=users.tolist(),
        items=items.tolist(),
        user=user_code[order].astype(np.int32),
        item=item_code[order].astype(np.int32),
        type=np.full(len(order), EVENT_CODE[kind], np.int8),
        time=moments[order],
        value=values[order],
        quantity=np.ones(len(order), np.int32),
    )


def sequences(pairs: list[tuple[str, str]], kind: str) -> EventColumns:
    """(user, item) pairs in order, an hour between two events of a user: only the order is known."""
    seen: dict[str, int] = {}
    times = []
    for user, _ in pairs:
        seen[user] = seen.get(user, -1) + 1
        times.append(START + seen[user] * HOUR)
    return columns([user for user, _ in pairs], [item for _, item in pairs], times, kind=kind)


def ml_1m() -> RealData:
    """MovieLens-1M in SASRec's order: 999,611 events of 6,040 users with 3,416 films."""
    folder = REC / "ml-1m-seq"
    pairs = [(user, item) for user, item in (line.split(" ") for line in lines(folder / "ml-1m.txt.gz"))]
    films = {row[0]: row for row in (line.split("::") for line in lines(folder / "movies.dat.gz", "latin-1"))}
    items = []
    for line in lines(folder / "item_map.tsv.gz"):
        own, original, *_ = line.split("\t")
        if original in films:
            _, title, genres = films[original]
            items.append(Item(item_id=own, title=title, category=genres.split("|")[0], attributes={"genres": genres.split("|")}))
    return RealData(items, sequences(pairs, "view"))


def amazon(name: str) -> RealData:
    """Amazon 2014 5-core: reviews in order; brand and category path as the items' only words."""
    folder = REC / "amazon-2014-5core" / name
    pairs = [
        (user, item) for line in lines(folder / "sequences.txt.gz") for user, *bought in [line.split(" ")] for item in bought
    ]
    items = []
    for row in csv.reader(lines(folder / "items.tsv.gz"), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row[0].isdigit():
            words = row[2].split("|") if len(row) > 2 else []
            items.append(Item(item_id=row[0], title=" ".join(words)[:1000] or row[1], attributes={"tags": words}))
    return RealData(items, sequences(pairs, "purchase"))


def ml_100k() -> RealData:
    """MovieLens-100K: 100,000 ratings with their times."""
    folder = REC / "ml-100k"
    rows = [line.split("\t") for line in lines(folder / "ml-100k.inter.gz")][1:]
    films = [line.split("\t") for line in lines(folder / "ml-100k.item.gz")][1:]
    items = [
        Item(item_id=film[0], title=film[1] or film[0], attributes={"genres": film[3].split(" ") if len(film) > 3 else []})
        for film in films
    ]
    times = [int(float(row[3]) * 1e6) for row in rows]
    ratings = [float(row[2]) for row in rows]
    return RealData(items, columns([r[0] for r in rows], [r[1] for r in rows], times, kind="rate", value=ratings))


def online_retail() -> RealData:
    """UCI Online Retail: sales (no returns) of known customers, stock codes that name products."""
    import pyarrow.parquet as pq

    table = pq.read_table(REC / "online-retail-uci" / "online_retail.parquet").to_pydict()
    user, item, time, titles = [], [], [], {}
    for code, title, count, at, customer in zip(
        table["StockCode"], table["Description"], table["Quantity"], table["InvoiceDate"], table["CustomerID"], strict=True
    ):
        if count > 0 and customer is not None and re.match(r"\d{5}", code):
            user.append(str(int(customer)))
            item.append(code)
            time.append(_micros(at))
            titles[code] = (title or code).strip()
    items = [Item(item_id=code, title=titles[code] or code) for code in sorted(titles)]
    return RealData(items, columns(user, item, time))


def retailrocket() -> RealData:
    """RetailRocket, filtered: views, baskets and purchases without times; items are no more than their numbers."""
    user: list[str] = []
    item: list[str] = []
    kinds: list[int] = []
    for name, kind in (("view", "view"), ("addtocart", "add_to_cart"), ("purchase", "purchase")):
        rows = [line.split("\t")[:2] for line in lines(REC / "retailrocket-small" / f"{name}.tsv.gz")][1:]
        user += [row[0] for row in rows]
        item += [row[1] for row in rows]
        kinds += [EVENT_CODE[kind]] * len(rows)
    names = np.unique(np.array(item, dtype=object).astype(str)).tolist()
    order = np.lexsort((np.arange(len(user)), np.unique(np.array(user, dtype=object).astype(str), return_inverse=True)[1]))
    events = replace(columns(user, item, np.full(len(user), START)), type=np.array(kinds, np.int8)[order])
    return RealData([Item(item_id=name, title=name) for name in names], events)


def diginetica() -> RealData:
    """Diginetica: clicks of 186,670 sessions, each a user of its own; a minute between sessions, a second between clicks."""
    sessions = [line.split() for line in lines(REC / "sessions-diginetica" / "train_sessions.txt.gz")]
    events = clicks(sessions, START)
    known = set(events.items)
    known.update(item for prefix, item in diginetica_asked() for item in (*prefix, item))
    return RealData([Item(item_id=name, title=name) for name in sorted(known)], events)


def diginetica_asked() -> list[tuple[list[str], str]]:
    """The test: what was clicked in a session, oldest first, and the next click."""
    pairs = [line.split("\t") for line in lines(REC / "sessions-diginetica" / "test.txt.gz")]
    return [(prefix.split(), item) for prefix, item in pairs]


def clicks(sessions: list[list[str]], start: int) -> EventColumns:
    user = [f"s{number:06d}" for number, session in enumerate(sessions) for _ in session]
    times = [
        start + number * HOUR // 60 + at * HOUR // 3600 for number, session in enumerate(sessions) for at in range(len(session))
    ]
    return columns(user, [item for session in sessions for item in session], times, kind="view")


def matrix(events: EventColumns) -> Any:
    """(users, items) csr of ones: who met what."""
    shape = (len(events.users), len(events.items))
    found: Any = sp.csr_array((np.ones(len(events.user), np.float32), (events.user, events.item)), shape=shape)
    found.sum_duplicates()
    found.data[:] = 1
    return found


def _micros(at: Any) -> int:
    stamp: NDArray[Any] = np.datetime64(at, "us")  # type: ignore[assignment]
    return int(stamp.astype(np.int64))


DATASETS: dict[str, Callable[[], RealData]] = {
    "ml-1m": ml_1m,
    "ml-100k": ml_100k,
    "online-retail": online_retail,
    "beauty": lambda: amazon("Beauty"),
    "sports": lambda: amazon("Sports_and_Outdoors"),
    "retailrocket": retailrocket,
    "diginetica": diginetica,
}


def describe(data: RealData) -> str:
    events = data.events()
    return json.dumps({"users": len(events.users), "items": len(events.items), "events": len(events.user)})
