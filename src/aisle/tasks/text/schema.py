"""What may be asked of the text models, what they answer, and what may be tuned."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from aisle.task import Answer

MOST_TEXTS = 2048  # in one request, as OpenAI has it
OneText = Annotated[str, Meta(min_length=1, description="A text in any language.")]
Texts = OneText | Annotated[list[OneText], Meta(min_length=1, max_length=MOST_TEXTS)]


class Embed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Texts to be turned into vectors."""

    text: Annotated[Texts, Meta(description="A text, or up to 2,048.")]


class Embeddings(Answer, kw_only=True, omit_defaults=True):
    """One vector of length 1 for each text: the dot product of two is their cosine."""

    embeddings: list[list[float]]
    tokens: int  # read in all
    truncated: list[int] = []  # which texts were longer than what is read


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that may be tuned, with `aisle train text --set name=value`."""
