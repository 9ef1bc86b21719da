"""What may be asked of the recommender, what it answers, and what may be tuned."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from aisle.task import Answer
from aisle.types import Attribute, EventType, Filter, Id, Reason

Explain = Literal["none", "brief", "full"]
Strategy = Literal["personal", "session", "cold", "popular"]
Single = Literal[
    "user_neighbours",
    "item_neighbours",
    "sequence_neighbours",
    "session_neighbours",
    "ease",
    "als",
    "sequence",
    "popular",
    "content",
]
Mixed = Literal[
    "user_neighbours", "item_neighbours", "sequence_neighbours", "session_neighbours", "ease", "als", "content", "sequence"
]  # fmt: skip
Algorithm = Literal[Single, "blend", "auto"]
Alike = Literal["cosine", "pearson", "euclidean", "relative_euclidean", "jaccard"]
By = Literal["behaviour", "text", "image", "blend"]

UserId = Annotated[Id, Meta(description="The shop's own id of the user; one never seen before is answered like a new visitor.")]
Count = Annotated[int, Meta(ge=1, le=1000, description="How many to answer with; fewer come only where the shop has no more.")]
How = Annotated[
    Explain,
    Meta(description="brief: the strongest reasons and what is left as one; full: every reason; none: no reasons."),
]
Variety = Annotated[
    float, Meta(ge=0, le=1, description="0: the best first; higher: less of the same kind (maximal marginal relevance).")
]
Shown = Annotated[Filter, Meta(description="Which items may be in the answer.")]


class SessionEvent(Struct, frozen=True, forbid_unknown_fields=True):
    """Something the user did just now that is perhaps not stored yet."""

    item_id: Annotated[Id, Meta(description="What it was done with.")]
    type: Annotated[EventType, Meta(description="What was done.")] = "view"
    value: Annotated[float, Meta(ge=-1e12, le=1e12, description="The rating of a `rate` event.")] | None = None


Session = Annotated[
    list[SessionEvent], Meta(max_length=200, description="This visit's events, oldest first; newer than all stored ones.")
]
Surroundings = Annotated[
    dict[str, Attribute],
    Meta(max_length=50, description="Where the answer will be shown: `item_id` (the page's item) and `category` are used."),
]


class ForUser(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to show this user next."""

    user_id: UserId
    n: Count = 10
    filter: Shown | None = None
    exclude_seen: Annotated[
        bool, Meta(description="Leave out what the user has had (setting `seen`); dismissed items always are.")
    ] = True
    session: Session | None = None
    context: Surroundings | None = None
    personalize: Annotated[bool, Meta(description="false: nothing known about the user is used; all users get the same.")] = True
    explain: How = "brief"
    diversity: Variety | None = None


class SimilarItems(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Items like this one."""

    item_id: Annotated[Id, Meta(description="An item of the catalogue.")]
    n: Count = 10
    by: Annotated[By, Meta(description="behaviour: chosen by the same shoppers; text; image; blend: all there is.")] = "blend"
    filter: Shown | None = None
    explain: How = "brief"
    diversity: Variety | None = None


class BoughtTogether(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes with a basket."""

    item_ids: Annotated[list[Id], Meta(min_length=1, max_length=200, description="What is in the basket.")]
    n: Count = 10
    filter: Shown | None = None
    explain: How = "brief"


class Popular(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What many shoppers want."""

    n: Count = 10
    category: (
        Annotated[str, Meta(max_length=1000, description="A category or any of its ancestors: `Clothing > Shirts`.")] | None
    ) = None
    window_days: Annotated[int, Meta(ge=1, le=3650, description="Count only the last days known at training.")] | None = None
    order: Annotated[
        Literal["popular", "trending"],
        Meta(description="trending: by how much more it sells in the window (7 days) than before."),
    ] = "popular"
    filter: Shown | None = None
    explain: How = "brief"


class BecauseYouViewed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows for a start page: each under something the user looked at lately."""

    user_id: UserId
    rows: Annotated[int, Meta(ge=1, le=20, description="How many rows at most; none for a user without a history.")] = 3
    n: Count = 10
    filter: Shown | None = None
    explain: How = "brief"


class SimilarUsers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Users with alike histories, by the plain measure (for administrators)."""

    user_id: UserId
    n: Count = 10
    measure: Annotated[Alike, Meta(description="How alike two histories are.")] = "cosine"


class Recommended(Struct, frozen=True, omit_defaults=True, gc=False):
    """An item of an answer; for all algorithms here the contributions of its reasons add up to its score."""

    item_id: str
    score: float
    reasons: list[Reason] = field(default_factory=list)


class Recommendations(Answer, kw_only=True, omit_defaults=True):
    """Items, best first."""

    items: list[Recommended]
    strategy: Strategy | None = None


class RowOfItems(Struct, frozen=True, omit_defaults=True):
    """Items like one item of the user's history."""

    item_id: str  # what the row is about
    text: str  # its heading: "because you looked at Linen Shirt"
    items: list[Recommended]


class RowsOfItems(Answer, kw_only=True, omit_defaults=True):
    """Rows, the newest interest first; no item twice on the page."""

    rows: list[RowOfItems]


class AlikeUser(Struct, frozen=True):
    """A user and how alike."""

    user_id: str
    similarity: float


class AlikeUsers(Answer, kw_only=True, omit_defaults=True):
    """Users, most alike first."""

    users: list[AlikeUser]


Weight = Annotated[float, Meta(ge=-100, le=100)]
Days = Annotated[float, Meta(gt=0, le=36500)]
Neighbours = Annotated[int, Meta(ge=1, le=1000)]


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that may be tuned, with `aisle train recommend --set name=value`."""

    algorithm: Annotated[
        Algorithm,
        Meta(
            description="Who scores `for_user`; blend: several of them under a learned ranker; auto: whoever does best on "
            "held-out events. The other operations are the same."
        ),
    ] = "auto"
    auto_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="For algorithm=auto: no further algorithm is tried after so many seconds.")
    ] = 120.0
    blend_of: Annotated[
        list[Mixed], Meta(description="What algorithm=blend, or auto's blend, may be made of; empty: whatever earns its weight.")
    ] = field(default_factory=list)
    aim: Annotated[
        Literal["auto", "next", "next_again", "later", "again"],
        Meta(
            description="What quality is measured by after training, and `algorithm=auto` chooses for. next: the next new thing "
            "a user takes up; next_again: their next step, what they had before included; later: all they take up in the time "
            "after that is new to them; again: the same, what they had before included; auto: next_again where users are single "
            "visits that lead back to what was looked at, else next."
        ),
    ] = "auto"
    measure: Annotated[Alike, Meta(description="How alike two items, or two users, are for the neighbour algorithms.")] = "cosine"
    neighbours: Annotated[Neighbours, Meta(description="Neighbours kept per item, or asked per user.")] = 40
    shrinkage: Annotated[
        float, Meta(ge=0, le=1e6, description="β of n/(n+β): likeness seen on few shoppers or items counts less.")
    ] = 10.0
    half_life_days: Annotated[Days, Meta(description="After this many days an event of the user counts half.")] = 60.0
    popularity_half_life_days: Annotated[Days, Meta(description="After this many days an event counts half for popularity.")] = (
        14.0
    )
    diversity: Annotated[
        float, Meta(ge=0, le=1, description="What `for_user` does where a request names no `diversity`: 0 is the best first.")
    ] = 0.0
    history: Annotated[int, Meta(ge=1, le=200, description="Strongest items of a user's history that an answer looks at.")] = 20
    short_history: Annotated[
        float,
        Meta(
            ge=0,
            le=100,
            description="κ: after so many events of a user what is popular counts half of their answer, after twice as many a "
            "quarter; 0: never anything. `auto` finds it.",
        ),
    ] = 0.0
    content_share: Annotated[
        float,
        Meta(ge=0, le=1, description="What likeness of texts counts beside likeness of behaviour, for items without behaviour."),
    ] = 0.5
    explore_share: Annotated[
        float,
        Meta(
            ge=0,
            le=0.5,
            description="The share of the places of `for_user` for items that few have had, so marked; 0: none.",
        ),
    ] = 0.0
    explore_until: Annotated[
        int, Meta(ge=1, le=100_000, description="Items with fewer events than this, impressions included, count as unexplored.")
    ] = 20
    content_neighbours: Annotated[Neighbours, Meta(description="Neighbours by text kept per item.")] = 50
    long_neighbours: Annotated[Neighbours, Meta(description="Neighbours kept per item by sequence_neighbours and ease.")] = 100
    sequence_decay: Annotated[
        float, Meta(ge=0, le=1, description="ρ: what follows one step later counts so much of a direct follower, and so on.")
    ] = 0.8
    sequence_window: Annotated[int, Meta(ge=1, le=200, description="An event still follows one so many events before it.")] = 20
    sequence_together: Annotated[
        float, Meta(ge=0, le=1, description="What two events of one moment count for each other, beside a direct follower's 1.")
    ] = 0.0
    sequence_backward: Annotated[
        float, Meta(ge=0, le=1, description="β: what came before an item counts so much of what came after it; 1: no order.")
    ] = 0.5
    sequence_damping: Annotated[float, Meta(ge=0, le=1e6, description="λ added to an item's meetings against chance pairs.")] = (
        50.0
    )
    sequence_popularity: Annotated[
        float, Meta(ge=0, le=1, description="Best-sellers are held back: what follows is divided by its meetings to this power.")
    ] = 0.0
    sequence_walk: Annotated[
        float,
        Meta(ge=0, le=1, description="How much what follows the followers counts beside the followers: reaches rarer items."),
    ] = 0.0
    sequence_fade: Annotated[
        float, Meta(gt=0, le=1, description="γ: each step back in a user's history counts so much of the step after it.")
    ] = 0.7
    session_fade: Annotated[float, Meta(gt=0, le=1, description="The same for session_neighbours, which read a visit.")] = 0.6
    session_nearest: Annotated[
        int, Meta(ge=1, le=10_000, description="session_neighbours: the visits most like this one that are asked.")
    ] = 1000
    history_fade: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="The same for item_neighbours, content, ease and als, in place of `half_life_days`; 1: by days.",
        ),
    ] = 1.0
    ease_regularisation: Annotated[float, Meta(gt=0, le=1e9, description="λ of ease: higher trusts common items more.")] = 200.0
    ease_trend: Annotated[
        float, Meta(ge=0, le=2, description="ease: how much items gain that sell more now than before; 0: nothing.")
    ] = 0.75
    ease_repeats: Annotated[
        float,
        Meta(ge=0, le=100, description="ease: how strongly what a user had speaks for itself, where it may be shown again."),
    ] = 5.0
    als_factors: Annotated[int, Meta(ge=1, le=512, description="Length of the vectors of als.")] = 64
    als_regularisation: Annotated[
        float, Meta(gt=0, le=1e6, description="λ of als, times what is known of a row: sparse shops want less, dense ones more.")
    ] = 0.003
    sequence_minutes: Annotated[
        float,
        Meta(gt=0, le=100_000, description="sequence: training ends after so many minutes, well rounded off, at the latest."),
    ] = 30.0
    sequence_epochs: Annotated[int, Meta(ge=1, le=1000, description="sequence: how often every event is learnt from.")] = 30
    sequence_events: Annotated[
        int,
        Meta(ge=2, le=200, description="sequence: newest events of a user that are looked at; `AISLE_HISTORY` are handed over."),
    ] = 50
    sequence_dimensions: Annotated[
        int,
        Meta(ge=8, le=512, multiple_of=8, description="sequence: length of the vectors; twice as many take twice as long."),
    ] = 128
    sequence_blocks: Annotated[int, Meta(ge=1, le=8, description="sequence: attention layers one after another.")] = 2
    sequence_dropout: Annotated[float, Meta(ge=0, le=0.9, description="sequence: share of the numbers left out in training.")] = (
        0.3
    )
    sequence_seed: Annotated[int, Meta(ge=0, le=2**31, description="sequence: the same seed and data give the same network.")] = 0
    min_together: Annotated[int, Meta(ge=1, le=1000, description="Orders two items must share to count as bought together.")] = 2
    together_hours: Annotated[
        float,
        Meta(
            gt=0,
            le=8760,
            description="Purchases of one user without a session are one order within this time; events one visit.",
        ),
    ] = 6.0
    seen: Annotated[
        list[EventType], Meta(description="Events that make an item one the user has had, which `exclude_seen` leaves out.")
    ] = field(default_factory=lambda: ["click", "view", "add_to_cart", "favourite", "purchase", "refund", "rate"])
    bought: Annotated[
        Literal["as_seen", "never", "again"],
        Meta(
            description="Bought items: dropped like other seen ones; always dropped; or offered again after `again_after_days`."
        ),
    ] = "as_seen"
    again_after_days: Annotated[Days, Meta(description="For bought=again: days until an item may be offered again.")] = 30.0
    impression: Annotated[Weight, Meta(description="Weight of being shown an item.")] = 0.0
    click: Annotated[Weight, Meta(description="Weight of a click.")] = 1.0
    view: Annotated[Weight, Meta(description="Weight of a view.")] = 1.0
    add_to_cart: Annotated[Weight, Meta(description="Weight of putting an item into the basket.")] = 3.0
    remove_from_cart: Annotated[Weight, Meta(description="Weight of taking it out again.")] = -1.0
    favourite: Annotated[Weight, Meta(description="Weight of a favourite.")] = 3.0
    purchase: Annotated[Weight, Meta(description="Weight of a purchase, whatever its quantity.")] = 5.0
    refund: Annotated[Weight, Meta(description="Weight of sending it back: undoes a purchase of the same item.")] = -5.0
    rate: Annotated[Weight, Meta(description="Weight of the best rating; others in proportion, see `rate_neutral`.")] = 5.0
    dismiss: Annotated[Weight, Meta(description="Weight of not wanting to see it; the item itself is never shown again.")] = -3.0
    rate_neutral: Annotated[float, Meta(description="The rating that says nothing; lower ones count against.")] = 2.5
    rate_best: Annotated[float, Meta(description="The best rating there is.")] = 5.0
    held_out_users: Annotated[
        int,
        Meta(ge=0, le=100_000, description="Users whose newest events are held out to measure quality after training; 0: none."),
    ] = 1000
