"""Shopify's product export, in its old and its new dialect: variants as items, grouped by handle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from aisle.errors import BadInput
from aisle.feeds import items as make
from aisle.feeds.delimited import Delimited
from aisle.feeds.items import ItemBuilder
from aisle.feeds.money import Prices
from aisle.feeds.rows import Batch, Options, Reject, shown
from aisle.feeds.source import Source

NEW_TO_OLD = {  # the dialect since 2024
    "url handle": "handle", "description": "body (html)", "published on online store": "published", "sku": "variant sku",
    "barcode": "variant barcode", "price": "variant price", "inventory tracker": "variant inventory tracker",
    "inventory quantity": "variant inventory qty", "product image url": "image src", "variant image url": "variant image",
    "continue selling when out of stock": "variant inventory policy",
}  # fmt: skip
METAFIELD = re.compile(r"^(.*) \(product\.metafields\.[\w.\-]+\)$", re.I)
VARIANT = ("variant sku", "variant price", "option1 value", "variant barcode", "variant inventory qty")
Row = dict[str, str]


def key_of(name: str) -> str:
    key = name.strip().casefold()
    return NEW_TO_OLD.get(key, key)


class ShopifyProducts:
    """Rows of one handle belong together: the first carries the product, each with variant cells a variant, others a picture."""

    def __init__(self, table: Delimited, options: Options) -> None:
        self._table = table
        keys = [key_of(name) for name in table.names]
        self._keys = keys
        self._facets = {key: found[1].strip() for key in keys if (found := METAFIELD.match(key))}
        self._prices = Prices(options.currency)

    def batches(self, source: Source) -> Iterator[Batch]:
        builder = ItemBuilder()
        group: list[tuple[int, Row]] = []
        for chunk in self._table.chunks(source):
            batch = Batch(rejects=list(chunk.rejects), read=chunk.read)
            records = [dict(zip(self._keys, row, strict=True)) for row in chunk.rows]
            self._prices.learn({record.get("variant price", "") for record in records})
            for number, record in zip(chunk.numbers, records, strict=True):
                if group and _starts(record, group[0][1]):
                    self._product(builder, batch, group)
                    group = []
                group.append((number, record))
            yield batch
        batch = Batch()
        if group:
            self._product(builder, batch, group)
        yield batch

    def _product(self, builder: ItemBuilder, batch: Batch, group: list[tuple[int, Row]]) -> None:
        first = group[0][1]
        pictures = [row["image src"] for _, row in group if row.get("image src")]
        known = False
        for number, row in group:
            raw = shown((key, row.get(key)) for key in ("handle", "title", "variant sku", "variant price"))
            if row is not first and not any(row.get(key) for key in VARIANT):
                if known:
                    batch.repeats += 1  # a further picture of the product
                else:
                    batch.rejects.append(Reject(number, "the product of this row was refused", raw))
                continue
            try:
                fields = self._variant(first, row, pictures)
            except BadInput as error:
                batch.rejects.append(Reject(number, error.detail, raw))
                continue
            refused = len(batch.rejects)
            builder.add(batch, number, fields, raw)
            known = known or len(batch.rejects) == refused

    def _variant(self, first: Row, row: Row, pictures: list[str]) -> dict[str, Any]:
        title = make.clean(first.get("title")) or ""
        options = [row.get(f"option{k} value", "").strip() for k in (1, 2, 3)]
        options = [value for value in options if value and value.casefold() != "default title"]
        name = f"{title} - {' / '.join(options)}" if options and title else title
        own = [row["variant image"]] if row.get("variant image") else []
        price = row.get("variant price", "").strip()
        return make.filled(
            item_id=unquoted(row.get("variant sku", "")) or name,
            title=name,
            description=make.plain(first.get("body (html)")),
            brand=make.clean(first.get("vendor")),
            category=make.path(first.get("product category") or first.get("type")),
            price=self._prices.read(price) if price else None,
            availability=_stock(first, row),
            image_urls=list(dict.fromkeys(own + pictures))[:100],
            group_id=first.get("handle", "").strip() or title,
            attributes=self._attributes(first, row),
        )

    def _attributes(self, first: Row, row: Row) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for k in (1, 2, 3):
            name, value = first.get(f"option{k} name", "").strip(), row.get(f"option{k} value", "").strip()
            if name and value and value.casefold() != "default title":
                found[name.casefold()] = value
        tags = [tag.strip() for tag in first.get("tags", "").split(",") if tag.strip()]
        if tags:
            found["tags"] = tags
        for key, label in {"type": "type", "variant barcode": "gtin", **self._facets}.items():
            value = (row.get(key) or first.get(key, "")).strip()
            if value:
                found.setdefault(label, unquoted(value))
        if first.get("handle"):
            found["handle"] = first["handle"].strip()
        return found


def unquoted(text: str) -> str:
    """Without the apostrophe that exports put before cells a spreadsheet would run or round."""
    text = text.strip()
    return text[1:] if len(text) > 1 and text[0] == "'" and (text[1] in "=+-@" or text[1].isdigit()) else text


def _starts(row: Row, first: Row) -> bool:
    """Does a row begin another product? Continuation rows repeat the handle or leave it blank."""
    handle = row.get("handle", "").strip()
    if handle and first.get("handle", "").strip():
        return handle != first["handle"].strip()
    return bool(row.get("title", "").strip())


def _stock(first: Row, row: Row) -> str | None:
    status = first.get("status", "").strip().casefold()
    if status in ("draft", "archived", "unlisted") or first.get("published", "").strip().casefold() == "false":
        return "discontinued"
    amount = row.get("variant inventory qty", "").strip()
    if row.get("variant inventory policy", "").strip().casefold() in ("continue", "true"):
        return "in_stock"
    try:
        return ("in_stock" if int(float(amount)) > 0 else "out_of_stock") if amount else None
    except (ValueError, OverflowError):
        return None
