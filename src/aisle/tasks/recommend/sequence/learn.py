"""From a shop's events to a network that answers: what is learnt from, how large, for how long, and its files."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.sparse.linalg as sparse
from numpy.typing import NDArray

from aisle.errors import Misconfigured
from aisle.tasks.recommend import files
from aisle.tasks.recommend.content import Content
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.sequence.served import Layer, Matrix, Served, served_from
from aisle.tasks.recommend.weights import Weights
from aisle.tasks.recommend.world import Sparse, World

FEWEST = 100_000  # events below which `auto` and the evaluation do not spend minutes on a network
TEXT = 64  # length of the text vectors that are projected
LAYER = tuple(Layer.__dataclass_fields__)
Step = Callable[..., None]  # done, of how much, what to say
INSTALL = (
    "algorithm=sequence is trained with torch, which is not installed: `pip install 'aisle[train]'` (serving does not need it), "
    "or train with algorithm=sequence_neighbours, which knows order without a network"
)


def can_be_trained() -> bool:
    """Whether torch is installed; nothing is imported."""
    return importlib.util.find_spec("torch") is not None


def pays(events: int) -> bool:
    """Whether `auto` may try: there are events enough, and torch."""
    return events >= FEWEST and can_be_trained()


def learn(world: World, config: Config, texts: Content, step: Step) -> Served:
    """Train on everything that speaks for an item. Raises Misconfigured without torch, with how to install it."""
    if not can_be_trained():
        raise Misconfigured(INSTALL, param="algorithm")
    from aisle.tasks.recommend.sequence import train

    user, item = taken_up(world, config)
    heard, place = np.unique(item, return_inverse=True)  # only these stand in the softmax: no item learns that nobody wants it
    terms = reduced(texts.rows)
    given = train.Histories.of(user, place)
    recipe = train.Recipe.of(config, len(place))
    size = train.size_of(config, len(heard), terms.shape[1])
    weights = train.train(given, size, recipe, np.asarray(texts.rows[heard] @ terms, np.float32), step)
    project = weights["project.weight"].T if terms.shape[1] else np.zeros((0, size.dimensions), np.float32)
    words = np.asarray(terms @ project, np.float32)  # (terms, dimensions)
    own = np.asarray(texts.rows @ words, np.float32)  # (N, dimensions)
    own[heard] += weights["own"]
    return served_from(weights, own, words)


def taken_up(world: World, config: Config) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(events,) whose and which item, by user and time: what speaks for an item of the catalogue, once where it is met several
    times in a row."""
    weights = Weights.of(config)
    rows = np.flatnonzero((weights.interest(world.type, world.value) > 0) & (world.item < world.known))
    user, item = world.user[rows].astype(np.int64), world.item[rows].astype(np.int64)
    new = np.ones(len(rows), bool)
    new[1:] = (user[1:] != user[:-1]) | (item[1:] != item[:-1])
    return user[new], item[new]


def reduced(rows: Sparse, most: int = TEXT) -> Matrix:
    """(terms, ≤ most) the directions in which the texts (items, terms) differ most (LSA: Deerwester et al., 1990)."""
    small = min(rows.shape)
    if small < 2 or not rows.nnz:
        return np.zeros((rows.shape[1], 0), np.float32)
    if small <= 2 * most:
        right = np.linalg.svd(rows.toarray(), full_matrices=False)[2][:most]
    else:
        right = sparse.svds(rows, k=most, v0=np.ones(small))[2][::-1]
    largest = np.abs(right).argmax(axis=1)
    signs = np.sign(right[np.arange(len(right)), largest])  # the sign of a direction is free: the same data, the same files
    return np.asarray((right * signs[:, None]).T, np.float32)


# ---- files -----------------------------------------------------------------------------------------------------


def save(served: Served, folder: Path) -> None:
    """Plain arrays, one a weight."""
    files.save(folder, sequence_inputs=served.inputs, sequence_outputs=served.outputs, sequence_words=served.words)
    files.save(folder, sequence_shift=served.shift)
    for number, layer in enumerate(served.layers):
        files.save(folder, **{f"sequence_{number}_{name}": getattr(layer, name) for name in LAYER})


def load(folder: Path) -> Served | None:
    """What `save` wrote; None where the model has no network. Raises Misconfigured where a file is missing or damaged."""
    if not (folder / "sequence_inputs.npy").exists():
        return None
    count = len(list(folder.glob("sequence_*_query.npy")))
    layers = [Layer(*(files.load(folder, f"sequence_{number}_{name}") for name in LAYER)) for number in range(count)]
    return Served(layers, *(files.load(folder, f"sequence_{name}") for name in ("inputs", "outputs", "words", "shift")))
