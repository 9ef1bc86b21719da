"""The Google Merchant Center feed: tab-separated (or comma CSV) and RSS/Atom XML. One row is one variant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from aisle.errors import BadInput, Malformed, TooLarge, Unsupported
from aisle.feeds import items as make
from aisle.feeds.delimited import Delimited
from aisle.feeds.items import ItemBuilder
from aisle.feeds.moments import Moments
from aisle.feeds.money import Prices
from aisle.feeds.records import Reader, Record, RecordItems, put
from aisle.feeds.rows import Batch, Options
from aisle.feeds.source import Source

PER_BATCH = 5_000
LONGEST_ENTRY = 16 << 20  # bytes of XML between two entries
ROOTS = ("rss", "feed", "rdf", "channel")
ENTRIES = ("item", "entry")  # RSS, Atom
KEPT = (
    "size", "material", "pattern", "gender", "age_group", "condition", "gtin", "mpn", "size_type", "size_system",
    "custom_label_0", "custom_label_1", "custom_label_2", "custom_label_3", "custom_label_4",
)  # fmt: skip


def key_of(name: str) -> str:
    """Attribute names as Google writes them: "g:image link" and "image_link" are the same."""
    return re.sub(r"[\s\-]+", "_", name.strip().casefold().removeprefix("g:"))


class Merchant:
    """Reads one record of the feed, whatever it was written in."""

    def __init__(self, options: Options) -> None:
        self._prices = Prices(options.currency)
        self._moments = Moments(options.now)
        self._now = options.now

    def learn(self, records: list[Record]) -> None:
        self._prices.learn({record[key] for record in records for key in ("price", "sale_price") if one(record, key)})

    def read(self, record: Record) -> Record:
        """Item fields. The price is the sale price while the sale runs."""
        return make.filled(
            item_id=one(record, "id"),
            title=make.clean(one(record, "title") or one(record, "structured_title")),
            description=make.plain(one(record, "description")),
            brand=make.clean(one(record, "brand")),
            category=make.path(one(record, "product_type") or _named(one(record, "google_product_category"))),
            price=self._price(record),
            availability=make.stock(one(record, "availability")),
            image_urls=(make.urls(one(record, "image_link")) + many(record, "additional_image_link"))[:100],
            group_id=one(record, "item_group_id"),
            attributes=_attributes(record),
        )

    def _price(self, record: Record) -> Record | None:
        price, sale = one(record, "price"), one(record, "sale_price")
        if sale and self._on_sale(one(record, "sale_price_effective_date")):
            price = sale
        return self._prices.read(price) if price else None

    def _on_sale(self, window: str) -> bool:
        """Is now within "start/end"? Yes where no window is given."""
        start, slash, end = window.partition("/")
        if not slash:
            return True
        try:
            return self._moments.read(start.strip()) <= self._now and not _past(end.strip(), self._now)
        except BadInput:
            return False


def merchant_table(table: Delimited, options: Options) -> Reader:
    """The tab- or comma-separated feed."""
    merchant = Merchant(options)
    return RecordItems(table, key_of, merchant.learn, merchant.read)


class MerchantXml:
    """RSS <item> and Atom <entry> elements, one at a time. Entities, DTDs and external references are refused."""

    def __init__(self, options: Options) -> None:
        self._merchant = Merchant(options)

    def batches(self, source: Source) -> Iterator[Batch]:
        builder, batch = ItemBuilder(), Batch()
        for number, record in enumerate(_entries(source), 1):
            batch.read += 1
            self._merchant.learn([record])
            put(builder, batch, number, record, self._merchant.read)
            if batch.read >= PER_BATCH:
                yield batch
                batch = Batch()
        yield batch


class _Measured:
    """A source that refuses to go on when one entry has no end."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.since = 0

    def read(self, size: int = 1 << 16) -> bytes:
        self.since += size
        if self.since > LONGEST_ENTRY:
            raise TooLarge("one entry of the XML feed is larger than 16 MiB: the feed is not a product feed, or is damaged")
        return self._source.read(size)


def _entries(source: Source) -> Iterator[Record]:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    measured = _Measured(source)
    above: list[Element] = []
    try:
        for event, element in iterparse(measured, events=("start", "end"), forbid_dtd=True):
            if event == "start":
                if not above and _local(element.tag).casefold() not in ROOTS:
                    raise Unsupported(f"this is XML, but no RSS or Atom feed: it begins with <{_local(element.tag)[:40]}>")
                above.append(element)
                continue
            above.pop()
            if any(_local(parent.tag) in ENTRIES for parent in above):
                continue
            if _local(element.tag) in ENTRIES:
                measured.since = 0
                yield _record(element)
            element.clear()  # nothing of a finished entry stays in memory
            if above:
                above[-1].remove(element)
    except DefusedXmlException as error:
        raise Malformed(f"the XML declares a DTD or entities, which are refused ({type(error).__name__})") from None
    except (ParseError, ValueError, LookupError) as error:
        raise Malformed(f"the XML breaks ({error}): rows before that place were read, mend it there") from None


def _record(entry: Element) -> Record:
    """Children by name; repeated ones as a list; an Atom link by its href."""
    record: Record = {}
    for child in entry:
        name = key_of(_local(child.tag))
        text = (child.text or "").strip() or child.get("href", "")
        if not text and len(child):  # structured_title and its kind hold their text one level below
            text = next((part.text for part in child if part.text and _local(part.tag) == "content"), "")
        if not text or (name == "link" and name in record):
            continue
        before = record.get(name)
        record[name] = text if before is None else [*(before if isinstance(before, list) else [before]), text]
    return record


def one(record: Record, key: str) -> str:
    """The only or first value, "" where absent."""
    value = record.get(key, "")
    return str(value[0] if isinstance(value, list) else value).strip()


def many(record: Record, key: str) -> list[str]:
    """All values: repeated elements in XML, commas in a table."""
    value = record.get(key, "")
    return [url for text in (value if isinstance(value, list) else [value]) for url in make.urls(text)]


def _attributes(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = {key: one(record, key) for key in KEPT if one(record, key)}
    colours = [colour.strip() for colour in (one(record, "color") or one(record, "colour")).split("/") if colour.strip()]
    if colours:
        found["colour"] = colours if len(colours) > 1 else colours[0]
    if one(record, "link"):
        found["url"] = one(record, "link")
    return found


def _named(category: str) -> str:
    """Google's category by name; its bare number says nothing to us."""
    return "" if category.isdigit() else re.sub(r"^\d+\s*-\s*", "", category)


def _past(text: str, now: int) -> bool:
    from aisle.times import to_micros

    return to_micros(re.sub(r"\s+([+-]\d{2}:?\d{2})$", r"\1", text)) < now


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]
