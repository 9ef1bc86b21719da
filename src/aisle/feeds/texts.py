"""Labelled texts from a table (CSV, JSON lines, Parquet): text, label, split, and other columns as further labels."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec

from aisle.errors import BadInput
from aisle.feeds.columns import key_of
from aisle.feeds.delimited import Delimited
from aisle.feeds.jsontext import JsonTable, as_text
from aisle.feeds.moments import Moments
from aisle.feeds.parquet import ParquetTable
from aisle.feeds.rows import Reject
from aisle.feeds.samples import Labelled
from aisle.feeds.source import Source
from aisle.types import Sample, Split

SPLITS = {name: name for name in get_args(Split)} | {"valid": "validation", "val": "validation", "dev": "validation", "": None}
FIELDS: dict[str, tuple[str, ...]] = {
    "text": ("review", "review_text", "sentence", "utterance", "content", "body", "query", "title"),
    "label": ("class", "category", "intent", "sentiment", "rating", "stars", "target", "y"),
    "split": ("set", "fold"),
    "sample_id": ("id", "review_id", "text_id"),
    "user_id": ("customer_id", "author_id"),
    "item_id": ("product_id", "sku", "asin", "clothing_id"),
    "time": ("date", "timestamp", "created_at", "review_date"),
}
OURS = frozenset(FIELDS)


class Texts:
    """A table of texts."""

    def __init__(self, path: Path, mapping: Mapping[str, str], defaults: Mapping[str, str]) -> None:
        self._path = path
        self._defaults = dict(defaults)
        self._source: Source | None = None
        self._moments = Moments(time.time_ns() // 1000)
        self.total = path.stat().st_size
        with Source(path) as source:
            self.format, table = table_of(source)
        self._places = _places(table.names, mapping)
        if "text" not in self._places:
            raise BadInput(
                f"no column is known as text; the file has {', '.join(table.names[:30])}. Say which: --map text=COLUMN"
            )

    @property
    def done(self) -> int:
        return self._source.done if self._source else 0

    def samples(self) -> Iterator[Labelled | Reject]:
        with Source(self._path) as source:
            self._source = source
            _, table = table_of(source)
            for chunk in table.chunks(source):
                yield from chunk.rejects
                if (at := self._places.get("time")) is not None:
                    self._moments.learn(as_text(row[at]) for row in chunk.rows if row[at] is not None)
                for number, row in zip(chunk.numbers, chunk.rows, strict=True):
                    yield self._read(number, row)

    def _read(self, number: int, row: list[Any]) -> Labelled | Reject:
        cells = {name: row[place] for name, place in self._places.items()}
        fields = {**self._defaults, **{name: value for name, value in cells.items() if value is not None and value != ""}}
        text = as_text(fields.pop("text", "")).strip()
        if not text:
            return Reject(number, "no text")
        split = as_text(fields.pop("split", "")).strip().lower()
        if split not in SPLITS:
            return Reject(number, f"the split {split[:40]!r} is none of train, validation, test")
        try:
            written = self._moments.read(as_text(fields.pop("time"))) if "time" in fields else None
        except BadInput as error:
            return Reject(number, error.detail, text[:100])
        own: dict[str, Any] = {name: as_text(fields.pop(name)) for name in ("user_id", "item_id") if name in fields}
        given = fields.pop("sample_id", None)
        labels = {name: value if isinstance(value, list) else as_text(value).strip() for name, value in fields.items()}
        name = (
            as_text(given)
            if given is not None
            else hashlib.sha256(f"{text}\0{labels.get('label', '')}".encode()).hexdigest()[:32]
        )
        try:
            sample = msgspec.convert(
                {
                    "sample_id": name, "kind": "text", "text": text, "split": SPLITS[split],
                    "labels": {key: value for key, value in labels.items() if value},
                    "time": written, **own,
                },
                Sample,
            )  # fmt: skip
        except msgspec.ValidationError as error:
            return Reject(number, str(error), text[:100])
        return Labelled(number, sample)


def open_texts(path: Path, mapping: Mapping[str, str], defaults: Mapping[str, str]) -> Texts:
    """The reader of a table of texts. Raises BadInput."""
    if path.is_dir():
        raise BadInput(f"{path} is a folder: name the file in it")
    return Texts(path, mapping, defaults)


def table_of(source: Source) -> tuple[str, Delimited | JsonTable | ParquetTable]:
    head = source.peek()
    if head[:4] == b"PAR1":
        return "parquet", ParquetTable(source)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return "jsonl", JsonTable(head)
    return "csv", Delimited(head)


def _places(names: list[str], mapping: Mapping[str, str]) -> dict[str, int]:
    """Our fields, then every other column under its own name. A mapping may name further labels (`--map stars=Rating`)."""
    by_key = {key_of(name): place for place, name in reversed(list(enumerate(names)))}
    found: dict[str, int] = {}
    for ours, column in mapping.items():
        place = names.index(column) if column in names else by_key.get(key_of(column))
        if place is None:
            raise BadInput(f"there is no column {column!r}; the file has {', '.join(names[:30])}")
        found[ours] = place
    for ours, others in FIELDS.items():
        place = next((by_key[name] for name in (ours, *others) if name in by_key and by_key[name] not in found.values()), None)
        if ours not in found and place is not None:
            found[ours] = place
    taken = set(found.values())
    rest = {key_of(name): place for place, name in enumerate(names) if place not in taken} if not mapping else {}
    return found | {name: place for name, place in rest.items() if name not in OURS}
