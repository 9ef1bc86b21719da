"""A static sentence embedding: the mean of one vector a token, weighted by how much the token says.

The table holds a sentence encoder's vectors of single tokens after PCA (Model2Vec; Tulkens & van Dongen, 2024) with the weights
of SIF (Arora et al., 2017). Ours differs where the encoder knows nothing: words of other scripts than the Latin one are spelt
as hashed character n-grams, each a fixed random direction, so texts of any script are alike as far as they share n-grams.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.errors import Misconfigured
from aisle.kit.words import plain
from aisle.tasks.text.spelt import INSIDE_WORD, OTHER, Grams, grams, spelt

Floats = NDArray[np.float32]
LONGEST = 20_000  # characters that are read
BASES = 4096  # random directions; an n-gram's own is the product of two of them
FEW = 8  # texts whose vectors are summed one by one
SEED = np.uint64(0x5EED)
TABLE, SCALE, VOCABULARY, SPELLING = "table.npy", "scale.npy", "vocabulary.txt", "spelling.npy"


class Embedding(Protocol):
    """Texts as vectors."""

    @property
    def dimensions(self) -> int: ...
    def embed(self, texts: Sequence[str]) -> tuple[Floats, NDArray[np.int64]]:
        """(texts, dimensions) of length 1, and how many tokens each text had."""

    def cost(self, text: str) -> float:
        """What a text costs beside a request's 1."""


@dataclass(frozen=True, slots=True)
class StaticEmbedding:
    """A table of token vectors and how to find a text's tokens."""

    table: Floats  # (tokens, dimensions)
    signs: NDArray[np.int8]  # (BASES, dimensions) ±1
    size: float  # of a number of what is spelt
    tokenizer: Any

    @property
    def dimensions(self) -> int:
        return int(self.table.shape[1])

    def embed(self, texts: Sequence[str]) -> tuple[Floats, NDArray[np.int64]]:
        """(texts, dimensions) of length 1, and how many tokens each text had; a blank text's is 0."""
        read, ids, counts = self._tokens(texts)
        vectors = self._sums(ids, counts)
        self._add_spelt(read, vectors, counts)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors, counts

    def bags(self, texts: Sequence[str]) -> tuple[Any, Floats]:
        """(texts, tokens) how often each text has each token, and (texts, dimensions) what it has beside them."""
        read, ids, counts = self._tokens(texts)
        tokens = self._matrix(ids, counts)
        sums = tokens @ self.table
        whole = sums.copy()
        self._add_spelt(read, whole, counts)
        tokens.sum_duplicates()
        return tokens, whole - sums

    def _tokens(self, texts: Sequence[str]) -> tuple[list[str], list[list[int]], NDArray[np.int64]]:
        """The texts as they are read, their tokens, and how many."""
        read = [plain(text[:LONGEST]) for text in texts]
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(read, add_special_tokens=False)]
        return read, ids, np.array([len(row) for row in ids], np.int64)

    def _add_spelt(self, read: Sequence[str], vectors: Floats, counts: NDArray[np.int64]) -> None:
        """Add what is no token."""
        if foreign := [row for row, text in enumerate(read) if not text.isascii()]:
            self._spell(vectors, counts, foreign, spelt([read[row] for row in foreign]))
        if blank := np.flatnonzero(~vectors.any(axis=1)).tolist():  # one endless word, or nothing but signs unknown to the table
            self._spell(vectors, counts, blank, grams([(place, read[row]) for place, row in enumerate(blank)], INSIDE_WORD))

    def _sums(self, ids: Sequence[list[int]], counts: NDArray[np.int64]) -> Floats:
        """(texts, dimensions) the sum of each text's vectors; for a few texts a sparse matrix is not worth making."""
        if len(ids) <= FEW:
            each = [self.table.take(row, axis=0).sum(axis=0) for row in ids]
            return np.array(each, np.float32).reshape(len(ids), self.dimensions)
        found: Floats = self._matrix(ids, counts) @ self.table
        return found

    def _matrix(self, ids: Sequence[list[int]], counts: NDArray[np.int64]) -> Any:
        """(texts, tokens), a token as often as it stands in the text."""
        flat = np.fromiter(chain.from_iterable(ids), np.int32, int(counts.sum()))
        indptr = np.concatenate([[0], np.cumsum(counts)])
        return sp.csr_array((np.ones(len(flat), np.float32), flat, indptr), shape=(len(ids), len(self.table)))

    def save(self, folder: Path) -> None:
        """Write it, with the words it is spelt by."""
        folder.mkdir(exist_ok=True)
        words = [self.tokenizer.id_to_token(place) for place in range(len(self.table))]
        save(folder, words, self.table, self.size)

    def cost(self, text: str) -> float:
        """In thousands of characters."""
        return len(text) / 1000

    def parts(self, text: str) -> list[tuple[int, int, Floats]]:
        """(start, stop, vector) of what a text, spelt one way, is made of: the vectors add up to the text's own."""
        read = text[:LONGEST]
        encoding = self.tokenizer.encode(read, add_special_tokens=False)
        found = [(start, stop, self.table[one]) for one, (start, stop) in zip(encoding.ids, encoding.offsets, strict=True)]
        runs = [] if read.isascii() else list(OTHER.finditer(read))
        vectors, counts = np.zeros((len(runs) + 1, self.dimensions), np.float32), np.zeros(len(runs) + 1, np.int64)
        self._spell(vectors, counts, range(len(runs)), spelt([run[0] for run in runs]))
        found += [(*run.span(), vector) for run, vector in zip(runs, vectors, strict=False)]
        if not any(vector.any() for _, _, vector in found):
            self._spell(vectors, counts, [len(runs)], grams([(0, read)], INSIDE_WORD))
            found.append((0, len(read), vectors[-1]))
        length = max(float(np.linalg.norm(sum(vector for _, _, vector in found))), 1e-12)
        return [(start, stop, vector / length) for start, stop, vector in found]

    def _spell(self, vectors: Floats, counts: NDArray[np.int64], rows: Sequence[int], found: Grams) -> None:
        """Add the n-grams of some texts to their vectors, these rows, and to their counts."""
        ends = np.searchsorted(found.text, np.arange(len(rows) + 1)).tolist()
        for row, start, stop in zip(rows, ends, ends[1:], strict=False):
            if start < stop:
                hashes = found.hash[start:stop]
                signs = self.signs.take(hashes % BASES, axis=0)  # (grams, dimensions)
                signs *= self.signs.take(hashes // BASES % BASES, axis=0)
                vectors[row] += found.weight[start:stop] @ signs.astype(np.float32) * np.float32(self.size)
                counts[row] += stop - start


def save(folder: Path, vocabulary: Sequence[str], vectors: Floats, size: float | None = None) -> None:
    """Write a table (tokens, dimensions), one byte a number and a scale a token; `size` of what is spelt, if not the table's."""
    scale = (np.abs(vectors).max(axis=1, keepdims=True) / 127.0).astype(np.float16)
    table = np.rint(vectors / np.maximum(scale.astype(np.float32), 1e-8)).clip(-127, 127).astype(np.int8)
    np.save(folder / TABLE, table, allow_pickle=False)
    np.save(folder / SCALE, scale, allow_pickle=False)
    (folder / VOCABULARY).write_text("\n".join(vocabulary) + "\n", "utf-8")
    if size is not None:
        np.save(folder / SPELLING, np.float32(size), allow_pickle=False)


def load(folder: Path) -> StaticEmbedding:
    """Open what `save` wrote. Raises Misconfigured where it is missing or damaged."""
    try:
        table = np.load(folder / TABLE, allow_pickle=False).astype(np.float32)
        table *= np.load(folder / SCALE, allow_pickle=False).astype(np.float32)
        vocabulary = (folder / VOCABULARY).read_text("utf-8").splitlines()
        size = float(np.load(folder / SPELLING, allow_pickle=False)) if (folder / SPELLING).exists() else 0.0
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the embedding in {folder} cannot be read ({error}): run `aisle train text`") from None
    if len(vocabulary) != len(table):
        raise Misconfigured(f"the embedding in {folder} has {len(vocabulary)} tokens but {len(table)} vectors: train again")
    table[vocabulary.index("[UNK]")] = 0.0
    size = size or float(np.median(np.linalg.norm(table, axis=1))) / np.sqrt(table.shape[1])
    return StaticEmbedding(table, _signs(table.shape[1]), size, _tokenizer(vocabulary))


def one_thread() -> None:
    """Tokenizers work where they are called, unless the environment says otherwise: waking their threads for a request's few
    texts costs a quarter more processor time than it saves."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def _tokenizer(vocabulary: Sequence[str]) -> Any:
    """BERT's uncased WordPiece (Devlin et al., 2019) over these tokens."""
    one_thread()
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    words = {token: place for place, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(words, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def _signs(dimensions: int) -> NDArray[np.int8]:
    """±1 by splitmix64 (Steele et al., 2014): the same on every machine and with every numpy, so nothing is stored."""
    with np.errstate(over="ignore"):
        z = SEED + np.arange(1, BASES * dimensions + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        signs = (z ^ (z >> np.uint64(31))) & np.uint64(1)
    return np.where(signs.reshape(BASES, dimensions) > 0, np.int8(1), np.int8(-1))
