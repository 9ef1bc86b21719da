"""Columns of text to event rows: a column at a time, each distinct cell read once, with the checks of types.Event."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import repeat
from typing import Any

from aisle.errors import BadInput
from aisle.feeds.moments import Moments
from aisle.feeds.money import Numbers
from aisle.feeds.rows import EMAIL, EventRow, Options, Reject, shown
from aisle.types import EVENT_CODE, EVENT_TYPES, Event

PURCHASE, REFUND = EVENT_CODE["purchase"], EVENT_CODE["refund"]
ORDER = ("user_id", "time", "item_id", "type", "value", "quantity", "session_id", "answer_id", "event_id")
ALIASES = {  # GA4, Segment (both versions), RetailRocket, MovieLens
    "view_item_list": "impression", "product_list_viewed": "impression",
    "select_item": "click", "product_clicked": "click",
    "view_item": "view", "product_viewed": "view", "viewed_product": "view", "pageview": "view", "page_view": "view",
    "addtocart": "add_to_cart", "product_added": "add_to_cart", "added_product": "add_to_cart", "cart": "add_to_cart",
    "product_removed": "remove_from_cart", "removed_product": "remove_from_cart", "removefromcart": "remove_from_cart",
    "add_to_wishlist": "favourite", "product_added_to_wishlist": "favourite", "favorite": "favourite", "like": "favourite",
    "order_completed": "purchase", "completed_order": "purchase", "transaction": "purchase", "buy": "purchase",
    "order_refunded": "refund", "return": "refund", "rating": "rate", "review": "rate",
}  # fmt: skip
BAD_ID = re.compile(r"[\x00-\x1f\x7f]")
LONGEST_ID = 256
MOST_VALUE = 1e12
MOST_QUANTITY = 10**9


class Ids:
    """Checks ids the way types.Id does."""

    def __init__(self, field: str, needed: bool) -> None:
        self._field = field
        self._needed = needed

    def __call__(self, text: str) -> str | None:
        text = text.strip()
        if not text:
            if self._needed:
                raise BadInput(f"no {self._field}")
            return None
        if len(text) > LONGEST_ID:
            raise BadInput(f"{self._field} is longer than {LONGEST_ID} characters")
        if BAD_ID.search(text) or not _encodes(text):
            raise BadInput(f"{self._field} holds control characters")
        return text


class EventBuilder:
    """Reads columns of text. Keeps what it learnt of each column (decimal mark, order of day and month) from chunk to chunk."""

    def __init__(self, options: Options, defaults: Mapping[str, str]) -> None:
        self._options = options
        self._defaults = dict(defaults)
        self._moments = Moments(options.now)
        self._numbers = {"value": Numbers(), "price": Numbers(), "quantity": Numbers()}
        self._user = Ids("user_id", True)
        self._read: dict[str, Callable[[str], Any]] = {
            "user_id": self._user_id,
            "item_id": Ids("item_id", True),
            "time": self._time,
            "type": _type,
            "value": self._value,
            "price": self._price,
            "quantity": self._quantity,
            "session_id": Ids("session_id", False),
            "answer_id": Ids("answer_id", False),
            "event_id": Ids("event_id", False),
        }
        for field, given in defaults.items():
            self._check(field, given)

    def rows(self, columns: Mapping[str, Sequence[str]], numbers: Sequence[int]) -> tuple[list[EventRow], list[Reject]]:
        """`columns[field][k]` belongs to row `numbers[k]`. Rows are accepted or refused, each exactly once."""
        values: dict[str, Any] = {}
        bad: dict[str, dict[str, str]] = {}
        for field, read in self._read.items():
            column = columns.get(field)
            if column is None:
                given = self._defaults.get(field, "")
                values[field] = repeat(read(given) if given or field in ("user_id", "item_id", "type", "time") else None)
                continue
            values[field], wrong = self._convert(field, read, column)
            if wrong:
                bad[field] = wrong
        rejects: list[Reject] = []
        if bad:
            values, columns, rejects = _sieved(values, columns, bad, numbers)
        if "price" in columns:
            values["value"] = _spent(values["value"], values["price"], values["quantity"])
        rows: list[EventRow] = list(zip(*(values[field] for field in ORDER), strict=False))
        if "quantity" in columns:
            rows = self._returned(rows, columns, numbers, rejects)
        return rows, rejects

    def _check(self, field: str, given: str) -> None:
        """A default that no row could use is refused before a row is read."""
        if field not in self._read:
            raise BadInput(f"there is no field {field!r} to give a default: events have {', '.join(self._read)}")
        try:
            self._read[field](given)
        except BadInput as error:
            raise BadInput(f"the default {field}={given} does not work: {error.detail}") from None

    def _convert(self, field: str, read: Callable[[str], Any], column: Sequence[str]) -> tuple[list[Any], dict[str, str]]:
        """Each distinct cell read once: the values, and the reasons of cells that cannot be read."""
        distinct = set(column)
        default = self._defaults.get(field, "")
        if field == "time":
            self._moments.learn(distinct)
        elif field in self._numbers:
            self._numbers[field].learn(distinct)
        known: dict[str, Any] = {}
        wrong: dict[str, str] = {}
        for text in distinct:
            try:
                known[text] = read(text or default)
            except BadInput as error:
                known[text], wrong[text] = None, error.detail
        return list(map(known.__getitem__, column)), wrong

    def _returned(
        self, rows: list[EventRow], columns: Mapping[str, Sequence[str]], numbers: Sequence[int], rejects: list[Reject]
    ) -> list[EventRow]:
        """A purchase of a negative quantity is a refund; of other types it is an error."""
        if not any(row[5] is not None and row[5] < 0 for row in rows):
            return rows
        kept = []
        refused = {reject.row for reject in rejects}
        numbers = [number for number in numbers if number not in refused]
        for place, row in enumerate(rows):
            user, at, item, kind, value, quantity, *rest = row
            if quantity is None or quantity >= 0:
                kept.append(row)
            elif kind in (PURCHASE, REFUND):
                value = abs(value) if value is not None else None
                kept.append((user, at, item, REFUND, value, -quantity, rest[0], rest[1], rest[2]))
            else:
                raw = shown((field, column[place]) for field, column in columns.items())
                rejects.append(Reject(numbers[place], "quantity is negative", raw))
        return kept

    def _user_id(self, text: str) -> str | None:
        """An e-mail address is never a user id: its keyed pseudonym is."""
        if "@" in text and EMAIL.search(text):
            text = self._options.pseudonym(text)
        return self._user(text)

    def _time(self, text: str) -> int:
        if not text:
            raise BadInput("no time")
        return self._moments.read(text)

    def _price(self, text: str) -> Decimal | None:
        return self._number("price", text) if text.strip() else None

    def _value(self, text: str) -> float | None:
        if not text.strip():
            return None
        value = float(self._number("value", text))
        if abs(value) > MOST_VALUE:
            raise BadInput("value is out of range")
        return value

    def _quantity(self, text: str) -> int | None:
        if not text.strip():
            return None
        number = self._number("quantity", text)
        if number != number.to_integral_value() or abs(number) > MOST_QUANTITY:
            raise BadInput("quantity is not a whole number up to 1,000,000,000")
        return int(number)

    def _number(self, field: str, text: str) -> Decimal:
        try:
            return self._numbers[field].read(text)
        except BadInput:
            raise BadInput(f"{field} is not a number") from None


def to_event(row: EventRow) -> Event:
    """The event a row stands for."""
    user, at, item, kind, value, quantity, session, answer, event_id = row
    return Event(
        user_id=user, item_id=item, type=EVENT_TYPES[kind], time=at, value=value, quantity=quantity,
        session_id=session, answer_id=answer, event_id=event_id,
    )  # fmt: skip


def type_code(text: str) -> int | None:
    """The code of an event type, by our name or one that is common elsewhere."""
    name = re.sub(r"[\s\-]+", "_", text.strip()).casefold()
    return EVENT_CODE.get(ALIASES.get(name, name))


def _type(text: str) -> int:
    code = type_code(text)
    if code is None:
        raise BadInput("type is not known (impression, click, view, add_to_cart, purchase, …)" if text.strip() else "no type")
    return code


def _encodes(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _spent(values: Any, prices: Sequence[Decimal | None], quantities: Any) -> list[float | None]:
    """Money spent on each line, in major units, where no value says it."""
    return [
        value if value is not None or price is None else float(price * (1 if count is None else count))
        for value, price, count in zip(values, prices, quantities, strict=False)
    ]


def _sieved(
    values: dict[str, Any], columns: Mapping[str, Sequence[str]], bad: dict[str, dict[str, str]], numbers: Sequence[int]
) -> tuple[dict[str, Any], dict[str, list[str]], list[Reject]]:
    """Take out the rows with a cell that could not be read."""
    reasons: dict[int, str] = {}
    for field in reversed([field for field in (*ORDER, "price") if field in bad]):  # the first field's reason stays
        wrong = bad[field]
        reasons.update((place, wrong[text]) for place, text in enumerate(columns[field]) if text in wrong)
    rejects = [
        Reject(numbers[place], reason, shown((field, column[place]) for field, column in columns.items()))
        for place, reason in sorted(reasons.items())
    ]
    keep = [place for place in range(len(numbers)) if place not in reasons]
    kept = {field: [column[place] for place in keep] for field, column in columns.items()}
    return {f: [v[place] for place in keep] if f in columns else v for f, v in values.items()}, kept, rejects
