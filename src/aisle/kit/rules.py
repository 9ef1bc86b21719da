"""The merchandisers' rules, as far as they mean the same in every list: whether one holds, what it says, what it counts by."""

from __future__ import annotations

from typing import get_args

from msgspec.structs import replace

from aisle.types import Availability, Filter, Item, Rule

ANY: list[Availability] = list(get_args(Availability))
FACTOR = {"boost": 2.0, "bury": 0.5}
SAID = {"boost": "shown more", "bury": "shown less", "pin": "placed by the shop"}


def holds(rule: Rule, operation: str, now: int) -> bool:
    """Whether a rule is about this operation ("recommend.for_user") at this moment (microseconds UTC)."""
    starts, ends = rule.starts_at, rule.ends_at
    begun = not isinstance(starts, int) or starts <= now
    over = isinstance(ends, int) and ends <= now
    return begun and not over and (not rule.operations or operation in rule.operations)


def factor_of(rule: Rule) -> float:
    """What a boost or bury multiplies scores by."""
    return rule.factor or FACTOR[rule.action]


def said(rule: Rule) -> str:
    """The rule as a reason."""
    return f"{SAID[rule.action]}: {rule.note}" if rule.note else SAID[rule.action]


def any_stock(wanted: Filter) -> Filter:
    """A rule is about its items whether they are to be had or not, unless it says so itself."""
    return wanted if wanted.availability is not None else replace(wanted, availability=ANY)


def group_of(item: Item, per: str) -> str | None:
    """What a cap counts an item under: its category, brand, or group of variants."""
    return {"category": item.category, "brand": item.brand, "group": item.group_id or item.item_id}[per]
