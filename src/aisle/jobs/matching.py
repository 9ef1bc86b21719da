"""Why the events' item ids are not the catalogue's, measured: other columns, other fields, prefixes."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter

from aisle.feeds import Feed
from aisle.types import Item

BETTER = 0.1  # a change must raise the match rate by this much to be worth naming
SHOWN = 3
CHANGES: dict[str, Callable[[str], str]] = {
    "without the part before the last '_'": lambda text: text.rpartition("_")[2],
    "without the part before the last '-'": lambda text: text.rpartition("-")[2],
    "without the part after the last '_'": lambda text: text.rpartition("_")[0],
    "without the part after the last '-'": lambda text: text.rpartition("-")[0],
    "without the part before the last '/' or ':'": lambda text: re.split(r"[/:]", text)[-1],
    "without leading zeros": lambda text: text.lstrip("0"),
    "in capitals": str.upper,
    "in small letters": str.lower,
}


def advise(ids: Mapping[str, int], catalogue: set[str], items: Iterable[Item], feed: Feed) -> str:
    """What to do about a low match rate. `ids`: a sample of the events' item ids with how often each occurred."""
    if not catalogue:
        return "the catalogue is empty: import the items first (aisle import items FILE)"
    now = _rate(ids, catalogue)
    found = max(_alternatives(ids, catalogue, items, feed), default=None, key=itemgetter(0))  # the first of equals: a column
    strangers = [name for name in ids if name not in catalogue]
    events = ", ".join(repr(name) for name in strangers[:SHOWN])
    known = ", ".join(repr(name) for name in sorted(catalogue)[:SHOWN])
    compared = f"events say {events}; the catalogue says {known}"
    if found is None or found[0] < now + BETTER:
        return (
            f"{compared}. No other column and no change of the ids would match better:"
            " import the items that are missing, or export both from the same system"
        )
    return f"{compared}. {found[1]} would match {found[0]:.0%}"


def _alternatives(ids: Mapping[str, int], catalogue: set[str], items: Iterable[Item], feed: Feed) -> Iterable[tuple[float, str]]:
    """(match rate, what to do) of everything that could be tried, each measured."""
    for column, cells in feed.sample().items():
        yield _rate(Counter(cell.strip() for cell in cells), catalogue), f"--map item_id={_quoted(column)}"
    for field, values in _other_ids(items).items():
        yield _rate(ids, values), f"the events use the catalogue's {field}: importing the items with --map item_id={field}"
    for change, changed in CHANGES.items():
        rate = _rate(_changed(ids, changed), catalogue)
        yield rate, f"writing the events' ids {change}"
        rate = _rate(ids, {changed(name) for name in catalogue})
        yield rate, f"writing the catalogue's ids {change}"


def _other_ids(items: Iterable[Item]) -> dict[str, set[str]]:
    """Values of the catalogue's other fields that could be ids."""
    found: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.group_id:
            found["group_id"].add(item.group_id)
        for name, value in (item.attributes or {}).items():
            if isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) <= 256:
                found[name].add(str(value))
    return found


def _changed(ids: Mapping[str, int], change: Callable[[str], str]) -> Counter[str]:
    changed: Counter[str] = Counter()
    for name, count in ids.items():
        changed[change(name)] += count
    return changed


def _rate(ids: Mapping[str, int], known: set[str]) -> float:
    total = sum(ids.values())
    return sum(count for name, count in ids.items() if name and name in known) / total if total else 0.0


def _quoted(column: str) -> str:
    return f'"{column}"' if " " in column else column
