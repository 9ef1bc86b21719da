"""CSV and its relatives, read so that one broken row costs one row.

The csv module alone lets an unterminated quote swallow the rest of the file. Here whole blocks go through it strictly; where a
block does not come out one row per line, its lines are read one by one, and a quote that does not close properly within
1,000 lines rejects the line that opened it and nothing else.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections import deque
from collections.abc import Iterator

from aisle.errors import BadInput
from aisle.feeds.rows import Chunk, Reject
from aisle.feeds.source import HEAD, Source
from aisle.feeds.text import OVERLONG, blocks

DELIMITERS = (",", ";", "\t", "|")
LONGEST_RECORD = 1000  # lines
PER_CHUNK = 20_000
OPEN = "a quote opens in this row and does not close"
NUL = "the row holds a NUL byte"
LONG_CELL = f"a cell is longer than {csv.field_size_limit():,} characters"
LONG_LINE = "the row is longer than 8 MiB"
EMPTY = "the row is empty"


class Delimited:
    """A table with a header line: `names`, then chunks of rows as wide as the header."""

    open_ended = False
    textual = True

    def __init__(self, head: bytes, delimiter: str | None = None) -> None:
        lines = [line for block in blocks(io.BytesIO(head).read, head) for line in block]
        hint = lines[0].strip("\r") if lines else ""
        self._hinted = len(hint) == 5 and hint.lower().startswith("sep=")
        self.delimiter = delimiter or (hint[4] if self._hinted else _sniff(lines))
        sample = next(iter(self._chunks(iter([lines]), [])), None)
        if sample is None or not sample.rows:
            raise BadInput("the file is empty: it needs a header line with the names of its columns")
        self.names = _distinct([str(name) for name in sample.rows[0]])

    def chunks(self, source: Source) -> Iterator[Chunk]:
        """Every row after the header."""
        head = source.peek()
        return self._chunks(blocks(source.read, head), self.names)

    def of(self, content: bytes) -> Iterator[Chunk]:
        """Every row after the header of a file that is in memory."""
        return self._chunks(blocks(io.BytesIO(content).read, content[:HEAD]), self.names)

    def _chunks(self, feed: Iterator[list[str]], names: list[str]) -> Iterator[Chunk]:
        """All rows as they are where `names` is empty, else those after the header, of the header's width."""
        queue = deque(next(feed, []))
        if self._hinted and queue:
            queue.popleft()
        if names:
            self._record(queue, feed)
        number = 1
        while _filled(queue, feed):
            block = list(queue)
            queue.clear()
            rows = self._fast(block, len(names))
            if rows is not None:
                yield Chunk(rows, range(number, number + len(rows)), [])
                number += len(rows)
                continue
            queue.extend(block)
            chunk = self._careful(queue, feed, len(names), number)
            yield chunk
            number += chunk.read

    def _fast(self, block: list[str], width: int) -> list[list[str]] | None:
        """The rows of a block in which every line is one good row; None where it is not so plain."""
        try:
            rows = list(csv.reader(block, delimiter=self.delimiter, strict=True))
        except csv.Error:
            return None
        if width == 0 or len(rows) != len(block) or set(map(len, rows)) != {width} or (width == 1 and not all(map(any, rows))):
            return None
        return None if "\x00" in "".join(block) or (width > 1 and not all(map(any, rows))) else rows

    def _careful(self, queue: deque[str], feed: Iterator[list[str]], width: int, number: int) -> Chunk:
        rows: list[list[str]] = []
        numbers: list[int] = []
        rejects: list[Reject] = []
        while queue and len(rows) + len(rejects) < PER_CHUNK:
            record = self._record(queue, feed)
            if record is None:
                break
            cells, reason = record
            if cells is not None and width:
                cells, reason = _fitted(cells, width)
            if cells is None:
                rejects.append(Reject(number, reason))
            else:
                rows.append(cells)
                numbers.append(number)
            number += 1
        return Chunk(rows, numbers, rejects)

    def _record(self, queue: deque[str], feed: Iterator[list[str]]) -> tuple[list[str] | None, str] | None:
        """The next record: its cells, or None and why not. None at the end of the file. Blank lines are no records."""
        while _filled(queue, feed):
            line = queue.popleft()
            if not line or line == "\r":
                continue
            if "\x00" in line:
                return None, LONG_LINE if line == OVERLONG else NUL
            cells, reason = self._parse(line)
            return self._continued(line, queue, feed) if reason == OPEN else (cells, reason)
        return None

    def _continued(self, line: str, queue: deque[str], feed: Iterator[list[str]]) -> tuple[list[str] | None, str]:
        """A record that goes on over the next lines; where it never closes they are given back."""
        taken: list[str] = []
        while len(taken) < LONGEST_RECORD and _filled(queue, feed):
            taken.append(queue.popleft())
            if taken[-1].count('"') % 2 == 0:  # a record can only close on an odd line
                continue
            cells, reason = self._parse("\n".join([line, *taken]), lenient=False)
            if cells is not None:
                return cells, ""
            if reason != OPEN:
                break
        queue.extendleft(reversed(taken))
        return None, OPEN

    def _parse(self, text: str, lenient: bool = True) -> tuple[list[str] | None, str]:
        try:
            return next(csv.reader((text,), delimiter=self.delimiter, strict=True)), ""
        except csv.Error as error:
            if "field limit" in str(error):
                return None, LONG_CELL
            if "end of data" in str(error):
                return None, OPEN
        if lenient:  # "5" disc, sloppily quoted: the sentinel shows whether the quote closed
            with contextlib.suppress(csv.Error):
                rows = list(csv.reader((text, "end"), delimiter=self.delimiter))
                return (rows[0], "") if len(rows) == 2 else (None, OPEN)
        return None, "the quotes or line ends of this row do not fit together"


def _fitted(cells: list[str], width: int) -> tuple[list[str] | None, str]:
    if not any(cells):
        return None, EMPTY
    if len(cells) > width and not any(cells[width:]):  # spreadsheets add empty cells
        cells = cells[:width]
    if len(cells) != width:
        return None, "the row has fewer cells than the header" if len(cells) < width else "the row has more cells than the header"
    return cells, ""


def _filled(queue: deque[str], feed: Iterator[list[str]]) -> bool:
    """Is there a line, now or after one more block?"""
    if not queue:
        queue.extend(next(feed, []))
    return bool(queue)


def _sniff(lines: list[str]) -> str:
    """The delimiter that cuts the first lines most evenly."""
    sample = [line for line in lines[:30] if line.strip()]

    def score(delimiter: str) -> tuple[int, int]:
        try:
            widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        except csv.Error:
            widths = [len(sample[0].split(delimiter))]
        header = widths[0] if widths else 1
        return (sum(width == header for width in widths) if header > 1 else 0, header)

    return max(DELIMITERS, key=score) if sample else ","


def _distinct(names: list[str]) -> list[str]:
    """Column names, each once: empty ones by their place, repeated ones numbered."""
    seen: dict[str, int] = {}
    found = []
    for place, name in enumerate(names, 1):
        clean = name.strip() or f"column {place}"
        seen[clean] = seen.get(clean, 0) + 1
        found.append(clean if seen[clean] == 1 else f"{clean}.{seen[clean]}")
    return found
