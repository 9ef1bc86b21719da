"""Items that nobody had: what they are, mapped into the space of what people do (Gantner et al., 2010).

    V: item vectors of behaviour,   X D^(−1/2) ≈ U S Vᵀ, rows of V S made unit          X (users, items) ones, D = n + β
    W = argmin Σ_i |F_i W − V_i|² + λ |W|²                      F (items, features): words, brand, category, attributes, price
    likeness(new c, h) = ½ (V_h · F_c W  +  cosine of texts(c, h))        of a new item to every other

The map is linear and learnt from items that have behaviour: it finds which of the words matter to what people take together. A
new item then is in the lists of those it is like, at `content_share` of its size; its score is still a sum over the history.
Vectors that other tasks left (of texts, of pictures) are features too for items that were there at training; an item that
comes later is placed by its words and price alone, by a map of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.kit.nearest import best
from aisle.tasks.recommend.content import Content
from aisle.tasks.recommend.lists import Floats, Lists
from aisle.tasks.recommend.world import Sparse
from aisle.types import Item

Matrix = NDArray[np.float32]
FACTORS = 64
DAMPING = 5.0  # β: items of few shoppers say little about direction
RIDGE = 3.0  # λ
STEPS = 40  # of conjugate gradients; a few suffice where features are few
PASSES = 4  # of the randomised decomposition (Halko et al., 2011)
BANDS = 24  # of prices, each √2 times the one before, from 1 to 2¹¹ whole units
BLOCK = 256  # new items looked at together
SPACES = ("text", "image")  # vectors that other tasks leave


@dataclass(frozen=True, slots=True)
class Kin:
    """Where items are in the space of behaviour, and how a new one gets there."""

    vectors: Matrix  # (items, factors) unit rows; those without behaviour as their features say
    words: Matrix  # (terms + BANDS, factors) the map of an item that comes later

    def place_of(self, items: Sequence[Item], rows: Sparse) -> Matrix:
        """(new, factors) unit rows."""
        return unit(features(items, rows) @ self.words)

    def likeness(self, new: Matrix, every: Matrix, texts: Sparse) -> Matrix:
        """(new, every) from the vectors of both and the cosines of their texts."""
        return np.asarray(0.5 * (new @ every.T) + 0.5 * texts.toarray(), np.float32)


def learn(liked: Sparse, content: Content, items: Sequence[Item], spaces: Mapping[str, Matrix]) -> Kin:
    """From (users, items) csr of who took what. `spaces`: (items, dimensions) of other tasks, zeros where an item has none."""
    counts = np.bincount(liked.indices, minlength=liked.shape[1])
    heard = np.flatnonzero(counts)
    vectors = np.zeros((len(items), min(FACTORS, max(min(liked.shape) - 1, 1))), np.float32)
    plain = features(items, content.rows)
    if len(heard) < 2:
        return Kin(vectors, np.zeros((plain.shape[1], vectors.shape[1]), np.float32))
    vectors[heard] = behaviour(liked, counts, vectors.shape[1])[heard]
    words = ridge(plain[heard], vectors[heard])
    rich = sp.hstack([plain, *(sp.csr_array(unit(space)) for space in spaces.values())]).tocsr()
    full = ridge(rich[heard], vectors[heard]) if spaces else words
    cold = np.flatnonzero(counts == 0)
    vectors[cold] = unit(rich[cold] @ full)
    return Kin(vectors, words)


def features(items: Sequence[Item], rows: Sparse) -> Sparse:
    """(items, terms + BANDS) csr float32: the texts, and in which band the price is."""
    price = np.array([item.price.amount if item.price else 0 for item in items], np.float64)
    priced = np.flatnonzero(price > 0)
    band = np.clip(2 * np.log2(price[priced] / 100.0) + 1, 0, BANDS - 1).astype(np.int64)
    bands: Sparse = sp.csr_array((np.full(len(priced), 0.5, np.float32), (priced, band)), shape=(len(items), BANDS))
    return sp.hstack([rows.astype(np.float32), bands]).tocsr()


def behaviour(liked: Sparse, counts: NDArray[np.int64], factors: int) -> Matrix:
    """(items, factors) unit rows: the leading right singular vectors, times their values, of the damped matrix."""
    scaled = (liked.astype(np.float32) @ sp.diags_array((counts + DAMPING).astype(np.float32) ** -0.5)).tocsr()
    rng = np.random.default_rng(0)
    basis = rng.standard_normal((scaled.shape[1], min(factors + 8, min(scaled.shape)))).astype(np.float32)
    for _ in range(PASSES):
        basis = np.linalg.qr(scaled.T @ (scaled @ basis))[0]
    _, values, turn = np.linalg.svd(scaled @ basis, full_matrices=False)
    return unit((basis @ turn.T * values)[:, :factors])


def ridge(rows: Sparse, wanted: Matrix) -> Matrix:
    """(features, factors) of the regression, by conjugate gradients for all factors at once."""
    turned = rows.T.tocsr()
    left: Floats = (turned @ wanted).astype(np.float64)
    found, step = np.zeros_like(left), left.copy()
    length = (left * left).sum(axis=0)
    for _ in range(STEPS):
        along = turned @ (rows @ step) + RIDGE * step
        stride = length / np.maximum((step * along).sum(axis=0), 1e-30)
        found, left = found + stride * step, left - stride * along
        before, length = length, (left * left).sum(axis=0)
        if float(length.max(initial=0.0)) < 1e-10:
            break
        step = left + length / np.maximum(before, 1e-30) * step
    return found.astype(np.float32)


def unit(rows: NDArray[np.float32]) -> Matrix:
    """Rows of length 1; zeros stay."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def stand_ins(kin: Kin, content: Content, near: Lists, cold: NDArray[np.bool_]) -> Lists:
    """(items, k) as `near` (likeness of texts), but the rows of cold items name those that are nearest by both likenesses, and
    the others name no cold one: these name them."""
    k = near.indices.shape[1]
    values = np.where(cold[near.indices], 0.0, near.values).astype(np.float32)
    indices = near.indices.copy()
    rows = np.flatnonzero(cold)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        alike = kin.likeness(kin.vectors[block], kin.vectors, content.rows[block] @ content.rows.T)
        alike[alike <= 0] = -np.inf
        alike[np.arange(len(block)), block] = -np.inf
        indices[block], values[block] = best(alike, k)
    return Lists.of(indices, values)


def usual(kin: Kin, content: Content) -> float:
    """How like an item is to the one most like it, on average over at most BLOCK items, told as if they were new."""
    rows = np.unique(np.linspace(0, len(kin.vectors) - 1, min(BLOCK, len(kin.vectors))).astype(np.int64))
    alike = kin.likeness(kin.vectors[rows], kin.vectors, content.rows[rows] @ content.rows.T)
    alike[np.arange(len(rows)), rows] = 0.0
    return float(alike.max(axis=1, initial=0.0).mean())


def vectors_of(spaces: Mapping[str, list[tuple[str, bytes]]], place: Mapping[str, int]) -> dict[str, Matrix]:
    """(items, dimensions) of each space that has vectors of items; zeros where an item has none."""
    found = {}
    for name, rows in spaces.items():
        known = [(place[item_id], np.frombuffer(vector, "<f4")) for item_id, vector in rows if item_id in place]
        if known:
            matrix = np.zeros((len(place), len(known[0][1])), np.float32)
            matrix[[where for where, _ in known]] = np.stack([vector for _, vector in known])
            found[name] = matrix
    return found
