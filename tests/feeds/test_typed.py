"""JSON, Parquet and sequences; garbage of every kind; and agreement with the checks of the API."""
# ruff: noqa: E501  tables of cases

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aisle.errors import BadInput, Malformed, Misconfigured
from aisle.feeds.events import EventBuilder, to_event
from aisle.feeds.money import Prices
from aisle.feeds.rows import Options
from aisle.types import Event, Item, Money

from .conftest import Write, pseudonym, read

ITEM = Item(
    item_id="a", title="Shirt", price=Money(3900, "EUR"), attributes={"colour": ["white", "blue"], "size": 38, "new": True},
    image_urls=["https://s.example/a.jpg"], availability="preorder", category="Clothing > Shirts", description="soft", brand="Nord",
)  # fmt: skip
NOW = 1_800_000_000_000_000
EVENT = {"user_id": "u", "item_id": "a", "type": "purchase", "time": 1_767_323_045, "value": 4.5, "quantity": 2}
calm = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("shape", ["lines", "array", "wrapped", "wrapped on one line", "pretty array"])
def test_our_own_items_come_back_from_json(write: Write, shape: str) -> None:
    records = [msgspec.to_builtins(ITEM), {"item_id": "b", "title": "Hat [x] {y}"}, {"item_id": 7, "title": "Seven"}]
    text = {
        "lines": "\n".join(map(json.dumps, records)),
        "array": json.dumps(records),
        "wrapped": json.dumps({"items": records}, indent=1),
        "wrapped on one line": json.dumps({"items": records}),
        "pretty array": json.dumps(records, indent=2),
    }[shape]
    got = read(write(text, "items.json"), "items")
    assert got.rows == [ITEM, Item(item_id="b", title="Hat [x] {y}"), Item(item_id="7", title="Seven")]


def test_broken_json_lines_cost_their_row(write: Write) -> None:
    lines = [
        json.dumps(EVENT),
        "{",
        "[1]",
        json.dumps(EVENT | {"value": "x"}),
        '{"a":' * 2000,
        json.dumps(EVENT).replace("4.5", "NaN"),
    ]
    got = read(write("\n".join(lines), "e.jsonl"), "events")
    assert (len(got.rows), len(got.rejects)) == (1, 5)


def test_small_and_large_json_numbers_are_numbers(write: Write) -> None:
    lines = [json.dumps(EVENT | {"value": value}) for value in (1e-7, 1e11, 0.1, -2.5)]
    assert [event.value for event in read(write("\n".join(lines), "e.jsonl"), "events").rows] == [1e-7, 1e11, 0.1, -2.5]


def test_a_json_array_that_breaks_off_is_an_error(write: Write) -> None:
    with pytest.raises(Malformed, match="breaks after row 2"):
        read(write(json.dumps([EVENT, EVENT, EVENT])[:-20], "e.json"), "events")


def test_nested_json_is_mapped_with_a_dot(write: Write) -> None:
    record = {"who": {"id": 5}, "what": {"sku": "a"}, "at": 1_767_323_045}
    mapping = {"user_id": "who.id", "item_id": "what.sku", "time": "at"}
    got = read(write(json.dumps(record), "e.jsonl"), "events", mapping=mapping, defaults={"type": "view"})
    assert (got.rows[0].user_id, got.rows[0].item_id) == ("5", "a")


def test_parquet_keeps_types_and_reads_ids_that_became_floats(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import datetime

    import pyarrow.parquet as pq

    at = datetime.datetime(2026, 1, 2, 3, 4, 5)
    table = pa.table({
        "Cust": pa.array([17850.0, None, 2.0]), "item_id": ["a", "b", "c"], "time": [at, at, None], "value": pa.array([2.55, 1.5, 2.0], pa.float32()),
        "type": ["view"] * 3,
    })  # fmt: skip
    pq.write_table(table, tmp_path / "e.parquet")
    got = read(tmp_path / "e.parquet", "events", mapping={"user_id": "Cust"})
    assert (got.format, got.rows[0].user_id, got.rows[0].time, got.rows[0].value) == (
        "parquet",
        "17850",
        1_767_323_045_000_000,
        2.55,
    )
    assert got.reasons == ["no user_id", "no time"]


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "e.parquet"
    path.write_bytes(b"PAR1....PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Misconfigured, match=r"pip install aisle\[parquet\]"):
        read(path, "events")


def test_sequences_keep_their_order_and_end_on_one_day(write: Write) -> None:
    got = read(write("1 10 20 30\n2 10\n2 40\n\n", "s.txt"), "events", defaults={"type": "rate"})
    assert got.format == "sequences"
    assert [(event.user_id, event.item_id) for event in got.rows] == [
        ("1", "10"),
        ("1", "20"),
        ("1", "30"),
        ("2", "10"),
        ("2", "40"),
    ]
    times = [event.time for event in got.rows]
    assert times[:3] == sorted(set(times[:3])) and times[2] == times[4] > times[3]


def test_very_long_sequences_stay_after_1990(write: Write) -> None:
    got = read(write("1 " + " ".join(map(str, range(30_000))), "s.txt"), "events")
    assert len({event.time for event in got.rows}) == len(got.rows) == 30_000


@pytest.mark.parametrize(
    ("text", "currency", "expected"),
    [
        ("39.00 EUR", "USD", (3900, "EUR")), ("€ 1.234,56", "EUR", (123456, "EUR")), ("¥1,200", "EUR", (1200, "JPY")),
        ("1.500 KWD", "EUR", (1500, "KWD")), ("$5", "CAD", (500, "CAD")), ("$5", "EUR", (500, "USD")), ("199 kr", "SEK", (19900, "SEK")),
        ("CHF 1'234.50", "EUR", (123450, "CHF")), ("0.005", "EUR", (1, "EUR")), ("1.25", "JPY", (1, "JPY")), ("12 345,60 zł", "EUR", (1234560, "PLN")),
        ("0.29", "EUR", (29, "EUR")), ("1234567.89", "EUR", (123456789, "EUR")), ("1,234,567", "EUR", (123456700, "EUR")),
    ],
)  # fmt: skip
def test_money_is_exact_minor_units(text: str, currency: str, expected: tuple[int, str]) -> None:
    price = Prices(currency).read(text)
    assert (price["amount"], price["currency"]) == expected


@calm
@given(cents=st.integers(0, 10**12))
def test_every_cent_survives_the_way_through_text(cents: int) -> None:
    assert Prices("EUR").read(f"{cents // 100}.{cents % 100:02}")["amount"] == cents


ids = st.text(max_size=4) | st.just("x" * 257) | st.text(alphabet="ab \x00\x1f\x7f\n ", max_size=3)


@calm
@given(
    user=ids, item=ids, kind=st.sampled_from(["view", "purchase", "rate", "nonsense", ""]), session=ids,
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15).map(lambda x: round(x, 3)),
    quantity=st.none() | st.integers(0, 2**31),
)  # fmt: skip
def test_the_fast_path_agrees_with_the_checks_of_the_api(
    user: str, item: str, kind: str, session: str, value: float | None, quantity: int | None
) -> None:
    """What it accepts, types.Event accepts, and the other way round (ids are trimmed; empty optional ids are absent)."""
    if "@" in user or any("\ud800" <= letter <= "\udfff" for letter in user + item + session):
        return
    cells = {"user_id": user, "item_id": item, "type": kind, "time": "1767323045", "session_id": session}
    cells |= {"value": "" if value is None else f"{value:.3f}", "quantity": "" if quantity is None else str(quantity)}
    builder = EventBuilder(Options("events", "EUR", pseudonym, {}, {}, NOW), {})
    rows, rejects = builder.rows({field: [cell] for field, cell in cells.items()}, [1])
    plain: dict[str, Any] = {"user_id": user.strip(), "item_id": item.strip(), "type": kind, "time": 1_767_323_045_000_000}
    plain |= {"session_id": session.strip() or None, "value": value, "quantity": quantity}
    try:
        expected = msgspec.convert(plain, Event)
    except msgspec.ValidationError:
        assert (rows, len(rejects)) == ([], 1)
    else:
        assert [to_event(row) for row in rows] == [expected]


def test_every_row_of_a_big_mixed_chunk_is_its_own(write: Write) -> None:
    lines = ["user_id,item_id,type,time,quantity"]
    lines += [f"u{k},{'' if k % 7 == 0 else f'i{k}'},{'bad' if k % 11 == 0 else 'view'},2026-01-02,{k % 5}" for k in range(5000)]
    got = read(write("\n".join(lines)), "events")
    good = [k for k in range(5000) if k % 7 and k % 11]
    assert [(event.user_id, event.item_id, event.quantity) for event in got.rows] == [(f"u{k}", f"i{k}", k % 5) for k in good]
    assert sorted(reject.row for reject in got.rejects) == [k + 1 for k in range(5000) if not (k % 7 and k % 11)]


pieces = st.sampled_from(
    ['"', '""', ",", ";", "\n", "\r\n", "\x00", "a", "é", "2026-01-02", "1e999", "-5", "=1+1", "view", " ", "\t", "{", "[", "<"]
)
garbage = st.lists(pieces | st.text(max_size=3), max_size=60).map("".join)


@calm
@given(text=garbage, kind=st.sampled_from(["items", "events"]), header=st.booleans())
def test_garbage_always_adds_up_or_is_refused_as_a_whole(write: Write, text: str, kind: str, header: bool) -> None:
    names = "item_id,title,price\n" if kind == "items" else "user_id,item_id,type,time,value,quantity\n"
    content = ((names if header else "") + text).encode("utf-8", "surrogatepass")
    try:
        got = read(write(content), kind)
    except BadInput:
        return
    assert got.read <= 1 + text.count("\n") + text.count("\r")  # and `read` has checked that they add up


@calm
@given(content=st.binary(max_size=400))
def test_random_bytes_never_do_more_than_raise_our_errors(write: Write, content: bytes) -> None:
    for kind in ("items", "events"):
        with contextlib.suppress(BadInput):
            read(write(content), kind)
