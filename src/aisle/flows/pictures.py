"""Search by a picture: what it looks like (vision), and the products that look alike (search)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from aisle.errors import AisleError
from aisle.flows import Door, Flow
from aisle.flows.search import Wish, meaning, note, parts, taste
from aisle.tasks.search.schema import Found, Text
from aisle.types import Filter, Picture

SEEN = 3  # labels that are told
BLOCK = 20  # items that are given vectors at once
MOST_BLOCKS = 10  # in one go: pictures cost more than texts
Edge = Annotated[float, Meta(ge=0, le=1e6)]


class SearchImage(Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Find products that look like a picture, or like a part of it."""

    image: Annotated[Picture, Meta(description="The picture: base64, an item_id, a url; or the form field `image`.")]
    box: (
        Annotated[
            tuple[Edge, Edge, Edge, Edge],
            Meta(description="Only this part: x0, y0, x1, y1 in pixels, as `vision/detect` answers."),
        ]
        | None
    ) = None
    query: Annotated[Text, Meta(description="Words beside the picture: “but in red”.")] = ""


class SeenLabel(Struct, frozen=True):
    """What the picture shows, and how sure that is."""

    label: str
    probability: float


class FoundByImage(Found, kw_only=True):
    """Items that look alike, and what was seen."""

    seen: list[SeenLabel] = field(default_factory=list)


async def search_image(door: Door, request: SearchImage) -> FoundByImage:
    """The picture's vector and its labels; then the items. The item whose own picture it is stays out."""
    sent = {"image": request.image, "box": request.box}
    looked, seen, vector, liked = await asyncio.gather(
        door.ask("vision", "embed", sent), labels(door, sent), meaning(door, request.query), taste(door, request.user_id)
    )
    query = others(request).question(query=request.query, vector=vector, picture=looked.embedding, taste=liked)
    found: Found = await door.ask("search", "query", query)
    note(door, request, "image", found)
    if found.without_vector:
        door.later("place pictures", place_pictures)
    return FoundByImage(**parts(found), seen=seen)


def others(request: SearchImage) -> SearchImage:
    """The request without the item whose own picture is asked."""
    own = request.image.item_id
    if own is None:
        return request
    shown = request.filter or Filter()
    return replace(request, filter=replace(shown, exclude=[*(shown.exclude or ()), own]))


async def labels(door: Door, sent: Mapping[str, object]) -> list[SeenLabel]:
    """What is in the picture; nothing where the shop's recogniser does not say."""
    try:
        answer = await door.ask("vision", "classify", {**sent, "n": SEEN, "explain": "none"})
    except AisleError:  # products that look alike are found all the same
        return []
    return [SeenLabel(label.label, label.probability) for label in answer.labels]


async def place_pictures(door: Door) -> None:
    """Give vectors to items that came after the recogniser was trained; one without a picture is left."""
    after: int | None = 0
    for _ in range(MOST_BLOCKS):
        missing = await door.ask("search", "missing", {"space": "image", "n": BLOCK, "after": after})
        vectors = {}
        for item in missing.items:
            try:
                answer = await door.ask("vision", "embed", {"image": {"item_id": item.item_id}})
                vectors[item.item_id] = answer.embedding
            except AisleError:  # its picture cannot be had
                continue
        await door.keep_vectors("image", vectors)
        after = missing.next
        if after is None:
            return


FLOWS = (
    Flow(
        name="search.image",
        path="/v1/search/image",
        request=SearchImage,
        answer=FoundByImage,
        example={"image": {"item_id": "item-0001"}, "n": 5},
        summary="Products that look like a picture or a part of it, with words beside it, and what was seen.",
        run=search_image,
        asks=("vision.embed", "vision.classify", "text.embed", "recommend.for_user", "search.query", "search.missing"),
        requires=frozenset({"search", "vision"}),
        needs=frozenset({"picture"}),
    ),
)
