"""Probabilities that hold: a logistic curve (Platt 1999) through what was right and wrong on held-out recordings."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

STEPS = 30


class Curve(Struct, frozen=True):
    """probability = 1 / (1 + exp(-(slope · logit(x) + offset))), of a raw probability x."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, raw: float) -> float:
        return 1 / (1 + math.exp(-min(max(self.slope * logit(raw) + self.offset, -30.0), 30.0)))


def logit(raw: float) -> float:
    kept = min(max(raw, 1e-4), 1 - 1e-4)
    return math.log(kept / (1 - kept))


def fitted(raw: Sequence[float], right: Sequence[bool]) -> Curve:
    """The curve of highest likelihood (Newton), drawn gently towards the straight one; that one for fewer than 20 points."""
    if len(raw) < 20:
        return Curve()
    x = np.array([[logit(one), 1.0] for one in raw])
    y = np.array(right, float)
    weights: NDArray[np.float64] = np.array([1.0, 0.0])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (p - y) + (weights - [1.0, 0.0])
        hessian = (x * (p * (1 - p))[:, None]).T @ x + np.eye(2)
        step, size = np.linalg.solve(hessian, gradient), 1.0
        while size > 1e-4 and _loss(x, y, weights - size * step) > _loss(x, y, weights):
            size /= 2  # Newton's step may leap too far where the curve is flat
        weights = weights - size * step
    return Curve(round(max(float(weights[0]), 0.05), 4), round(float(weights[1]), 4))


def _loss(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Negative log-likelihood, and how far the curve is from the straight one."""
    z = x @ weights
    return float((np.logaddexp(0, z) - y * z).sum() + 0.5 * ((weights - [1.0, 0.0]) ** 2).sum())


def brier(probabilities: Sequence[float], right: Sequence[bool]) -> float:
    """Mean squared distance of a probability from what came true: 0 is best, 0.25 is a coin."""
    return float(np.mean((np.array(probabilities) - np.array(right, float)) ** 2)) if len(right) else 0.0


def expected_error(probabilities: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error: how far mean probability and share of right ones are apart, over ten bins."""
    p, y = np.array(probabilities), np.array(right, float)
    place = np.minimum((p * bins).astype(int), bins - 1)
    return float(sum(abs(p[place == b].sum() - y[place == b].sum()) for b in range(bins)) / max(len(p), 1))
