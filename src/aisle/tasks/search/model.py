"""A trained search: what is learnt from the shop's rows beside the catalogue itself, and its files.

Everything may be missing: the index is then built from the live catalogue, and only words count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from aisle.errors import Misconfigured
from aisle.tasks.search import graph
from aisle.tasks.search.asked import Asked
from aisle.tasks.search.graph import Graph
from aisle.tasks.search.index import Segment
from aisle.tasks.search.schema import Config

VECTORS = {"text": "meaning", "image": "picture"}  # space -> signal
ARRAYS = ("start", "place", "impact", "fields")


class Learnt(Struct, frozen=True, kw_only=True):
    """What is small: settings as tuned, popularity, questions, synonyms."""

    config: Config
    language: str | None = None  # None: found out from the catalogue
    popularity: dict[str, float] = {}  # item_id -> 0 … 1
    asked: list[Asked] = []
    synonyms: dict[str, list[tuple[str, float]]] = {}


class Names(Struct, frozen=True):
    """What belongs to the numbers of the index."""

    item_ids: list[str]
    digests: list[int]  # of the searched texts of each item
    terms: list[str]
    words: dict[str, int]
    mean: list[float]


@dataclass(frozen=True, slots=True)
class Stored:
    """An index as files hold it."""

    names: Names
    segment: Segment


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that `fit` found out."""

    learnt: Learnt = field(default_factory=lambda: Learnt(config=Config()))
    stored: Stored | None = None
    graphs: Mapping[str, Graph] = field(default_factory=dict)  # by space of vectors


def save(model: Model, folder: Path) -> None:
    """Write the files of a model."""
    (folder / "learnt.json").write_bytes(msgspec.json.encode(model.learnt))
    if model.stored is not None:
        (folder / "names.json").write_bytes(msgspec.json.encode(model.stored.names))
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", getattr(model.stored.segment, name), allow_pickle=False)
    for space, made in model.graphs.items():
        graph.save(made, folder, space)


def load(folder: Path) -> Model:
    """Read them. Raises Misconfigured."""
    try:
        learnt = msgspec.json.decode((folder / "learnt.json").read_bytes(), type=Learnt)
        if not (folder / "names.json").exists():
            return Model(learnt)
        names = msgspec.json.decode((folder / "names.json").read_bytes(), type=Names)
        arrays = [np.load(folder / f"{name}.npy", allow_pickle=False) for name in ARRAYS]
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise Misconfigured(f"{folder} is no model of search: {error}") from None
    graphs = {space: made for space in VECTORS if (made := graph.load(folder, space)) is not None}
    return Model(learnt, Stored(names, Segment(*arrays)), graphs)
