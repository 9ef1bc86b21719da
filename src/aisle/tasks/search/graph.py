"""Nearest vectors of a large space without comparing all of them: a graph made in training, and what has changed since beside it.

The graph is HNSW (Malkov and Yashunin, 2018) over vectors in 8 bits, by usearch; it stays as it was trained. A vector that is new
or other than then is compared by itself, exactly, like everything the graph brings: cosines are always those of the live vectors,
only which of them are looked at is approximate. Deleted items are left out by whoever asks. Without usearch, and for a space
whose vectors are mostly others than then, there is no graph, and every vector is compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aisle.errors import Misconfigured
from aisle.kit.vectors import Vectors

CONNECTIVITY, BUILT_WITH, SEARCHED_WITH = 16, 128, 256  # M, ef while building, ef while searching
LOOSE = 0.1  # share of a space that may lie beside the graph; with more, comparing all is no slower
BLOCK = 20_000  # vectors put into the graph, and marked, at once
NOWHERE = -1
Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


def installed() -> bool:
    """Whether graphs can be made and opened here (`pip install 'aisle[large]'`)."""
    return find_spec("usearch") is not None


@dataclass(frozen=True, slots=True)
class Graph:
    """As trained: key k of the index is `names[k]`, whose vector had `marks[k]`."""

    index: Any  # usearch.index.Index
    names: list[str]
    marks: NDArray[np.uint64]


def build(space: Vectors, progress: Any = lambda share: None) -> Graph:
    """A graph over all vectors of a space. One thread, so that the same vectors give the same graph."""
    index = _index(space.dimensions)
    for start in range(0, len(space.matrix), BLOCK):
        block = space.matrix[start : start + BLOCK]
        index.add(np.arange(start, start + len(block)), block, threads=1)
        progress(start / len(space.matrix))
    return Graph(index, space.names[: len(space.matrix)], marks_of(space.matrix))


def save(graph: Graph, folder: Path, space: str) -> None:
    """Write the files of a graph."""
    graph.index.save(str(folder / f"{space}.usearch"))
    np.save(folder / f"{space}-marks.npy", graph.marks, allow_pickle=False)
    (folder / f"{space}-names.json").write_bytes(msgspec.json.encode(graph.names))


def load(folder: Path, space: str) -> Graph | None:
    """Open a graph where there is one, its file mapped into memory and not read. Raises Misconfigured."""
    file = folder / f"{space}.usearch"
    if not file.exists() or not installed():
        return None
    from usearch.index import Index

    try:
        names = msgspec.json.decode((folder / f"{space}-names.json").read_bytes(), type=list[str])
        marks = np.load(folder / f"{space}-marks.npy", allow_pickle=False)
        index: Any = Index.restore(str(file), view=True)
    except (OSError, ValueError, RuntimeError, msgspec.MsgspecError) as error:
        raise Misconfigured(f"{file} is no graph of vectors: {error}; run `aisle train search`") from None
    if index is None or len(index) != len(names) or len(marks) != len(names):
        raise Misconfigured(f"{file} does not belong to its names: run `aisle train search`")
    index.expansion_search = SEARCHED_WITH
    return Graph(index, names, marks)


def marks_of(matrix: Floats) -> NDArray[np.uint64]:
    """(rows,) a number of each vector, told from its numbers in 8 bits."""
    odd = np.random.default_rng(1).integers(1, 2**63, matrix.shape[1], np.uint64) | np.uint64(1)
    found = np.empty(len(matrix), np.uint64)
    for start in range(0, len(matrix), BLOCK):
        codes = np.rint(matrix[start : start + BLOCK] * 127).astype(np.int64).view(np.uint64)
        found[start : start + BLOCK] = (codes * odd).sum(axis=1, dtype=np.uint64)
    return found


@dataclass(slots=True)
class Near:
    """A graph beside a live space."""

    graph: Graph | None = None
    _names: list[str] | None = None
    _key: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # (rows,) in the graph; NOWHERE
    _row: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # (keys,) in the space; NOWHERE where it is another vector
    _loose: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # rows that the graph does not know as they are
    _version: int = -1

    def usable(self, space: Vectors) -> bool:
        """Whether to ask the graph; it is caught up with the space here."""
        graph = self.graph
        if graph is None or not len(space.matrix) or graph.index.ndim != space.dimensions:
            return False
        if space.names is not self._names or space.version != self._version:
            self._follow(graph, space)
        return len(self._loose) <= LOOSE * len(space.matrix)

    def rows(self, vector: Floats, k: int) -> Ints:
        """Rows of the space among which are about the `k` nearest; each once."""
        assert self.graph is not None
        found = self.graph.index.search(vector, k, threads=1).keys.astype(np.int64)
        known = self._row[found]
        return np.union1d(known[known != NOWHERE], self._loose)

    def _follow(self, graph: Graph, space: Vectors) -> None:
        """Marks are computed anew for what has changed since the last look alone."""
        size = len(space.matrix)
        if space.names is not self._names:
            self._names, self._version, self._key = space.names, -1, np.zeros(0, np.int64)
            self._row = np.full(len(graph.names), NOWHERE)
        known = len(self._key)
        if size > known:
            self._key = np.append(self._key, _keys(graph, space.names[known:size], known))
        changed = np.flatnonzero(space.stamp > self._version)
        keys = self._key[changed]
        inside, rows = keys[keys != NOWHERE], changed[keys != NOWHERE]
        same = marks_of(space.matrix[rows]) == graph.marks[inside]
        self._row[inside] = np.where(same, rows, NOWHERE)
        there = np.zeros(size, bool)
        there[self._row[self._row != NOWHERE]] = True
        self._loose, self._version = np.flatnonzero(~there), space.version


def _keys(graph: Graph, names: list[str], first: int) -> Ints:
    """The graph's keys of names; they stand in the same order in both unless items came or went since."""
    if graph.names[first : first + len(names)] == names:
        return np.arange(first, first + len(names))
    key = {name: number for number, name in enumerate(graph.names)}
    return np.array([key.get(name, NOWHERE) for name in names], np.int64)


def _index(dimensions: int) -> Any:
    from usearch.index import Index

    return Index(
        ndim=dimensions, metric="ip", dtype="i8", connectivity=CONNECTIVITY, expansion_add=BUILT_WITH,
        expansion_search=SEARCHED_WITH,
    )  # fmt: skip
