"""Product search: what the words mean (text), what the shopper likes (recommend), and the items (search), in one answer."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from msgspec import Meta, Struct

from aisle.flows import Door, Flow
from aisle.tasks.search.schema import Count, Found, How, Query, Text, Weights
from aisle.types import Filter, Id

TASTED = 200  # items that the recommender is asked for
BLOCK = 256  # items that are given vectors at once
MOST_BLOCKS = 400  # in one go: 102,400 items


class Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every search may be told, whatever the question is made of."""

    n: Count = 10
    filter: Annotated[Filter, Meta(description="Which items may be in the answer.")] | None = None
    explain: How = "brief"
    user_id: Annotated[Id, Meta(description="Who asks: what this shopper likes counts a little.")] | None = None
    facets: Annotated[bool, Meta(description="Count categories, brands, prices and attributes of what was found.")] = True
    record: Annotated[
        bool, Meta(description="Note the question, without who asked, for the console and for learning (personal data masked).")
    ] = True
    weights: Annotated[Weights, Meta(description="How much each signal counts, instead of what was tuned.")] | None = None

    def question(self, **own: Any) -> Query:
        """The wish as the task takes it, with what is the question's own."""
        return Query(
            n=self.n, filter=self.filter, explain=self.explain, facets=self.facets, weights=self.weights, **own
        )  # fmt: skip


class Search(Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Find products by what a shopper typed."""

    query: Text


async def search(door: Door, request: Search) -> Found:
    """Words first; meaning and taste where the shop has models for them."""
    vector, liked = await asyncio.gather(meaning(door, request.query), taste(door, request.user_id))
    query = request.question(query=request.query, vector=vector, taste=liked)
    found: Found = await door.ask("search", "query", query)
    if request.query.strip():
        note(door, request, "text", found)
    if found.without_vector and door.has("text"):
        door.later("place texts", place_texts)
    return found


def note(door: Door, wish: Wish, kind: str, found: Found) -> None:
    """Write down what was asked and whether it was found, unless the caller wants none of it."""
    if wish.record:
        door.searched(kind, found.query, 0 if found.fallback else found.total, found.fallback or "")


def parts(found: Found) -> dict[str, Any]:
    """An answer's fields, for one that says more."""
    return {name: getattr(found, name) for name in Found.__struct_fields__}


async def meaning(door: Door, text: str) -> list[float] | None:
    """The vector of a question; nothing where it says nothing."""
    if not any(char.isalnum() for char in text) or not door.has("text"):
        return None
    answer = await door.ask("text", "embed", {"text": text})
    vector: list[float] = answer.embeddings[0]
    return vector


async def place_texts(door: Door) -> None:
    """Give vectors to items that came after the text model was trained, or before there was one."""
    after: int | None = 0
    for _ in range(MOST_BLOCKS):
        missing = await door.ask("search", "missing", {"space": "text", "n": BLOCK, "after": after})
        texts = {item.item_id: item.text for item in missing.items if any(char.isalnum() for char in item.text)}
        if texts:
            answer = await door.ask("text", "embed", {"text": list(texts.values())})
            await door.keep_vectors("text", dict(zip(texts, answer.embeddings, strict=True)))
        after = missing.next
        if after is None:
            return


async def taste(door: Door, user_id: str | None) -> dict[str, float] | None:
    """What the recommender expects of this shopper; nothing where it knows nobody."""
    if user_id is None or not door.has("recommend"):
        return None
    asked = {"user_id": user_id, "n": TASTED, "exclude_seen": False, "explain": "none"}
    liked = await door.ask("recommend", "for_user", asked)
    return {item.item_id: item.score for item in liked.items} if liked.strategy == "personal" else None


FLOWS = (
    Flow(
        name="search",
        path="/v1/search",
        request=Search,
        answer=Found,
        example={"query": "red", "n": 5},
        summary="Products by words, meaning, what shoppers chose and taste, with the share of each.",
        run=search,
        requires=frozenset({"search"}),
        asks=("text.embed", "recommend.for_user", "search.query", "search.missing"),
    ),
)
