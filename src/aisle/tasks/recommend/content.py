"""Likeness of items by what is written about them: TF-IDF and the cosine (Salton & Buckley, 1988).

Words of the title count most, then brand, category and attributes, then the description. A new item is placed among the
known ones from its text alone, with no retraining.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from aisle.kit.nearest import top_k_neighbours
from aisle.tasks.recommend.lists import Floats, Lists
from aisle.tasks.recommend.world import Sparse
from aisle.types import Item

WORD = re.compile(r"\w+")
WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # scripts without spaces between words
TITLE, BRAND, CATEGORY, ATTRIBUTE, DESCRIPTION = 3.0, 2.0, 2.0, 2.0, 0.5
LONGEST = 200  # words of a description that are read
TERMS = 100_000  # most frequent terms kept


def terms(item: Item) -> dict[str, float]:
    """The terms of an item's text with their weights: 1 + log of how often, times what the field counts."""
    found: dict[str, float] = defaultdict(float)
    _add(found, _words(item.title), TITLE)
    _add(found, _words(item.description or "")[:LONGEST], DESCRIPTION)
    if item.brand:
        found[f"brand={item.brand.casefold()}"] += BRAND
    path = [part.strip().casefold() for part in (item.category or "").split(">") if part.strip()]
    for depth in range(len(path)):
        found["category=" + ">".join(path[: depth + 1])] += CATEGORY
    for name, value in (item.attributes or {}).items():
        for one in value if isinstance(value, list) else [value]:
            found[f"{name.casefold()}={str(one).casefold()}"] += ATTRIBUTE
    return dict(found)


def _words(text: str) -> list[str]:
    """Words in lower case; scripts without spaces as pairs of characters."""
    words: list[str] = []
    for word in WORD.findall(text.casefold()):
        words += [word[k : k + 2] for k in range(max(len(word) - 1, 1))] if WIDE.search(word) else [word]
    return words


def _add(found: dict[str, float], words: Sequence[str], weight: float) -> None:
    for word, times in Counter(words).items():
        found[word] += weight * (1.0 + float(np.log(times)))


@dataclass(frozen=True, slots=True)
class Content:
    """The texts of the items as rows of unit length."""

    vocabulary: list[str]
    place: dict[str, int]
    idf: Floats  # (terms,)
    rows: Sparse  # (items, terms) csr float64

    @staticmethod
    def of(vocabulary: list[str], idf: Floats, rows: Sparse) -> Content:
        return Content(vocabulary, {term: place for place, term in enumerate(vocabulary)}, idf, rows)

    def place_of(self, items: Sequence[Item]) -> Sparse:
        """(items, terms) csr: rows for items that training has not seen."""
        return _rows([terms(item) for item in items], self.place, self.idf)


def read(items: Sequence[Item]) -> Content:
    """The vocabulary of the shop and every item's row; idf = 1 + log((1 + items) / (1 + items with the term))."""
    found = [terms(item) for item in items]
    frequency = Counter(term for one in found for term in one)
    vocabulary = sorted(sorted(frequency), key=lambda term: -frequency[term])[:TERMS]
    counts = np.array([frequency[term] for term in vocabulary], np.float64)
    idf = 1.0 + np.log((1.0 + len(items)) / (1.0 + counts))
    place = {term: number for number, term in enumerate(vocabulary)}
    return Content(vocabulary, place, idf, _rows(found, place, idf))


def learn(content: Content, k: int, step: Callable[[int, int], None]) -> Lists:
    """The neighbours of every item by text."""
    items = content.rows.shape[0]
    return Lists.of(*top_k_neighbours(content.rows, "cosine", min(k, max(items - 1, 1)), progress=step))


def likeness(new: Sparse, rows: Sparse) -> Sparse:
    """(new, items) csr: the cosine of new rows with known ones."""
    return (new @ rows.T).tocsr()


def _rows(found: Sequence[dict[str, float]], place: dict[str, int], idf: Floats) -> Sparse:
    triples = [(row, place[term], weight) for row, one in enumerate(found) for term, weight in one.items() if term in place]
    row, column, weight = (np.array(part) for part in zip(*triples, strict=True)) if triples else (np.zeros(0, int),) * 3
    values = weight * idf[column] if len(column) else np.zeros(0)
    rows: Sparse = sp.csr_array((values.astype(np.float64), (row, column)), shape=(len(found), len(place)))
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return (sp.dia_array((scale[None, :], [0]), shape=(len(found), len(found))) @ rows).tocsr()
