"""Records to catalogue items: merged where a file repeats an id, checked by types.Item, written only when they changed."""

from __future__ import annotations

import html
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import msgspec

from aisle.feeds.rows import Batch, Reject
from aisle.types import Item

REMEMBERED = 50_000  # items whose earlier rows can still be completed by later ones: bounds the memory
LONGEST_DESCRIPTION = 20_000
AVAILABILITY = {
    "in_stock": "in_stock", "available": "in_stock", "instock": "in_stock", "true": "in_stock", "yes": "in_stock",
    "1": "in_stock",
    "out_of_stock": "out_of_stock", "outofstock": "out_of_stock", "sold_out": "out_of_stock",
    "false": "out_of_stock", "no": "out_of_stock", "0": "out_of_stock",
    "preorder": "preorder", "pre_order": "preorder",
    "backorder": "backorder", "available_for_order": "backorder", "discontinued": "discontinued",
}  # fmt: skip
_PLACE = re.compile(r" - at `\$\.?(?P<field>[^`]*)`")
_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^<>]*>", re.S | re.I)
_BLANKS = re.compile(r"[ \t\xa0]*\n\s*|[ \t\xa0]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_URLS = re.compile(r"[,|;]\s*(?=https?://|//|/)|\s+(?=https?://)")


class ItemBuilder:
    """Turns records into items. A file that repeats an id completes it: the last non-empty value wins, and a row
    without a positive price (stock corrections in order lines) only fills gaps. Each row is fresh, a repeat, or refused."""

    def __init__(self) -> None:
        self._recent: OrderedDict[str, tuple[dict[str, Any], Item]] = OrderedDict()
        self._seen: set[int] = set()  # hashes of the ids of this file

    def add(self, batch: Batch, number: int, fields: dict[str, Any], raw: str) -> None:
        """Put the record of row `number` into the batch. `fields`: as types.Item names them, empty ones absent."""
        item_id = fields.get("item_id")
        if not item_id:
            batch.rejects.append(Reject(number, "no item_id", raw))
            return
        known = self._recent.pop(item_id, None)
        merged = _merged(known[0], fields) if known else fields
        try:
            item = msgspec.convert(merged, Item)
            msgspec.json.encode(item)  # lone surrogates cannot be stored
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            if known:
                self._recent[item_id] = known
            batch.rejects.append(Reject(number, _reason(error, merged), raw))
            return
        self._count(batch, item_id)
        self._recent[item_id] = (merged, item)
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        if known is None or known[1] != item:
            batch.rows.append(item)

    def _count(self, batch: Batch, item_id: str) -> None:
        mark = hash(item_id)
        if mark in self._seen:
            batch.repeats += 1
        else:
            batch.fresh += 1
            self._seen.add(mark)


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    weak = _amount(old) > 0 and _amount(new) <= 0
    merged = {**new, **old} if weak else {**old, **new}
    attributes = (old.get("attributes") or {}) | (new.get("attributes") or {})
    return merged | {"attributes": attributes} if attributes else merged


def _amount(fields: dict[str, Any]) -> int:
    price = fields.get("price")
    return int(price["amount"]) if isinstance(price, dict) and isinstance(price.get("amount"), int) else 0


def _reason(error: Exception, fields: Mapping[str, Any]) -> str:
    """Why, without the value, so that equal reasons can be counted."""
    if not fields.get("title"):
        return "no title"
    text = str(error)
    found = _PLACE.search(text)
    field = re.sub(r"\[\.*\]|\.\.\.", "", found["field"]) if found else "the item"
    if "unicode" in text.lower() or isinstance(error, UnicodeEncodeError):
        return f"{field} is not valid Unicode"
    return f"{field}: {_PLACE.sub('', text)}"


def filled(**fields: Any) -> dict[str, Any]:
    """The fields that say something: text stripped, empty ones dropped."""
    found = {}
    for name, value in fields.items():
        clean = value.strip() if isinstance(value, str) else value
        if clean is not None and clean != "" and clean != [] and clean != {}:
            found[name] = clean
    return found


def plain(text: str | None) -> str | None:
    """HTML or text as plain text, cut to the longest description."""
    if not text:
        return None
    if "<" in text:
        text = _TAGS.sub(lambda found: "\n" if found.group()[1:3].lower() in ("br", "/p", "/l", "/d", "/h") else " ", text)
    text = html.unescape(text) if "&" in text else text
    text = _BLANKS.sub(lambda found: "\n" if "\n" in found.group() else " ", _CONTROL.sub(" ", text))
    return text.strip()[:LONGEST_DESCRIPTION] or None


def clean(text: str | None) -> str | None:
    """A one-line text: control characters and doubled blanks gone."""
    return " ".join(_CONTROL.sub(" ", html.unescape(text) if "&" in text else text).split()) or None if text else None


def stock(text: str | None) -> str | None:
    """Our availability for what shops write; None where it is not understood."""
    return AVAILABILITY.get(re.sub(r"[\s\-]+", "_", text.strip()).casefold().rpartition("/")[2]) if text else None


def urls(text: str | None) -> list[str]:
    """Picture addresses of one cell, at most 100."""
    return [part.strip() for part in _URLS.split(text) if part.strip()][:100] if text else []


def path(text: str | None) -> str | None:
    """A category path as "A > B > C"."""
    if not text:
        return None
    parts = [part.strip() for part in html.unescape(text).replace("›", ">").replace("»", ">").split(">")]
    return " > ".join(part for part in parts if part) or None
