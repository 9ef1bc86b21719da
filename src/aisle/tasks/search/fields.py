"""The fields of an item that are searched, and the words in each."""

from __future__ import annotations

from collections.abc import Iterator

from aisle.tasks.search.words import Analyser, words
from aisle.types import Attribute, Item

FIELDS = ("title", "brand", "category", "attributes", "description")
CODE = {name: code for code, name in enumerate(FIELDS)}


def texts(item: Item) -> Iterator[tuple[int, str]]:
    """(field, text) of everything in an item that can be searched."""
    yield 0, item.title
    if item.brand:
        yield 1, item.brand
    if item.category:
        yield 2, item.category
    for value in (item.attributes or {}).values():
        if text := spelled(value):
            yield 3, text
    if item.description:
        yield 4, item.description


def spelled(value: Attribute) -> str:
    """An attribute's value in words; a number or a yes says nothing without its name and is left to filters."""
    if isinstance(value, list):
        return " ; ".join(value)
    return value if isinstance(value, str) else ""


def terms_of(item: Item, analyser: Analyser) -> list[tuple[int, list[tuple[str, str]]]]:
    """Of each field the (word, term) pairs, in order."""
    term = analyser.term
    return [(field, [(word, term(word)) for word in words(text)]) for field, text in texts(item)]
