"""Texts as numbers for the linear classifier: TF-IDF of words, of the n-grams inside them, and the static embedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.errors import Misconfigured
from aisle.kit import ngrams
from aisle.tasks.text.static import StaticEmbedding

Floats = NDArray[np.float32]
BLOCK = 2000  # texts read at once
SEEN = 2  # texts an n-gram must be in
MOST = 300_000  # n-grams kept, the most frequent


@dataclass(frozen=True, slots=True)
class Features:
    """Which n-grams count, and how much."""

    known: ngrams.Hashes  # (n-grams,) sorted
    idf: Floats  # (n-grams,) log((1 + texts) / (1 + texts with it)) + 1
    inside: float  # what the n-grams inside words count, beside the words' 1
    static: float  # what the static embedding counts; 0: it is not asked

    @staticmethod
    def learn(texts: Sequence[str], inside: float, static: float, most: int = MOST) -> Features:
        """What is frequent in these texts."""
        hashes, owners = _read(texts)
        if not inside:
            hashes, owners = hashes[hashes % 2 == 0], owners[hashes % 2 == 0]
        order = np.lexsort((owners, hashes))
        hashes, owners = hashes[order], owners[order]
        fresh = np.ones(len(hashes), bool)
        fresh[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
        known, texts_with = np.unique(hashes[fresh], return_counts=True)
        least = SEEN if len(texts) > 200 else 1
        if (texts_with >= least).sum() > most:
            least = int(np.partition(texts_with, len(texts_with) - most)[len(texts_with) - most]) + 1
        kept = texts_with >= least
        idf = np.log((1 + len(texts)) / (1 + texts_with[kept])) + 1
        return Features(known[kept], idf.astype(np.float32), inside, static)

    def sparse(self, texts: Sequence[str]) -> Any:
        """(texts, n-grams): 1 + log of how often, times idf; words together have length 1, so has what is inside them."""
        hashes, owners = _read(texts)
        column, found = self.find(hashes)
        once = np.ones(int(found.sum()), np.float32)
        rows = sp.coo_array((once, (owners[found], column[found])), shape=(len(texts), len(self.known))).tocsr()
        rows.sum_duplicates()
        data = (1.0 + np.log(rows.data)) * self.idf[rows.indices]
        block = np.repeat(np.arange(len(texts)), np.diff(rows.indptr)) * 2 + (self.known[rows.indices] % 2).astype(np.int64)
        length = np.sqrt(np.bincount(block, data * data, 2 * len(texts)))
        size = np.where(np.arange(2 * len(texts)) % 2, self.inside, 1.0) / np.maximum(length, 1e-9)
        rows.data = (data * size[block]).astype(np.float32)
        return rows

    def dense(self, texts: Sequence[str], embedding: StaticEmbedding) -> Floats:
        """(texts, dimensions), or no dimensions where the embedding is not asked."""
        if not self.static:
            return np.zeros((len(texts), 0), np.float32)
        vectors, _ = embedding.embed(texts)
        return vectors * np.float32(self.static)

    def find(self, hashes: ngrams.Hashes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The column of each n-gram, and whether it has one."""
        if not len(self.known):
            return np.zeros(len(hashes), np.int64), np.zeros(len(hashes), bool)
        column = np.minimum(np.searchsorted(self.known, hashes), len(self.known) - 1)
        return column, self.known[column] == hashes

    def save(self, folder: Path) -> None:
        np.save(folder / "ngrams.npy", self.known, allow_pickle=False)
        np.save(folder / "idf.npy", self.idf.astype(np.float16), allow_pickle=False)

    @staticmethod
    def load(folder: Path, inside: float, static: float) -> Features:
        known, idf = array(folder, "ngrams"), array(folder, "idf").astype(np.float32)
        return Features(known, idf, inside, static)


def array(folder: Path, name: str) -> NDArray[Any]:
    """An array of a model. Raises Misconfigured where it is missing or damaged."""
    try:
        found: NDArray[Any] = np.load(folder / f"{name}.npy", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the model file {folder.name}/{name}.npy cannot be read ({error}): run `aisle train text`") from None
    return found


def _read(texts: Sequence[str]) -> tuple[ngrams.Hashes, NDArray[np.int64]]:
    """Every n-gram of the texts, and whose it is."""
    hashes, owners = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for start in range(0, len(texts), BLOCK):
        found = ngrams.grams(texts[start : start + BLOCK])
        hashes.append(found.hash)
        owners.append(found.text + start)
    return np.concatenate(hashes), np.concatenate(owners)
