"""Search by voice: what was said, with its alternatives (speech), and the products that answer it (search)."""

from __future__ import annotations

import asyncio
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

from msgspec import Meta, Struct

from aisle.flows import Door, Flow
from aisle.flows.search import Wish, meaning, note, parts, taste
from aisle.tasks.search.schema import Found, Heard
from aisle.types import Sound

MOST_ALTERNATIVES = 8
LONGEST = 2000  # characters of what was said that are searched for


class SearchVoice(Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Find products by what a shopper says."""

    audio: Annotated[Sound, Meta(description="The recording: base64, or the form field `audio`.")]


class Understood(Struct, frozen=True):
    """What was heard, and what it may have been instead; probabilities as the recogniser gives them."""

    text: str
    probability: float
    alternatives: list[Heard]


class FoundByVoice(Found, kw_only=True):
    """Items for what was said; none where nothing was heard."""

    heard: Understood


async def search_voice(door: Door, request: SearchVoice) -> FoundByVoice:
    """What else it may have been counts by its probability beside that of what was most likely said."""
    said = await door.ask("speech", "transcribe", {"audio": request.audio})
    heard = Understood(said.text, said.probability, [Heard(one.text[:LONGEST], one.probability) for one in said.alternatives])
    if not any(char.isalnum() for char in said.text):
        return FoundByVoice(items=[], heard=heard)
    text = said.text[:LONGEST]
    vector, liked = await asyncio.gather(meaning(door, text), taste(door, request.user_id))
    query = request.question(query=text, alternatives=likely(heard, text), vector=vector, taste=liked)
    found: Found = await door.ask("search", "query", query)
    note(door, request, "voice", found)
    return FoundByVoice(**parts(found), heard=heard)


def likely(heard: Understood, text: str) -> list[Heard]:
    """The other readings, each by how probable it is beside the best one."""
    best = max(heard.probability, 1e-9)
    others = [one for one in heard.alternatives if one.text != text and one.text.strip()]
    return [Heard(one.text, min(one.probability / best, 1.0)) for one in others[:MOST_ALTERNATIVES]]


def spoken() -> dict[str, Any]:
    """A recording that works as an example: the one of the recogniser itself; nothing where that is not installed."""
    if find_spec("aisle.tasks.speech") is None:
        return {}
    audio = import_module("aisle.tasks.speech").TASK.operations["transcribe"].example["audio"]
    return {"audio": audio, "n": 5}


FLOWS = (
    Flow(
        name="search.voice",
        path="/v1/search/voice",
        request=SearchVoice,
        answer=FoundByVoice,
        example=spoken(),
        summary="Products for what a shopper says, the recogniser's alternatives included, and what was heard.",
        run=search_voice,
        asks=("speech.transcribe", "text.embed", "recommend.for_user", "search.query"),
        requires=frozenset({"search", "speech"}),
        needs=frozenset({"sound"}),
    ),
)
