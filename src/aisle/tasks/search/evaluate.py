"""How well items are found: every item's own words lead to it, also misspelt; and, where there is a log, what shoppers chose."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from aisle.errors import BadInput
from aisle.kit.catalogue import Catalogue
from aisle.task import Context, Data, Progress, Scores
from aisle.tasks.search.engine import SearchEngine
from aisle.tasks.search.model import Learnt, Model
from aisle.tasks.search.schema import Config, Query
from aisle.tasks.search.words import RUN, words
from aisle.types import Item

SEED = 7
TRIED = 300  # items that are looked for
DEEP = 100  # places that are looked at
PROTOCOLS = ("known_item",)
Question = tuple[str, str]  # what is asked, the item that is meant


def evaluate(data: Data, config: Config, protocol: str, progress: Progress) -> list[dict[str, Any]]:
    """Rows of a model each, best first. Raises BadInput for a protocol there is not."""
    if protocol and protocol not in PROTOCOLS:
        raise BadInput(f"search has no protocol {protocol!r}: choose one of {', '.join(PROTOCOLS)}", param="/protocol")
    items = list(data.items())
    if not items:
        raise BadInput("there are no items to find: import the catalogue first, with `aisle import items FILE` or PUT /v1/items")
    rivals = {
        "words in all fields": config,
        "words in titles": replace(config, brand=0.0, category=0.0, attributes=0.0, description=0.0),
        "words, unstemmed": replace(config, language="none"),
    }
    rows = []
    for number, (name, tried) in enumerate(rivals.items()):
        progress(number, len(rivals), name)
        rows.append({"model": name, **known_items(Model(Learnt(config=tried)), items)})
    progress(len(rivals), len(rivals), "done")
    return sorted(rows, key=lambda row: -row["known_item_mrr"])


def known_items(model: Model, items: Sequence[Item]) -> Scores:
    """Mean reciprocal rank of items asked for by three words of their own text, as written and with one slip of the finger."""
    rng = random.Random(SEED)
    tried = rng.sample(list(items), min(TRIED, len(items)))
    questions = [(question, item.item_id) for item in tried if (question := some_words(item, rng))]
    slipped = [(slip(question, rng), item_id) for question, item_id in questions]
    engine, catalogue = SearchEngine(model), Catalogue(items)
    return {
        "known_item_mrr": reciprocal_rank(engine, catalogue, questions),
        "known_item_mrr_misspelt": reciprocal_rank(engine, catalogue, slipped),
    }


def reciprocal_rank(engine: SearchEngine, catalogue: Catalogue, questions: Sequence[Question]) -> float:
    """Mean of 1/rank of the item that is meant; 0 below the first hundred."""
    if not questions:
        return 0.0
    context = Context(catalogue=catalogue)
    gained = []
    for question, item_id in questions:
        asked = Query(query=question, n=DEEP, explain="none", facets=False)
        (found,) = engine.run("query", [engine.prepare("query", asked, context)])
        ids = [hit.item_id for hit in found.items]
        gained.append(1 / (ids.index(item_id) + 1) if item_id in ids else 0.0)
    return float(np.mean(gained))


def some_words(item: Item, rng: random.Random) -> str:
    """Three words of an item's title, in their order."""
    found = list(dict.fromkeys(words(item.title)))
    kept = sorted(rng.sample(range(len(found)), min(3, len(found))))
    return " ".join(found[place] for place in kept)


def slip(question: str, rng: random.Random) -> str:
    """Two neighbours swapped in the longest word of letters, its first letter kept."""
    longest = max(question.split(), key=lambda word: (word.isalpha() and not RUN.match(word)) * len(word))
    if len(longest) < 5 or not longest.isalpha() or RUN.match(longest):
        return question
    at = rng.randrange(1, len(longest) - 1)
    return question.replace(longest, longest[:at] + longest[at + 1] + longest[at] + longest[at + 2 :])
