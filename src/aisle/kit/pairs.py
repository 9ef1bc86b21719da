"""The measures of `similarity` for every row with every row, a dense block at a time, from dot products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.kit.gram import Gram, is_exact
from aisle.kit.similarity import CANCELLED, Measure, Rows, against, shrunk

Scores = NDArray[np.float32]  # (block, n): -inf where two rows share no column
Block = Callable[[int, int], Scores]
Dense = Callable[[int, int], NDArray[Any]]  # rows start … stop−1 with every row
NEAR = 1e-6  # a squared distance below this share of the lengths is found again without cancellation


def measured(rows: Rows, measure: Measure, shrinkage: float = 0.0) -> tuple[Block, NDArray[np.float32]]:
    """How to score a block of rows against all rows, and the positive number per row that turns its scores into the measure
    (so that a pass over the whole block is spared where only the order matters)."""
    ones = np.ones(rows.shape[0], np.float32)
    if measure == "cosine" and not shrinkage:
        weights = _inverse(rows.norms).astype(np.float32)
        return _cosine(rows, weights), weights
    shared = _shared(rows)
    similarity = _MEASURES[measure](rows, shared)

    def scores(start: int, stop: int) -> Scores:
        both = shared(start, stop)
        with np.errstate(divide="ignore", invalid="ignore"):
            out = shrunk(similarity(start, stop), both, shrinkage).astype(np.float32)
        out[both == 0] = -np.inf
        return np.asarray(out)

    return scores, ones


def _cosine(rows: Rows, weights: NDArray[np.float32]) -> Block:
    """Σuv / √Σv²: the cosine but for √Σu², which a row has in common."""
    gram = Gram.of(rows.csr, rows.csr, exact=is_exact(rows.csr))
    shared = _shared(rows) if len(rows.csr.data) and rows.csr.data.min() < 0 else None  # else a product of 0 says it

    def scores(start: int, stop: int) -> Scores:
        dots = gram.block(start, stop)
        out = dots if dots.dtype == np.float32 else np.empty(dots.shape, np.float32)
        alone = shared(start, stop) == 0 if shared else dots == 0
        np.multiply(dots, weights, out=out, dtype=np.float32, casting="unsafe")
        out[alone] = -np.inf
        return out

    return scores


def _marks(rows: Rows) -> Any:
    marks = sp.csr_array(rows.csr, copy=True)
    marks.data[:] = 1
    return marks


def _shared(rows: Rows) -> Dense:
    """How many columns two rows share."""
    marks = _marks(rows)
    return Gram.of(marks, marks, exact=True).block


def _dots(rows: Rows, shared: Dense) -> Dense:
    """Σuv in float64; exact for whole numbers and for yes/no data."""
    if rows.uniform is not None:
        square = rows.uniform**2
        return lambda start, stop: shared(start, stop) * square
    gram = Gram.of(rows.csr, rows.csr, exact=is_exact(rows.csr), wide=True)
    return lambda start, stop: gram.block(start, stop).astype(np.float64)


def _inverse(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(1.0, numbers, out=np.zeros_like(numbers), where=numbers > 0)


def _cosine_shrunk(rows: Rows, shared: Dense) -> Dense:
    dots, weights = _dots(rows, shared), _inverse(rows.norms)
    return lambda start, stop: dots(start, stop) * weights * weights[start:stop, None]


def _jaccard(rows: Rows, shared: Dense) -> Dense:
    counts = rows.counts.astype(np.float32)

    def similarity(start: int, stop: int) -> NDArray[Any]:
        both = shared(start, stop).astype(np.float32)
        return np.asarray(both / (counts + counts[start:stop, None] - both))

    return similarity


def _distances(rows: Rows, shared: Dense) -> Dense:
    """Σ(u−v)² = Σu² + Σv² − 2Σuv; where that cancels almost everything, summed again difference by difference."""
    dots = _dots(rows, shared)
    whole = rows.uniform is not None or bool((rows.csr.data == np.floor(rows.csr.data)).all())
    squares = rows.counts * rows.uniform**2 if rows.uniform is not None else rows.squares

    def distances(start: int, stop: int) -> NDArray[Any]:
        total = squares + squares[start:stop, None]
        out = np.maximum(total - 2 * dots(start, stop), 0)
        if not whole:
            left, right = np.nonzero(out < NEAR * total)
            out[left, right] = (rows.csr[left + start] - rows.csr[right]).power(2).sum(axis=1)
        return np.asarray(out)

    return distances


def _euclidean(rows: Rows, shared: Dense) -> Dense:
    distances = _distances(rows, shared)
    return lambda start, stop: 1.0 / (1.0 + np.sqrt(distances(start, stop)))


def _relative_euclidean(rows: Rows, shared: Dense) -> Dense:
    distances, weights = _distances(rows, shared), _inverse(rows.norms)
    return lambda start, stop: 1.0 - distances(start, stop) * weights * weights[start:stop, None]


def _pearson_full(rows: Rows, shared: Dense) -> Dense:
    dots, columns = _dots(rows, shared), max(rows.shape[1], 1)
    means = rows.sums / columns
    variance = rows.squares - columns * means**2
    weights = _inverse(np.sqrt(np.where(variance > CANCELLED * rows.squares, variance, 0)))

    def similarity(start: int, stop: int) -> NDArray[Any]:
        together = dots(start, stop) - columns * means[start:stop, None] * means
        return np.asarray(together * weights * weights[start:stop, None])

    return similarity


def _pearson(rows: Rows, shared: Dense) -> Dense:
    """By six products of whole numbers where squares are small too (stars), else row after row."""
    values, marks = rows.csr, _marks(rows)
    squares = values.power(2)
    if not (is_exact(values) and is_exact(squares)):
        return lambda start, stop: np.stack([against("pearson", *rows.row(row), rows) for row in range(start, stop)])
    pairs = [(values, values), (values, marks), (marks, values), (squares, marks), (marks, squares)]
    grams = [Gram.of(left, right, exact=True) for left, right in pairs]

    def similarity(start: int, stop: int) -> NDArray[Any]:
        n = shared(start, stop).astype(np.float64)
        xy, x, y, xx, yy = (gram.block(start, stop).astype(np.float64) for gram in grams)
        spread = (n * xx - x * x) * (n * yy - y * y)
        return np.divide(n * xy - x * y, np.sqrt(spread), out=np.zeros_like(n), where=spread > 0)

    return similarity


_MEASURES: dict[Measure, Callable[[Rows, Dense], Dense]] = {
    "cosine": _cosine_shrunk,
    "pearson": _pearson,
    "pearson_full": _pearson_full,
    "euclidean": _euclidean,
    "relative_euclidean": _relative_euclidean,
    "jaccard": _jaccard,
}
