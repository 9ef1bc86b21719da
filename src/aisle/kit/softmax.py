"""Several softmax classifiers on the same features, learnt together: y = softmax((W x + b) / T) per head.

Multinomial logistic regression (Cox, 1966; Böhning, 1992) with weight decay, by L-BFGS; T is the temperature that calibrates it
(Guo et al., 2017). Whoever wants reasons gets them: logits are linear in the features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
MISSING = -1  # a row without a label for a head
INHERITED = 0.5  # of the weights of a label that lies above: best on held-out groceries for heads of four weight decays
BINS = 15  # of the calibration error, as in Guo et al.
COOLEST, HOTTEST = 0.05, 20.0  # bounds of the temperature


@dataclass(frozen=True, slots=True)
class Heads:
    """Weights of all heads, one under another; `bounds[k]:bounds[k + 1]` are the rows of head k."""

    weights: Floats  # (classes of all heads, features)
    bias: Floats  # (classes of all heads,)
    bounds: tuple[int, ...]  # (heads + 1,)

    def logits(self, features: Floats) -> Floats:
        """(rows, classes of all heads), before temperatures."""
        found: Floats = features @ self.weights.T + self.bias
        return found

    def part(self, values: Floats, head: int) -> Floats:
        """The columns of one head."""
        return values[:, self.bounds[head] : self.bounds[head + 1]]


def learn(
    features: Floats,
    labels: Ints,
    sizes: Sequence[int],
    *,
    decay: float,
    balance: float = 0.0,
    steps: int = 100,
    step: Callable[[int], None] | None = None,
) -> Heads:
    """Fit all heads at once on standardised features; the standardisation is folded into the weights that come back.

    `features` (rows, features); `labels` (rows, heads) with MISSING where a row has none; `sizes` are the heads' numbers of
    classes. `decay` is the weight of ½‖W‖² beside a head's mean cross entropy. `balance` in 0 … 1 is the power of the inverse
    class frequency by which rows are weighted. `step` is called with the number of every pass over the data.
    """
    mean, spread = features.mean(0), features.std(0) + 1e-4
    x: Floats = ((features - mean) / spread).astype(np.float32)
    bounds = tuple(np.cumsum([0, *sizes]).tolist())
    weight = np.stack([row_weights(labels[:, k], size, balance) for k, size in enumerate(sizes)], 1)  # (rows, heads)
    classes, width = bounds[-1], x.shape[1]
    passes = 0

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal passes
        passes += 1
        if step is not None:
            step(passes)
        w = flat.astype(np.float32).reshape(classes, width + 1)
        logits = x @ w[:, :-1].T + w[:, -1]
        value, slope = _cross_entropy(logits, labels, weight, bounds)
        value += 0.5 * decay * float((w[:, :-1] ** 2).sum())
        gradient = np.concatenate([slope.T @ x + decay * w[:, :-1], slope.sum(0)[:, None]], 1)
        return value, gradient.astype(np.float64).ravel()

    start = np.zeros(classes * (width + 1))
    flat = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxcor": 10, "ftol": 1e-6}).x
    w = flat.astype(np.float32).reshape(classes, width + 1)
    weights = (w[:, :-1] / spread).astype(np.float32)
    return Heads(weights, (w[:, -1] - weights @ mean).astype(np.float32), bounds)


def together(heads: Sequence[Heads]) -> Heads:
    """One set of heads over the features of several networks, each after the other: its logits are the mean of theirs."""
    weights = np.concatenate([one.weights / np.float32(len(heads)) for one in heads], 1)
    return Heads(weights, np.mean(np.stack([one.bias for one in heads]), 0), heads[0].bounds)


def nested(heads: Heads, labels: Ints) -> Heads:
    """The same heads; where a head's label decides another's (a sort of apple is an apple), it takes over of the other's weights.

    To a label's logit is added INHERITED times the logit of the label above it, so it is likely where both say so, and logits
    stay linear in the features. `labels` (rows, heads) of training tell what lies in what: for each label of the one head there
    is one of the other, which has fewer.
    """
    weights, bias = heads.weights.copy(), heads.bias.copy()
    own = [slice(*pair) for pair in pairwise(heads.bounds)]
    for below, part in enumerate(own):
        for above, wider in enumerate(own):
            place = above_of(labels[:, below], labels[:, above], part.stop - part.start)
            if place is not None and wider.stop - wider.start < part.stop - part.start:
                weights[part] += np.float32(INHERITED) * heads.weights[wider][place]
                bias[part] += np.float32(INHERITED) * heads.bias[wider][place]
    return Heads(weights, bias, heads.bounds)


def above_of(labels: Ints, others: Ints, classes: int) -> Ints | None:
    """Of each class the one class of another head that its rows have, (classes,); None where some have several, or none."""
    known = (labels != MISSING) & (others != MISSING)
    pairs = np.unique(np.stack([labels[known], others[known]], 1), axis=0)
    return pairs[:, 1] if np.array_equal(pairs[:, 0], np.arange(classes)) else None


def row_weights(labels: Ints, classes: int, balance: float) -> Floats:
    """Each row's weight in the mean of one head: its class's frequency to the power −balance; 0 without a label; sum 1."""
    known = labels != MISSING
    counts = np.maximum(np.bincount(labels[known], minlength=classes), 1).astype(np.float64)
    weight = np.where(known, counts[np.where(known, labels, 0)] ** -balance, 0.0)
    return np.asarray(weight / max(float(weight.sum()), 1e-12), np.float32)


def probabilities(logits: Floats, temperature: float = 1.0) -> Floats:
    """softmax(logits / temperature) over the last axis."""
    scaled = logits / temperature
    scaled = np.exp(scaled - scaled.max(-1, keepdims=True))
    found: Floats = scaled / scaled.sum(-1, keepdims=True)
    return found


def temperature(logits: Floats, labels: Ints) -> float:
    """The T that makes held-out labels likeliest (Guo et al., 2017); 1 where there is nothing to learn it from."""
    known = labels != MISSING
    if known.sum() < 2:
        return 1.0

    def surprise(log_t: float) -> float:
        chosen = probabilities(logits[known], float(np.exp(log_t)))[np.arange(known.sum()), labels[known]]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    found = minimize_scalar(surprise, bounds=(np.log(COOLEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def calibration_error(probability: Floats, labels: Ints) -> float:
    """Expected calibration error of the first label: Σ share of a bin · |accuracy − mean confidence|, BINS equal bins."""
    known = labels != MISSING
    if not known.any():
        return 0.0
    best, sure = probability[known].argmax(1), probability[known].max(1)
    right = best == labels[known]
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    gaps = np.bincount(bins, weights=sure.astype(np.float64) - right, minlength=BINS)
    return float(np.abs(gaps).sum() / counts.sum())


def macro_f1(predicted: Ints, labels: Ints) -> float:
    """Mean over the classes present of 2 · right / (predicted + actual): every class counts alike, however rare."""
    known = labels != MISSING
    predicted, labels = predicted[known], labels[known]
    present = np.unique(labels)
    scores = []
    for one in present:
        right = float(((predicted == one) & (labels == one)).sum())
        scores.append(2 * right / max(float((predicted == one).sum() + (labels == one).sum()), 1.0))
    return float(np.mean(scores)) if scores else 0.0


def _cross_entropy(logits: Floats, labels: Ints, weight: Floats, bounds: Sequence[int]) -> tuple[float, Floats]:
    """The sum over heads of the weighted mean cross entropy, and its gradient by the logits."""
    value, slope = 0.0, np.zeros_like(logits)
    rows = np.arange(len(logits))
    for head in range(len(bounds) - 1):
        low, high = bounds[head], bounds[head + 1]
        p = probabilities(logits[:, low:high])
        label, w = labels[:, head], weight[:, head]
        safe = np.where(label == MISSING, 0, label)
        value -= float((w * np.log(np.maximum(p[rows, safe], 1e-12))).sum())
        p[rows, safe] -= 1.0
        slope[:, low:high] = p * w[:, None]
    return value, slope
