"""How good the models are for the shop: each classifier on held-out texts, its reasons, or an item's nearest."""

from __future__ import annotations

from typing import Any

import numpy as np

from aisle.errors import BadInput
from aisle.kit.words import item_text
from aisle.task import Data, Progress
from aisle.tasks.text import datasets, static, trained
from aisle.tasks.text.faithful import faithfulness
from aisle.tasks.text.fit import STARTER, Reporter
from aisle.tasks.text.schema import Config
from aisle.types import Item

PROTOCOLS = ("classifiers", "reasons", "neighbours")
NEAREST = 10
MOST = 5000  # items that are compared


def evaluate(data: Data, config: Config, protocol: str, progress: Progress) -> list[dict[str, Any]]:
    """Rows of models, best first. Raises BadInput for a protocol or a shop that cannot be measured."""
    if protocol and protocol not in PROTOCOLS:
        raise BadInput(f"text has no protocol {protocol!r}: choose one of {', '.join(PROTOCOLS)}")
    embedding = static.load(STARTER / "embedding")
    sets = [] if protocol == "neighbours" else datasets.read(data, config.columns)[0]
    rows: list[dict[str, Any]] = []
    for number, dataset in enumerate(sets):
        step = Reporter(progress, 100 * number / len(sets), 100 / len(sets))
        found = trained.measure(dataset, embedding, config, step)
        kind = "static" if config.algorithm == "static" else "linear"
        if protocol == "reasons":
            texts, _ = dataset.part(dataset.held_out)
            rows.append({"model": f"{kind} {dataset.name}", **faithfulness(found.model, texts, dataset.multi)})
        else:
            rows.append({"model": f"{kind} {dataset.name}", **found.scores})
    if not rows:
        rows = [neighbours([item for item in data.items() if item.category][:MOST], embedding)]
    progress(100, 100, "done")
    return sorted(rows, key=lambda row: -row.get("accuracy", 0.0))


def neighbours(items: list[Item], embedding: static.StaticEmbedding) -> dict[str, Any]:
    """The share of an item's nearest, by title alone, that are of its category; and what chance would give."""
    if len({item.category for item in items}) < 2:
        raise BadInput("evaluating text needs labelled texts, or items of at least two categories: import them first")
    vectors, _ = embedding.embed([item_text(Item(item_id=item.item_id, title=item.title)) for item in items])
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -np.inf)
    nearest = np.argsort(-alike, axis=1, kind="stable")[:, : min(NEAREST, len(items) - 1)]
    code = np.unique([item.category for item in items], return_inverse=True)[1]
    chance = float(((np.bincount(code)[code] - 1) / max(len(items) - 1, 1)).mean())
    return {"model": "static", "same_category@10": float((code[nearest] == code[:, None]).mean()), "chance": chance}
