"""GA4 e-commerce events: the BigQuery export (JSON lines or Parquet) and dataLayer pushes. Each element of items[] is a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from aisle.feeds import items as make
from aisle.feeds.events import EventBuilder
from aisle.feeds.items import ItemBuilder
from aisle.feeds.jsontext import as_text
from aisle.feeds.money import Prices
from aisle.feeds.records import put
from aisle.feeds.rows import Batch, Chunk, Options, Reject, shown
from aisle.feeds.source import Source

OURS = frozenset(
    ["view_item_list", "select_item", "view_item", "add_to_wishlist", "add_to_cart", "remove_from_cart", "purchase", "refund"]
)  # GA4's events that have a counterpart here
NOTHING = frozenset(("", "(not set)", "(other)", "null", "undefined"))
FIELDS = ("user_id", "item_id", "type", "time", "price", "quantity", "session_id", "event_id")
Record = dict[str, Any]


class Records(Protocol):
    """Where GA4 records come from."""

    def records(self, source: Source) -> Iterator[Chunk]: ...


class Ga4Events:
    """Events from items[]. A purchase is known by its transaction, so thank-you pages loaded twice count once."""

    def __init__(self, table: Records, options: Options) -> None:
        self._table = table
        self._builder = EventBuilder(options, options.defaults)

    def batches(self, source: Source) -> Iterator[Batch]:
        number = 0
        for chunk in self._table.records(source):
            rejects = [Reject(0, reject.reason) for reject in chunk.rejects]
            columns: dict[str, list[str]] = {field: [] for field in FIELDS}
            numbers: list[int] = []
            read = len(rejects)
            for record in chunk.rows:
                lines, reason = _lines(record)
                for line in lines or [{}]:
                    number += 1
                    read += 1
                    if reason:
                        rejects.append(Reject(number, reason, shown([("event", event_name(record))])))
                        continue
                    numbers.append(number)
                    for field in FIELDS:
                        columns[field].append(line[field])
            rejects = [reject if reject.row else reject._replace(row=(number := number + 1)) for reject in rejects]
            rows, refused = self._builder.rows(columns, numbers)
            yield Batch(rows, rejects + refused, read)


class Ga4Items:
    """A catalogue out of the same events: item_name, brand, category and price as the tags report them."""

    def __init__(self, table: Records, options: Options) -> None:
        self._table = table
        self._prices = Prices(options.currency)

    def batches(self, source: Source) -> Iterator[Batch]:
        builder, number = ItemBuilder(), 0
        for chunk in self._table.records(source):
            batch = Batch(read=len(chunk.rejects))
            for reject in chunk.rejects:
                number += 1
                batch.rejects.append(reject._replace(row=number))
            for record in chunk.rows:
                currency = said(_ecommerce(record).get("currency")) or said(_parameter(record, "currency"))
                for item in _items(record) or [{}]:
                    number += 1
                    batch.read += 1
                    if not item:
                        batch.rejects.append(Reject(number, "the event has no items", shown([("event", event_name(record))])))
                    else:
                        put(builder, batch, number, item | {"currency": currency}, self._fields)
            yield batch

    def _fields(self, item: Record) -> Record:
        path = [said(item.get(f"item_category{k}")) for k in ("", "2", "3", "4", "5")]
        price = said(item.get("price"))
        return make.filled(
            item_id=said(item.get("item_id")) or said(item.get("item_name")),
            title=make.clean(said(item.get("item_name"))),
            brand=make.clean(said(item.get("item_brand"))),
            category=" > ".join(part for part in path if part),
            price=self._prices.read(price, said(item.get("currency")).upper() or None) if price else None,
            attributes={"variant": said(item.get("item_variant"))} if said(item.get("item_variant")) else None,
        )


def event_name(record: Record) -> str:
    return as_text(record.get("event_name") or record.get("event") or record.get("name"))


def said(value: Any) -> str:
    """The text of a value, "" for GA4's ways of saying nothing."""
    text = as_text(value).strip()
    return "" if text.casefold() in NOTHING else text


def _lines(record: Record) -> tuple[list[dict[str, str]], str]:
    """One line per element of items[], and why none of them counts."""
    name, items = event_name(record), _items(record)
    if name not in OURS:
        return [{} for _ in items], f"GA4 event {name[:40]} has no counterpart here" if name.isidentifier() else "no event_name"
    if not items:
        return [], "the event has no items"
    anonymous = said(record.get("user_pseudo_id")) or said(record.get("client_id"))
    user = said(record.get("user_id")) or anonymous
    session = said(_parameter(record, "ga_session_id")) or said(record.get("session_id"))
    transaction = said(_ecommerce(record).get("transaction_id")) or said(_parameter(record, "transaction_id"))
    moment = record.get("event_timestamp") or record.get("timestamp_micros") or record.get("timestamp") or record.get("time")
    spent = name in ("purchase", "refund")
    return [
        {
            "user_id": user,
            "item_id": said(item.get("item_id")) or said(item.get("item_name")),
            "type": name,
            "time": said(moment),
            "price": said(item.get("price")) if spent else "",
            "quantity": said(item.get("quantity")),
            "session_id": f"{anonymous or user}.{session}" if session else "",
            "event_id": f"ga4:{name}:{transaction}:{place}" if spent and transaction else "",
        }
        for place, item in enumerate(items)
    ], ""


def _items(record: Record) -> list[Record]:
    found = record.get("items") or _ecommerce(record).get("items") or _inner(record, "params").get("items") or []
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _ecommerce(record: Record) -> Record:
    return _inner(record, "ecommerce")


def _inner(record: Record, key: str) -> Record:
    found = record.get(key)
    return found if isinstance(found, dict) else {}


def _parameter(record: Record, key: str) -> Any:
    """One of event_params: a list of {key, value{…_value}} in BigQuery, an object elsewhere."""
    found = record.get("event_params") or record.get("params") or {}
    if isinstance(found, dict):
        return found.get(key, record.get(key))
    for pair in found if isinstance(found, list) else []:
        if isinstance(pair, dict) and pair.get("key") == key and isinstance(pair.get("value"), dict):
            return next((value for value in pair["value"].values() if value is not None), None)
    return None


def looks_like_ga4(records: list[Record]) -> bool:
    """Do the first records have an event name and items[], or GA4's own clock and user?"""
    named = [record for record in records if event_name(record)]
    return bool(named) and any(_items(record) or {"event_timestamp", "event_params"} <= record.keys() for record in named)
