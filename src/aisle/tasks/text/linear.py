"""The linear classifier: multinomial logistic regression, or one logistic regression a label where texts have several.

Its logits are sums over n-grams and tokens, so what each word contributed is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.kit import ngrams
from aisle.tasks.text import lbfgs
from aisle.tasks.text.calibration import Scaling
from aisle.tasks.text.features import Features, Floats, array
from aisle.tasks.text.static import StaticEmbedding

STEPS = 80
LITTLE = 0.1  # that every n-gram tells of every label
OnStep = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Linear:
    """logits = features · weights + bias."""

    features: Features
    sparse: Floats  # (n-grams, labels)
    dense: Floats  # (dimensions, labels)
    bias: Floats  # (labels,)
    embedding: StaticEmbedding

    def logits(self, texts: Sequence[str]) -> Floats:
        """(texts, labels) for texts spelt one way (`words.plain`)."""
        found: Floats = self.features.sparse(texts) @ self.sparse + self.bias
        if self.features.static:
            found = found + self.features.dense(texts, self.embedding) @ self.dense
        return found

    def cost(self, text: str) -> float:
        """What a text costs, in thousands of characters."""
        return len(text) / 1000

    def explain(self, text: str, label: int) -> tuple[list[tuple[int, int, float]], float]:
        """(start, stop, contribution to the label's logit) of every word, and the bias: together they are the logit."""
        char = np.zeros(len(text) + 1)
        found = ngrams.grams([text])
        column, known = self.features.find(found.hash)
        values = self.features.sparse([text])
        weight = np.zeros(len(self.features.known), np.float32)
        weight[values.indices] = values.data * self.sparse[values.indices, label]
        times = np.bincount(column[known], minlength=1)
        for start, stop, place in zip(found.start[known], found.stop[known], column[known], strict=True):
            _spread(char, start, stop, float(weight[place]) / times[place])
        if self.features.static:
            for start, stop, vector in self.embedding.parts(text):
                _spread(char, start, stop, float(vector @ self.dense[:, label]) * self.features.static)
        return [(start, stop, float(char[start:stop].sum())) for start, stop in ngrams.pieces(text)], float(self.bias[label])

    def scaled(self, by: Scaling) -> Linear:
        """The same with honest logits."""
        divided = np.float32(by.temperature)
        return Linear(self.features, self.sparse / divided, self.dense / divided, by.of(self.bias), self.embedding)

    def save(self, folder: Path) -> None:
        self.features.save(folder)
        for name in ("sparse", "dense", "bias"):
            np.save(folder / f"{name}.npy", getattr(self, name).astype(np.float16), allow_pickle=False)


def load(folder: Path, inside: float, static: float, embedding: StaticEmbedding) -> Linear:
    """Open what `save` wrote."""
    sparse, dense, bias = (array(folder, name).astype(np.float32) for name in ("sparse", "dense", "bias"))
    return Linear(Features.load(folder, inside, static), sparse, dense, bias, embedding)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Texts as numbers, made once and weighed many times while settings are tried."""

    sparse: Any  # (texts, n-grams)
    dense: Floats  # (texts, dimensions)

    @staticmethod
    def of(texts: Sequence[str], features: Features, embedding: StaticEmbedding) -> Inputs:
        return Inputs(features.sparse(texts), features.dense(texts, embedding))

    def weighed(self, features: Features, inside: float, static: float) -> Inputs:
        """The same, where n-grams inside words count `inside` and the embedding `static`, and both counted 1."""
        within = np.where(features.known % 2, np.float32(inside), np.float32(1.0))
        return Inputs(_times(self.sparse, within), self.dense * np.float32(static) if static else self.dense[:, :0])


@dataclass(frozen=True, slots=True)
class Weights:
    """What `fit` finds."""

    sparse: Floats  # (n-grams, labels)
    dense: Floats  # (dimensions, labels)
    bias: Floats  # (labels,)

    def logits(self, inputs: Inputs) -> Floats:
        found: Floats = inputs.sparse @ self.sparse + self.bias
        return found + inputs.dense @ self.dense if inputs.dense.shape[1] else found


def learn(
    texts: Sequence[str],
    targets: NDArray[np.float32],
    features: Features,
    embedding: StaticEmbedding,
    *,
    multi: bool,
    strength: float,
    ratio: float = 0.0,
    on_step: OnStep = lambda step: None,
) -> Linear:
    """Fit the weights. `strength` is C: how much the texts count against a quadratic penalty on the weights."""
    inputs = Inputs.of(texts, features, embedding)
    found = fit(inputs, targets, multi=multi, strength=strength, ratio=ratio, on_step=on_step)
    return Linear(features, found.sparse, found.dense, found.bias, embedding)


def fit(
    inputs: Inputs,
    targets: NDArray[np.float32],
    *,
    multi: bool,
    strength: float,
    ratio: float = 0.0,
    steps: int = STEPS,
    on_step: OnStep = lambda step: None,
) -> Weights:
    """The weights of texts read already. The penalty is lighter for n-grams that tell a label from the others (`informative`)."""
    rows, dense = inputs.sparse, inputs.dense
    scale = informative(rows, targets) ** np.float32(ratio)  # (n-grams, labels)
    scale /= max(float(scale.mean()), 1e-9) if len(scale) else 1.0
    columns, across, labels = rows.T.tocsr(), dense.T.copy(), targets.shape[1]
    n, split = rows.shape
    penalty = np.float32(1.0 / (strength * n))
    share = targets / np.maximum(targets.sum(axis=1, keepdims=True), 1.0)

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(-1, labels)
        logits = rows @ (weights[:split] * scale) + dense @ weights[split:-1] + weights[-1]
        value, error = _logistic(logits, targets) if multi else _softmax(logits, share)
        gradient = np.empty_like(weights)
        gradient[:split] = (columns @ error) * scale
        gradient[split:-1] = across @ error
        gradient[:-1] += penalty * weights[:-1]
        gradient[-1] = error.sum(axis=0)
        return value + float(penalty / 2 * np.vdot(weights[:-1], weights[:-1])), gradient.ravel()

    start = np.zeros((split + dense.shape[1] + 1) * labels, np.float32)
    weights = lbfgs.minimise(loss, start, steps, on_step).reshape(-1, labels)
    return Weights(weights[:split] * scale, weights[split:-1], weights[-1])


def informative(rows: Any, targets: NDArray[np.float32]) -> Floats:
    """(n-grams, labels) how much an n-gram tells of a label: the size of its log-count ratio, the label against the rest.

    Wang & Manning (2012) multiply features by the ratio of two labels; ours does it by its size, for each of any number.
    """
    seen = rows.copy()
    seen.data = np.ones_like(seen.data)
    own = seen.T @ targets + 1.0  # texts of the label with it
    rest = (seen.T @ np.ones(len(targets), np.float32))[:, None] - own + 2.0
    ratio = np.log(own / own.sum(axis=0)) - np.log(np.maximum(rest, 1.0) / np.maximum(rest, 1.0).sum(axis=0))
    found: Floats = np.abs(ratio).astype(np.float32) + np.float32(LITTLE)
    return found


def _times(rows: Any, weight: Floats) -> Any:
    """Columns times their weights."""
    found = rows.copy()
    found.data = (rows.data * weight[rows.indices]).astype(np.float32)
    return found


def _softmax(logits: Floats, share: Floats) -> tuple[float, Floats]:
    """Mean cross-entropy and its gradient by the logits."""
    logits = logits - logits.max(axis=1, keepdims=True)
    power = np.exp(logits)
    total = power.sum(axis=1, keepdims=True)
    value = -float((share * (logits - np.log(total))).sum(axis=1).mean())
    return value, (power / total - share) / np.float32(len(logits))


def _logistic(logits: Floats, targets: Floats) -> tuple[float, Floats]:
    """Mean over texts of the labels' cross-entropies, and the gradient by the logits."""
    value = float((np.logaddexp(0, logits) - targets * logits).sum(axis=1).mean())
    return value, ((1.0 / (1.0 + np.exp(-logits)) - targets) / np.float32(len(logits))).astype(np.float32)


def _spread(char: NDArray[np.float64], start: int, stop: int, contribution: float) -> None:
    """A contribution, in equal parts over its characters."""
    char[start:stop] += contribution / max(stop - start, 1)
