"""Lines of "user item item …" or "user item", oldest first and without times, as research data sets keep them.

Each item of a user is given its own day, the last one 2019-12-31: the order is true, the dates are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from aisle.feeds.events import EventBuilder
from aisle.feeds.rows import Batch, Options, Reject
from aisle.feeds.source import Source
from aisle.feeds.text import blocks
from aisle.times import DAY, EARLIEST

END = 18_261 * DAY  # 2019-12-31
LONGEST = 100_000  # items of one user in a row that are dated together
Token = tuple[str, str]


class Sequences:
    """One row per item. The type is purchase unless the caller says another."""

    def __init__(self, options: Options) -> None:
        self._builder = EventBuilder(options, {"type": "purchase"} | dict(options.defaults))

    def batches(self, source: Source) -> Iterator[Batch]:
        number = 1
        rest: list[Token] = []
        head = source.peek()
        for block in blocks(source.read, head):
            pairs, lonely = _pairs(block)
            rest += pairs
            last = rest[-1][0] if rest else ""
            cut = len(rest)
            while cut and rest[cut - 1][0] == last and len(rest) - cut < LONGEST:
                cut -= 1  # the last user may go on in the next block
            yield self._batch(rest[:cut], lonely, number)
            number += cut + lonely
            rest = rest[cut:]
        yield self._batch(rest, 0, number)

    def _batch(self, pairs: list[Token], lonely: int, number: int) -> Batch:
        columns: dict[str, list[str]] = {
            "user_id": [user for user, _ in pairs],
            "item_id": [item for _, item in pairs],
            "time": [str(at) for _, run in groupby(pairs, key=lambda pair: pair[0]) for at in _days(sum(1 for _ in run))],
        }
        rows, rejects = self._builder.rows(columns, range(number, number + len(pairs)))
        alone = [Reject(number + len(pairs) + k, "the line names a user but no item") for k in range(lonely)]
        return Batch(rows, rejects + alone, len(pairs) + lonely)


def _pairs(lines: list[str]) -> tuple[list[Token], int]:
    """(user, item) of each item, and how many lines had none."""
    pairs: list[Token] = []
    lonely = 0
    for line in lines:
        user, *items = line.split() or [""]
        pairs += [(user, item) for item in items]
        lonely += bool(user and not items)
    return pairs, lonely


def _days(count: int) -> Iterator[int]:
    """`count` times, a day apart (closer where there are too many days), ending at END."""
    step = min(DAY, (END - EARLIEST) // max(count, 1))
    return iter(range(END - (count - 1) * step, END + 1, step))
