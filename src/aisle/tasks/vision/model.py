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
from aisle.tasks.vision import familiar
from aisle.tasks.vision.detector import Detector, DetectorCard
from aisle.tasks.vision.familiar import Familiar
from aisle.tasks.vision.trunk import Trunk, TrunkCard

MODEL = "model.json"
STARTER = Path(__file__).parent / "starter"
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

    def categories(self, features: Floats) -> Floats:
        """The logits of the categories: (pictures, categories); (pictures, 0) where none were learnt."""
        for place, head in enumerate(self.card.heads):
            if head.name == CATEGORY:
                return self.heads.part(self.heads.logits(features), place)
        return np.zeros((len(features), 0), np.float32)


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
        familiar.save(model.familiar, folder)
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
    try:
        model.familiar = familiar.load(folder)
    except (OSError, ValueError) as error:
        raise Misconfigured(
            f"the vision model's {familiar.PREFIX}*.npy cannot be read ({error}): run `aisle train vision`"
        ) from None
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
