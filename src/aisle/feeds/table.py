"""Tables whose columns are mapped to our fields: CSV, JSON lines and arrays, Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any, Protocol

from aisle.errors import BadInput
from aisle.feeds import items as make
from aisle.feeds.columns import FIELDS, Plan, need, plan
from aisle.feeds.events import EventBuilder
from aisle.feeds.items import ItemBuilder
from aisle.feeds.jsontext import as_text
from aisle.feeds.moments import Moments
from aisle.feeds.money import Prices
from aisle.feeds.rows import EMAIL, Batch, Chunk, Options, Reject, shown
from aisle.feeds.source import Source


class Table(Protocol):
    """Named columns, read in chunks of rows."""

    names: list[str]
    open_ended: bool  # later rows may have columns that the first ones lack
    textual: bool  # every cell is text

    def chunks(self, source: Source) -> Iterator[Chunk]: ...


class MappedEvents:
    """Event rows from a table."""

    def __init__(self, table: Table, options: Options) -> None:
        self._table = table
        defaults = dict(options.defaults)
        found = plan(table.names, "events", options.mapping)
        fields = {field: k for field, k in found.fields.items() if not (field in found.guessed and field in defaults)}
        need(fields, table.names, "events", defaults)
        if "type" not in fields and "type" not in defaults:
            if "value" not in fields:
                raise BadInput("no column says what happened: add --default type=purchase (or view, click, add_to_cart, …)")
            defaults["type"] = "rate"
        if "time" not in fields and "time" not in defaults:
            raise BadInput(
                "no column is known as time: say which, with --map time=COLUMN, or give one: --default time=2026-01-01"
            )
        self._fields = _extended(table, fields, "events")
        self._builder = EventBuilder(options, defaults)

    def batches(self, source: Source) -> Iterator[Batch]:
        for chunk in self._table.chunks(source):
            columns = {field: _texts(self._table, chunk, place) for field, place in self._fields.items()}
            rows, rejects = self._builder.rows(columns, chunk.numbers)
            yield Batch(rows, chunk.rejects + rejects, chunk.read)


class MappedItems:
    """Catalogue items from a table."""

    def __init__(self, table: Table, options: Options) -> None:
        self._table = table
        self._options = options
        self._plan = plan(table.names, "items", options.mapping)
        need(self._plan.fields, table.names, "items", options.defaults)
        self._fields = _extended(table, self._plan.fields, "items")
        self._prices = Prices(options.currency)
        self._moments = Moments(options.now)

    def batches(self, source: Source) -> Iterator[Batch]:
        builder = ItemBuilder()
        for chunk in self._table.chunks(source):
            batch = Batch(rejects=list(chunk.rejects), read=chunk.read)
            learners: dict[str, Prices | Moments] = {"price": self._prices, "created_at": self._moments}
            for field, learner in learners.items():
                if field in self._fields:
                    learner.learn({cell for cell in _texts(self._table, chunk, self._fields[field]) if cell})
            for number, row in zip(chunk.numbers, chunk.rows, strict=True):
                self._add(builder, batch, number, row)
            yield batch

    def _add(self, builder: ItemBuilder, batch: Batch, number: int, row: list[Any]) -> None:
        cells = {field: row[place] for field, place in self._fields.items()}
        for field, given in self._options.defaults.items():
            if cells.get(field) in (None, ""):
                cells[field] = given
        raw = shown((field, cell) for field, cell in cells.items() if isinstance(cell, str | int | float))
        try:
            fields = self._item(cells, row)
        except BadInput as error:
            batch.rejects.append(Reject(number, error.detail, raw))
            return
        builder.add(batch, number, fields, raw)

    def _item(self, cells: dict[str, Any], row: list[Any]) -> dict[str, Any]:
        text = {field: as_text(cell) for field, cell in cells.items()}
        price, pictures = cells.get("price"), cells.get("image_urls")
        return make.filled(
            item_id=text.get("item_id", "").strip(),
            title=make.clean(text.get("title")),
            description=make.plain(text.get("description")),
            brand=make.clean(text.get("brand")),
            category=make.path(text.get("category")),
            price=price if isinstance(price, dict) else self._price(text.get("price", ""), text.get("currency")),
            availability=make.stock(text.get("availability")),
            image_urls=pictures if isinstance(pictures, list) else make.urls(text.get("image_urls")),
            group_id=text.get("group_id"),
            created_at=self._moments.read(text["created_at"]) if text.get("created_at") else None,
            attributes=self._attributes(cells.get("attributes"), row, self._plan),
        )

    def _price(self, text: str, currency: str | None) -> dict[str, object] | None:
        return self._prices.read(text, (currency or "").strip().upper() or None) if text.strip() else None

    def _attributes(self, own: Any, row: list[Any], found: Plan) -> dict[str, Any]:
        attributes = dict(own) if isinstance(own, dict) else make.filled(attributes=own)
        for name, place in found.attributes.items():
            cell = row[place]
            if cell is None or cell == "" or isinstance(cell, dict):
                continue
            value = cell.split() if place in found.lists and isinstance(cell, str) else cell
            attributes[name] = EMAIL.sub("***", value) if isinstance(value, str) else value
        return attributes


def _texts(table: Table, chunk: Chunk, place: int) -> list[str]:
    cells = list(map(itemgetter(place), chunk.rows))
    return cells if table.textual else [as_text(cell) for cell in cells]


def _extended(table: Table, fields: dict[str, int], kind: str) -> dict[str, int]:
    """Records that come later may have fields of ours which the first ones lack."""
    if not table.open_ended:
        return fields
    for field in FIELDS[kind]:
        if field not in fields and field not in table.names:
            table.names.append(field)
            fields = {**fields, field: len(table.names) - 1}
    return fields
