"""The recogniser as the platform runs it: prepare (decode, resize), run (the networks), finish (labels, reasons)."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from aisle.errors import BadInput, NoModel
from aisle.explain import reduce
from aisle.kit import images
from aisle.kit.sessions import Way
from aisle.kit.softmax import Floats, probabilities
from aisle.task import Answer, Context, Prepared
from aisle.tasks.vision import heat
from aisle.tasks.vision import model as models
from aisle.tasks.vision.detector import Found, standing_out
from aisle.tasks.vision.model import CATEGORY, Model
from aisle.tasks.vision.schema import (
    Classify,
    Describe,
    Described,
    Detect,
    Detected,
    Embedded,
    Example,
    HeatMap,
    Label,
    Object,
    Seen,
)
from aisle.tasks.vision.trunk import View

DECODES = 4  # pictures that are decoded at once: each may hold 100 MB while it is
FEW, MANY = 3, 8  # examples in a brief and a full answer
MAPS = 3  # heat maps of `classify`
NOTHING = 4.0  # levels of 255 by which a picture of something varies at least
COSTS = {"detect": 8.0, "classify": 4.0, "describe": 4.0, "embed": 4.0}  # a batch holds about 16 pictures


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture ready for the detector."""

    pixels: Floats
    image: Image.Image
    decoded: images.Decoded


class VisionEngine:
    """A loaded model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._decoding = threading.BoundedSemaphore(DECODES)
        self._head = {head.name: place for place, head in enumerate(model.card.heads)}

    def prepare(self, op: str, request: Any, context: Context) -> Prepared:
        """Decode and resize. Raises BadInput, TooLarge, Unsupported for the picture, NoModel without such a head."""
        if op == "classify" and CATEGORY not in self._head:
            raise NoModel(
                "vision has not learnt categories yet: give items a category and pictures, then run `aisle train vision`"
            )
        if op == "detect":
            return Prepared(self._scene(context.media, request), COSTS[op])
        box = request.box
        decoded = self._decode(context.media, 0 if box else self.model.card.trunk.short)
        if box is not None and not (box[0] < box[2] and box[1] < box[3] and box[0] < decoded.width and box[1] < decoded.height):
            raise BadInput(
                f"the box {list(box)} is not inside the picture of {decoded.width} x {decoded.height} pixels: "
                "give x0 < x1 and y0 < y1",
                param="/box",
            )
        return Prepared((self.model.trunk.view(decoded, box), request), COSTS[op])

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        """One picture after another: on processors that is as fast as all together, and takes little memory."""
        if op == "detect":
            return [self._detect(*one.data) for one in batch]
        if op == "embed":
            return [self.model.space.embed(self.model.trunk.features([one.data[0]]))[0] for one in batch]
        look = self._classify if op == "classify" else self._describe
        return [look(*one.data) for one in batch]

    def finish(self, op: str, request: Any, result: Any) -> Answer:
        if op == "embed":
            return Embedded(embedding=result.tolist())
        answer: Answer = result
        return answer

    # ---- classify and describe ---------------------------------------------------------------------------------

    def _classify(self, view: View, request: Classify) -> Seen:
        look = Look.at(self.model, view, maps=request.explain != "none")
        head = self._head[CATEGORY]
        labels = look.labels(head, request.n)
        known, familiarity = look.familiar()
        answer = Seen(labels=labels, known=known, familiarity=familiarity)
        if request.explain != "none":
            answer.reasons = reduce(look.reasons(head, labels[0].label), request.explain)
            answer.examples = self._examples(look.features, MANY if request.explain == "full" else FEW)
        if request.explain == "full":
            answer.heat_maps = [look.heat_map(head, label.label) for label in labels[:MAPS]]
        return answer

    def _describe(self, view: View, request: Describe) -> Described:
        look = Look.at(self.model, view, maps=request.explain != "none")
        heads = {name: place for name, place in self._head.items() if name != CATEGORY}
        attributes = {name: look.labels(place, request.n) for name, place in heads.items()}
        known, familiarity = look.familiar()
        answer = Described(attributes=attributes, known=known, familiarity=familiarity)
        if request.explain != "none":
            answer.reasons = [look.strongest(heads[name], labels[0].label) for name, labels in attributes.items()]
        if request.explain == "full":
            answer.heat_maps = [look.heat_map(heads[name], labels[0].label) for name, labels in attributes.items()]
        return answer

    def _examples(self, features: Floats, count: int) -> list[Example]:
        """The nearest pictures that were trained on, nearest first."""
        known = self.model.examples
        if known is None or not known.names:
            return []
        alike = known.vectors @ self.model.space.embed(features)[0]
        nearest = np.argsort(-alike, kind="stable")[:count]
        return [Example(known.names[k], known.labels[k], float(alike[k])) for k in nearest]

    # ---- detect ------------------------------------------------------------------------------------------------

    def _scene(self, content: bytes, request: Detect) -> tuple[Scene, Detect]:
        detector = self.model.detector
        side = detector.card.side if detector is not None else self.model.card.trunk.side
        closer = request.classify or (detector is not None and detector.regions is not None)
        decoded = self._decode(content, 0 if closer else side)
        pixels = detector.prepare(decoded.image) if detector is not None else np.zeros((3, 1, 1), np.float32)
        return Scene(pixels, decoded.image, decoded), request

    def _detect(self, scene: Scene, request: Detect) -> Detected:
        width, height = scene.decoded.width, scene.decoded.height
        found = self._found(scene, request)
        if not found and (thing := standing_out(scene.image, width, height)) and thing.probability >= request.threshold:
            found = [thing]
        categories = self._categories(scene, found) if request.classify and CATEGORY in self._head else [None] * len(found)
        objects = [
            Object(one.label, one.probability, one.box, one.by, labels) for one, labels in zip(found, categories, strict=True)
        ]
        return Detected(objects=objects, width=width, height=height)

    def _found(self, scene: Scene, request: Detect) -> list[Found]:
        detector = self.model.detector
        if detector is None:
            return []
        width, height = scene.decoded.width, scene.decoded.height
        if detector.regions is None:
            return detector.find(scene.pixels, width, height, threshold=request.threshold, most=request.n)
        boxes = detector.propose(scene.pixels, width, height)
        features = crops(self.model, scene.decoded, boxes)
        return detector.name(boxes, features, threshold=request.threshold, most=request.n)

    def _categories(self, scene: Scene, found: list[Found]) -> list[list[Label] | None]:
        views = [self.model.trunk.view(scene.decoded, one.box) for one in found]
        return [Look.at(self.model, view, maps=False).labels(self._head[CATEGORY], 3) for view in views]

    def _decode(self, content: bytes, side: int) -> images.Decoded:
        with self._decoding:
            return images.decode(content, side=side)


@dataclass(slots=True)
class Look:
    """One picture through the network."""

    model: Model
    view: View
    features: Floats  # (1, width)
    maps: Floats | None  # (width of the network, height, width)
    logits: Floats  # (classes of all heads,)

    @staticmethod
    def at(model: Model, view: View, *, maps: bool) -> Look:
        if maps:
            features, grids = model.trunk.maps([view])
            return Look(model, view, features, grids[0], model.heads.logits(features)[0])
        features = model.trunk.features([view])
        return Look(model, view, features, None, model.heads.logits(features)[0])

    def labels(self, head: int, count: int) -> list[Label]:
        """The likeliest labels of a head."""
        card, logits = self.model.card.heads[head], self.model.heads.part(self.logits[None], head)[0]
        p = probabilities(logits, card.temperature)
        order = np.argsort(-p, kind="stable")[:count]
        return [Label(card.labels[k], float(p[k]), float(logits[k])) for k in order]

    def familiar(self) -> tuple[bool, float]:
        """Whether the model knows such things, and how many known ones look as strange."""
        if float(np.asarray(self.view.square).std((0, 1)).max()) < NOTHING:
            return False, 0.0  # one colour all over: a picture of nothing
        if self.model.familiar is None:
            return True, 1.0
        share = float(self.model.familiar.share(self.features, self.model.categories(self.features))[0])
        return share > self.model.card.reject, share

    def parts(self, head: int, label: str) -> tuple[list[Floats], float]:
        """What every place adds to a label's logit, and the bias."""
        assert self.maps is not None
        row = self.model.heads.bounds[head] + self.model.card.heads[head].labels.index(label)
        weights = self.model.heads.weights[row]
        shares = heat.shares(weights, self.maps, self.view.square, with_colours=self.model.card.trunk.colours)
        return shares, float(self.model.heads.bias[row])

    def reasons(self, head: int, label: str) -> list[Any]:
        parts, bias = self.parts(head, label)
        return heat.reasons(parts, bias, label)

    def strongest(self, head: int, label: str) -> Any:
        return heat.strongest(self.parts(head, label)[0], label)

    def heat_map(self, head: int, label: str) -> HeatMap:
        parts, _ = self.parts(head, label)
        return HeatMap(label, self.model.card.heads[head].name, heat.png(heat.heat(parts)), self.view.box)


def crops(model: Model, decoded: images.Decoded, boxes: Floats) -> Floats:
    """The features of the parts of a picture inside boxes: (boxes, features)."""
    if not len(boxes):
        return np.zeros((0, model.trunk.width), np.float32)
    views = [model.trunk.view(decoded, (float(b[0]), float(b[1]), float(b[2]), float(b[3]))) for b in boxes]
    return np.concatenate([model.trunk.features([view]) for view in views])


def load(folder: Path, ways: Mapping[str, Way] = MappingProxyType({})) -> VisionEngine:
    """Open a trained model, or the one that comes along; `ways` of running its networks by their files' names."""
    return VisionEngine(models.load(folder, ways))
