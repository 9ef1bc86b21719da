"""Implicit alternating least squares with a regulariser scaled by frequency (iALS: Hu et al., 2008; Rendle et al., 2022).

    minimise  Σ_(u,i) met (wᵤ·hᵢ − 1)² + α Σ_(all u,i) (wᵤ·hᵢ)² + λ Σᵤ (nᵤ + α·items)^ν |wᵤ|² + λ Σᵢ (nᵢ + α·users)^ν |hᵢ|²

Each half step is one small ridge regression per row with everything else fixed:  (HᵤᵀHᵤ + α HᵀH + λ(nᵤ + α·items)^ν I) wᵤ = Hᵤᵀ1.
Ours differs in the arithmetic: in the axes of HᵀH what all rows share is a diagonal. Compiled (`kit.compiled`), a few steps of
conjugate gradients go on from the last epoch's vectors, preconditioned by the diagonal. In numpy the same systems are solved
exactly: a row with fewer items than factors in the space of its items (Woodbury), rows of like length as one batch.
A new or changed history is folded in by the same regression, so an event counts at once. Users add up in HᵀH only, so taking a
person out needs a new half step over items; this is no model with additive sums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.kit import compiled, nearest
from aisle.tasks.recommend.lists import Floats
from aisle.tasks.recommend.world import Sparse

Matrix = NDArray[np.float32]
Step = Callable[[int, int], None]
BATCH = 1 << 24  # numbers of a gathered batch: rows · length · factors
STEPS = (
    3  # of conjugate gradients in an epoch, compiled: within 0.4 % of the exact vectors, and the next epoch goes on from there
)
FEW = 100_000  # events up to which every epoch is solved to the end: few steps would leave a small shop's tastes mixed
ENOUGH = 40  # ends in float32's last digits, for which 10 were enough on MovieLens 1M
TURNED = 4096  # vectors whose axes are changed at once
SHOWN = 1 << 22  # scores of a block of users


@dataclass(frozen=True, slots=True)
class Factors:
    """Users and items as vectors of one space, and what folding in needs."""

    users: Matrix  # (users, factors)
    items: Matrix  # (items, factors)
    alpha: float
    regularisation: float
    exponent: float


def learn(
    met: Sparse, *, factors: int = 64, alpha: float = 0.1, regularisation: float = 0.003, exponent: float = 1.0,
    epochs: int = 12, seed: int = 0, step: Step | None = None,
) -> Factors:  # fmt: skip
    """Factors from (users, items) csr whose positive values say how much an entry counts (1: met). `regularisation` λ,
    `exponent` ν (1: by frequency, 0: the same for all); starts from vectors of length about 0.1 drawn with `seed`."""
    rows = _slim(met.tocsr())
    columns = rows.T.tocsr()
    items = _drawn(met.shape[1], factors, seed)
    users = np.zeros((met.shape[0], factors), np.float32)
    half = partial(half_step, alpha=alpha, regularisation=regularisation, exponent=exponent)
    steps = ENOUGH if met.nnz <= FEW else STEPS
    for epoch in range(epochs):
        users = half(rows, items, near=users, steps=steps)
        items = half(columns, users, near=items, steps=steps)
        if step is not None:
            step(epoch + 1, epochs)
    users = half(rows, items, near=users)
    return Factors(users, items, alpha, regularisation, exponent)


def _drawn(items: int, factors: int, seed: int) -> Matrix:
    """Where to start from, some rows at a time: all at once in float64 would be the most memory that a small shop ever needs."""
    rng = np.random.default_rng(seed)
    found = np.empty((items, factors), np.float32)
    for start in range(0, items, TURNED):
        some = found[start : start + TURNED]
        some[:] = rng.standard_normal(some.shape) * 0.1 / np.sqrt(factors)
    return found


def _slim(rows: Sparse) -> Sparse:
    """The same csr with float32 values, or a byte each where all are 1: half of what many millions of events need."""
    kind = np.int8 if (rows.data == 1).all() else np.float32
    return sp.csr_array((rows.data.astype(kind, copy=False), rows.indices, rows.indptr), shape=rows.shape)


def half_step(
    rows: Sparse, fixed: Matrix, alpha: float, regularisation: float, exponent: float,
    *, near: Matrix | None = None, steps: int = ENOUGH,
) -> Matrix:  # fmt: skip
    """(rows, factors) the best vectors of all rows while the vectors of the columns stay; compiled, what is reached from `near`
    (else from 0) in so many steps; `near` may become the answer."""
    axes, turn = np.linalg.eigh((fixed.T @ fixed).astype(np.float64))
    turn = turn.astype(np.float32)
    shared = (alpha * np.maximum(axes, 0.0)).astype(np.float32)
    ridge = (regularisation * (np.diff(rows.indptr) + alpha * len(fixed)) ** exponent).astype(np.float32)
    if compiled.BUILT and fixed.shape[1] <= compiled.WIDEST:
        begin = np.zeros((rows.shape[0], fixed.shape[1]), np.float32) if near is None else _turned(near, turn)
        found = compiled.ridge(rows, fixed @ turn, shared, ridge, begin, steps, in_place=True)
    else:
        found = least_squares(rows, fixed @ turn, shared, ridge)
    return _turned(found, turn.T)


def _turned(vectors: Matrix, turn: Matrix) -> Matrix:
    """The vectors in other axes, in place, some rows at a time: of millions of users no second copy is made."""
    for start in range(0, len(vectors), TURNED):
        vectors[start : start + TURNED] = vectors[start : start + TURNED] @ turn
    return vectors


def least_squares(rows: Sparse, fixed: Matrix, shared: Matrix, ridge: Matrix) -> Matrix:
    """(rows, factors) w of (Σ c z zᵀ + diag(shared + ridge)) w = Σ c z, exactly, for every row's columns with vectors z."""
    padding = np.vstack([fixed, np.zeros((1, fixed.shape[1]), np.float32)])
    found = np.zeros((rows.shape[0], fixed.shape[1]), np.float32)
    for batch in _batches(np.diff(rows.indptr), fixed.shape[1]):
        found[batch] = _solve(*_gather(rows, batch, padding), shared + ridge[batch][:, None])
    return found


def _batches(lengths: NDArray[Any], factors: int) -> list[NDArray[np.int64]]:
    """Rows by length, so that little is padded, in batches of bounded memory; empty rows stay 0."""
    order = np.argsort(lengths, kind="stable")
    order = order[np.searchsorted(lengths[order], 1) :]
    batches, stop = [], len(order)
    while stop:
        longest = int(lengths[order[stop - 1]])
        fits = max(BATCH // (max(longest, factors) * factors), 1)
        alike = int(np.searchsorted(lengths[order[:stop]], longest * 0.8))  # at most a fifth is padding
        start = max(stop - fits, alike)
        batches.append(order[start:stop])
        stop = start
    return batches


def _gather(rows: Sparse, batch: NDArray[np.int64], turned: Matrix) -> tuple[Matrix, Matrix]:
    """The vectors of each row's columns times √count (batch, length, factors), and √count (batch, length)."""
    start, stop = rows.indptr[batch], rows.indptr[batch + 1]
    place = start[:, None] + np.arange(int((stop - start).max()))
    inside = place < stop[:, None]
    place = np.where(inside, place, 0)
    root = np.where(inside, np.sqrt(rows.data[place]), 0.0).astype(np.float32)
    vectors = turned[np.where(inside, rows.indices[place], len(turned) - 1)]
    return vectors * root[:, :, None], root


def _solve(vectors: Matrix, root: Matrix, shared: Matrix) -> Matrix:
    """(batch, factors) w of  (ZᵀZ + diag(shared)) w = Zᵀ√c, in the smaller of the two spaces."""
    length, factors = vectors.shape[1:]
    if length < factors:
        small = (vectors / shared[:, None]) @ vectors.transpose(0, 2, 1)
        small.reshape(len(small), -1)[:, :: length + 1] += 1.0
        inner = np.linalg.solve(small, root[:, :, None])
        return np.asarray((vectors.transpose(0, 2, 1) @ inner)[:, :, 0] / shared)
    full = vectors.transpose(0, 2, 1) @ vectors
    full.reshape(len(full), -1)[:, :: factors + 1] += shared
    return np.asarray(np.linalg.solve(full, vectors.transpose(0, 2, 1) @ root[:, :, None])[:, :, 0])


def served(items: NDArray[Any], alpha: float, regularisation: float, exponent: float) -> Factors:
    """What serving needs: the items alone, in float64, so that reasons add up to scores to the last digits."""
    wide: Any = items.astype(np.float64)
    return Factors(wide[:0], wide, alpha, regularisation, exponent)


def fold_in(model: Factors, histories: Sparse) -> Matrix:
    """(users, factors) vectors of fresh histories, (users, items) csr of how much each entry counts."""
    return half_step(histories.astype(np.float32), model.items, model.alpha, model.regularisation, model.exponent)


def score(model: Factors, history: NDArray[np.int64], worth: Floats | None = None) -> tuple[Floats, Floats]:
    """The score of every item for a history, and what each event gave to it: (items,), (events, items), the second summing to
    the first: w is a sum over the history (A⁻¹ Σ c_h h), so each event's share is its own term (Hu et al., 2008, section 5)."""
    counts = np.ones(len(history)) if worth is None else np.asarray(worth, np.float64)
    items = model.items.astype(np.float64)
    own = items[history]
    ridge = model.regularisation * (len(history) + model.alpha * len(items)) ** model.exponent
    matrix = (own * counts[:, None]).T @ own + model.alpha * (items.T @ items) + ridge * np.eye(items.shape[1])
    given = (np.linalg.solve(matrix, own.T).T * counts[:, None]) @ items.T
    return given.sum(axis=0), given


def score_all(model: Factors, vectors: Matrix) -> Matrix:
    """(users, items) scores of many users at once."""
    return np.asarray(vectors @ model.items.T)


def best_items(model: Factors, met: Sparse, n: int) -> tuple[NDArray[np.int32], Matrix]:
    """(indices, scores), (users, n) each: the n highest items of every known user, those in `met` (users, items) left out, best
    first; -1 and 0 where there are fewer."""
    block = max(SHOWN // max(len(model.items), 1), 1)
    found = [_best_of(model, met, slice(start, start + block), n) for start in range(0, len(model.users), block)]
    return np.concatenate([indices for indices, _ in found]), np.concatenate([values for _, values in found])


def _best_of(model: Factors, met: Sparse, users: slice, n: int) -> tuple[NDArray[np.int32], Matrix]:
    scores = score_all(model, model.users[users])
    starts = met.indptr[users.start : users.stop + 1]
    row = np.repeat(np.arange(len(scores)), np.diff(starts))
    scores[row, met.indices[starts[0] : starts[-1]]] = -np.inf
    return nearest.best(scores, n)
