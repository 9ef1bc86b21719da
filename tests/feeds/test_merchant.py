"""Google Merchant feeds, as a table and as XML, and XML that means harm."""

import contextlib
import random
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aisle.errors import BadInput, Malformed, TooLarge
from aisle.feeds import open_feed

from .conftest import Write, pseudonym, read

TSV = (
    "id\ttitle\tlink\timage link\tadditional_image_link\tavailability\tprice\titem_group_id\tcolor\tproduct_type\tsale_price"
    "\tsale_price_effective_date\n"
    "LS-S\tLinen Shirt S\thttps://s.example/p\thttps://s.example/a.jpg\thttps://s.example/b.jpg,https://s.example/c.jpg"
    "\tin_stock\t39.00 EUR\tLS\tWhite/Blue\tClothing > Shirts\t34.50 EUR\t\n"
    "LS-M\tLinen Shirt M\thttps://s.example/p\thttps://s.example/a.jpg\t\tout of stock\t39.00 EUR\tLS\tWhite"
    "\tClothing &gt; Shirts\t30.00 EUR\t2020-01-01T00:00+0100/2020-02-01T00:00+0100\n"
)
RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>
<item><g:id>LS-S</g:id><title>Linen Shirt S</title><description>&lt;b&gt;Airy&lt;/b&gt; linen &amp;amp; soft</description>
<link>https://s.example/p</link><g:image_link>https://s.example/a.jpg</g:image_link>
<g:additional_image_link>https://s.example/b.jpg</g:additional_image_link>
<g:additional_image_link>https://s.example/c.jpg</g:additional_image_link>
<g:price>39.00 EUR</g:price><g:item_group_id>LS</g:item_group_id><g:availability>in stock</g:availability></item>
<item><g:id></g:id><title>Nameless</title></item>
<item><g:id>HAT</g:id><g:title>Hat</g:title><g:price>1200 JPY</g:price></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>Shop</title>
<entry><g:id>A</g:id><title>Cup</title><link href="https://s.example/cup"/><g:price>1.500 KWD</g:price></entry></feed>"""
BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">{layers}]>
<rss><channel><item><id>&l9;</id></item></channel></rss>"""


@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_a_merchant_table_becomes_variants_of_a_group(write: Write, delimiter: str) -> None:
    text = TSV if delimiter == "\t" else TSV.replace("b.jpg,https", "b.jpg;https").replace("\t", ",")
    got = read(write(text, "feed.tsv"), "items")
    small, medium = got.rows
    assert got.format == "google-merchant"
    assert (small.item_id, small.group_id, small.category, small.availability) == ("LS-S", "LS", "Clothing > Shirts", "in_stock")
    assert small.price.amount == 3450  # the sale runs
    assert medium.price.amount == 3900  # the sale is over
    assert medium.availability == "out_of_stock"
    assert small.image_urls == ["https://s.example/a.jpg", "https://s.example/b.jpg", "https://s.example/c.jpg"]
    assert small.attributes["colour"] == ["White", "Blue"]
    assert medium.category == "Clothing > Shirts"


def test_rss_items_are_read_with_repeated_elements_and_html_as_text(write: Write) -> None:
    got = read(write(RSS, "feed.xml"), "items")
    shirt, hat = got.rows
    assert got.format == "google-merchant-xml"
    assert (shirt.item_id, shirt.title, shirt.description) == ("LS-S", "Linen Shirt S", "Airy linen & soft")
    assert len(shirt.image_urls) == 3
    assert (hat.title, hat.price.amount, hat.price.currency) == ("Hat", 1200, "JPY")
    assert (got.read, got.reasons) == (3, ["no item_id"])


def test_atom_entries_are_read_with_links_in_attributes(write: Write) -> None:
    item = read(write(ATOM, "feed.xml"), "items").rows[0]
    assert (item.title, item.attributes["url"], item.price.amount) == ("Cup", "https://s.example/cup", 1500)


def test_a_billion_laughs_are_refused(write: Write) -> None:
    layers = '<!ENTITY l0 "lol">' + "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 10))
    with pytest.raises(Malformed, match="DTD or entities"):
        read(write(BOMB.format(layers=layers), "feed.xml"), "items")


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>', '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/evil.dtd">',
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>', '<!DOCTYPE a [<!ENTITY x "y">]>',
    ],
)  # fmt: skip
def test_external_and_internal_entities_are_refused(write: Write, declaration: str) -> None:
    with pytest.raises(Malformed, match="DTD or entities"):
        read(write(f"<?xml version='1.0'?>{declaration}<rss><channel><item><id>&x;</id></item></channel></rss>"), "items")


def test_xml_that_breaks_keeps_the_rows_before(write: Write) -> None:
    feed = open_feed(write(RSS.partition("<item><g:id>HAT")[0] + "<item><g:id>X</wrong>"), "items", currency="EUR", pseudonym=str)
    with pytest.raises(Malformed, match="rows before"):
        list(feed.batches())


def test_a_web_page_is_no_feed(write: Write) -> None:
    with pytest.raises(BadInput, match="begins with <html>"):
        read(write("<html><body>Please sign in</body></html>", "feed.xml"), "items")


def test_an_entry_without_end_is_refused(write: Write) -> None:
    with pytest.raises(TooLarge, match="16 MiB"):
        read(write("<rss><channel><item><id>a</id><title>" + "x" * (18 << 20)), "items")


def test_memory_stays_flat_however_long_the_feed(tmp_path: Path) -> None:
    def peak(entries: int) -> int:
        path = tmp_path / f"{entries}.xml"
        entry = "<item><g:id>i{}</g:id><title>Thing</title><description>" + "words " * 200 + "</description></item>\n"
        with path.open("w") as file:
            file.write('<rss xmlns:g="http://base.google.com/ns/1.0"><channel>')
            file.writelines(entry.format(k % 50) for k in range(entries))
            file.write("</channel></rss>")
        tracemalloc.start()
        for _ in open_feed(path, "items", currency="EUR", pseudonym=pseudonym).batches(500):
            pass
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(100)
    assert peak(2000) < 2 * peak(500) + (1 << 20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), cuts=st.integers(1, 12))
def test_damaged_and_hostile_xml_never_does_more_than_raise_bad_input(write: Write, seed: int, cuts: int) -> None:
    dice = random.Random(seed)
    text = dice.choice([RSS, ATOM, BOMB.format(layers='<!ENTITY l9 "x">')])
    for _ in range(cuts):
        at = dice.randrange(len(text))
        text = (
            text[:at] + dice.choice(["<", ">", "&x;", "]]>", "<![CDATA[", "<!ENTITY a '&a;'>", "\x00", '"', "<item>"]) + text[at:]
        )
    with contextlib.suppress(BadInput):
        read(write(text, "feed.xml"), "items")
