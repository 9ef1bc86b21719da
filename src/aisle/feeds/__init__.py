"""The shop world's files: `open_feed` finds the format and gives items or events in batches, each row accepted or refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from aisle.errors import BadInput
from aisle.feeds.delimited import Delimited
from aisle.feeds.detect import SUMMARY, detect
from aisle.feeds.events import to_event
from aisle.feeds.ga4 import Ga4Events, Ga4Items
from aisle.feeds.jsontext import JsonTable, as_text
from aisle.feeds.merchant import MerchantXml, merchant_table
from aisle.feeds.orders import ShopifyOrders
from aisle.feeds.parquet import ParquetTable
from aisle.feeds.records import Reader
from aisle.feeds.rows import Batch, Chunk, EventRow, Options, Reject
from aisle.feeds.sequences import Sequences
from aisle.feeds.shopify import ShopifyProducts
from aisle.feeds.source import Source
from aisle.feeds.table import MappedEvents, MappedItems
from aisle.feeds.woocommerce import WooProducts

__all__ = ["FORMATS", "Batch", "EventRow", "Feed", "Reject", "open_feed"]

FORMATS: Mapping[str, tuple[str, str]] = MappingProxyType(SUMMARY)
NOTHING: Mapping[str, str] = MappingProxyType({})
SAMPLED = 500  # rows


class Feed:
    """One file whose format is known. May be read more than once; `done` of `total` bytes tell how far the reading is."""

    def __init__(self, path: Path, name: str, options: Options) -> None:
        self.path = path
        self.format = name
        self.kind = options.kind
        self.mapping = options.mapping
        self.total = path.stat().st_size
        self._options = options
        self._source: Source | None = None
        with Source(path) as source:  # a file that cannot be read as this format is refused before a row is stored
            _reader(name, source, options)

    @property
    def done(self) -> int:
        return self._source.done if self._source else 0

    def batches(self, size: int = 50_000) -> Iterator[Batch]:
        """Batches whose rows are Item or Event, of about `size` rows."""
        for batch in self.row_batches(size):
            if self.kind == "events":
                batch.rows = [to_event(row) for row in batch.rows]
            yield batch

    def row_batches(self, size: int = 50_000) -> Iterator[Batch]:
        """The same, events as tuples in the order of the events table: what storage takes fastest."""
        with Source(self.path) as source:
            self._source = source
            gathered = Batch()
            for batch in _reader(self.format, source, self._options).batches(source):
                _gather(gathered, batch)
                if len(gathered.rows) + len(gathered.rejects) >= size:
                    yield gathered
                    gathered = Batch()
            yield gathered

    def sample(self) -> dict[str, list[str]]:
        """All columns of the first rows, as text, where the format has columns: to look for better ids. Never stored."""
        with Source(self.path) as source:
            table: Delimited | JsonTable | ParquetTable
            if self.format == "csv":
                table = Delimited(source.peek())
            elif self.format == "jsonl":
                table = JsonTable(source.peek())
            elif self.format == "parquet":
                table = ParquetTable(source)
            else:
                return {}
            names = table.names
            chunk = next(table.chunks(source), Chunk([], [], []))
            rows = chunk.rows[:SAMPLED]
        return {name: [as_text(row[k]) for row in rows] for k, name in enumerate(names)}


def open_feed(
    path: Path | str,
    kind: str,
    *,
    format: str = "auto",  # noqa: A002  the command line says --format
    mapping: Mapping[str, str] = NOTHING,
    defaults: Mapping[str, str] = NOTHING,
    currency: str,
    pseudonym: Callable[[str], str],
) -> Feed:
    """Find out what a file is, or take the caller's word.

    `kind`: "items" or "events". `mapping`: our field -> their column. `defaults`: values for fields the file lacks.
    `currency`: ISO 4217 code of prices that name none. `pseudonym`: stands in for e-mail addresses.
    Raises BadInput, saying what was seen and what to do, where the file does not fit.
    """
    path = Path(path)
    if kind not in ("items", "events"):
        raise BadInput(f"{kind!r} is not something to import: items or events")
    options = Options(kind, currency, pseudonym, dict(mapping), dict(defaults), time.time_ns() // 1000)
    if path.is_dir():
        raise BadInput(f"{path} is a folder: name the file in it")
    name = _detected(path, options) if format == "auto" else format
    if name not in SUMMARY:
        raise BadInput(f"there is no format {name!r}: {', '.join(['auto', *SUMMARY])}")
    holds, title = SUMMARY[name]
    if kind not in holds.split():
        raise BadInput(f"{path.name} is a {title}, which holds {holds}: use `aisle import {holds.split()[0]}`")
    return Feed(path, name, options)


def _detected(path: Path, options: Options) -> str:
    with Source(path) as source:
        name = detect(source.peek(), options.kind, bool(options.mapping))
        nested = name == "parquet" and not options.mapping and "event_name" in ParquetTable(source).names
        return "ga4" if nested else name


def _reader(name: str, source: Source, options: Options) -> Reader:
    head = source.peek()
    if name == "parquet":
        return _mapped(ParquetTable(source), options)
    if name == "jsonl":
        return _mapped(JsonTable(head), options)
    if name == "ga4":
        table = ParquetTable(source) if head[:4] == b"PAR1" else JsonTable(head)
        return Ga4Events(table, options) if options.kind == "events" else Ga4Items(table, options)
    if name == "sequences":
        return Sequences(options)
    if name == "google-merchant-xml":
        return MerchantXml(options)
    return _delimited(name, Delimited(head), options)


def _delimited(name: str, table: Delimited, options: Options) -> Reader:
    if name == "google-merchant":
        return merchant_table(table, options)
    if name == "shopify-products":
        return ShopifyProducts(table, options)
    if name == "shopify-orders":
        return ShopifyOrders(table, options)
    if name == "woocommerce":
        return WooProducts(table, options)
    return _mapped(table, options)


def _mapped(table: Delimited | JsonTable | ParquetTable, options: Options) -> Reader:
    return MappedEvents(table, options) if options.kind == "events" else MappedItems(table, options)


def _gather(into: Batch, batch: Batch) -> None:
    into.rows += batch.rows
    into.rejects += batch.rejects
    into.read += batch.read
    into.fresh += batch.fresh
    into.repeats += batch.repeats
