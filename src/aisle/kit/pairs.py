"""The measures of `similarity` for every row with every row, a block of rows at a time, from dot products.

Where most pairs of rows share something, a block is a dense array; where few do, it lists the pairs that do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.kit.gram import Gram, is_exact, is_sparse
from aisle.kit.similarity import CANCELLED, Measure, Rows, against, shrunk

NEAR = 1e-6  # a squared distance below this share of the lengths is found again without cancellation
BLOCK_BYTES = 1 << 22  # one dense block of float32: what stays in a core's cache is worth twice what does not
LISTED_ROWS = 2048
LOWEST, LEAST = np.finfo(np.float32).min, np.finfo(np.float32).tiny
Numbers = NDArray[Any]  # beside every pair: (block, n), or (pairs,) where they are listed


@dataclass(slots=True)
class Pairs:
    """Rows start … stop−1, each with every row (dense), or with the rows it shares a column with (`column` lists them)."""

    start: int
    stop: int
    column: NDArray[Any] | None = None  # (pairs,) the other row; None: dense
    counts: NDArray[Any] | None = None  # (stop − start,) pairs per row, one row after the other
    known: dict[int, Numbers] = field(default_factory=dict)
    least: np.float32 = LOWEST  # below it, or at -inf, two rows share nothing

    @staticmethod
    def of(gram: Gram, start: int, stop: int, listed: bool) -> Pairs:
        """The block's pairs; where they are listed, those with a product in `gram`."""
        if not listed:
            return Pairs(start, stop)
        met = gram.listing(start, stop)
        return Pairs(start, stop, met.indices, np.diff(met.indptr), {id(gram): met.data})

    def left(self, of: NDArray[Any]) -> Numbers:
        """A number of the own row, beside every pair."""
        own = of[self.start : self.stop]
        return own[:, None] if self.counts is None else np.repeat(own, self.counts)

    def right(self, of: NDArray[Any]) -> Numbers:
        """A number of the other row, beside every pair."""
        return of if self.column is None else of[self.column]

    def product(self, gram: Gram) -> Numbers:
        """The dot product of every pair, computed once."""
        if id(gram) not in self.known:
            dense = self.column is None
            found = gram.block(self.start, self.stop) if dense else gram.listing(self.start, self.stop).data
            self.known[id(gram)] = found
        return self.known[id(gram)]


class Grams:
    """The dot products of some rows, prepared when first asked for."""

    def __init__(self, rows: Rows, measure: Measure) -> None:
        self.rows = rows
        self.positive = len(rows.csr.data) == 0 or rows.csr.data.min() > 0
        self.listed = bool(self.positive and is_sparse(rows.csr))
        self.wide = measure not in ("cosine", "jaccard")
        self.marks: Any = sp.csr_array(rows.csr, copy=True)
        self.marks.data[:] = 1

    @cached_property
    def shared(self) -> Gram:
        """How many columns two rows share."""
        return self.of(self.marks, self.marks)

    @cached_property
    def values(self) -> Gram:
        return self.of(self.rows.csr, self.rows.csr, exact=is_exact(self.rows.csr))

    def of(self, left: Any, right: Any, *, exact: bool = True) -> Gram:
        return Gram.of(left, right, exact=exact, wide=self.wide, listed=self.listed)

    def dots(self, pairs: Pairs) -> Numbers:
        """Σuv; exact for whole numbers and for yes/no data."""
        if self.rows.uniform is not None:
            return pairs.product(self.shared) * self.rows.uniform**2
        return pairs.product(self.values)


Measured = Callable[[Pairs], Numbers]
Block = Callable[[int, int], tuple[Pairs, Numbers]]


def measured(rows: Rows, measure: Measure, shrinkage: float = 0.0) -> tuple[Block, Numbers, int]:
    """How to measure a block of rows against all rows (float32; -inf or below `least` where two share no column); the positive
    number per row that its result is to be multiplied by (so that a pass over all pairs is spared where only the order
    matters); and how many rows a block should have."""
    grams = Grams(rows, measure)
    quick = measure == "cosine" and not shrinkage
    scale = _inverse(rows.norms).astype(np.float32) if quick else np.ones(rows.shape[0], np.float32)
    value = _cosine_of_row(grams, scale) if quick else _MEASURES[measure](grams)
    counted = shrinkage or not grams.positive or rows.uniform is not None or measure in ("jaccard", "pearson")
    lead = grams.shared if counted else grams.values  # positive values: a product of 0 says that nothing is shared

    def block(start: int, stop: int) -> tuple[Pairs, Numbers]:
        pairs = Pairs.of(lead, start, stop, grams.listed)
        with np.errstate(divide="ignore", invalid="ignore"):
            out = np.asarray(shrunk(value(pairs), pairs.product(lead), shrinkage), np.float32)
        if grams.positive and measure in ("cosine", "jaccard"):
            pairs.least = LEAST  # spares a pass over all pairs: with these, sharing nothing is a likeness of 0
        elif not grams.listed:
            out[pairs.product(lead) == 0] = -np.inf
        return pairs, out

    return block, scale, LISTED_ROWS if grams.listed else max(64, min(1024, BLOCK_BYTES // (4 * max(rows.shape[0], 1))))


def _inverse(numbers: Numbers) -> Numbers:
    return np.asarray(np.divide(1.0, numbers, out=np.zeros_like(numbers), where=numbers > 0))


def _cosine_of_row(grams: Grams, weights: Numbers) -> Measured:
    """Σuv / √Σv²: the cosine but for √Σu², which all pairs of a row have in common."""
    uniform = grams.rows.uniform
    gram, factor = (grams.values, weights) if uniform is None else (grams.shared, weights * np.float32(uniform**2))

    def value(pairs: Pairs) -> Numbers:
        return np.multiply(pairs.product(gram), pairs.right(factor), dtype=np.float32, casting="unsafe")

    return value


def _cosine(grams: Grams) -> Measured:
    weights = _inverse(grams.rows.norms)
    return lambda pairs: grams.dots(pairs) * pairs.left(weights) * pairs.right(weights)


def _jaccard(grams: Grams) -> Measured:
    counts = grams.rows.counts.astype(np.float32)

    def value(pairs: Pairs) -> Numbers:
        both = pairs.product(grams.shared).astype(np.float32)
        return np.asarray(both / np.maximum(pairs.right(counts) + pairs.left(counts) - both, 1))

    return value


def _distances(grams: Grams) -> Measured:
    """Σ(u−v)² = Σu² + Σv² − 2Σuv; where that cancels almost everything, summed again difference by difference."""
    rows = grams.rows
    whole = rows.uniform is not None or bool((rows.csr.data == np.floor(rows.csr.data)).all())
    squares = rows.counts * rows.uniform**2 if rows.uniform is not None else rows.squares

    def value(pairs: Pairs) -> Numbers:
        total = pairs.right(squares) + pairs.left(squares)
        out = np.maximum(total - 2 * grams.dots(pairs), 0)
        if not whole:
            near = np.nonzero(out < NEAR * total)
            all_rows = np.arange(rows.shape[0])
            left = np.broadcast_to(pairs.left(all_rows), out.shape)[near]
            right = np.broadcast_to(pairs.right(all_rows), out.shape)[near]
            out[near] = (rows.csr[left] - rows.csr[right]).power(2).sum(axis=1)
        return np.asarray(out)

    return value


def _euclidean(grams: Grams) -> Measured:
    distances = _distances(grams)
    return lambda pairs: 1.0 / (1.0 + np.sqrt(distances(pairs)))


def _relative_euclidean(grams: Grams) -> Measured:
    distances, weights = _distances(grams), _inverse(grams.rows.norms)
    return lambda pairs: 1.0 - distances(pairs) * pairs.right(weights) * pairs.left(weights)


def _pearson_full(grams: Grams) -> Measured:
    rows, columns = grams.rows, max(grams.rows.shape[1], 1)
    means = rows.sums / columns
    variance = rows.squares - columns * means**2
    weights = _inverse(np.sqrt(np.where(variance > CANCELLED * rows.squares, variance, 0)))

    def value(pairs: Pairs) -> Numbers:
        together = grams.dots(pairs) - columns * pairs.left(means) * pairs.right(means)
        return np.asarray(together * pairs.right(weights) * pairs.left(weights))

    return value


def _pearson(grams: Grams) -> Measured:
    """By six products of whole numbers where squares are small too (stars), else row after row."""
    values, marks = grams.rows.csr, grams.marks
    squares = values.power(2)
    if not (is_exact(values) and is_exact(squares)):
        return lambda pairs: _pearson_by_row(grams.rows, pairs)
    sides = [(values, values), (values, marks), (marks, values), (squares, marks), (marks, squares)]
    sums = [grams.of(left, right) for left, right in sides]

    def value(pairs: Pairs) -> Numbers:
        n = pairs.product(grams.shared).astype(np.float64)
        xy, x, y, xx, yy = (pairs.product(gram).astype(np.float64) for gram in sums)
        spread = (n * xx - x * x) * (n * yy - y * y)
        return np.asarray(np.divide(n * xy - x * y, np.sqrt(spread), out=np.zeros_like(n), where=spread > 0))

    return value


def _pearson_by_row(rows: Rows, pairs: Pairs) -> Numbers:
    dense = np.stack([against("pearson", *rows.row(row), rows) for row in range(pairs.start, pairs.stop)])
    if pairs.column is None or pairs.counts is None:
        return dense
    return np.asarray(dense[np.repeat(np.arange(len(dense)), pairs.counts), pairs.column])


_MEASURES: dict[Measure, Callable[[Grams], Measured]] = {
    "cosine": _cosine,
    "pearson": _pearson,
    "pearson_full": _pearson_full,
    "euclidean": _euclidean,
    "relative_euclidean": _relative_euclidean,
    "jaccard": _jaccard,
}
