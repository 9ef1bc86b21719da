"""Which format a file has, told by its first bytes and its header; where that is unsure, the caller is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aisle.errors import BadInput
from aisle.feeds.delimited import Delimited
from aisle.feeds.ga4 import looks_like_ga4
from aisle.feeds.jsontext import JsonTable
from aisle.feeds.merchant import key_of as merchant_key
from aisle.feeds.text import encoding_of
from aisle.feeds.woocommerce import key_of as woo_key

SUMMARY = {  # format: (what it holds, its name for people)
    "google-merchant": ("items", "Google Merchant feed, tab-separated or CSV"),
    "google-merchant-xml": ("items", "Google Merchant feed, RSS or Atom"),
    "shopify-products": ("items", "Shopify product export"),
    "shopify-orders": ("events", "Shopify order export"),
    "woocommerce": ("items", "WooCommerce product export"),
    "ga4": ("items events", "GA4 events, BigQuery export or dataLayer"),
    "csv": ("items events", "table with a header line"),
    "jsonl": ("items events", "JSON lines, or a JSON array"),
    "parquet": ("items events", "Parquet"),
    "sequences": ("events", "lines of user item item …"),
}


def detect(head: bytes, kind: str, mapped: bool) -> str:
    """The format's name. `mapped`: the caller named columns, so a plain table is meant where it is not sure."""
    if not head.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise BadInput("the file is empty")
    if head[:4] == b"PAR1":
        return "parquet"
    text = head.decode(encoding_of(head), "replace").lstrip("\ufeff \t\r\n")
    if text[:1] == "<":
        return "google-merchant-xml"
    if text[:1] in "[{":
        return "ga4" if not mapped and looks_like_ga4(JsonTable(head).sample) else "jsonl"
    if b"\x00" in head and "\x00" in text[:200]:
        raise BadInput("the file is neither text nor Parquet: export it as CSV (UTF-8), JSON lines or Parquet")
    if kind == "events" and not mapped and _bare_sequences(text):
        return "sequences"
    return "csv" if mapped else of_names(Delimited(head).names)


def of_names(names: Iterable[str]) -> str:
    """The format that a header line belongs to."""
    plain = {name.strip().casefold() for name in names}
    if {"lineitem quantity", "lineitem name", "name"} <= plain:
        return "shopify-orders"
    if "handle" in plain and ("variant sku" in plain or "variant price" in plain or "option1 value" in plain):
        return "shopify-products"
    if "url handle" in plain and ("option1 value" in plain or "sku" in plain):
        return "shopify-products"
    woo = {woo_key(name) for name in plain}
    if "regular price" in woo and {"name", "sku"} & woo and {"type", "categories", "in stock?"} & woo:
        return "woocommerce"
    merchant = {merchant_key(name) for name in plain}
    if {"id", "title"} <= merchant and ({"image_link", "availability"} & merchant and {"price", "link"} & merchant):
        return "google-merchant"
    return "csv"


def _bare_sequences(text: str) -> bool:
    """Numbers with blanks between them, two or more to a line, from the first line on."""
    lines = [line for line in text.split("\n")[:20] if line.strip()]
    complete = lines[:-1] or lines
    return all(re.fullmatch(r"\d+( \d+)+", line.strip()) for line in complete)
