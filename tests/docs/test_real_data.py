"""Dollars to pennies, times and ids survive the trip: what the database holds is compared with files read without Aisle."""

import csv
import datetime as dt
import gzip
import json
import re
import shlex
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aisle.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "real-data.md").read_text("utf-8")
pytestmark = pytest.mark.data
Imported = Callable[[str], sqlite3.Connection]


@pytest.fixture
def imported(tmp_path: Path, real_data: Path) -> Iterator[Imported]:
    """Runs the page's imports of one folder, and opens its database."""
    opened = []

    def run(name: str) -> sqlite3.Connection:
        for line in re.findall(rf"^aisle --home /tmp/{name} import .+$", PAGE, re.M):
            words = shlex.split(line.replace("$D", str(real_data / "rec")).replace(f"/tmp/{name}", str(tmp_path / name)))
            assert main(words[1:]) == 0
        opened.append(sqlite3.connect(f"file:{tmp_path / name / 'aisle.db'}?mode=ro", uri=True))
        return opened[-1]

    yield run
    for database in opened:
        database.close()


def lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return file.read().splitlines()


def items(database: sqlite3.Connection) -> dict[str, Any]:
    return {item: json.loads(body) for item, body in database.execute("select item_id, body from items where deleted = 0")}


@pytest.mark.slow
def test_orders_of_online_retail_keep_pence_minutes_and_ids(imported: Imported, real_data: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    database = imported("retail")
    rows = parquet.read_table(real_data / "rec" / "online-retail-uci" / "online_retail.parquet").to_pylist()
    orders = {
        (
            str(row["CustomerID"]),
            row["StockCode"],
            micros(row["InvoiceDate"]),
            row["Quantity"],
            row["UnitPrice"],
            row["InvoiceNo"],
        )
        for row in rows
        if row["CustomerID"] is not None
    }
    wanted = Counter((user, item, time, abs(count), invoice) for user, item, time, count, _, invoice in orders)
    stored = database.execute("select user_id, item_id, time, quantity, session_id, value, type from events").fetchall()
    assert Counter(row[:5] for row in stored) == wanted and len(stored) == 401_602
    paid = sum(Decimal(repr(price)) * abs(count) for *_, count, price, _ in orders)
    assert sum(Decimal(repr(row[5])) for row in stored) == paid == Decimal("9495346.514")
    assert sorted(Counter(row[6] for row in stored).values()) == [8_872, 392_730]  # refunds, purchases
    prices = {row["StockCode"]: Decimal(repr(row["UnitPrice"])) for row in rows if row["UnitPrice"] > 0}
    amounts = {code: item["price"]["amount"] for code, item in items(database).items()}
    assert amounts == {code: int(prices.get(code, Decimal(0)) * 100) for code in amounts} and sum(amounts.values()) == 4_771_896


def micros(moment: dt.datetime) -> int:
    return int(moment.replace(tzinfo=dt.UTC).timestamp()) * 1_000_000


def test_ratings_of_movielens_keep_value_second_and_ids(imported: Imported, real_data: Path) -> None:
    database = imported("ml100k")
    folder = real_data / "rec" / "ml-100k"
    rows = [line.split("\t") for line in lines(folder / "ml-100k.inter.gz")[1:]]
    wanted = Counter((user, item, int(time) * 1_000_000, float(rating)) for user, item, rating, time in rows)
    assert Counter(database.execute("select user_id, item_id, time, value from events")) == wanted
    titles = {film[0]: film[1] for film in (line.split("\t") for line in lines(folder / "ml-100k.item.gz")[1:])}
    assert {item: body["title"] for item, body in items(database).items()} == titles


@pytest.mark.parametrize(
    ("name", "folder"), [("beauty", "Beauty"), pytest.param("sports", "Sports_and_Outdoors", marks=pytest.mark.slow)]
)
def test_sequences_of_amazon_keep_their_order_and_items_their_asin(
    imported: Imported, real_data: Path, name: str, folder: str
) -> None:
    database = imported(name)
    source = real_data / "rec" / "amazon-2014-5core" / folder
    wanted = {user: bought for user, *bought in (line.split() for line in lines(source / "sequences.txt.gz"))}
    stored: dict[str, list[str]] = defaultdict(list)
    for user, item in database.execute("select user_id, item_id from events order by user_id, time"):
        stored[user].append(item)
    assert stored == wanted
    rows = csv.reader(lines(source / "items.tsv.gz")[1:], delimiter="\t", quoting=csv.QUOTE_NONE)
    assert {item: body["attributes"]["asin"] for item, body in items(database).items()} == {row[0]: row[1] for row in rows}


def test_retailrocket_keeps_who_did_what_with_which_item(imported: Imported, real_data: Path) -> None:
    database = imported("rocket")
    wanted = Counter(
        (*line.split("\t")[:2], position)
        for position, name in enumerate(("view", "addtocart", "purchase"))
        for line in lines(real_data / "rec" / "retailrocket-small" / f"{name}.tsv.gz")[1:]
    )
    days = database.execute("select user_id, item_id, (time - 1433116800000000) / 86400000000 from events")  # from 2015-06-01
    assert Counter(days) == wanted and len(items(database)) == 8_885
