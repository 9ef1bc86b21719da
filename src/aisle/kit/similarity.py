"""How alike two rows of numbers are: five measures, plain for reading and checking, fast for serving.

A row is what one user did with every item (or one item with every user); 0 means absent.

    cosine              Σuv / (√Σu² · √Σv²)
    pearson             the correlation over the columns where both are present (Resnick et al., 1994)
    pearson_full        the correlation over all columns, absent ones as 0: for yes/no data, where `pearson` sees no variance
    euclidean           1 / (1 + √Σ(u−v)²)
    relative_euclidean  1 − Σ(u−v)² / (√Σu² · √Σv²): 1 for equal rows, falling without bound as they part
    jaccard             columns where both are present / columns where either is

Where a measure is undefined (an empty row, no variance, fewer than two shared columns for `pearson`) it is 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from aisle.kit import compiled

Measure = Literal["cosine", "pearson", "pearson_full", "euclidean", "relative_euclidean", "jaccard"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
Floats = NDArray[np.float64]
Sparse = Any  # a scipy.sparse array or matrix: its stubs name every dtype, which says nothing here
STILL = 1e-18  # a variance below this share of the squared mean is rounding, not variance
CANCELLED = 1e-13  # the same for a variance found as a difference of sums, as a share of Σv²


def plain(measure: Measure, u: ArrayLike, v: ArrayLike) -> float:
    """The measure of two dense rows of equal length, as in the formulas above: slow, obvious, the reference for the fast ones."""
    a, b = np.asarray(u, np.float64), np.asarray(v, np.float64)
    both, either = (a != 0) & (b != 0), (a != 0) | (b != 0)
    if measure == "jaccard":
        return float(both.sum() / either.sum()) if either.any() else 0.0
    if measure == "euclidean":
        return 1.0 / (1.0 + float(np.sqrt(((a - b) ** 2).sum())))
    if measure == "pearson":
        return _correlation(a[both], b[both])
    if measure == "pearson_full":
        return _correlation(a, b)
    lengths = float(np.sqrt((a**2).sum()) * np.sqrt((b**2).sum()))
    if lengths == 0:
        return 0.0
    if measure == "cosine":
        return float((a * b).sum()) / lengths
    return 1.0 - float(((a - b) ** 2).sum()) / lengths


def pearson_full(u: ArrayLike, v: ArrayLike) -> float:
    """The correlation of two dense rows over all columns, absent ones counting as 0."""
    return plain("pearson_full", u, v)


def shrunk(similarity: Any, shared: Any, beta: float) -> Any:
    """Significance shrinkage: similarity · n / (n + β) for n shared columns, so that few coincidences do not look like a
    likeness (Bell & Koren, 2007). Arrays or numbers; β = 0 changes nothing."""
    return similarity if beta == 0 else similarity * (shared / (shared + beta))


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to be compared with, prepared once: the matrix by columns, and per row what every measure needs."""

    csr: Sparse  # (rows, columns), no stored zeros
    csc: Sparse
    counts: NDArray[np.int64]  # (rows,) entries present
    sums: Floats  # (rows,) Σv
    squares: Floats  # (rows,) Σv²
    norms: Floats  # (rows,) √Σv²
    uniform: float | None  # the value of every entry, where they are all equal (yes/no data)

    @staticmethod
    def from_csr(matrix: Sparse) -> Rows:
        """Prepare a sparse matrix; duplicates are added up, stored zeros dropped, its own arrays left alone."""
        csr: Sparse = sp.csr_array(matrix, dtype=np.float64, copy=True)
        csr.sum_duplicates()
        csr.eliminate_zeros()
        csc = csr.tocsc()
        squares = np.asarray(csr.multiply(csr).sum(axis=1), np.float64).ravel()
        data = csr.data
        uniform = float(data[0]) if len(data) and bool((data == data[0]).all()) else None
        sums = np.asarray(csr.sum(axis=1), np.float64).ravel()
        return Rows(csr, csc, np.diff(csr.indptr).astype(np.int64), sums, squares, np.sqrt(squares), uniform)

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = self.csr.shape
        return int(rows), int(columns)

    def row(self, position: int) -> tuple[NDArray[Any], Floats]:
        """(columns, values) of one row."""
        start, stop = self.csr.indptr[position], self.csr.indptr[position + 1]
        return self.csr.indices[start:stop], self.csr.data[start:stop]


def against(measure: Measure, indices: ArrayLike, values: ArrayLike, rows: Rows, shrinkage: float = 0.0) -> Floats:
    """(rows,) the measure of one sparse row (distinct columns and their values) with every row; time grows with the entries
    of those columns, not with the matrix. A column the rows do not have is an index ≥ columns and counts in the row's length."""
    columns, mine = _given(indices, values)
    if measure == "cosine" and shrinkage == 0 and compiled.adds_up(rows.csc):
        return _compiled_cosine(columns, mine, rows)
    met = _Met.of(columns, mine, rows)
    found = _FAST[measure](met)
    return np.asarray(shrunk(found, met.shared(), shrinkage), np.float64)


def block(measure: Measure, rows: Rows, start: int, stop: int, shrinkage: float = 0.0) -> Floats:
    """(stop − start, rows) the measure of rows start … stop−1 with every row, themselves included."""
    out = np.empty((stop - start, rows.shape[0]))
    for position in range(start, stop):
        out[position - start] = against(measure, *rows.row(position), rows, shrinkage)
    return out


def _correlation(a: Floats, b: Floats) -> float:
    if len(a) < 2:
        return 0.0
    x, y = a - a.mean(), b - b.mean()
    xx, yy = float((x**2).sum()), float((y**2).sum())
    if xx <= STILL * len(a) * a.mean() ** 2 or yy <= STILL * len(b) * b.mean() ** 2:
        return 0.0
    return float((x * y).sum()) / math.sqrt(xx * yy)


def _given(indices: ArrayLike, values: ArrayLike) -> tuple[NDArray[np.int64], Floats]:
    columns, mine = np.asarray(indices, np.int64).ravel(), np.asarray(values, np.float64).ravel()
    present = mine != 0
    return (columns, mine) if present.all() else (columns[present], mine[present])


@dataclass(frozen=True, slots=True)
class _Met:
    """The entries of the rows in the columns of the query: `row[k]` has `theirs[k]` where the query has `mine[k]`."""

    query: Floats
    row: NDArray[Any]
    theirs: Floats | float  # one number where all entries are equal
    repeats: NDArray[np.int64]  # entries met per column of the query that the rows have
    known: Floats  # the query's values in those columns
    rows: Rows

    @staticmethod
    def of(columns: NDArray[np.int64], mine: Floats, rows: Rows) -> _Met:
        inside = columns < rows.shape[1]
        known = mine if inside.all() else mine[inside]
        starts = rows.csc.indptr[columns[inside]].tolist()
        stops = rows.csc.indptr[columns[inside] + 1].tolist()
        spans = [slice(start, stop) for start, stop in zip(starts, stops, strict=True)]
        row = np.concatenate([rows.csc.indices[span] for span in spans]) if spans else np.empty(0, np.int32)
        if rows.uniform is not None:
            theirs: Floats | float = rows.uniform
        else:
            theirs = np.concatenate([rows.csc.data[span] for span in spans]) if spans else np.empty(0)
        repeats = np.asarray(stops, np.int64) - np.asarray(starts, np.int64)
        return _Met(mine, row, theirs, repeats, known, rows)

    def mine(self) -> Floats:
        return np.repeat(self.known, self.repeats)

    def total(self, weights: Floats | None = None) -> Floats:
        """(rows,) the weights (or the number) of the entries met, per row."""
        return np.bincount(self.row, weights, self.rows.shape[0]).astype(np.float64, copy=False)

    def shared(self) -> Floats:
        return self.total()

    def dots(self) -> Floats:
        if isinstance(self.theirs, float) and len(self.known) and (self.known == self.known[0]).all():
            return self.total() * (self.theirs * float(self.known[0]))
        return self.total(self.mine() * self.theirs)

    def distances(self) -> Floats:
        """(rows,) Σ(u−v)²: what is shared, plus what only one of the two has. Counting tells when that rest is exactly nothing,
        so equal rows are at distance 0 whatever their size."""
        mine = self.mine()
        theirs = np.broadcast_to(self.theirs, mine.shape)
        shared = self.shared()
        own = np.where(shared == len(self.query), 0.0, (self.query**2).sum() - self.total(mine**2))
        other = np.where(shared == self.rows.counts, 0.0, self.rows.squares - self.total(theirs**2))
        return np.asarray(self.total((mine - theirs) ** 2) + np.maximum(own, 0) + np.maximum(other, 0), np.float64)

    def lengths(self) -> Floats:
        """(rows,) √Σu² · √Σv²."""
        return self.rows.norms * _length(self.query)


def _length(values: Floats) -> float:
    """√Σu², added up one after the other as compiled code does."""
    return math.sqrt(float(np.add.accumulate(values**2)[-1])) if len(values) else 0.0


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """top / bottom, 0 where the bottom is not positive."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)


def _cosine(met: _Met) -> Floats:
    return _ratio(met.dots(), met.lengths())


def _compiled_cosine(columns: NDArray[np.int64], mine: Floats, rows: Rows) -> Floats:
    """`_cosine`, without the lists of what was met."""
    inside = columns < rows.shape[1]
    known = mine[inside]
    alike = rows.uniform is not None and bool((known == known[:1]).all())
    weights = np.ones(len(known)) if alike else known
    dots, _ = compiled.sums(rows.csc, columns[inside], weights, rows.shape[0], alike)
    if alike and rows.uniform is not None and len(known):
        dots *= rows.uniform * float(known[0])
    return _ratio(dots, rows.norms * _length(mine))


def _jaccard(met: _Met) -> Floats:
    shared = met.shared()
    return _ratio(shared, met.rows.counts + len(met.query) - shared)


def _euclidean(met: _Met) -> Floats:
    return np.asarray(1.0 / (1.0 + np.sqrt(met.distances())), np.float64)


def _relative_euclidean(met: _Met) -> Floats:
    lengths = met.lengths()
    return np.where(lengths > 0, 1.0 - _ratio(met.distances(), lengths), 0.0)


def _pearson(met: _Met) -> Floats:
    mine, row, shared = met.mine(), met.row, met.shared()
    theirs = np.broadcast_to(met.theirs, mine.shape)
    my_mean, their_mean = _ratio(met.total(mine), shared), _ratio(met.total(theirs), shared)
    x, y = mine - my_mean[row], theirs - their_mean[row]
    xx, yy = met.total(x**2), met.total(y**2)
    moves = (shared >= 2) & (xx > STILL * shared * my_mean**2) & (yy > STILL * shared * their_mean**2)
    return np.where(moves, _ratio(met.total(x * y), np.sqrt(xx * yy)), 0.0)


def _pearson_full(met: _Met) -> Floats:
    rows, columns, square = met.rows, max(met.rows.shape[1], len(met.query), 1), float((met.query**2).sum())
    mean, means = float(met.query.sum()) / columns, rows.sums / columns
    xx, yy = square - columns * mean**2, rows.squares - columns * means**2
    moves = (yy > CANCELLED * rows.squares) & (xx > CANCELLED * square)
    covariance = met.dots() - columns * mean * means
    return np.where(moves, _ratio(covariance, np.sqrt(np.maximum(xx * yy, 0.0))), 0.0)


_FAST = {
    "cosine": _cosine,
    "pearson": _pearson,
    "pearson_full": _pearson_full,
    "euclidean": _euclidean,
    "relative_euclidean": _relative_euclidean,
    "jaccard": _jaccard,
}
