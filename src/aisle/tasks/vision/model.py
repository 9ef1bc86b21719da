"""A model's folder: networks as ONNX, heads and vectors as arrays without pickle, and model.json that says what is what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from aisle.errors import Misconfigured
from aisle.kit.sessions import USUAL, Way
from aisle.kit.softmax import Floats, Heads
from aisle.tasks.vision.detector import Detector, DetectorCard
from aisle.tasks.vision.trunk import Trunk, TrunkCard

MODEL = "model.json"
STARTER = Path(__file__).parent / "starter"
NEAREST = 5  # most training pictures that a new one is compared with, to tell whether such things are known
PER_NEIGHBOUR = 400  # of them for each: where kinds have a handful of pictures, the nearest one must do
BLOCK = 1024
CATEGORY = "category"  # the head that `classify` asks; the others are attributes


class HeadCard(Struct, frozen=True, kw_only=True):
    """One softmax: what it tells apart, and its temperature."""

    name: str
    labels: list[str]
    temperature: float = 1.0


class ModelCard(Struct, frozen=True, kw_only=True):
    """model.json"""

    trunk: TrunkCard
    heads: list[HeadCard] = []
    detector: DetectorCard | None = None
    reject: float = 0.05  # familiarity below which a picture is called unknown


@dataclass(slots=True)
class Space:
    """Where pictures become vectors: (features − centre) @ projection.T, scaled to length one."""

    centre: Floats  # (features,)
    projection: Floats | None  # (dimensions, features); None: the features themselves

    def place(self, features: Floats) -> Floats:
        """(pictures, dimensions), before scaling."""
        away: Floats = features - self.centre
        return away if self.projection is None else np.asarray(away @ self.projection.T)

    def embed(self, features: Floats) -> Floats:
        """(pictures, dimensions), each of length one."""
        found = self.place(features)
        return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12), np.float32)


@dataclass(slots=True)
class Familiar:
    """How strange pictures of known things look, to tell strangers."""

    strangeness: Floats  # (≤ 1000,) of held-out pictures of known things, ascending

    def share(self, score: float) -> float:
        """The share of held-out pictures that look as strange, or stranger."""
        below = int(np.searchsorted(self.strangeness, score, side="left"))
        return (len(self.strangeness) - below) / max(len(self.strangeness), 1)


@dataclass(slots=True)
class Examples:
    """Training pictures as vectors, with what they are of; nameless where the pictures are not the shop's own."""

    vectors: Floats  # (pictures, dimensions) of length one
    names: list[str]
    labels: list[str]


@dataclass(slots=True)
class Model:
    """Everything a folder holds, in memory."""

    card: ModelCard
    trunk: Trunk
    heads: Heads
    space: Space
    familiar: Familiar | None = None
    examples: Examples | None = None
    detector: Detector | None = None


def strangeness(vectors: Floats, known: Floats) -> Floats:
    """1 − the mean cosine of the one to NEAREST most alike training pictures (Sun et al., 2022): (pictures,)"""
    found = []
    for start in range(0, len(vectors), BLOCK):
        alike = vectors[start : start + BLOCK] @ known.T
        k = min(NEAREST, max(alike.shape[1] // PER_NEIGHBOUR, 1))
        found.append(1 - np.partition(alike, -k, 1)[:, -k:].mean(1))
    return np.concatenate(found).astype(np.float32) if found else np.zeros(0, np.float32)


def save(model: Model, folder: Path) -> None:
    """Write what `load` opens; the networks' files are there already."""
    (folder / MODEL).write_bytes(msgspec.json.format(msgspec.json.encode(model.card), indent=1))
    arrays: dict[str, NDArray[Any]] = {
        "heads": model.heads.weights.astype(np.float16),
        "bias": model.heads.bias,
        "centre": model.space.centre,
    }
    if model.space.projection is not None:
        arrays["projection"] = model.space.projection.astype(np.float16)
    if model.familiar is not None:
        arrays["strangeness"] = model.familiar.strangeness
    if model.examples is not None:
        arrays["examples"] = model.examples.vectors.astype(np.float16)
        names = {"names": model.examples.names, "labels": model.examples.labels}
        (folder / "examples.json").write_bytes(msgspec.json.encode(names))
    if model.detector is not None and model.detector.regions is not None:
        arrays |= {"regions": model.detector.regions.weights, "regions_bias": model.detector.regions.bias}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def load(folder: Path, ways: Mapping[str, Way] = MappingProxyType({})) -> Model:
    """Open a model's folder, its networks in these `ways` by their files' names.

    Raises Misconfigured where something is missing or does not fit together.
    """
    try:
        card = msgspec.json.decode((folder / MODEL).read_bytes(), type=ModelCard)
    except (OSError, msgspec.DecodeError) as error:
        raise Misconfigured(f"the vision model's {MODEL} cannot be read ({error}): run `aisle train vision`") from None
    bounds = tuple(np.cumsum([0, *(len(head.labels) for head in card.heads)]).tolist())
    model = Model(
        card,
        Trunk.open(card.trunk, folder, ways.get(card.trunk.file, USUAL)),
        Heads(array(folder, "heads"), array(folder, "bias"), bounds),
        Space(array(folder, "centre"), array(folder, "projection") if (folder / "projection.npy").exists() else None),
    )
    if (folder / "strangeness.npy").exists():
        model.familiar = Familiar(array(folder, "strangeness"))
    if (folder / "examples.npy").exists():
        said = msgspec.json.decode((folder / "examples.json").read_bytes(), type=dict[str, list[str]])
        model.examples = Examples(array(folder, "examples"), said["names"], said["labels"])
    if card.detector is not None:
        model.detector = Detector.open(card.detector, folder, ways.get(card.detector.file, USUAL))
        if (folder / "regions.npy").exists():
            model.detector.regions = Heads(
                array(folder, "regions"), array(folder, "regions_bias"), (0, len(card.detector.shop) + 1)
            )
    if len(model.heads.bias) != bounds[-1] or (bounds[-1] and model.heads.weights.shape[1] != model.trunk.width):
        raise Misconfigured("the vision model's heads do not fit its network: run `aisle train vision`")
    return model


def array(folder: Path, name: str) -> Floats:
    """One array as float32. Raises Misconfigured where it is missing or damaged."""
    try:
        return np.asarray(np.load(folder / f"{name}.npy", allow_pickle=False), np.float32)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the model file {name}.npy cannot be read ({error}): run `aisle train vision`") from None
