"""Training: the index of the catalogue as files, and what shoppers' doings say of items and of questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as replaced
from functools import partial
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from aisle.errors import BadInput
from aisle.kit.vectors import Space
from aisle.task import Data, Progress, Scores
from aisle.tasks.search import graph, model
from aisle.tasks.search.engine import spoken, weighing
from aisle.tasks.search.evaluate import known_items
from aisle.tasks.search.fields import texts
from aisle.tasks.search.graph import Graph
from aisle.tasks.search.index import Index
from aisle.tasks.search.learning import WEIGHT, grouped, questions, synonyms, tuned
from aisle.tasks.search.model import Learnt, Model, Names, Stored
from aisle.tasks.search.schema import Config
from aisle.tasks.search.shelf import digest
from aisle.tasks.search.words import Analyser
from aisle.types import EVENT_CODE, EventColumns, Item

STEPS = 100.0
LOOKED_AT = 2000  # items by which the language is told


def fit(data: Data, config: Config, folder: Path, progress: Progress) -> Scores:
    """Learn everything, write it, and say how good it is. Raises BadInput for a shop without items."""
    progress(0, STEPS, "reading items")
    items = list(data.items())
    if not items:
        raise BadInput("there are no items to find: import the catalogue first, with `aisle import items FILE` or PUT /v1/items")
    progress(10, STEPS, f"{len(items):,} items")
    language = spoken(config, [text for item in items[:LOOKED_AT] for _, text in texts(item)])
    index = Index(Analyser(language), weighing(config))
    index.build(items)
    progress(60, STEPS, f"index of {len(index.vocabulary.terms):,} terms ({language})")
    told = grouped(data.choices())
    learnt = Learnt(
        config=config,
        language=language,
        popularity=popularity(data.events()),
        asked=questions(told, config.least_choices),
        synonyms=synonyms(told, {item.item_id: item for item in items}, config.least_choices),
    )
    found = Model(learnt, stored(index, items))
    better: Scores = {}
    if config.tune:
        tuned_config, better = tuned(found, items, told, lambda share: progress(60 + 10 * share, STEPS, "weights of the signals"))
        found = Model(replace(learnt, config=tuned_config), found.stored)
    progress(70, STEPS, "looking for items whose names are known")
    scores = known_items(found, items)
    graphs = graphs_of(data, config, lambda space, share: progress(70 + 25 * share, STEPS, f"graph of {space} vectors"))
    progress(95, STEPS, "writing files")
    model.save(replaced(found, graphs=graphs), folder)
    progress(STEPS, STEPS, "done")
    scores |= better | {"questions": float(len(learnt.asked)), "synonyms": float(len(learnt.synonyms))}
    scores |= {f"{name}_graph": float(len(made.names)) for name, made in graphs.items()}
    return {**scores, "items": float(len(items)), "terms": float(len(index.vocabulary.terms))}


def graphs_of(data: Data, config: Config, progress: Callable[[str, float], None]) -> dict[str, Graph]:
    """A graph of each space that is too large to compare all of it."""
    if not graph.installed():
        return {}
    spaces = ((name, Space(data.vectors(name)).now()) for name in model.VECTORS)
    return {name: graph.build(space, partial(progress, name)) for name, space in spaces if len(space.matrix) > config.compare_all}


def stored(index: Index, items: list[Item]) -> Stored:
    """An index just built over these items, as files hold it."""
    vocabulary = index.vocabulary
    names = Names(
        [item.item_id for item in items],
        [digest(item) for item in items],
        vocabulary.terms,
        vocabulary.words,
        index.mean.tolist(),
    )
    return Stored(names, index.main)


def popularity(events: EventColumns) -> dict[str, float]:
    """item_id -> log(1 + weighted events), the highest 1."""
    weight = np.zeros(max(EVENT_CODE.values()) + 1)
    for code, value in WEIGHT.items():
        weight[code] = value
    wanted = np.log1p(np.bincount(events.item, weights=weight[events.type], minlength=len(events.items)))
    best = wanted.max(initial=0)
    return {name: round(float(value / best), 4) for name, value in zip(events.items, wanted, strict=True) if value > 0}
