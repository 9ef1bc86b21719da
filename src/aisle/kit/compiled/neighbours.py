"""Prepares `kit.nearest` for the kernel: which columns are counted bit by bit, which are added up entry by entry.

    head    columns that very many rows have, of yes/no data: bits, 64 columns to a word, eight rows side by side
    tail    the others, by rows and by columns
    listed  where few rows share anything, only those that do are looked at

The kernel measures cosine and Jaccard of values above 0; for the others, and without a compiler, numpy stands (`kit.pairs`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.kit.compiled import BUILT

Best = tuple[NDArray[np.int32], NDArray[np.float32]]
Block = Callable[[int, int], Best]

if BUILT:
    from aisle.kit.compiled import _kernels

BITS_AT_ONCE = {True: 32, False: 8}  # a column of n rows is counted as bits from n / this entries on; True: 512 bits at once
FEW = 0.25  # where so small a share of all pairs share something, they are listed
WORDS, BITS_BYTES = 1024, 1 << 28  # most words of a row; most bytes of all
CHUNK, WORD, SIDE_BY_SIDE = 64, 64, 8
ROWS = 4096  # rows turned into bits at once


def blocks(matrix: Any, measure: str, k: int, shrinkage: float) -> Block | None:
    """A function (start, stop) → the k rows most alike to each of these rows; None where numpy is to do it."""
    if not BUILT or measure not in ("cosine", "jaccard") or k < 1 or matrix.shape[0] < 2:
        return None
    rows = _canonical(matrix)
    if not rows.nnz or rows.nnz >= 2**31 or not rows.data.min() > 0:
        return None
    wide = _kernels.counts_bits()
    alike = measure == "jaccard" or bool(rows.data.min() == rows.data.max())
    if alike:  # no value is looked at again: a byte for each will do, here and in what is made by columns
        rows = sp.csr_array((np.ones(rows.nnz, np.int8), rows.indices, rows.indptr), shape=rows.shape)
    listed = _few_meet(rows)
    bits, tail = (None, rows) if listed or not alike else _split(rows, wide)
    parts = (*_parts(tail, alike), *_parts(tail.T.tocsr(), alike))
    _kernels.sound(parts[0], parts[1], tail.shape[1])
    _kernels.sound(parts[3], parts[4], tail.shape[0])
    words = 0 if bits is None else bits.size // (-(-rows.shape[0] // SIDE_BY_SIDE) * SIDE_BY_SIDE)
    scale, lengths = (None, _lengths(rows)) if measure == "jaccard" else (_scale(rows, alike), None)

    def block(start: int, stop: int) -> Best:
        indices, values = np.empty((stop - start, k), np.int32), np.empty((stop - start, k), np.float32)
        _kernels.neighbours(*parts, bits, words, scale, lengths, float(shrinkage), wide, listed, k, start, stop, indices, values)
        return indices, values

    return block


def _canonical(matrix: Any) -> Any:
    """csr with sorted rows, no duplicates and no stored zeros; a copy only where it must be."""
    rows: Any = sp.csr_array(matrix)
    if not rows.has_canonical_format or not rows.data.all():
        rows = rows.copy()
        rows.sum_duplicates()
        rows.eliminate_zeros()
    return rows


def _few_meet(rows: Any) -> bool:
    """Whether so few pairs share a column, as many as chance would have, that those are listed."""
    met = float((np.bincount(rows.indices).astype(np.float64) ** 2).sum())
    every = float(rows.shape[0]) ** 2
    return bool(-np.expm1(-met / every) < FEW)


def _split(rows: Any, wide: bool) -> tuple[NDArray[np.uint64] | None, Any]:
    """Bits of the columns that most rows have, and the matrix of the others; `rows` are yes/no data."""
    counts = np.bincount(rows.indices, minlength=rows.shape[1])
    full = counts > rows.shape[0] / BITS_AT_ONCE[wide]
    most = min(WORDS, BITS_BYTES // (8 * rows.shape[0])) * WORD
    if full.sum() > most:
        full &= counts > np.partition(counts, len(counts) - most - 1)[len(counts) - most - 1]
    return (_bits(rows[:, full]), rows[:, ~full]) if full.any() else (None, rows)


def _bits(head: Any) -> NDArray[np.uint64]:
    """(blocks of eight rows, words, 8): bit c % 64 of word c // 64 says whether the row has column c."""
    words = -(-head.shape[1] // WORD)
    found = np.zeros((-(-head.shape[0] // SIDE_BY_SIDE), words, SIDE_BY_SIDE), np.uint64)
    for start in range(0, head.shape[0], ROWS):
        dense = head[start : start + ROWS].toarray()
        wide = np.zeros((-(-len(dense) // SIDE_BY_SIDE) * SIDE_BY_SIDE, words * WORD // 8), np.uint8)
        packed = np.packbits(dense.astype(bool), axis=1, bitorder="little")
        wide[: len(packed), : packed.shape[1]] = packed
        by_row = wide.view("<u8").reshape(-1, SIDE_BY_SIDE, words)
        found[start // SIDE_BY_SIDE :][: len(by_row)] = by_row.transpose(0, 2, 1)
    return found


def _parts(matrix: Any, alike: bool) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]:
    values = None if alike else np.ascontiguousarray(matrix.data, np.float32)
    return np.ascontiguousarray(matrix.indptr, np.int32), np.ascontiguousarray(matrix.indices, np.int32), values


def _lengths(rows: Any) -> NDArray[np.float32]:
    return _with_room(np.diff(rows.indptr), 1.0)


def _scale(rows: Any, alike: bool) -> NDArray[np.float32]:
    """1 / √Σv², for data that are all alike 1 / √count: one number in all of them changes no cosine."""
    squares = np.diff(rows.indptr) if alike else np.asarray(rows.power(2).sum(axis=1), np.float64)
    return _with_room(np.divide(1.0, np.sqrt(squares), out=np.zeros(len(squares)), where=squares > 0), 0.0)


def _with_room(numbers: NDArray[Any], rest: float) -> NDArray[np.float32]:
    """What the kernel reads in chunks ends with room for one."""
    found = np.full((len(numbers) + CHUNK) // CHUNK * CHUNK, rest, np.float32)
    found[: len(numbers)] = numbers
    return found
