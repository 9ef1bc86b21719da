"""JSON lines and JSON arrays as records, one at a time, so that a file of any size fits."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from aisle.errors import Malformed
from aisle.feeds.rows import Chunk, Reject
from aisle.feeds.source import Source
from aisle.feeds.text import OVERLONG, blocks, encoding_of

PER_CHUNK = 20_000
LONGEST_OBJECT = 8 << 20  # characters
BAD_LINE = "the row is not a JSON object"
_WRAPPED = re.compile(r"\s*\{\s*\"(?:items|events|data|products|rows|results)\"\s*:\s*\[")
_decode = msgspec.json.Decoder().decode
_scan = json.JSONDecoder().raw_decode


class JsonTable:
    """Records whose keys are the columns; keys of nested objects are reached as "outer.inner"."""

    open_ended = True  # later records may have keys that the first ones lack
    textual = False

    def __init__(self, head: bytes) -> None:
        self.array = is_array(head)
        self.sample: list[dict[str, Any]] = []
        with contextlib.suppress(Malformed):  # the head ends inside an object
            for text in self._texts(io.BytesIO(head).read, head):
                record = _object(text)
                if record is not None:
                    self.sample.append(record)
        self.names = list(dict.fromkeys(key for record in self.sample for key in _keys(record)))

    def records(self, source: Source) -> Iterator[Chunk]:
        """Chunks whose rows are dicts."""
        head = source.peek()
        return self._records(source.read, head)

    def chunks(self, source: Source) -> Iterator[Chunk]:
        """Chunks whose rows are cells in the order of `names`."""
        names = self.names
        for chunk in self.records(source):
            chunk.rows = [[reach(record, name) for name in names] for record in chunk.rows]
            yield chunk

    def _texts(self, read: Callable[[int], bytes], head: bytes) -> Iterator[str]:
        return _array_objects(read, head) if self.array else _line_objects(read, head)

    def _records(self, read: Callable[[int], bytes], head: bytes) -> Iterator[Chunk]:
        number = 1
        rows: list[dict[str, Any]] = []
        numbers: list[int] = []
        rejects: list[Reject] = []
        for text in self._texts(read, head):
            record = _object(text)
            if record is None:
                rejects.append(Reject(number, BAD_LINE))
            else:
                rows.append(record)
                numbers.append(number)
            number += 1
            if len(rows) + len(rejects) >= PER_CHUNK:
                yield Chunk(rows, numbers, rejects)
                rows, numbers, rejects = [], [], []
        yield Chunk(rows, numbers, rejects)


def is_array(head: bytes) -> bool:
    """Is it one JSON array, bare or under a key like "items"?"""
    text = head.decode(encoding_of(head), "ignore").lstrip()
    return text.startswith("[") or bool(_WRAPPED.match(text) and _object(text.split("\n", 1)[0]) is None) or _one_wrapper(text)


def reach(record: dict[str, Any], name: str) -> Any:
    """The value under a key, or under "outer.inner"."""
    if name in record:
        return record[name]
    outer, dot, inner = name.partition(".")
    below = record.get(outer) if dot else None
    return below.get(inner) if isinstance(below, dict) else None


def as_text(value: Any) -> str:
    """A JSON value as the cell that a CSV would hold."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value) if isinstance(value, int | float) else msgspec.json.encode(value).decode()


def _keys(record: dict[str, Any]) -> Iterator[str]:
    for key, value in record.items():
        yield key
        if isinstance(value, dict):
            yield from (f"{key}.{inner}" for inner in value)


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = _decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None
    return found if isinstance(found, dict) else None


def _one_wrapper(text: str) -> bool:
    """A whole document {"items": [...]} on one line, rather than a line of JSON lines."""
    if not _WRAPPED.match(text):
        return False
    first, _, rest = text.partition("\n")
    found = _object(first)
    return found is not None and len(found) == 1 and not rest.strip()


def _line_objects(read: Callable[[int], bytes], head: bytes) -> Iterator[str]:
    for block in blocks(read, head):
        for line in block:
            if line == OVERLONG or line.strip():
                yield line


def _array_objects(read: Callable[[int], bytes], head: bytes) -> Iterator[str]:
    """The elements of an array, as text. Raises Malformed where the array breaks off or an element cannot be told apart."""
    feed = ("\n".join(block) + "\n" for block in blocks(read, head))
    text = next(feed, "")
    place, rows = text.index("[") + 1, 0
    while True:
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        if place < len(text) and text[place] == "]":
            return
        try:
            _, end = _scan(text, place)
            if end == len(text):  # a number could go on
                raise ValueError
        except (ValueError, RecursionError, StopIteration) as error:
            more = next(feed, None) if not isinstance(error, RecursionError) and len(text) - place < LONGEST_OBJECT else None
            if more is None:
                raise Malformed(f"the JSON array breaks after row {rows}: rows before it were read, mend it there") from None
            text, place = text[place:] + more, 0
            continue
        rows += 1
        yield text[place:end]
        place = end
