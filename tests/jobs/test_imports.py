"""Importing: everything adds up, the same file twice changes nothing, and a low match rate is explained."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from aisle.errors import Malformed, StorageFailed
from aisle.feeds import jsontext, open_feed, text
from aisle.feeds import parquet as feeds_parquet
from aisle.jobs import imports
from aisle.jobs.imports import ImportReport, import_feed
from aisle.storage.database import Database
from aisle.storage.events import Events
from aisle.storage.items import Items
from aisle.types import Item

EVENTS = "user_id,item_id,type,time\n"


class Shop:
    """An empty shop, and a way to import into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(f"sqlite:///{folder / 'aisle.db'}")
        self.items = Items(self.database)
        self.events = Events(self.database)
        self.steps: list[tuple[float, float, str]] = []

    def read(self, path: Path | str, kind: str, **given: Any) -> ImportReport:
        """Import a file, or text as a file."""
        if isinstance(path, str):
            (self.folder / "file.csv").write_text(path)
            path = self.folder / "file.csv"
        feed = open_feed(path, kind, **{"currency": "GBP", "pseudonym": lambda subject: f"p_{len(subject)}"} | given)
        rejects = self.folder / "rejects.csv"
        report = import_feed(feed, kind, 1, self.items, self.events, rejects, lambda *step: self.steps.append(step))
        assert report.rows == report.accepted + report.duplicates + report.rejected == report.rows
        assert sum(report.reasons.values()) == report.rejected
        assert self.steps[-1][0] == self.steps[-1][1] == path.stat().st_size
        return report

    def rejects(self) -> list[dict[str, str]]:
        with (self.folder / "rejects.csv").open(newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def shop(tmp_path: Path) -> Any:
    shop = Shop(tmp_path)
    yield shop
    shop.database.close()


def test_the_same_file_twice_changes_nothing(shop: Shop) -> None:
    rows = EVENTS + "".join(f"u{k % 7},i{k % 11},view,{1767323045 + k}\n" for k in range(1000))
    first, again = shop.read(rows, "events"), shop.read(rows, "events")
    assert (first.accepted, first.duplicates, again.accepted, again.duplicates) == (1000, 0, 0, 1000)
    assert shop.events.count(1) == 1000


def test_the_order_of_rows_does_not_matter(shop: Shop, tmp_path: Path) -> None:
    rows = [f"u{k % 7},i{k % 11},view,{1767323045 + k}\n" for k in range(500)]
    other = Shop(tmp_path / "other") if (tmp_path / "other").mkdir() is None else shop
    shop.read(EVENTS + "".join(rows), "events")
    other.read(EVENTS + "".join(reversed(rows)) + "".join(rows[:50]), "events")
    assert [shop.events.of_user(1, f"u{k}") for k in range(7)] == [other.events.of_user(1, f"u{k}") for k in range(7)]
    other.database.close()


def test_rejects_are_written_with_row_reason_and_no_formula(shop: Shop) -> None:
    report = shop.read(EVENTS + "=cmd|' /C calc'!A0,,view,2026-01-01\nu,a,view,2026-01-01\n,b,view,2026-01-01\n", "events")
    assert (report.accepted, report.reasons) == (1, {"no item_id": 1, "no user_id": 1})
    assert [(row["row"], row["reason"]) for row in shop.rejects()] == [("1", "no item_id"), ("3", "no user_id")]
    assert imports.unformula("=1+1") == "'=1+1" and imports.unformula("@x") == "'@x" and imports.unformula("a=1") == "a=1"


def test_a_file_without_rejects_leaves_no_file(shop: Shop) -> None:
    shop.read(EVENTS + ",b,view,2026-01-01\n", "events")
    report = shop.read(EVENTS + "u,b,view,2026-01-01\n", "events")
    assert report.rejects_file is None and not (shop.folder / "rejects.csv").exists()


def test_times_currencies_and_counts_are_reported(shop: Shop) -> None:
    events = shop.read(EVENTS + "u,b,view,2026-01-01\nu,b,view,2026-01-03\n", "events")
    assert (events.first_time, events.last_time) == (1_767_225_600_000_000, 1_767_398_400_000_000)
    items = shop.read("item_id,title,price\na,A,1\nb,B,2 USD\na,A,1\n", "items")
    assert (items.accepted, items.duplicates, items.currencies) == (2, 1, {"GBP": 1, "USD": 1})


def test_personal_data_of_orders_is_neither_stored_nor_in_the_rejects(shop: Shop) -> None:
    header = (
        "Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Billing Name,Phone\n"
    )
    shop.read(
        header
        + "#1,ana@example.com,paid,2026-10-02 09:14:55 +0200,1,Hat,5,HAT,Ana Alvarez,+34600\n"
        + "#2,bob@example.com,paid,never,1,Hat,5,HAT,Bob Brown,+34601\n"
        + "#3,cy@example.com,paid,2026-10-02 09:14:55 +0200,1,Hat,5,HAT,Cy Clark,+34602,extra\n",
        "events",
    )
    shop.database.close()
    (shop.folder / "file.csv").unlink()
    everything = b"".join(path.read_bytes() for path in shop.folder.iterdir())
    assert [word for word in (b"example.com", b"Alvarez", b"Brown", b"Clark", b"+346") if word in everything] == []
    assert b"p_15" in everything


def test_a_full_match_needs_no_advice(shop: Shop) -> None:
    shop.items.put(1, [Item(item_id="a", title="A")])
    report = shop.read(EVENTS + "u,a,view,2026-01-01\n", "events")
    assert (report.match_rate, report.advice) == (1.0, None)


def test_ratings_without_a_value_are_said(shop: Shop) -> None:
    shop.items.put(1, [Item(item_id="a", title="A")])
    rows = "user_id,item_id,type,time,value\n" + "u,a,rate,2026-01-01,4\nu,a,rate,2026-01-02,\nu,a,view,2026-01-03,\n"
    report = shop.read(rows, "events")
    assert report.accepted == 3 and report.advice and report.advice.startswith("1 ratings have no value")


def test_an_empty_catalogue_is_said(shop: Shop) -> None:
    report = shop.read(EVENTS + "u,a,view,2026-01-01\n", "events")
    assert report.match_rate == 0 and report.advice and "import the items first" in report.advice


def test_the_advice_names_the_column_that_matches(shop: Shop) -> None:
    shop.items.put(1, [Item(item_id=f"SKU-{k}", title="A") for k in range(50)])
    rows = "".join(f"u,{k},SKU-{k},view,{1767323045 + k}\n" for k in range(40))
    report = shop.read("user_id,item_id,Sku Code,type,time\n" + rows, "events")
    assert report.match_rate == 0 and report.advice
    assert '--map item_id="Sku Code" would match 100%' in report.advice and "'SKU-0'" in report.advice


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("shopify_US_{}", "without the part before the last '_'"), ("00{}", "without leading zeros"),
        ("{}-red", "without the part after the last '-'"),
    ],
)  # fmt: skip
def test_the_advice_names_the_change_of_ids_that_matches(shop: Shop, style: str, expected: str) -> None:
    shop.items.put(1, [Item(item_id=str(k), title="A") for k in range(100, 150)])
    rows = "".join(f"u,{style.format(k)},view,{1767323045 + k}\n" for k in range(100, 150))
    report = shop.read(EVENTS + rows, "events")
    assert report.advice and expected in report.advice and "100%" in report.advice


def test_the_advice_names_the_catalogue_field_that_matches(shop: Shop) -> None:
    shop.items.put(1, [Item(item_id=f"v{k}", title="A", group_id=f"g{k // 2}", attributes={"gtin": str(k)}) for k in range(50)])
    report = shop.read(EVENTS + "".join(f"u,g{k},view,{1767323045 + k}\n" for k in range(25)), "events")
    assert report.advice and "the catalogue's group_id" in report.advice


def test_when_nothing_would_help_the_advice_says_that(shop: Shop) -> None:
    shop.items.put(1, [Item(item_id="a", title="A")])
    report = shop.read(EVENTS + "u,zzz,view,2026-01-01\n", "events")
    assert report.advice and "No other column" in report.advice


def test_a_file_that_breaks_keeps_what_was_read_before(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH", 100)
    monkeypatch.setattr(jsontext, "PER_CHUNK", 100)
    event = {"user_id": "u", "item_id": "a", "type": "view"}
    content = json.dumps([event | {"time": 1767323045 + k} for k in range(2000)])
    with pytest.raises(Malformed):
        shop.read(content[:-30], "events")
    kept = shop.events.count(1)
    assert kept > 0
    report = shop.read(content, "events")
    assert (report.accepted, report.duplicates) == (2000 - kept, kept)


def test_an_error_of_the_writer_ends_the_import(shop: Shop) -> None:
    row = EVENTS + "u,a,view,2026-01-01\n"
    shop.database.run("tenants_add", tenant=9, name="x", secret=b"", created_at=0)
    shop.database._writer.execute("pragma query_only = on")
    with pytest.raises(StorageFailed):
        shop.read(row, "events")
    shop.database._writer.execute("pragma query_only = off")
    assert shop.read(row, "events").accepted == 1


def test_progress_is_told_in_bytes(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH", 100)
    monkeypatch.setattr(text, "CHUNK", 1 << 12)
    shop.read(EVENTS + "".join(f"u{k},i,view,{1767323045 + k}\n" for k in range(2000)), "events")
    done = [step[0] for step in shop.steps]
    assert len(done) > 1 and done == sorted(done)


def test_progress_within_one_row_group_of_parquet_is_told_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(imports, "BATCH", 100)
    monkeypatch.setattr(feeds_parquet, "PER_CHUNK", 100)
    rows = [{"user_id": f"u{k}", "item_id": "i", "type": "view", "time": 1767323045 + k} for k in range(400)]
    parquet.write_table(arrow.Table.from_pylist(rows), shop.folder / "events.parquet")
    shop.read(shop.folder / "events.parquet", "events")
    assert [round(4 * done / total) for done, total, _ in shop.steps][:3] == [1, 2, 3]


@pytest.mark.data
@pytest.mark.slow
def test_online_retail_reconciles_with_its_readme(shop: Shop, real_data: Path) -> None:
    path = real_data / "rec" / "online-retail-uci" / "online_retail.parquet"
    mapping = {
        "item_id": "StockCode", "user_id": "CustomerID", "time": "InvoiceDate", "quantity": "Quantity", "price": "UnitPrice",
        "session_id": "InvoiceNo",
    }  # fmt: skip
    report = shop.read(path, "events", mapping=mapping, defaults={"type": "purchase"})
    assert (report.rows, report.reasons) == (541_909, {"no user_id": 541_909 - 406_829})
    assert len(shop.events.users(1, 10_000)) == 4_372
    assert report.accepted + report.duplicates == 406_829


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "users", "items", "events"),
    [
        ("Beauty", 22_363, 12_101, 198_502),
        pytest.param("Sports_and_Outdoors", 35_598, 18_357, 296_337, marks=pytest.mark.slow),
    ],
)
def test_amazon_sequences_have_the_counts_of_their_readme(
    shop: Shop, real_data: Path, name: str, users: int, items: int, events: int
) -> None:
    folder = real_data / "rec" / "amazon-2014-5core" / name
    catalogue = shop.read(folder / "items.tsv.gz", "items", mapping={"title": "attributes", "attributes.asin": "asin"})
    report = shop.read(folder / "sequences.txt.gz", "events")
    assert (catalogue.accepted, report.accepted, report.match_rate) == (items, events, 1.0)
    assert len(shop.events.users(1, 10**6)) == users


@pytest.mark.data
def test_movielens_100k_has_the_counts_of_its_readme(shop: Shop, real_data: Path) -> None:
    folder = real_data / "rec" / "ml-100k"
    assert shop.read(folder / "ml-100k.item.gz", "items").accepted == 1_682
    report = shop.read(folder / "ml-100k.inter.gz", "events")
    assert (report.accepted, report.match_rate, len(shop.events.users(1, 10_000))) == (100_000, 1.0, 943)


@pytest.mark.data
@pytest.mark.slow
def test_movielens_1m_sequences_have_the_counts_of_their_readme(shop: Shop, real_data: Path) -> None:
    report = shop.read(real_data / "rec" / "ml-1m-seq" / "ml-1m.txt.gz", "events", defaults={"type": "rate"})
    assert (report.accepted, len(shop.events.users(1, 10_000))) == (999_611, 6_040)


@pytest.mark.data
def test_retailrocket_has_the_counts_of_its_readme(shop: Shop, real_data: Path) -> None:
    counts = {}
    for name, kind in (("view", "view"), ("addtocart", "add_to_cart"), ("purchase", "purchase")):
        path = real_data / "rec" / "retailrocket-small" / f"{name}.tsv.gz"
        counts[kind] = shop.read(path, "events", defaults={"type": kind, "time": "2015-06-01"}).accepted
    assert counts == {"view": 78_371, "add_to_cart": 9_028, "purchase": 5_088}
    assert len(shop.events.users(1, 10_000)) == 3_431
