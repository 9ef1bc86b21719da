"""Training: the shop's texts become the files of a model; every item's vector is left for recommendations and search."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from aisle.errors import BadInput
from aisle.kit.words import item_text
from aisle.task import Data, Progress, Scores
from aisle.tasks.text import static
from aisle.tasks.text.schema import Config
from aisle.types import Item

STARTER = Path(__file__).parent / "starter"
BLOCK = 1000  # items embedded at once
SPACE = "text"  # of the items' vectors


def fit(data: Data, config: Config, folder: Path, progress: Progress) -> Scores:
    """Embed the catalogue and write a model's files. Raises BadInput for a shop without items."""
    items = list(data.items())
    if not items:
        raise BadInput(
            "there is nothing to read: import the catalogue with `aisle import items FILE` or PUT /v1/items, then train again"
        )
    shutil.copytree(STARTER / "embedding", folder / "embedding", dirs_exist_ok=True)
    embedding = static.load(folder / "embedding")
    data.write_vectors(SPACE, item_vectors(items, embedding, progress))
    progress(len(items), len(items), f"done: {len(items):,} items embedded")
    return {"items": float(len(items)), "dimensions": float(embedding.dimensions)}


def item_vectors(items: list[Item], embedding: static.StaticEmbedding, progress: Progress) -> Iterator[tuple[str, bytes]]:
    """(item_id, little-endian float32 of length 1) of each item."""
    for start in range(0, len(items), BLOCK):
        progress(start, len(items), "embedding items")
        block = items[start : start + BLOCK]
        vectors, _ = embedding.embed([item_text(item) for item in block])
        yield from zip([item.item_id for item in block], (row.astype("<f4").tobytes() for row in vectors), strict=True)
