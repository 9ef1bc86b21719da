"""What every reader gives: batches of rows, and the rows it refused with their reasons."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

EventRow = tuple[str, int, str, int, float | None, int | None, str | None, str | None, str | None]
"""user_id, time (microseconds), item_id, type code, value, quantity, session_id, answer_id, event_id"""

EMAIL = re.compile(r"[^\s@,;=<>\"']+@[^\s@,;=<>\"']+\.[^\s@,;=<>\"']+")
SHOWN = 500  # characters of a refused row that are kept


class Reject(NamedTuple):
    """A row that was refused. `row` counts from 1 after the header; `raw` shows mapped columns only, e-mails masked."""

    row: int
    reason: str
    raw: str = ""


@dataclass(slots=True)
class Batch:
    """Some rows of a file. Over a whole file: read = rows written first + repeats + rejects (items), rows + rejects (events)."""

    rows: list[Any] = field(default_factory=list)  # Item, Event, or EventRow
    rejects: list[Reject] = field(default_factory=list)
    read: int = 0
    fresh: int = 0  # items: rows that name an item this file had not named before
    repeats: int = 0  # items: rows that repeat or only add to an item of this file


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller said about a file."""

    kind: str
    currency: str
    pseudonym: Callable[[str], str]
    mapping: Mapping[str, str]
    defaults: Mapping[str, str]
    now: int  # microseconds: later times than a day after it are refused


@dataclass(slots=True)
class Chunk:
    """A piece of a table: rows of equal width with their numbers, and those that could not be read."""

    rows: list[Any]  # cells in the order of the table's names, or records
    numbers: list[int] | range
    rejects: list[Reject]

    @property
    def read(self) -> int:
        return len(self.rows) + len(self.rejects)


def shown(fields: Iterable[tuple[str, Any]]) -> str:
    """Mapped columns as "name=value; …", e-mail addresses masked."""
    text = "; ".join(f"{name}={value}" for name, value in fields if value not in (None, ""))
    return masked(text)


def masked(text: str) -> str:
    """The text with e-mail addresses made unreadable, cut to 500 characters."""
    return EMAIL.sub("***@***", text)[:SHOWN]
