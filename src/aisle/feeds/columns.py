"""Which column of a table means which field of ours: said by the caller, else known by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aisle.errors import BadInput

# The first name is ours; the others are what shops and public data sets call it.
EVENT_FIELDS: dict[str, tuple[str, ...]] = {
    "user_id": ("userid", "user", "uid", "visitor_id", "visitorid", "customer_id", "customerid", "client_id", "user_pseudo_id"),
    "item_id": ("itemid", "item", "product_id", "productid", "sku", "movie_id", "movieid"),
    "type": ("event_type", "event", "event_name", "action"),
    "time": ("timestamp", "event_time", "event_timestamp", "created_at", "datetime", "date", "ts"),
    "value": ("rating", "score", "stars"),
    "price": ("unit_price", "unitprice"),
    "quantity": ("qty",),
    "session_id": ("sessionid", "user_session"),
    "event_id": (),
    "answer_id": (),
}
ITEM_FIELDS: dict[str, tuple[str, ...]] = {
    "item_id": ("itemid", "id", "product_id", "productid", "sku", "movie_id"),
    "title": ("name", "product_name", "item_name", "product_title", "movie_title"),
    "description": ("product_description",),
    "brand": ("vendor", "manufacturer"),
    "category": ("categories", "product_type", "category_path"),
    "price": (),
    "currency": (),
    "availability": (),
    "image_urls": ("image_url", "image_link", "image", "images"),
    "group_id": ("item_group_id", "parent_id"),
    "created_at": (),
    "attributes": (),
}
FIELDS: dict[str, dict[str, tuple[str, ...]]] = {"events": EVENT_FIELDS, "items": ITEM_FIELDS}
NEEDED = {"events": ("user_id", "item_id"), "items": ("item_id", "title")}
PERSONAL = re.compile(  # columns that are never taken for attributes of an item
    r"(?:^|[\s_.\-])(?:e-?mail|mail|customer|client|user|phone|tel|mobile|address|street|city|zip|post(?:al|code)"
    r"|(?:first|last|full).?name|ip|invoice|order)",
    re.I,
)
_TYPED = re.compile(r":(token|token_seq|float|float_seq)$")


@dataclass(frozen=True, slots=True)
class Plan:
    """Where each field of ours is found: positions in the table's `names`."""

    fields: dict[str, int]
    attributes: dict[str, int]  # item attributes by the name they get
    lists: frozenset[int]  # positions whose cells are lists of words (RecBole's :token_seq)
    guessed: frozenset[str]  # fields found by another name than ours


def key_of(name: str) -> str:
    """How column names are compared: "User ID" and "user_id:token" are the same."""
    return re.sub(r"[\s\-]+", "_", _TYPED.sub("", name.strip())).casefold()


def plan(names: Sequence[str], kind: str, mapping: Mapping[str, str]) -> Plan:
    """Find our fields among the columns. Raises BadInput saying what was seen, and how to map it."""
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        places.setdefault(key_of(name), place)
    exact = {name: place for place, name in enumerate(names)}
    fields: dict[str, int] = {}
    attributes: dict[str, int] = {}
    for ours, column in mapping.items():
        base, _, attribute = ours.partition(".")
        if base not in FIELDS[kind]:
            raise BadInput(f"there is no field {ours!r} to map to: {kind} have {', '.join(FIELDS[kind])}")
        if ours == "attributes" and column == "*":
            continue
        found = exact.get(column, places.get(key_of(column)))
        if found is None:
            raise BadInput(f"there is no column {column!r}; the file has {_listed(names)}")
        if attribute:
            attributes[attribute] = found
        else:
            fields[ours] = found
    guessed = _by_name(places, kind, fields, names)
    if kind == "items" and (not mapping or mapping.get("attributes") == "*"):
        taken = {*fields.values(), *attributes.values()}
        attributes |= {
            key_of(name): k
            for k, name in enumerate(names)
            if k not in taken and not PERSONAL.search(name) and name.partition(".")[0] not in ("price", "attributes")
        }
    lists = frozenset(place for place, name in enumerate(names) if name.strip().endswith("_seq"))
    return Plan(fields, attributes, lists, guessed)


def need(found: Iterable[str], names: Sequence[str], kind: str, defaults: Mapping[str, str]) -> None:
    """Raise BadInput where a field that every row needs is neither found nor given."""
    if not names:
        raise BadInput("the file holds no records that can be read: it needs one JSON object a line, or an array of them")
    unknown = [field for field in defaults if field not in FIELDS[kind]]
    if unknown:
        raise BadInput(f"there is no field {unknown[0]!r} to give a default: {kind} have {', '.join(FIELDS[kind])}")
    missing = [field for field in NEEDED[kind] if field not in found and field not in defaults]
    if missing:
        example = ",".join(f"{field}=COLUMN" for field in missing)
        raise BadInput(f"no column is known as {' or '.join(missing)}; the file has {_listed(names)}. Say which: --map {example}")


def _by_name(places: dict[str, int], kind: str, fields: dict[str, int], names: Sequence[str]) -> frozenset[str]:
    """Fill `fields` with columns known by name; which of them go by another name than ours."""
    guessed = set()
    for ours, others in FIELDS[kind].items():
        if ours in fields:
            continue
        if ours in places and places[ours] not in fields.values():
            fields[ours] = places[ours]
            continue
        found = [places[other] for other in others if other in places and places[other] not in fields.values()]
        if len(found) > 1 and ours in NEEDED[kind]:
            both = " and ".join(repr(names[place]) for place in found)
            raise BadInput(f"{both} could each be {ours}: say which, with --map {ours}={names[found[0]]}")
        if found:
            fields[ours] = found[0]
            guessed.add(ours)
    return frozenset(guessed)


def _listed(names: Sequence[str]) -> str:
    """Some column names, readable; never a whole line of data."""
    some = ", ".join(repr(name[:40]) for name in names[:30])
    return some + (f" and {len(names) - 30} more" if len(names) > 30 else "")
