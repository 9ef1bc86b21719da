"""Whether a picture is of anything that was learnt, or of a stranger.

Two questions: is it far from every training picture (1 − the mean cosine of the nearest, in the principal components of the
standardised features: Sun et al., 2022), and is the category's softmax undecided (its entropy: Hendrycks and Gimpel, 2017)? Far
things of another world answer the first, neighbours of what was learnt the second. Each answer becomes the share p of held-out
pictures of known things that answer it as strangely, and the two are combined as Fisher (1932) combines tests: −Σ log p.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scipy.linalg import eigh

from aisle.kit.softmax import Floats, probabilities

COMPONENTS = 64
KNOWN = 5000  # training pictures that a new one is compared with, at most
NEAREST = 5  # of them, the most alike
PER_NEIGHBOUR = 400  # of them for each: where kinds have a handful of pictures, the nearest one must do
MOST = 1000  # held-out answers that are kept
BLOCK = 1024
PREFIX = "familiar_"  # of the files


@dataclass(slots=True)
class Familiar:
    """What is needed to ask both questions; the last three are of held-out pictures of known things, ascending."""

    centre: Floats  # (features,)
    projection: Floats  # (components, features), of features that are divided by their spread
    known: Floats  # (training pictures, components), each of length one
    far: Floats  # (≤ MOST,)
    undecided: Floats  # (≤ MOST,); none without categories
    strange: Floats  # (≤ MOST,) both

    def share(self, features: Floats, logits: Floats) -> Floats:
        """The share of held-out pictures that look as strange as each of these, or stranger: (pictures,).

        `features` (pictures, features); `logits` (pictures, categories), without categories (pictures, 0).
        """
        return tail(self.strange, self.strangeness(features, logits))

    def strangeness(self, features: Floats, logits: Floats) -> Floats:
        """−Σ log p of the questions: (pictures,)"""
        total = -np.log(tail(self.far, distance(self.place(features), self.known)) + _least(self.far))
        if len(self.undecided):
            total = total - np.log(tail(self.undecided, entropy(logits)) + _least(self.undecided))
        return np.asarray(total, np.float32)

    def place(self, features: Floats) -> Floats:
        return unit(np.asarray((features - self.centre) @ self.projection.T, np.float32))


def learn(train: Floats, held_out: Floats, logits: Floats) -> Familiar:
    """From the features of training and of held-out pictures, and the latter's category `logits`, as in `share`."""
    centre, spread = train.mean(0), train.std(0) + 1e-3
    x = (train - centre) / spread
    count = max(min(COMPONENTS, len(x) - 1, x.shape[1]), 1)
    _, axes = eigh(x.T @ x / len(x), subset_by_index=[x.shape[1] - count, x.shape[1] - 1])
    projection = np.asarray((axes / spread[:, None]).T, np.float32)
    rows = np.linspace(0, len(x) - 1, min(KNOWN, len(x))).astype(int)
    none = np.zeros(0, np.float32)
    found = Familiar(centre.astype(np.float32), projection, none, none, none, none)
    found.known = found.place(train[rows])
    found.far = thinned(distance(found.place(held_out), found.known))
    if logits.shape[1]:
        found.undecided = thinned(entropy(logits))
    found.strange = thinned(found.strangeness(held_out, logits))
    return found


def distance(vectors: Floats, known: Floats) -> Floats:
    """1 − the mean cosine of the one to NEAREST most alike: (pictures,)"""
    found = []
    for start in range(0, len(vectors), BLOCK):
        alike = vectors[start : start + BLOCK] @ known.T
        k = min(NEAREST, max(alike.shape[1] // PER_NEIGHBOUR, 1))
        found.append(1 - np.partition(alike, -k, 1)[:, -k:].mean(1))
    return np.concatenate(found).astype(np.float32) if found else np.zeros(0, np.float32)


def entropy(logits: Floats) -> Floats:
    """Of the softmax, in nats: (pictures,)"""
    p = probabilities(logits)
    return np.asarray(-(p * np.log(np.maximum(p, 1e-12))).sum(1), np.float32)


def tail(ascending: Floats, scores: Floats) -> Floats:
    """The share of values that are as high as each score, or higher."""
    below = np.searchsorted(ascending, scores, side="left")
    return np.asarray((len(ascending) - below) / max(len(ascending), 1), np.float32)


def unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)


def thinned(scores: Floats) -> Floats:
    """Ascending, at most MOST of them, spread evenly."""
    scores = np.sort(scores)
    return np.asarray(scores if len(scores) <= MOST else scores[np.linspace(0, len(scores) - 1, MOST).astype(int)], np.float32)


def save(familiar: Familiar, folder: Path) -> None:
    """An array a file; the big ones at half width."""
    for one in fields(familiar):
        array: Floats = getattr(familiar, one.name)
        half = array.ndim == 2
        np.save(folder / f"{PREFIX}{one.name}.npy", array.astype(np.float16) if half else array, allow_pickle=False)


def load(folder: Path) -> Familiar | None:
    """What `save` wrote; None where nothing was. Raises OSError, ValueError for damaged files."""
    if not (folder / f"{PREFIX}strange.npy").exists():
        return None
    arrays = {one.name: np.load(folder / f"{PREFIX}{one.name}.npy", allow_pickle=False) for one in fields(Familiar)}
    return Familiar(**{name: array.astype(np.float32) for name, array in arrays.items()})


def _least(ascending: Floats) -> float:
    """Stranger than all that were held out is still possible: one more of them would have been."""
    return 1 / (len(ascending) + 1)
