"""The k nearest rows of every row, exactly: blocks of dot products, turned into the measure, and the best of each row kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.kit import compiled
from aisle.kit.compiled import neighbours
from aisle.kit.pairs import LOWEST, Pairs, measured
from aisle.kit.similarity import Measure, Rows

Best = tuple[NDArray[np.int32], NDArray[np.float32]]
Scores = NDArray[np.float32]  # (block, n): -inf where a row is no neighbour
COMPILED_ROWS = 512  # rows a thread does at once, where the kernel does
SAMPLE = 512  # columns looked at to guess where the k best of a row begin
NOTHING = np.int64(-(2**63))


def top_k_neighbours(
    matrix: Any,
    measure: Measure,
    k: int,
    *,
    shrinkage: float = 0.0,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Best:
    """(indices (n, k) int32, similarity (n, k) float32) of the k rows most alike to each row of a sparse matrix, best first.

    A neighbour shares at least one column and is another row; equal similarities (in float32) go to the lower index; where
    there are fewer than k the rest is -1 with similarity 0. `shrinkage` is β of `similarity.shrunk`. Memory stays flat:
    `threads` (default: the processor's) blocks of some rows, never n². Equal to `similarity.plain` within 1e-6.
    """
    n: int = matrix.shape[0]
    block = neighbours.blocks(matrix, measure, k, shrinkage)
    step = COMPILED_ROWS
    if block is None:
        block, step = plain_blocks(matrix, measure, k, shrinkage)
    indices, similarity = np.full((n, k), -1, np.int32), np.zeros((n, k), np.float32)

    def work(start: int) -> int:
        stop = min(start + step, n)
        indices[start:stop], similarity[start:stop] = block(start, stop)
        return stop

    for stop in _in_threads(work, range(0, n, step), threads or _cores()):
        progress(stop, n)
    return indices, similarity


def plain_blocks(matrix: Any, measure: Measure, k: int, shrinkage: float) -> tuple[neighbours.Block, int]:
    """The neighbours of rows start … stop−1 in numpy, and how many rows are best done at once."""
    block, scale, step = measured(Rows.from_csr(matrix), measure, shrinkage)

    def found(start: int, stop: int) -> Best:
        indices, similarity = _best_others(*block(start, stop), k)
        return indices, similarity * scale[start:stop, None]

    return found, step


def best(scores: Scores, k: int) -> Best:
    """The k highest finite scores of each row, best first, ties by lower index; -1 and 0 where there are fewer."""
    return _best_of_rows(scores, k, LOWEST)


def _best_of_rows(scores: Scores, k: int, least: np.float32) -> Best:
    if compiled.BUILT:
        return compiled.best(np.asarray(scores, np.float32), k, float(least))
    return plain_best(scores, k, least, lambda row, place: place)


def _best_others(pairs: Pairs, scores: Scores, k: int) -> Best:
    """The k best pairs of every row of a block but the one with itself."""
    if pairs.column is None or pairs.counts is None:
        scores[np.arange(pairs.stop - pairs.start), np.arange(pairs.start, pairs.stop)] = -np.inf
        return _best_of_rows(scores, k, pairs.least)
    scores[pairs.column == pairs.left(np.arange(pairs.stop))] = -np.inf
    return _best_listed(pairs.column, pairs.counts, scores, k)


def _best_listed(column: NDArray[Any], counts: NDArray[Any], scores: Scores, k: int) -> Best:
    """The same from lists of different lengths: those of like length are laid side by side in a table."""
    indices, values = np.full((len(counts), k), -1, np.int32), np.zeros((len(counts), k), np.float32)
    starts, order = np.cumsum(counts) - counts, np.argsort(counts, kind="stable")
    edges = np.searchsorted(counts[order], np.geomspace(max(k, 16), max(int(counts.max(initial=0)), k, 16) + 1, 12))
    for rows in np.split(order, np.unique(edges)):
        if len(rows) and counts[rows[-1]]:
            own, width = starts[rows], np.arange(counts[rows[-1]])
            table = scores.take(own[:, None] + width, mode="clip")
            table[width >= counts[rows][:, None]] = -np.inf
            indices[rows], values[rows] = plain_best(table, k, LOWEST, lambda row, place, own=own: column[own[row] + place])  # type: ignore[misc]
    return indices, values


def plain_best(scores: Scores, k: int, least: np.float32, index_of: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]) -> Best:
    """The way: guess from a few columns a bound that about 2k scores of the row pass, check that at least k do (else find the
    bound exactly), and sort only those. Scores below `least` do not count. `index_of` (row, place in the row) breaks ties and
    is what is returned."""
    n = scores.shape[1]
    bound = np.maximum(_bounds(scores, k), least)
    flat = np.flatnonzero(scores >= bound[:, None])
    row = flat // max(n, 1)
    counts = np.bincount(row, minlength=len(scores))
    keys = np.full((len(scores), max(int(counts.max(initial=0)), k)), NOTHING)
    place = np.arange(len(flat)) - np.repeat(np.cumsum(counts) - counts, counts)
    keys[row, place] = _keys(scores.reshape(-1)[flat], index_of(row, flat - row * n))
    if keys.shape[1] > 4 * k:
        keys = np.partition(keys, keys.shape[1] - k, axis=1)[:, -k:]
    keys.sort(axis=1)
    return _unpacked(keys[:, : -k - 1 : -1] if k else keys[:, :0])


def _cores() -> int:
    """Cores this process may use; not every system says which."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_threads(work: Callable[[int], int], starts: range, threads: int) -> Iterator[int]:
    if threads == 1 or len(starts) < 2:
        yield from map(work, starts)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(work, starts)


def _bounds(scores: Scores, k: int) -> Scores:
    """(rows,) a score that at least k of the row's scores reach; -inf where it has not so many."""
    n = scores.shape[1]
    if n <= k:
        return np.full(len(scores), -np.inf, np.float32)
    if n < 8 * k or n < 4 * SAMPLE:
        return _kth(scores, k)
    sample = scores[:, np.random.default_rng(0).choice(n, SAMPLE, replace=False)]
    bound = _kth(sample, max(8, -(-2 * k * SAMPLE // n)))
    short = np.flatnonzero(np.count_nonzero(scores >= bound[:, None], axis=1) < k)
    if len(short):
        bound[short] = _kth(scores[short], k)
    return bound


def _kth(scores: Scores, k: int) -> Scores:
    place = scores.shape[1] - min(k, scores.shape[1])
    return np.asarray(np.partition(scores, place, axis=1)[:, place])


def _keys(scores: Scores, index: NDArray[Any]) -> NDArray[np.int64]:
    """One integer for a score and its index that sorts like (score, −index): the float's bits are already in order, but for
    the sign."""
    bits = (scores + np.float32(0)).view(np.int32).astype(np.int64)  # + 0 makes one zero of the two
    bits = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    return np.asarray((bits << 32) | (0xFFFFFFFF - index.astype(np.int64)))


def _unpacked(keys: NDArray[np.int64]) -> Best:
    bits = (keys >> 32).astype(np.int32)
    values = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits).view(np.float32)
    index = 0xFFFFFFFF - (keys & 0xFFFFFFFF)
    missing = keys == NOTHING
    return np.where(missing, -1, index).astype(np.int32), np.where(missing, 0, values).astype(np.float32)
