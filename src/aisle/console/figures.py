"""The figures the console draws: what there is, who did how much, what happened to each item."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import defaultdict

from msgspec import Struct

from aisle.storage.database import Database
from aisle.times import DAY
from aisle.types import EVENT_TYPES, Item

WARM = 3  # events from which on a user's own list says more than popularity
EDGES = (1, 2, 3, 6, 11, 21, 51, 101)  # least events of each bar of the histogram of users
DAYS = 400  # newest days that are plotted
LAST = "\U0010ffff"  # sorts after every text that begins alike
SAID = ("picture", "description", "category", "brand", "price")  # what a good catalogue says of an item

Counts = dict[str, dict[str, int]]  # item_id -> event type -> events


class Bar(Struct, frozen=True):
    """Users who have from `least` to `most` events; `most` None has no end."""

    least: int
    most: int | None
    users: int


class Days(Struct, frozen=True):
    """Events per day: number k of every type belongs to `day[k]` (microseconds, midnight UTC); empty days are left out."""

    day: list[int]
    types: dict[str, list[int]]


class Overview(Struct, frozen=True, kw_only=True):
    """The shop at a glance; times in microseconds UTC."""

    as_of: int
    items: int
    users: int
    events: int
    matched_events: int  # events that name an item of the catalogue
    first_event: int | None
    last_event: int | None
    warm_users: int  # users with at least `warm_at` events
    warm_at: int = WARM
    activity: list[Bar]
    completeness: dict[str, int]  # items that have a picture, a description, …
    days: Days


class Totals(Struct, frozen=True):
    """What one pass over the events of a tenant found."""

    as_of: int
    users: int
    events: int
    first_event: int | None
    last_event: int | None
    warm_users: int
    activity: list[Bar]
    days: Days
    items: Counts


def count(database: Database, tenant: int) -> Totals:
    """Read all events; seconds for tens of millions of them."""
    now = time.time_ns() // 1000
    activity: list[tuple[int, int, int, int]] = database.rows("console_activity", tenant=tenant)
    newest = max((row[3] for row in activity), default=None)
    since = ((newest or now) // DAY - DAYS + 1) * DAY
    return Totals(
        as_of=now,
        users=sum(users for _, users, _, _ in activity),
        events=sum(events * users for events, users, _, _ in activity),
        first_event=min((row[2] for row in activity), default=None),
        last_event=newest,
        warm_users=sum(users for events, users, _, _ in activity if events >= WARM),
        activity=histogram([(events, users) for events, users, _, _ in activity]),
        days=days(database.rows("console_days", tenant=tenant, since=since)),
        items=by_item(database.rows("console_items", tenant=tenant)),
    )


def overview(totals: Totals, items: list[Item]) -> Overview:
    """The totals beside the catalogue as it is now."""
    known = {item.item_id for item in items}
    return Overview(
        as_of=totals.as_of,
        items=len(items),
        users=totals.users,
        events=totals.events,
        matched_events=sum(sum(counts.values()) for item_id, counts in totals.items.items() if item_id in known),
        first_event=totals.first_event,
        last_event=totals.last_event,
        warm_users=totals.warm_users,
        activity=totals.activity,
        completeness=completeness(items),
        days=totals.days,
    )


def histogram(activity: list[tuple[int, int]]) -> list[Bar]:
    """Users by their number of events, from rows (events, users); bars without users at the upper end are left out."""
    users = [0] * len(EDGES)
    for events, number in activity:
        users[bisect_right(EDGES, events) - 1] += number
    ends: list[int | None] = [edge - 1 for edge in EDGES[1:]] + [None]
    used = max((k for k, number in enumerate(users) if number), default=-1) + 1
    return [Bar(least, most, number) for least, most, number in list(zip(EDGES, ends, users, strict=True))[:used]]


def days(rows: list[tuple[int, int, int]]) -> Days:
    """Rows (day since 1970, type code, events) as columns."""
    found = sorted({day for day, _, _ in rows})
    place = {day: k for k, day in enumerate(found)}
    types: dict[str, list[int]] = defaultdict(lambda: [0] * len(found))
    for day, code, events in rows:
        types[EVENT_TYPES[code]][place[day]] = events
    return Days([day * DAY for day in found], dict(types))


def by_item(rows: list[tuple[str, int, int]]) -> Counts:
    counts: Counts = defaultdict(dict)
    for item_id, code, events in rows:
        counts[item_id][EVENT_TYPES[code]] = events
    return dict(counts)


def completeness(items: list[Item]) -> dict[str, int]:
    """How many items say each of the things that help to find and to compare them."""
    return {name: sum(bool(item.image_urls if name == "picture" else getattr(item, name)) for item in items) for name in SAID}
