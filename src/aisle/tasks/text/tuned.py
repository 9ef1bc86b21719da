"""The static embedding fine-tuned with the labels: token vectors, the n-grams' weights and the head learn together.

fastText (Joulin et al., 2017) learns the vectors of words and hashed n-grams under a softmax, Model2Vec's classifiers (Tulkens &
van Dongen, 2024) go on from a distilled table. Ours starts from the starter's table and gives an n-gram its weight for each label
at once, without a vector between, so what comes out is a linear model with a table of its own: served, explained and written as
one. Adam (Kingma & Ba, 2015) moves the rows that a step's texts have, and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.tasks.text import linear
from aisle.tasks.text.features import Features, Floats
from aisle.tasks.text.linear import Linear
from aisle.tasks.text.static import StaticEmbedding

EPOCHS, LEAST = 3, 400  # times each text is learnt from, and steps: a few texts are learnt from more often
BATCH = 128  # texts a step
REACH = 4.0  # length of a text's vector before the head
DROPPED = 0.5  # share of its numbers left out while it learns
TABLE, HEAD = 5e-4, 2e-3  # highest rates of a token's vector, and of the head
FADING, FADING_SQUARES, LITTLE = 0.9, 0.999, 1e-8
OnStep = Callable[[int, int], None]


@dataclass(slots=True)
class Moved:
    """Weights (rows, columns) under Adam: only the rows that a step names move, with their moments."""

    weights: Floats
    first: Floats
    second: Floats
    steps: int = 0

    @staticmethod
    def of(weights: Floats) -> Moved:
        return Moved(weights, np.zeros_like(weights), np.zeros_like(weights))

    def move(self, rows: NDArray[np.int64] | slice, gradient: Floats, rate: Floats | float) -> None:
        self.steps += 1
        first = FADING * self.first[rows] + (1 - FADING) * gradient
        second = FADING_SQUARES * self.second[rows] + (1 - FADING_SQUARES) * gradient**2
        self.first[rows], self.second[rows] = first, second
        size = np.sqrt(second / np.float32(1 - FADING_SQUARES**self.steps)) + np.float32(LITTLE)
        self.weights[rows] -= rate * (first / np.float32(1 - FADING**self.steps)) / size


@dataclass(frozen=True, slots=True)
class Bags:
    """Texts as they are learnt from."""

    tokens: Any  # (texts, tokens) how often
    rest: Floats  # (texts, dimensions) the sum of what the table has no vectors for
    grams: Any  # (texts, n-grams)

    @staticmethod
    def of(texts: Sequence[str], features: Features, embedding: StaticEmbedding) -> Bags:
        tokens, rest = embedding.bags(texts)
        tokens.data[tokens.indices == embedding.tokenizer.token_to_id("[UNK]")] = 0.0  # its vector is nothing, and stays so
        return Bags(tokens, rest, features.sparse(texts))


def learn(
    texts: Sequence[str],
    targets: Floats,
    features: Features,
    embedding: StaticEmbedding,
    *,
    multi: bool,
    rate: float,
    ratio: float,
    seed: int,
    on_step: OnStep = lambda step, steps: None,
) -> Linear:
    """Learn; the embedding that is given stays as it is. `rate`: of the n-grams; `ratio`: see `linear.informative`."""
    bags = Bags.of(texts, features, embedding)
    scale = linear.informative(bags.grams, targets) ** np.float32(ratio)
    scale *= np.float32(rate) / max(float(scale.mean()), 1e-9) if len(scale) else 1.0
    size = np.float32(np.linalg.norm(embedding.table, axis=1).mean())
    rng, labels = np.random.default_rng(seed), targets.shape[1]
    net = Net(
        Moved.of(embedding.table / size),
        Moved.of(rng.normal(0, 0.1, (embedding.dimensions, labels)).astype(np.float32)),
        Moved.of(np.zeros((len(features.known), labels), np.float32)),
        Moved.of(np.zeros((1, labels), np.float32)),
    )
    share = targets if multi else targets / np.maximum(targets.sum(axis=1, keepdims=True), 1.0)
    each, number = -(-len(texts) // BATCH), 0
    epochs = max(EPOCHS, -(-LEAST // each))
    for _ in range(epochs):
        order = rng.permutation(len(texts))
        for start in range(0, len(texts), BATCH):
            rows = order[start : start + BATCH]
            kept = (rng.random((len(rows), embedding.dimensions), np.float32) >= DROPPED) / np.float32(1 - DROPPED)
            part = Bags(bags.tokens[rows], bags.rest[rows] / size, bags.grams[rows])
            net.step(part, share[rows], multi, kept.astype(np.float32), scale, 1 - number / (epochs * each))
            on_step(number := number + 1, epochs * each)
    own = replace(embedding, table=net.table.weights * size)
    return Linear(features, net.grams.weights, net.head.weights * np.float32(REACH), net.bias.weights[0], own)


@dataclass(frozen=True, slots=True)
class Net:
    """What learns."""

    table: Moved  # (tokens, dimensions)
    head: Moved  # (dimensions, labels)
    grams: Moved  # (n-grams, labels)
    bias: Moved  # (1, labels)

    def step(self, part: Bags, share: Floats, multi: bool, kept: Floats, scale: Floats, left: float) -> None:
        """Of some texts; `left`: the share of their highest that rates still have."""
        tokens, seen = _own(part.tokens)
        grams, known = _own(part.grams)
        sums = tokens @ self.table.weights[seen] + part.rest
        length = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(1e-6))
        unit = sums / length
        vectors = unit * kept * np.float32(REACH)
        logits = vectors @ self.head.weights + grams @ self.grams.weights[known] + self.bias.weights
        error = _error(logits, share, multi) / np.float32(len(share))
        back = (error @ self.head.weights.T) * kept * np.float32(REACH)
        back = (back - unit * (unit * back).sum(axis=1, keepdims=True)) / length
        self.table.move(seen, tokens.T @ back, TABLE * left)
        self.grams.move(known, grams.T @ error, scale[known] * np.float32(left))
        self.head.move(slice(None), vectors.T @ error, HEAD * left)
        self.bias.move(slice(None), error.sum(axis=0, keepdims=True), HEAD * left)


def _own(rows: Any) -> tuple[Any, NDArray[np.int64]]:
    """The columns that some texts have at all, and the texts over these alone."""
    seen, place = np.unique(rows.indices, return_inverse=True)
    return sp.csr_array((rows.data, place, rows.indptr), shape=(rows.shape[0], len(seen))), seen


def _error(logits: Floats, share: Floats, multi: bool) -> Floats:
    """The gradient of a text's cross-entropy by its logits."""
    if multi:
        alone: Floats = (1.0 / (1.0 + np.exp(-logits)) - share).astype(np.float32)
        return alone
    power = np.exp(logits - logits.max(axis=1, keepdims=True))
    together: Floats = (power / power.sum(axis=1, keepdims=True) - share).astype(np.float32)
    return together
