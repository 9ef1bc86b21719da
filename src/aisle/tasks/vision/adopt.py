"""Image models made elsewhere (Hugging Face's layout) become ours: exported to ONNX, compared stage by stage.

ResNet, ConvNeXt, ViT, DINOv2, SigLIP and CLIP give features (and categories where they have a classifier); DETR, RT-DETR and
YOLOS give boxes. Features are the model's own pooled output. The map beside them is its last map or tokens, moved so that its
mean over places is exactly these features: reasons then add up to the logit, as with our own networks.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from msgspec.structs import replace

from aisle.errors import BadInput, Misconfigured
from aisle.kit.sessions import installed
from aisle.kit.softmax import Heads
from aisle.task import Progress, Scores
from aisle.tasks.vision import model as models
from aisle.tasks.vision.detector import Detector, DetectorCard
from aisle.tasks.vision.model import CATEGORY, HeadCard, Model, ModelCard, Space
from aisle.tasks.vision.trunk import Trunk, TrunkCard

LOOKERS = ("resnet", "convnext", "convnextv2", "vit", "dinov2", "siglip", "siglip_vision_model", "clip", "clip_vision_model")
DETECTORS = ("detr", "rt_detr", "yolos")
CLOSE = (
    1e-3  # largest difference of a stage to the original, relative to its largest value, before weights are stored at half width
)
CONVNEXT_WHOLE = 384  # pixels from which on ConvNeXt's preprocessor no longer cuts anything off


def adopt(source: str, folder: Path, progress: Progress) -> Scores:
    """Convert a model folder, or a hub's name where a hub can be reached; returns the differences of every stage.

    Raises Misconfigured without the train extra, BadInput for a model that cannot be read or is of another kind.
    """
    for package in ("torch", "onnx", "transformers"):
        if not installed(package):
            raise Misconfigured(f"taking over a model needs {package}: run `pip install 'aisle[train]'`")
    import transformers

    progress(0.0, 1.0, f"reading {source}")
    try:
        config = transformers.AutoConfig.from_pretrained(source, local_files_only=Path(source).is_dir())
    except (OSError, ValueError, KeyError) as error:
        first = str(error).strip().partition("\n")[0]
        raise BadInput(
            f"{source} is no image model that can be read ({first[:200]}): give its folder, or a name on the hub"
        ) from None
    kind = str(config.model_type)
    said = preprocessor(source)
    look = preprocessing(said, config)
    if kind in LOOKERS:
        scores = take_trunk(source, config, look | {"share": seen(said)}, folder, progress)
    elif kind in DETECTORS:
        scores = take_detector(source, config, look, folder, progress)
    else:
        raise BadInput(f"{source} is of the kind {kind!r}: taken over are {', '.join((*LOOKERS, *DETECTORS))}")
    progress(1.0, 1.0, "done")
    return scores


def take_trunk(source: str, config: Any, look: Mapping[str, Any], folder: Path, progress: Progress) -> Scores:
    """A network for features, with its own categories where it has them."""
    import torch

    from aisle.tasks.vision.adopted import Looker, stages
    from aisle.tasks.vision.export import compare, export

    net = Looker.open(source, config)
    example = torch.rand(2, 3, look["side"], look["side"], generator=torch.Generator().manual_seed(0))
    example = (example - torch.tensor(look["mean"])[:, None, None]) / torch.tensor(look["spread"])[:, None, None]
    scores: Scores = {}
    progress(0.2, 1.0, "comparing stages")
    with TemporaryDirectory() as where:
        every = stages(net)
        names = [f"stage_{number}" for number in range(every.count)]
        export(every, example, Path(where) / "stages.onnx", names, half=False)
        for number, name in enumerate(names):
            scores[f"{name}_difference"] = compare(every, example, Path(where) / "stages.onnx", [name], only=number)
    worst = max(scores.values())
    if not worst <= CLOSE:
        raise Misconfigured(f"a stage of the exported network differs from the original by {worst:.2%}: it is not used")
    progress(0.6, 1.0, "exporting")
    scores["stored_difference"] = export(net, example, folder / "trunk.onnx", ["features", "map"])
    card = TrunkCard(name=str(config.model_type), width=net.width, whole=False, colours=False, **look)
    heads, cards = net.own_head(config)
    trunk = Trunk.open(card, folder)
    model = Model(ModelCard(trunk=card, heads=cards), trunk, heads, Space(np.zeros(net.width, np.float32), None))
    _keep_detector(model, folder)
    models.save(model, folder)
    return scores | {"features": float(net.width), "labels": float(len(heads.bias))}


def take_detector(source: str, config: Any, look: Mapping[str, Any], folder: Path, progress: Progress) -> Scores:
    """A network for boxes; features and categories stay those of the starter."""
    import torch

    from aisle.tasks.vision.adopted import Finder
    from aisle.tasks.vision.export import compare, export

    net = Finder.open(source)
    example = torch.rand(1, 3, look["side"], look["side"], generator=torch.Generator().manual_seed(0))
    progress(0.3, 1.0, "exporting")
    with TemporaryDirectory() as where:
        plain = Path(where) / "plain.onnx"
        export(net, example, plain, ["logits", "boxes"], half=False)
        scores = {
            f"{name}_difference": compare(net, example, plain, [name], only=k) for k, name in enumerate(("logits", "boxes"))
        }
    if not max(scores.values()) <= CLOSE:
        raise Misconfigured(f"the exported detector differs from the original by {max(scores.values()):.2%}: it is not used")
    scores["stored_difference"] = export(net, example, folder / "detector.onnx", ["logits", "boxes"])
    labels = [str(config.id2label[k]) for k in sorted(config.id2label)]
    card = DetectorCard(
        name=str(config.model_type), kind="detr", labels=labels, background=config.model_type != "rt_detr", **look
    )
    starter = models.load(models.STARTER)
    shutil.copyfile(models.STARTER / starter.card.trunk.file, folder / starter.card.trunk.file)
    starter.card = replace(starter.card, detector=card)
    starter.detector = Detector.open(card, folder)
    models.save(starter, folder)
    return scores | {"labels": float(len(labels))}


def preprocessing(said: Mapping[str, Any], config: Any) -> dict[str, Any]:
    """Side, mean and spread as the model's own preprocessor has them."""
    vision = getattr(config, "vision_config", config)
    size = (said.get("do_center_crop") and said.get("crop_size")) or said.get("size") or getattr(vision, "image_size", None)
    mean, spread = said.get("image_mean") or [0.5] * 3, said.get("image_std") or [0.5] * 3
    if said.get("do_normalize") is False:
        mean, spread = [0.0] * 3, [1.0] * 3
    return {"side": _pixels(size) or 224, "mean": tuple(map(float, mean)), "spread": tuple(map(float, spread))}


def seen(said: Mapping[str, Any]) -> float:
    """The share of the largest square in the middle that the model was made to look at, in length."""
    shorter, side = _pixels(said.get("size")), _pixels(said.get("crop_size"))
    if said.get("do_center_crop"):
        return min(side / shorter, 1.0) if side and shorter else 1.0
    if said.get("crop_pct") and shorter < CONVNEXT_WHOLE:
        return min(float(said["crop_pct"]), 1.0)
    return 1.0


def preprocessor(source: str) -> dict[str, Any]:
    """What preprocessor_config.json says; nothing where there is none."""
    import transformers

    try:
        said, _ = transformers.ImageProcessingMixin.get_image_processor_dict(source)
    except OSError:
        return {}
    return dict(said)


def _pixels(size: Any) -> int:
    """Of a side, however it is written; 0 where nothing is said."""
    if isinstance(size, Mapping):
        size = size.get("height") or size.get("shortest_edge")
    elif isinstance(size, list | tuple):
        size = size[0]
    return int(size or 0)


def head_of(weights: Any, bias: Any, config: Any) -> tuple[Heads, list[HeadCard]]:
    """A classifier of theirs as a head of ours."""
    labels = [str(config.id2label[k]) for k in sorted(config.id2label)]
    heads = Heads(weights.detach().numpy().astype(np.float32), bias.detach().numpy().astype(np.float32), (0, len(labels)))
    return heads, [HeadCard(name=CATEGORY, labels=labels)]


def no_head(width: int) -> tuple[Heads, list[HeadCard]]:
    return Heads(np.zeros((0, width), np.float32), np.zeros(0, np.float32), (0,)), []


def _keep_detector(model: Model, folder: Path) -> None:
    """The starter's detector stays beside another network's features."""
    starter = models.load(models.STARTER)
    if starter.card.detector is not None:
        shutil.copyfile(models.STARTER / starter.card.detector.file, folder / starter.card.detector.file)
        model.card = replace(model.card, detector=starter.card.detector)
        model.detector = Detector.open(starter.card.detector, folder)
