"""The shape of a grammar in a request: phrases of each intent, and the values of the slots in them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

MOST_PHRASES = 200
Phrase = Annotated[str, Meta(min_length=1, max_length=2_000)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Value = Annotated[str, Meta(min_length=1, max_length=200)]
Phrases = Annotated[list[Phrase], Meta(min_length=1, max_length=MOST_PHRASES)]


class Grammar(Struct, frozen=True, forbid_unknown_fields=True):
    """What can be meant: phrases of each intent, and the values of the slots in them (docs/speech.md tells how)."""

    intents: Annotated[dict[Name, Phrases], Meta(min_length=1, max_length=100)]
    slots: Annotated[dict[Name, list[Value] | dict[Value, list[Value]]], Meta(max_length=100)] = {}
