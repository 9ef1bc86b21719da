"""Plain tables: every trap costs at most its own row."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from aisle.errors import BadInput, Malformed, TooLarge
from aisle.feeds import delimited, open_feed, source

from .conftest import Write, read

EVENTS = "user_id,item_id,type,time\n"
GOOD = "u1,a,view,2026-01-02T03:04:05Z\n"
AT = 1_767_323_045_000_000  # 2026-01-02T03:04:05Z


def events(write: Write, text: str | bytes, **given: object) -> list[tuple[str, str]]:
    return [(event.user_id, event.item_id) for event in read(write(text), "events", **given).rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_encoding_of_a_spreadsheet_is_read(write: Write, encoding: str) -> None:
    text = EVENTS + "zoë,café,view,2026-01-02T03:04:05Z\n"
    assert events(write, text.encode(encoding)) == [("zoë", "café")]


def test_a_wrong_byte_deep_in_a_utf8_file_is_read_as_windows_1252(write: Write) -> None:
    text = (EVENTS + "zoë,a,view,2026-01-02T03:04:05Z\n").encode() + b"jos\xe9,b,view,2026-01-02T03:04:05Z\n"
    assert events(write, text) == [("zoë", "a"), ("josé", "b")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends_are_found_out(write: Write, delimiter: str, end: str) -> None:
    assert events(write, (EVENTS + GOOD).replace(",", delimiter).replace("\n", end)) == [("u1", "a")]


def test_excels_separator_line_is_obeyed(write: Write) -> None:
    assert events(write, "sep=|\n" + (EVENTS + GOOD).replace(",", "|")) == [("u1", "a")]


def test_a_quoted_newline_belongs_to_its_cell(write: Write) -> None:
    got = read(write('item_id,title,description\na,Shirt,"soft\nand ""airy"""\nb,Hat,plain\n'), "items")
    assert [(item.item_id, item.description) for item in got.rows] == [("a", 'soft\nand "airy"'), ("b", "plain")]


@pytest.mark.parametrize("place", [0, 1, 2500])
def test_an_unterminated_quote_costs_one_row(write: Write, place: int) -> None:
    rows = [f"u{k},i{k},view,2026-01-02T03:04:05Z\n" for k in range(3000)]
    rows[place] = '"u,i,view,2026-01-02T03:04:05Z\n'
    got = read(write(EVENTS + "".join(rows)), "events")
    assert (len(got.rows), got.read) == (2999, 3000)
    assert [(reject.row, reject.reason) for reject in got.rejects] == [
        (place + 1, "a quote opens in this row and does not close")
    ]


def test_many_unterminated_quotes_cost_their_rows_and_no_more(write: Write) -> None:
    rows = [f"{'%' if k % 3 else chr(34)}u{k},i{k},view,2026-01-02T03:04:05Z\n" for k in range(3000)]
    got = read(write(EVENTS + "".join(rows)), "events")
    assert (len(got.rows), len(got.rejects)) == (2000, 1000)


def test_an_inch_mark_in_a_title_is_only_a_character(write: Write) -> None:
    got = read(write('item_id,title\na,27" monitor\nb,"5" disc\n'), "items")
    assert [item.title for item in got.rows] == ['27" monitor', "5 disc"]


def test_a_cell_beyond_the_csv_limit_is_refused_and_the_rest_read(write: Write) -> None:
    got = read(write("item_id,title,description\na,A," + "x" * 200_000 + "\nb,B,fine\n"), "items")
    assert ([item.item_id for item in got.rows], got.reasons) == (["b"], ["a cell is longer than 131,072 characters"])


def test_a_line_without_end_is_refused_within_bounded_memory(write: Write) -> None:
    got = read(write("item_id,title\na," + "x" * (10 << 20) + "\nb,B\n"), "items")
    assert ([item.item_id for item in got.rows], got.reasons) == (["b"], ["the row is longer than 8 MiB"])


def test_a_nul_byte_is_refused(write: Write) -> None:
    got = read(write(EVENTS + GOOD * 20 + "u2\x00,b,view,2026-01-02T03:04:05Z\n" + GOOD), "events")
    assert (len(got.rows), got.reasons) == (21, ["the row holds a NUL byte"])


def test_ragged_rows_are_refused_but_spreadsheets_empty_cells_are_not(write: Write) -> None:
    got = read(write(EVENTS + GOOD + "u2,b\n" + GOOD.strip() + ",,,\n" + GOOD.strip() + ",more\n,,,\n\n" + GOOD), "events")
    assert len(got.rows) == 3
    assert [reject.reason for reject in got.rejects] == [
        "the row has fewer cells than the header", "the row has more cells than the header", "the row is empty",
    ]  # fmt: skip
    assert [reject.row for reject in got.rejects] == [2, 4, 5]


def test_of_columns_with_one_name_the_first_is_read(write: Write) -> None:
    assert events(write, "user_id,item_id,type,time,item_id\nu1,a,view,2026-01-02,b\n") == [("u1", "a")]


def test_the_decimal_mark_is_found_per_column(write: Write) -> None:
    got = read(write("item_id;title;price\na;A;1.299\nb;B;34,50\nc;C;1.234,56 €\n"), "items")
    assert [item.price.amount for item in got.rows] == [129_900, 3450, 123_456]
    got = read(write("item_id;title;price\na;A;1,299\nb;B;34.50\n"), "items")
    assert [item.price.amount for item in got.rows] == [129_900, 3450]


def test_bad_prices_are_reported_and_the_rest_imported(write: Write) -> None:
    got = read(write("item_id,title,price\na,A,-3\nb,B,cheap\nc,C,\nd,D,5 USD\n"), "items")
    assert [(item.item_id, item.price and (item.price.amount, item.price.currency)) for item in got.rows] == [
        ("c", None), ("d", (500, "USD")),
    ]  # fmt: skip
    assert got.reasons == ["price is negative", "price is not a number"]


def test_repeated_items_complete_each_other_and_the_last_price_wins(write: Write) -> None:
    got = read(write("item_id,title,price\na,A,1.00\na,,2.00\nb,B,3.00\na,damaged,0\n"), "items")
    assert (got.read, got.fresh, got.repeats) == (4, 2, 2)
    last = {item.item_id: item for item in got.rows}
    assert (last["a"].title, last["a"].price.amount) == ("A", 200)


def test_unmapped_columns_become_attributes_but_never_personal_ones(write: Write) -> None:
    got = read(write("item_id,title,colour,customer_email,City\na,A,blue,ana@example.com,Ghent\n"), "items")
    assert got.rows[0].attributes == {"colour": "blue"}
    got = read(write("code,name,colour,Country\na,A,blue,BE\n"), "items", mapping={"item_id": "code"})
    assert got.rows[0].attributes is None


def test_negative_purchases_are_refunds(write: Write) -> None:
    got = read(
        write("user_id,item_id,time,quantity,price\nu,a,2026-01-02,-2,2.55\nu,b,2026-01-02,3,2.55\n"),
        "events",
        defaults={"type": "purchase"},
    )
    assert [(event.type, event.quantity, event.value) for event in got.rows] == [("refund", 2, 5.1), ("purchase", 3, 7.65)]
    got = read(write("user_id,item_id,time,quantity,type\nu,a,2026-01-02,-2,view\n"), "events")
    assert got.reasons == ["quantity is negative"]


def test_rows_without_a_user_say_so(write: Write) -> None:
    assert read(write(EVENTS + GOOD + ",a,view,2026-01-02\n"), "events").reasons == ["no user_id"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05Z", AT), ("2026-01-02 03:04:05", AT), ("2026-01-02 04:04:05 +0100", AT), ("1767323045", AT),
        ("1767323045000", AT), (str(AT), AT), ("2026-01-02T04:04:05+01:00", AT), ("2026-01-02 03:04:05 UTC", AT),
        ("1/2/2026 3:04:05", AT), ("2.1.2026 03:04:05", AT), ("1/2/2026 3:04", AT - 5_000_000), ("01/02/2026 03:04:05 AM", AT),
        ("2026-01-02 03:04", AT - 5_000_000),
    ],
)  # fmt: skip
def test_times_are_read_in_every_way_shops_write_them(write: Write, text: str, expected: int) -> None:
    assert read(write(EVENTS + f"u,a,view,{text}\n"), "events").rows[0].time == expected


def test_days_before_months_are_told_by_the_column(write: Write) -> None:
    got = read(write(EVENTS + "u,a,view,2/1/2026\nu,b,view,25/1/2026\n"), "events")
    assert got.rows[0].time == 1_767_312_000_000_000  # 2 January


@pytest.mark.parametrize("text", ["1970-01-01", "0", "2100-01-01", "yesterday", "99999999999999999999", "nan", "-1", "1e9", ""])
def test_impossible_times_are_refused(write: Write, text: str) -> None:
    got = read(write(EVENTS + GOOD + f"u,a,view,{text}\n"), "events")
    assert len(got.rejects) == 1 and "time" in got.reasons[0] and (len(text) < 4 or text not in got.reasons[0])


def test_a_header_nobody_knows_is_an_error_that_shows_the_columns(write: Write) -> None:
    with pytest.raises(BadInput, match=r"Kunde.*Artikel.*--map user_id=COLUMN,item_id=COLUMN"):
        read(write("Kunde;Artikel;Zeit\n1;2;2026-01-01\n"), "events")


def test_two_columns_that_could_be_the_item_are_asked_about(write: Write) -> None:
    with pytest.raises(BadInput, match="--map item_id=product_id"):
        read(write("user_id,product_id,sku,type,time\nu,1,a,view,2026-01-01\n"), "events")


def test_mapping_to_what_is_not_there_is_an_error(write: Write) -> None:
    with pytest.raises(BadInput, match="there is no column 'Nope'; the file has 'user_id'"):
        read(write(EVENTS + GOOD), "events", mapping={"item_id": "Nope"})
    with pytest.raises(BadInput, match="there is no field 'colour'"):
        read(write(EVENTS + GOOD), "events", mapping={"colour": "type"})


@pytest.mark.parametrize(
    ("defaults", "message"),
    [
        ({"type": "buyy"}, "type=buyy does not work: type is not known"),
        ({"typ": "view"}, "there is no field 'typ'"),
        ({"time": "soon"}, "time=soon does not work"),
    ],
)
def test_a_default_that_cannot_work_is_refused_at_once(write: Write, defaults: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        open_feed(write("user_id,item_id,type,time\n"), "events", defaults=defaults, currency="EUR", pseudonym=str)


def test_an_excel_workbook_is_told_to_become_csv(write: Write) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(BadInput, match="save the sheet as CSV"):
        read(write(packed.getvalue(), "book.xlsx"), "items")


def test_a_file_of_nothing_but_bad_rows_comes_in_pieces(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "PER_CHUNK", 100)
    feed = open_feed(write(EVENTS + "u,a\n" * 5000), "events", currency="EUR", pseudonym=str)
    sizes = [batch.read for batch in feed.batches(100)]
    assert sum(sizes) == 5000 and max(sizes) <= 200


def test_recbole_headers_are_understood(write: Write) -> None:
    got = read(write("user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n"), "events")
    event = got.rows[0]
    assert (event.user_id, event.item_id, event.type, event.value, event.time) == ("196", "242", "rate", 3.0, 881_250_949_000_000)


def test_gzip_and_zip_are_unpacked(write: Write) -> None:
    assert events(write, gzip.compress((EVENTS + GOOD).encode())) == [("u1", "a")]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../etc/passwd", EVENTS + GOOD)
        archive.writestr("__MACOSX/._x", "litter")
    assert events(write, packed.getvalue()) == [("u1", "a")]


def test_a_zip_of_two_files_is_asked_about(write: Write) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", EVENTS)
        archive.writestr("b.csv", EVENTS)
    with pytest.raises(BadInput, match="holds 2 files"):
        read(write(packed.getvalue()), "events")


def test_a_decompression_bomb_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "SLACK", 1 << 20)
    bomb = gzip.compress((EVENTS + GOOD).encode() + b"\n" * (32 << 20))
    with pytest.raises(TooLarge, match="250 times"):
        read(write(bomb), "events")


def test_a_cut_off_archive_says_so(write: Write) -> None:
    whole = gzip.compress(b"".join(f"u{k},i{k * 7919 % 9973},view,{1767323045 + k}\n".encode() for k in range(99_999)))
    with pytest.raises(Malformed, match="damaged or cut off"):
        read(write(gzip.compress(EVENTS.encode()) + whole[: len(whole) // 2]), "events")


@pytest.mark.parametrize(
    "content", [b"", b"\xef\xbb\xbf", b"\n\n\n", b"\x00\x01\x02binary\x00\x00" * 9, b"PK\x03\x04junk", b"PAR1junk"]
)
def test_what_is_no_table_is_a_clear_error(write: Write, content: bytes) -> None:
    with pytest.raises(BadInput):
        read(write(content), "events")


def test_a_missing_file_and_a_folder_are_clear_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(BadInput, match=r"cannot be read|is a folder"):
            read(path, "events")
