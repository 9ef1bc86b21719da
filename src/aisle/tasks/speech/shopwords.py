"""The shop's words: texts of the catalogue as they are spoken, phrases worth favouring, a grammar of what customers ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aisle.tasks.speech.phrasing import Grammar
from aisle.tasks.speech.spoken import spoken, words_of
from aisle.types import Item

MOST_PHRASES = 20_000
MOST_PRODUCTS = 1_000
LONGEST = 60  # letters of a product's name that somebody says
ASKS = (
    "(show me [a|the|some]|[i] (want|need|am looking for) [a|the|some]|search [for]) {product}",  # together: products once
    "{product}",
)
ADDS = ("(add|put|i'll take|give me|i'd like) [{quantity}] {product} [(to|in|into) my (cart|basket)]",)
FIXED = {
    "cart": ["(show|open|go to) my (cart|basket)"],
    "checkout": ["[go to] check out [now]", "checkout"],
    "help": ["help [me]"],
    "stop": ["(stop|cancel)"],
}


@dataclass(frozen=True, slots=True)
class ShopWords:
    """What the catalogue says: spoken texts, phrases, and the grammar of commands (None without items)."""

    texts: tuple[str, ...]
    phrases: tuple[str, ...]
    grammar: Grammar | None


def of(items: Sequence[Item]) -> ShopWords:
    """The words of a catalogue; the same items give the same words."""
    texts = [said for item in items for said in _said(item)]
    counts = Counter(texts)
    phrases = [text for text, _ in counts.most_common(MOST_PHRASES) if len(text) > 3]
    phrases += sorted({word for text in counts for word in text.split() if len(word) > 3} - set(phrases))
    return ShopWords(tuple(texts), tuple(phrases[:MOST_PHRASES]), _grammar(items))


def _said(item: Item) -> Iterator[str]:
    """Ways to say an item: its title, brand, the parts of its category, its attributes."""
    parts = [item.title, item.brand or "", *(item.category or "").split(">")]
    for value in (item.attributes or {}).values():
        parts += value if isinstance(value, list) else [value] if isinstance(value, str) else []
    yield from (said for part in parts if (said := spoken(part)))


def _grammar(items: Sequence[Item]) -> Grammar | None:
    """Find, add and go: products are titles, and the last parts of categories."""
    names = Counter(part for item in items for part in (item.title, (item.category or "").split(">")[-1].strip()) if part)
    products = [name for name, _ in names.most_common() if 2 < len(spoken(name)) <= LONGEST][:MOST_PRODUCTS]
    if not products:
        return None
    quantities = {str(number): [words_of(number)] + (["a"] if number == 1 else []) for number in range(1, 13)}
    intents = {"find": list(ASKS), "add": list(ADDS), **FIXED}
    return Grammar(intents, {"product": {name[:200]: [name[:200]] for name in products}, "quantity": quantities})
