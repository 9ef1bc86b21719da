"""The nouns every part of Aisle shares: item, event, reason. Frozen, and importing nothing of ours.

Times inside Aisle are integer microseconds since 1970 in UTC; money is integer minor units with its ISO 4217 currency.
Only the outside (API, files) may say a time as ISO 8601 or in seconds or milliseconds; `times.to_micros` reads those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Id = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Availability = Literal["in_stock", "out_of_stock", "preorder", "backorder", "discontinued"]
EventType = Literal[
    "impression", "click", "view", "add_to_cart", "remove_from_cart", "favourite", "purchase", "refund", "rate", "dismiss"
]
EVENT_TYPES: tuple[EventType, ...] = (
    "impression",
    "click",
    "view",
    "add_to_cart",
    "remove_from_cart",
    "favourite",
    "purchase",
    "refund",
    "rate",
    "dismiss",
)  # the position of a type is its code in the events table: append only
EVENT_CODE: dict[str, int] = {name: code for code, name in enumerate(EVENT_TYPES)}
Whole = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]  # what every JSON reader holds exactly
Attribute = str | Whole | float | bool | list[str]


class Money(Struct, frozen=True):
    """An amount in the currency's minor unit: 3900 EUR is 39 euros, 3900 JPY is 3,900 yen."""

    amount: Annotated[int, Meta(ge=0, le=10**15)]
    currency: Currency


class Item(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One product of the catalogue (a variant points to its product by `group_id`)."""

    item_id: Id
    title: Annotated[str, Meta(min_length=1, max_length=1000)]
    description: Annotated[str, Meta(max_length=20000)] | None = None
    brand: Annotated[str, Meta(max_length=256)] | None = None
    category: Annotated[str, Meta(max_length=1000)] | None = None  # "Clothing > Shirts > Linen"
    price: Money | None = None
    availability: Availability | None = None  # None counts as in stock
    image_urls: Annotated[list[str], Meta(max_length=100)] | None = None
    group_id: Id | None = None
    attributes: Annotated[dict[str, Attribute], Meta(max_length=200)] | None = None
    created_at: int | str | None = None  # stored as microseconds


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Something a user did with an item."""

    user_id: Id
    item_id: Id
    type: EventType
    time: int | float | str | None = None  # None means now; stored as microseconds
    event_id: Id | None = None  # None means: identified by its content
    value: Annotated[float, Meta(ge=-1e12, le=1e12)] | None = None  # a rating, or money spent on the line in major units
    quantity: Annotated[int, Meta(ge=0, le=10**9)] | None = None
    session_id: Id | None = None
    answer_id: Id | None = None  # the answer that led to it: attribution


class PastEvent(NamedTuple):
    """One stored event of a user, as an engine sees it (newest first in a list)."""

    item_id: str
    type: int  # position in EVENT_TYPES
    time: int  # microseconds UTC
    value: float | None
    quantity: int | None


class Choice(NamedTuple):
    """What somebody did with an item that a search had shown them."""

    query: str  # as it was kept: folded, personal data masked
    item_id: str
    type: int  # position in EVENT_TYPES
    user_id: str
    time: int  # microseconds UTC


class Reason(Struct, frozen=True, omit_defaults=True, gc=False):
    """Why an answer says what it says. The contributions of a linear model add up to the score."""

    kind: str  # because_you | similar_users | bought_together | popular | content | picture | token | rule | other
    contribution: float
    text: str
    item_id: str | None = None


class PriceRange(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds in minor units of the shop's currency, both included."""

    min: Whole | None = None
    max: Whole | None = None


class Filter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which items may be in an answer. Fields are joined by AND, values inside a field by OR."""

    category: list[str] | None = None  # a path or any of its ancestors: "Clothing" keeps "Clothing > Shirts"
    price: PriceRange | None = None
    availability: list[Availability] | None = None
    brand: list[str] | None = None
    attributes: dict[str, Attribute] | None = None
    exclude: Annotated[list[str], Meta(max_length=10000)] | None = None
    include: Annotated[list[str], Meta(max_length=10000)] | None = None


class Picture(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A picture in a request: exactly one of its bytes, an item that has it, or an address (where fetching is allowed)."""

    base64: bytes | None = None  # JSON carries them base64-encoded
    item_id: Id | None = None
    url: Annotated[str, Meta(max_length=2048)] | None = None


class Sound(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recording in a request: a whole wav, flac, mp3, ogg, webm or m4a file."""

    base64: bytes  # JSON carries them base64-encoded


SampleKind = Literal["picture", "recording", "text"]
Split = Literal["train", "validation", "test"]


class Box(Struct, frozen=True):
    """A labelled place in a picture: pixels from its upper left corner, the lower right edge not included."""

    label: Annotated[str, Meta(min_length=1, max_length=256)]
    x0: float
    y0: float
    x1: float
    y1: float


class Sample(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Something the shop labelled for a task to learn from: a picture, a recording or a text."""

    sample_id: Id
    kind: SampleKind
    labels: dict[str, str | list[str]] = {}  # "label" is the main one; the others are attributes
    text: Annotated[str, Meta(max_length=100_000)] | None = None  # a text itself; of a recording: the words said
    media: str | None = None  # its file in the shop's media folder (storage.media)
    boxes: list[Box] | None = None
    split: Split | None = None  # None: the task divides by itself
    speaker: str | None = None
    user_id: Id | None = None  # whose it is: erased with them
    item_id: Id | None = None  # what a text is about: a review of this item
    time: int | None = None  # when it was written, microseconds UTC


RuleAction = Literal["pin", "boost", "bury", "hide", "cap", "again"]


Words = Annotated[str, Meta(min_length=1, max_length=200)]


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a merchandiser wants of every answer, whatever the model thinks; counts from the next answer on."""

    rule_id: Id
    action: RuleAction
    items: Filter = Filter()  # which items it is about; an empty filter means every item
    operations: Annotated[list[str], Meta(max_length=50)] = []  # "recommend.for_user", "search.query"; none named: all
    queries: Annotated[list[Words], Meta(max_length=100)] = []  # search only: for questions with these words; none: for every one
    match: Literal["contains", "is"] = "contains"  # a question has all words of one of `queries`, or these and no others
    position: Annotated[int, Meta(ge=1, le=1000)] = 1  # pin: the place in the answer, from 1
    factor: Annotated[float, Meta(gt=0, le=1000)] | None = None  # boost, bury: what scores are multiplied by (2 and ½ if absent)
    most: Annotated[int, Meta(ge=1, le=1000)] = 1  # cap: at most so many …
    per: Literal["category", "brand", "group"] = "category"  # … of one category, brand or group in an answer
    days: Annotated[float, Meta(ge=0, le=36_500)] | None = None  # again: days after a purchase; absent: never again
    starts_at: int | str | None = None  # stored as microseconds; absent: at once
    ends_at: int | str | None = None  # stored as microseconds; absent: until it is removed
    note: Annotated[str, Meta(max_length=200)] | None = None  # said in the reason: "summer sale"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A shop's rules, and a number that changes with them."""

    version: int = 0
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class EventColumns:
    """All events of a tenant as columns, sorted by user and then time: what training reads.

    `users[user[k]]`, `items[item[k]]` and `EVENT_TYPES[type[k]]` name row k.
    """

    users: list[str]
    items: list[str]
    user: NDArray[np.int32]  # (events,)
    item: NDArray[np.int32]  # (events,)
    type: NDArray[np.int8]  # (events,)
    time: NDArray[np.int64]  # (events,) microseconds UTC
    value: NDArray[np.float32]  # (events,) NaN where absent
    quantity: NDArray[np.int32]  # (events,) 1 where absent
    session: NDArray[np.int32] | None = None  # (events,) equal numbers: same session_id; -1 where absent; None: not known
