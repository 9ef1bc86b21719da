"""WooCommerce's product export: translated headers, localised prices, and lists in its own escaping."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from aisle.errors import BadInput
from aisle.feeds import items as make
from aisle.feeds.columns import key_of as plain_key
from aisle.feeds.delimited import Delimited
from aisle.feeds.items import ItemBuilder
from aisle.feeds.money import Prices
from aisle.feeds.rows import Batch, Options, Reject, shown
from aisle.feeds.shopify import unquoted
from aisle.feeds.source import Source

# The export runs its headers through the site's language. German, French, Spanish, Italian and Dutch sites say these:
TRANSLATED = {
    "typ": "type", "artikelnummer": "sku", "veröffentlicht": "published", "kurzbeschreibung": "short description",
    "beschreibung": "description", "vorrätig?": "in stock?", "lager": "stock", "angebotspreis": "sale price",
    "regulärer preis": "regular price", "kategorien": "categories", "schlagwörter": "tags", "bilder": "images",
    "übergeordnetes produkt": "parent", "nom": "name", "ugs": "sku", "publié": "published",
    "description courte": "short description", "en stock ?": "in stock?", "en stock\u00a0?": "in stock?",
    "tarif promo": "sale price", "tarif régulier": "regular price", "catégories": "categories", "étiquettes": "tags",
    "tipo": "type", "nombre": "name", "publicado": "published", "descripción corta": "short description",
    "descripción": "description", "¿existencias?": "in stock?", "inventario": "stock", "precio rebajado": "sale price",
    "precio normal": "regular price", "categorías": "categories", "etiquetas": "tags", "imágenes": "images", "superior": "parent",
    "nome": "name", "pubblicato": "published", "breve descrizione": "short description", "descrizione": "description",
    "in stock?": "in stock?", "prezzo in offerta": "sale price", "prezzo di listino": "regular price", "categorie": "categories",
    "immagini": "images", "genitore": "parent", "naam": "name", "gepubliceerd": "published", "beschrijving": "description",
    "korte beschrijving": "short description", "op voorraad?": "in stock?", "actieprijs": "sale price",
    "reguliere prijs": "regular price", "categorieën": "categories", "afbeeldingen": "images", "hoofd": "parent",
}  # fmt: skip
_ATTRIBUTE = r"(?:attribute|attribut|attributo|atributo|attribuut|eigenschaft|nom de l’attribut|kenmerk) (\d+) "
ATTRIBUTE = re.compile(_ATTRIBUTE + "(?:name|nom|nombre|nome|naam)", re.I)
ATTRIBUTE_VALUES = re.compile(_ATTRIBUTE + "(?:value|wert|valeur|valor|valore|waarde)", re.I)
Row = dict[str, str]


def key_of(name: str) -> str:
    """Our name for a header: English, without units, attributes numbered."""
    key = name.strip().casefold()
    for pattern, kind in ((ATTRIBUTE_VALUES, "values"), (ATTRIBUTE, "name")):
        if found := pattern.match(key):
            return f"attribute {found[1]} {kind}"
    return TRANSLATED.get(key, "gtin" if "gtin" in key else key)


class WooProducts:
    """Each row is an item; a variation takes from its parent what it lacks, wherever in the file the parent stands."""

    def __init__(self, table: Delimited, options: Options) -> None:
        self._table = table
        mapped = {
            plain_key(column): {"item_id": "sku", "title": "name"}.get(ours, ours) for ours, column in options.mapping.items()
        }
        self._keys = [mapped.get(plain_key(name), key_of(name)) for name in table.names]
        self._own_id = "item_id" not in options.mapping
        self._prices = Prices(options.currency)
        self._parents: dict[str, dict[str, Any]] = {}

    def batches(self, source: Source) -> Iterator[Batch]:
        builder = ItemBuilder()
        waiting: list[tuple[int, Row]] = []
        for chunk in self._table.chunks(source):
            batch = Batch(rejects=list(chunk.rejects), read=chunk.read)
            rows = [dict(zip(self._keys, row, strict=True)) for row in chunk.rows]
            self._prices.learn({row.get(key, "") for row in rows for key in ("sale price", "regular price")})
            for number, row in zip(chunk.numbers, rows, strict=True):
                if "variation" in row.get("type", "") and row.get("parent", "").strip() not in self._parents:
                    waiting.append((number, row))
                else:
                    self._put(builder, batch, number, row)
            yield batch
        batch = Batch()
        for number, row in waiting:
            self._put(builder, batch, number, row)
        yield batch

    def _put(self, builder: ItemBuilder, batch: Batch, number: int, row: Row) -> None:
        raw = shown((key, row.get(key)) for key in ("id", "type", "sku", "name", "regular price", "parent"))
        try:
            fields = self._fields(row)
        except BadInput as error:
            batch.rejects.append(Reject(number, error.detail, raw))
            return
        if "variable" in row.get("type", ""):
            for name in (row.get("sku", "").strip(), f"id:{row.get('id', '').strip()}"):
                self._parents[name] = fields
        builder.add(batch, number, fields, raw)

    def _fields(self, row: Row) -> dict[str, Any]:
        sku, number = unquoted(row.get("sku", "")), row.get("id", "").strip()
        parent_name = row.get("parent", "").strip()
        parent = self._parents.get(parent_name, {})
        own_id = sku or number
        sale, regular = row.get("sale price", "").strip(), row.get("regular price", "").strip()
        categories = _listed(row.get("categories", ""))
        own = make.filled(
            item_id=own_id,
            title=make.clean(_text(row.get("name", ""))),
            description=make.plain(_text(row.get("description", "") or row.get("short description", ""))),
            brand=make.clean(row.get("brands") or row.get("brand") or row.get("meta: brand")),
            category=make.path(max(categories, key=lambda path: path.count(">"), default="")),
            price=self._prices.read(sale or regular) if sale or regular else None,
            availability=_stock(row),
            image_urls=[url for part in _listed(row.get("images", "")) for url in make.urls(part)][:100],
            group_id=parent.get("item_id") or parent_name or (own_id if "variable" in row.get("type", "") else None),
        )
        attributes = dict(parent.get("attributes", {})) | self._attributes(row, number, categories)
        kept = {key: value for key, value in parent.items() if key not in ("item_id", "availability")}
        return kept | own | ({"attributes": attributes} if attributes else {})

    def _attributes(self, row: Row, number: str, categories: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {"woo_id": number} if number else {}
        for key, name in row.items():
            if name and key.startswith("attribute ") and key.endswith(" name"):
                values = _listed(row.get(key[: -len("name")] + "values", ""))
                if values:
                    found[name.strip().casefold()] = values[0] if len(values) == 1 else values
        lists = {"tags": _listed(row.get("tags", "")), "categories": categories if len(categories) > 1 else []}
        links = {"goes_with": _listed(row.get("cross-sells", "")), "better_choice": _listed(row.get("upsells", ""))}
        found |= {key: values for key, values in (lists | links).items() if values}
        if row.get("gtin", "").strip():
            found["gtin"] = unquoted(row["gtin"])
        return found


def _listed(text: str) -> list[str]:
    """Values joined by ", " in which a comma of a value is written "\\,"."""
    parts = re.split(r"(?<!\\),", text)
    return [clean for part in parts if (clean := unquoted(part.replace("\\,", ",")))]


def _text(text: str) -> str:
    r"""The export writes newlines as \n and a backslash before n as \\n."""
    return unquoted(re.sub(r"(\\\\n)|\\n", lambda found: "\\n" if found[1] else "\n", text))


def _stock(row: Row) -> str | None:
    if row.get("published", "1").strip() in ("0", "-1"):
        return "discontinued"
    return {"1": "in_stock", "0": "out_of_stock", "backorder": "backorder"}.get(row.get("in stock?", "").strip().casefold())
