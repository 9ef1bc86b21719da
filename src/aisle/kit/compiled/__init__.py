"""Kernels in C, where the install found a compiler (`BUILT`). Beside each stands the plain numpy that says what is right:

what                                                 in numpy
many small ridge regressions at once (`ridge`)       recommend.als.least_squares
the k highest of every row (`best`)                  kit.nearest.plain_best
the rows of a matrix most alike (neighbours.py)      kit.nearest.plain_blocks
sums over the entries of some rows (`sums`)          kit.similarity, recommend.user_neighbours.predict
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from aisle.kit.compiled import _kernels
except ImportError:  # no compiler where Aisle was installed
    BUILT = False
else:
    BUILT = True

LANES = 16  # numbers that are worked on at once
WIDEST = 512  # numbers of a vector that `ridge` takes
Matrix = NDArray[np.float32]
Sums = tuple[NDArray[np.float64], NDArray[np.int64]]


def ridge(rows: Any, fixed: Matrix, shared: Matrix, own: Matrix, near: Matrix, steps: int, *, in_place: bool = False) -> Matrix:
    """(rows, width) w of (Σ c z zᵀ + diag(shared + own)) w = Σ c z for each row of a csr of counts c ≥ 0, z the rows of `fixed`
    (columns, width); by `steps` steps of preconditioned conjugate gradients from `near` (rows, width), which with
    `in_place` may become the answer. Empty rows are 0."""
    width = fixed.shape[1]
    wide = -(-width // LANES) * LANES
    found = _padded(near, wide, copy=not in_place)
    diagonal = np.ones(wide, np.float32)
    diagonal[:width] = shared
    counts = None if (rows.data == 1).all() else _as(rows.data, np.float32)
    starts, columns = _as(rows.indptr, np.int32), _as(rows.indices, np.int32)
    _kernels.ridge(starts, columns, counts, _padded(fixed, wide), diagonal, _as(own, np.float32), found, steps)
    return found[:, :width]


def best(scores: Matrix, k: int, least: float) -> tuple[NDArray[np.int32], Matrix]:
    """(indices, values), (rows, k) each: the k highest of every row, not below `least`, best first, ties by the lower index; -1
    and 0 where there are fewer."""
    indices, values = np.full((len(scores), k), -1, np.int32), np.zeros((len(scores), k), np.float32)
    if scores.size and k:
        _kernels.best(np.ascontiguousarray(scores), float(least), k, indices, values)
    return indices, values


def adds_up(matrix: Any) -> bool:
    """Whether `sums` takes this csr or csc."""
    return BUILT and matrix.indptr.dtype == matrix.indices.dtype == np.int32 and matrix.data.dtype == np.float64


def sums(matrix: Any, chosen: NDArray[np.int64], weights: NDArray[np.float64], width: int, alike: bool) -> Sums:
    """(width,) Σ weight · value and how many, over the entries of the chosen rows of a csr (columns of a csc), in their order;
    `alike`: every value counts as 1."""
    found, met = np.zeros(width), np.zeros(width, np.int64)
    values = None if alike else matrix.data
    _kernels.sums(matrix.indptr, matrix.indices, values, _as(chosen, np.int64), _as(weights, np.float64), found, met)
    return found, met


def _padded(matrix: Matrix, width: int, *, copy: bool = False) -> Matrix:
    if matrix.shape[1] == width:
        return np.array(matrix, np.float32, order="C") if copy else _as(matrix, np.float32)
    found = np.zeros((len(matrix), width), np.float32)
    found[:, : matrix.shape[1]] = matrix
    return found


def _as(array: NDArray[Any], kind: Any) -> NDArray[Any]:
    return np.ascontiguousarray(array, kind)
