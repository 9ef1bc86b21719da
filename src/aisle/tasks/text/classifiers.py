"""The named classifiers of a model: what each is, its files, and the labels it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from aisle.errors import Misconfigured
from aisle.kit.sessions import USUAL, Way
from aisle.tasks.text import calibration, linear, static
from aisle.tasks.text.schema import Label
from aisle.tasks.text.static import StaticEmbedding

Floats = NDArray[np.float32]
SPEC, TABLE = "classifier.json", "embedding"
NO_WAYS: Mapping[str, Way] = {}
PATH = " > "
DECIMALS = 6  # of probabilities and logits


class Spec(Struct, kw_only=True, omit_defaults=True):
    """What a classifier's folder says of itself."""

    name: str
    kind: Literal["linear", "static", "encoder"]  # static: linear, with a table of its own
    labels: list[str]
    multi: bool = False
    inside: float = 0.0  # see features.Features
    static: float = 0.0
    strangers: str = ""  # the label of texts that belong to none
    least: float | None = None  # energy of logits below which a text belongs to none (calibration.Strangers)
    temperature: float = 1.0  # an encoder's logits are divided by it, and `bias` is added; a linear model has both in its weights
    bias: list[float] = []  # (labels,)
    scores: dict[str, float] = {}
    about: str = ""
    source: str = ""  # where it was pulled from, if it was
    learnt: bool = False  # from the shop's rows


class Model(Protocol):
    """What gives logits."""

    def logits(self, texts: Sequence[str]) -> Floats: ...
    def cost(self, text: str) -> float: ...
    def explain(self, text: str, label: int) -> tuple[list[tuple[int, int, float]], float]: ...


@dataclass(frozen=True, slots=True)
class Classifier:
    """A model with its labels."""

    spec: Spec
    model: Model

    def classify(self, logits: Floats, most: int) -> list[list[Label]]:
        """The likeliest labels of each text, best first, at most so many."""
        order = logits.argmax(axis=1)[:, None] if most == 1 else np.argsort(-logits, axis=1)[:, :most]
        both = np.stack([calibration.probabilities(logits, self.spec.multi), logits])
        found = np.round(np.take_along_axis(both, order[None], axis=2).astype(np.float64), DECIMALS).reshape(2, -1).tolist()
        names = np.array(self.spec.labels, object)[order.ravel()].tolist()
        flat, each = list(map(Label, names, *found)), order.shape[1]
        return [flat[start : start + each] for start in range(0, len(flat), each)]

    def assigned(self, logits: Floats) -> list[str]:
        """Of one text, the labels that are more likely than not, best first; for texts that may have several."""
        likely = np.flatnonzero(logits > 0)
        return [self.spec.labels[place] for place in likely[np.argsort(-logits[likely], kind="stable")].tolist()]

    def known(self, logits: Floats) -> list[bool]:
        """Whether each text belongs to any of the labels."""
        if self.spec.least is None:
            return [True] * len(logits)
        strangers = calibration.Strangers.of(self.spec.labels, self.spec.strangers)
        found: list[bool] = strangers.known(logits, self.spec.least).tolist()
        return found

    def paths(self, logits: Floats) -> Sequence[list[Label] | None]:
        """For labels like "A > B > C", of each text the likeliest at each level below the one before; None for other labels."""
        if self.spec.multi or not any(PATH in label for label in self.spec.labels):
            return [None] * len(logits)
        return [self._path(row) for row in logits]

    def _path(self, logits: Floats) -> list[Label]:
        """A level's probability is the sum of those below it, its logit the logarithm of the sum of their exponentials."""
        likely = calibration.probabilities(logits[None].astype(np.float64), multi=False)[0]
        parts = [label.split(PATH) for label in self.spec.labels]
        found: list[Label] = []
        chosen: list[str] = []
        while True:
            below = {
                tuple(part[: len(chosen) + 1]) for part in parts if part[: len(chosen)] == chosen and len(part) > len(chosen)
            }
            if not below:
                return found
            sums = {name: _under(parts, name, likely) for name in sorted(below)}
            best = max(sums, key=sums.__getitem__)
            under = [k for k, part in enumerate(parts) if tuple(part[: len(best)]) == best]
            logit = float(np.logaddexp.reduce(logits[under].astype(np.float64)))
            found.append(Label(PATH.join(best), sums[best], logit))
            chosen = list(best)


def _under(parts: list[list[str]], name: tuple[str, ...], likely: NDArray[np.float64]) -> float:
    return float(sum(likely[k] for k, part in enumerate(parts) if tuple(part[: len(name)]) == name))


def save(folder: Path, spec: Spec, model: linear.Linear | None) -> Path:
    """Write a classifier below a model's folder; an encoder's own files are put there by who made them."""
    place = folder / "classifiers" / spec.name
    place.mkdir(parents=True, exist_ok=True)
    if model is not None:
        model.save(place)
    if model is not None and spec.kind == "static":
        model.embedding.save(place / TABLE)
    (place / SPEC).write_bytes(msgspec.json.format(msgspec.json.encode(spec)))
    return place


def load(folder: Path, embedding: StaticEmbedding, ways: Mapping[str, Way] = NO_WAYS) -> dict[str, Classifier]:
    """Every classifier of a model's folder, the one that is asked by default first. Raises Misconfigured.

    `ways`: how networks are run, by their file in the folder.
    """
    found: dict[str, Classifier] = {}
    for file in sorted((folder / "classifiers").glob(f"*/{SPEC}")):
        try:
            spec = msgspec.json.decode(file.read_bytes(), type=Spec)
        except (OSError, msgspec.MsgspecError) as error:
            raise Misconfigured(
                f"the classifier in {file.parent.name} cannot be read ({error}): run `aisle train text`"
            ) from None
        way = ways.get(f"classifiers/{file.parent.name}/model.onnx", USUAL)
        found[spec.name] = Classifier(spec, _model(file.parent, spec, embedding, way))
    return dict(sorted(found.items(), key=lambda pair: _rank(pair[0])))


def _model(place: Path, spec: Spec, embedding: StaticEmbedding, way: Way) -> Model:
    if spec.kind != "encoder":
        own = static.load(place / TABLE) if spec.kind == "static" else embedding
        return linear.load(place, spec.inside, spec.static, own)
    from aisle.tasks.text import encoder

    bias = np.array(spec.bias or 0.0, np.float32)
    return encoder.load(place, calibration.Scaling(spec.temperature, bias), way)


def specs(folder: Path) -> dict[str, Spec]:
    """What the classifiers of a model's folder say of themselves, without opening them."""
    files = sorted((folder / "classifiers").glob(f"*/{SPEC}"))
    return {file.parent.name: msgspec.json.decode(file.read_bytes(), type=Spec) for file in files}


def _rank(name: str) -> tuple[int, str]:
    """Sentiment is what is asked most; what came with the task is last."""
    return ({"sentiment": 0, "unsafe": 2, "language": 3}.get(name, 1), name)
