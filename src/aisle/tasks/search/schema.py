"""What may be asked of the search, what it answers, and what may be tuned."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from aisle.explain import Explain
from aisle.task import Answer
from aisle.types import Filter, Reason

Fallback = Literal["meaning", "popular"]
Share = Annotated[float, Meta(ge=0, le=100)]
Text = Annotated[str, Meta(max_length=2000, description="What the shopper typed or said, in any language.")]
Count = Annotated[int, Meta(ge=1, le=1000, description="How many to answer with.")]
How = Annotated[
    Explain,
    Meta(description="brief: the share of each signal; full: each matched word by itself, too; none: no reasons."),
]
Vector = Annotated[list[float], Meta(min_length=1, max_length=8192)]


class Weights(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much each signal counts; what is left out counts as it was tuned."""

    words: Annotated[Share, Meta(description="Words of the question in the item's texts (BM25F).")] | None = None
    coverage: (
        Annotated[Share, Meta(description="How many of the question's words an item has at all, rare ones more.")] | None
    ) = None
    meaning: Annotated[Share, Meta(description="Likeness of meaning: cosine of the text vectors.")] | None = None
    picture: Annotated[Share, Meta(description="Likeness to a picture: cosine of the picture vectors.")] | None = None
    asked: Annotated[Share, Meta(description="What shoppers chose who had asked the same or alike.")] | None = None
    taste: Annotated[Share, Meta(description="What the recommender expects this shopper to like.")] | None = None
    popular: Annotated[Share, Meta(description="How many shoppers want the item at all.")] | None = None


class Heard(Struct, frozen=True, forbid_unknown_fields=True):
    """One way in which the question may have been meant."""

    text: Text
    probability: Annotated[float, Meta(ge=0, le=1)]


class Query(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Find items by words, and by what other tasks found out about the question."""

    query: Text = ""
    n: Count = 10
    filter: Annotated[Filter, Meta(description="Which items may be in the answer.")] | None = None
    explain: How = "brief"
    facets: Annotated[bool, Meta(description="Count categories, brands, prices and attributes of what was found.")] = True
    weights: Weights | None = None
    alternatives: Annotated[
        list[Heard], Meta(max_length=20, description="Other readings of the question, with their probabilities (from speech).")
    ] = field(default_factory=list)
    vector: Annotated[Vector, Meta(description="The question's vector in the space `text`.")] | None = None
    picture: Annotated[Vector, Meta(description="A picture's vector in the space `image`.")] | None = None
    taste: (
        Annotated[dict[str, float], Meta(max_length=2000, description="item_id -> how much the shopper will like it.")] | None
    ) = None


class Suggest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Complete a question while it is being typed."""

    query: Text
    n: Annotated[int, Meta(ge=1, le=20, description="How many completions, and how many items.")] = 5
    filter: Annotated[Filter, Meta(description="Which items may be in the answer.")] | None = None


class Hit(Struct, frozen=True, omit_defaults=True, gc=False):
    """An item that was found; the contributions of its reasons add up to its score."""

    item_id: str
    score: float
    reasons: list[Reason] = field(default_factory=list)


class FacetValue(Struct, frozen=True, gc=False):
    """A value, and how many of the items found have it."""

    value: str
    count: int


class Found(Answer, kw_only=True, omit_defaults=True):
    """Items, best first, and what was found altogether."""

    items: list[Hit]
    total: Annotated[int, Meta(description="Items that match about as well as the best.")] = 0
    facets: Annotated[
        dict[str, list[FacetValue]],
        Meta(description="By category, brand, price and attribute: values of the best 2,000 found, most frequent first."),
    ] = field(default_factory=dict)
    did_you_mean: Annotated[str, Meta(description="The question with its words as the shop writes them.")] | None = None
    fallback: (
        Annotated[Fallback, Meta(description="No item has the words: what is close in meaning, or what is popular, stands in.")]
        | None
    ) = None
    query: Annotated[str, Meta(description="The question as it was read.")] = ""
    weights: Annotated[dict[str, float], Meta(description="How much each signal counted.")] = field(default_factory=dict)
    without_vector: Annotated[
        int, Meta(description="Items whose meaning (or look, where a picture was asked) is not known yet.")
    ] = 0


class Missing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which items have no vector in a space."""

    space: Literal["text", "image"] = "text"
    n: Count = 100
    after: Annotated[int, Meta(ge=0, description="Go on after so many places, as the answer before said.")] = 0


class Unplaced(Struct, frozen=True, gc=False):
    """An item without a vector, and the text it should be made of."""

    item_id: str
    text: str


class WithoutVector(Answer, kw_only=True, omit_defaults=False):
    """Items without a vector, in the order of their places; `next` is where to go on, None at the end."""

    items: list[Unplaced]
    next: int | None = None


class Completions(Answer, kw_only=True, omit_defaults=True):
    """How the question may go on, and the items it would find."""

    completions: list[str]
    items: list[Hit] = field(default_factory=list)


FieldWeight = Annotated[float, Meta(ge=0, le=100)]
Normalisation = Annotated[float, Meta(ge=0, le=1)]


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that may be tuned, with `aisle train search --set name=value`."""

    language: Annotated[
        str,
        Meta(max_length=30, description="Whose word endings are cut off: a Snowball language, none, or auto: look at the texts."),
    ] = "auto"
    title: Annotated[FieldWeight, Meta(description="Weight of words in titles.")] = 3.0
    brand: Annotated[FieldWeight, Meta(description="Weight of words in brands.")] = 2.0
    category: Annotated[FieldWeight, Meta(description="Weight of words in categories.")] = 1.0
    attributes: Annotated[FieldWeight, Meta(description="Weight of words in attributes.")] = 0.3
    description: Annotated[FieldWeight, Meta(description="Weight of words in descriptions.")] = 1.0
    saturation: Annotated[
        float, Meta(gt=0, le=100, description="k1 of BM25F: how soon more of the same word says nothing more.")
    ] = 1.2
    length: Annotated[Normalisation, Meta(description="b of BM25F: how much a longer field counts for less.")] = 0.75
    words: Annotated[Share, Meta(description="Weight of the words of the question.")] = 1.0
    coverage: Annotated[Share, Meta(description="Weight of having the question's words at all.")] = 0.6
    meaning: Annotated[Share, Meta(description="Weight of likeness of meaning.")] = 0.5
    feedback: Annotated[
        float,
        Meta(
            ge=0,
            le=10,
            description="How much the meaning of the ten best counts beside the question's own (Rocchio); 0: nothing.",
        ),
    ] = 2.0
    picture: Annotated[Share, Meta(description="Weight of likeness to a picture.")] = 1.0
    asked: Annotated[Share, Meta(description="Weight of what shoppers chose who asked alike.")] = 0.5
    taste: Annotated[Share, Meta(description="Weight of the shopper's own taste.")] = 0.1
    popular: Annotated[Share, Meta(description="Weight of being wanted by many.")] = 0.05
    tune: Annotated[
        bool, Meta(description="Find better weights of the signals where enough shoppers chose something they had searched for.")
    ] = True
    compare_all: Annotated[
        int,
        Meta(
            ge=0,
            description="Up to so many vectors a question is compared with all of them, exactly; beyond, with those that a graph"
            " (HNSW) made in training finds, where usearch is installed.",
        ),
    ] = 75_000
    least_choices: Annotated[
        int, Meta(ge=1, le=1000, description="So many shoppers must have chosen alike before it is learnt: privacy, and noise.")
    ] = 3
