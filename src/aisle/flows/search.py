"""Product search: what the words mean (text), what the shopper likes (recommend), and the items (search), in one answer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from aisle.flows import Door, Flow
from aisle.tasks.search.schema import Count, Found, How, Query, Text, Weights
from aisle.types import Filter, Id

TASTED = 200  # items that the recommender is asked for


class Search(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Find products by what a shopper typed."""

    query: Text
    n: Count = 10
    filter: Annotated[Filter, Meta(description="Which items may be in the answer.")] | None = None
    explain: How = "brief"
    user_id: Annotated[Id, Meta(description="Who asks: what this shopper likes counts a little.")] | None = None
    facets: Annotated[bool, Meta(description="Count categories, brands, prices and attributes of what was found.")] = True
    weights: Annotated[Weights, Meta(description="How much each signal counts, instead of what was tuned.")] | None = None


async def search(door: Door, request: Search) -> Found:
    """Words first; meaning and taste where the shop has models for them."""
    query = Query(
        query=request.query,
        n=request.n,
        filter=request.filter,
        explain=request.explain,
        facets=request.facets,
        weights=request.weights,
        taste=await taste(door, request.user_id),
    )
    found: Found = await door.ask("search", "query", query)
    return found


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
        asks=("search.query", "recommend.for_user"),
    ),
)
