"""The text models as the platform runs them: prepare, run, finish."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aisle.errors import BadInput
from aisle.kit.words import plain
from aisle.task import Answer, Context, Prepared
from aisle.tasks.text import static
from aisle.tasks.text.schema import Embed, Embeddings

CHARACTERS = 1000.0  # of static embedding that cost as much as one request does anyway
DECIMALS = 6  # of a vector's numbers: more would only make the answer longer


class TextEngine:
    """A sentence embedding."""

    def __init__(self, embedding: static.StaticEmbedding) -> None:
        self.embedding = embedding

    def prepare(self, op: str, request: Embed, context: Context) -> Prepared:
        """The texts as a list. Raises BadInput where one says nothing."""
        texts = [request.text] if isinstance(request.text, str) else request.text
        for place, text in enumerate(texts):
            if not plain(text[: static.LONGEST]).strip():
                raise BadInput(
                    "a text is empty: leave it out", param="/text" if isinstance(request.text, str) else f"/text/{place}"
                )
        return Prepared(texts, 1.0 + sum(map(len, texts)) / CHARACTERS)

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        """(vectors, tokens) of each request; all texts of a batch at once."""
        texts = [text for one in batch for text in one.data]
        if not texts:
            return []
        vectors, tokens = self.embedding.embed(texts)
        ends = np.cumsum([len(one.data) for one in batch])[:-1]
        return list(zip(np.split(vectors, ends), np.split(tokens, ends), strict=True))

    def finish(self, op: str, request: Embed, result: Any) -> Answer:
        vectors, tokens = result
        texts = [request.text] if isinstance(request.text, str) else request.text
        longer = [place for place, text in enumerate(texts) if len(text) > static.LONGEST]
        rows = np.round(vectors.astype(np.float64), DECIMALS).tolist()
        return Embeddings(embeddings=rows, tokens=int(tokens.sum()), truncated=longer)


def load(folder: Path) -> TextEngine:
    """Open a trained model, or the starter."""
    return TextEngine(static.load(folder / "embedding"))
