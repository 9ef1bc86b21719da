"""Shopify's order export: one purchase per order line, e-mails turned into pseudonyms, nothing else of the person read."""

from __future__ import annotations

from collections.abc import Iterator

from aisle.feeds.delimited import Delimited
from aisle.feeds.events import EventBuilder
from aisle.feeds.rows import Batch, Options, Reject, shown
from aisle.feeds.shopify import unquoted
from aisle.feeds.source import Source

ALLOWED = (  # of some eighty columns, addresses and notes among them, only these are read
    "name", "email", "financial status", "created at", "cancelled at", "id",
    "lineitem quantity", "lineitem name", "lineitem price", "lineitem sku",
)  # fmt: skip
CARRIED = ("email", "financial status", "created at", "cancelled at", "id")  # written on an order's first line only
DROPPED = {"voided": "the order was voided", "refunded": "the order was refunded"}
Line = dict[str, str]


class ShopifyOrders:
    """Purchases, joined to the catalogue by SKU, or by "Title - Variant" where a line has none (as shopify.py names items)."""

    def __init__(self, table: Delimited, options: Options) -> None:
        self._table = table
        names = [name.strip().casefold() for name in table.names]
        self._places = {name: names.index(name) for name in ALLOWED if name in names}
        self._builder = EventBuilder(options, {"type": "purchase"} | dict(options.defaults))

    def batches(self, source: Source) -> Iterator[Batch]:
        order: Line = {}
        line = 0
        for chunk in self._table.chunks(source):
            kept: list[Line] = []
            numbers: list[int] = []
            rejects = list(chunk.rejects)
            for number, row in zip(chunk.numbers, chunk.rows, strict=True):
                here = {name: row[place].strip() for name, place in self._places.items()}
                goes_on = here["name"] == order.get("name") and not (here.get("id") or here.get("financial status"))
                line = line + 1 if goes_on else 1
                here |= {name: order.get(name, "") for name in CARRIED if goes_on and not here.get(name)}
                order = here
                reason = "the order was cancelled" if here.get("cancelled at") else DROPPED.get(_status(here))
                if reason:
                    rejects.append(Reject(number, reason, _raw(here)))
                else:
                    kept.append(here | {"line": str(line)})
                    numbers.append(number)
            rows, refused = self._builder.rows(_columns(kept), numbers)
            yield Batch(rows, rejects + refused, chunk.read)


def _columns(lines: list[Line]) -> dict[str, list[str]]:
    return {
        "user_id": [line.get("email", "") for line in lines],
        "item_id": [unquoted(line.get("lineitem sku", "")) or line.get("lineitem name", "") for line in lines],
        "time": [line.get("created at", "") for line in lines],
        "quantity": [line.get("lineitem quantity", "") for line in lines],
        "price": [line.get("lineitem price", "") for line in lines],
        "event_id": [_event_id(line) for line in lines],
        "session_id": [_order_id(line) for line in lines],
    }


def _order_id(line: Line) -> str:
    """Names of orders are not unique, ids are."""
    return f"order:{line.get('id') or line['name'] + '@' + line.get('created at', '')}"


def _event_id(line: Line) -> str:
    return f"shopify:{_order_id(line)}:{line['line']}"


def _status(line: Line) -> str:
    return line.get("financial status", "").casefold()


def _raw(line: Line) -> str:
    return shown((name, line.get(name)) for name in ALLOWED)
