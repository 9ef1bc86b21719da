"""Hugging Face's image models behind our own outputs: features and their map, or class scores and boxes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from aisle.kit.softmax import Heads
from aisle.tasks.vision import adopt
from aisle.tasks.vision.model import HeadCard


class Looker(nn.Module):
    """Pictures to (features, map), the mean of the map being the features."""

    def __init__(self, model: nn.Module, classifier: nn.Linear | None, kind: str, width: int) -> None:
        super().__init__()
        self.model, self.classifier, self.kind, self.width = model, classifier, kind, width

    @staticmethod
    def open(source: str, config: Any) -> Looker:
        """The model as it was saved, with its classifier where it has one."""
        import transformers

        names = " ".join(config.architectures or ())
        kind = str(config.model_type)
        if "ForImageClassification" in names:
            whole = transformers.AutoModelForImageClassification.from_pretrained(source).eval()
            found = whole.classifier
            classifier = found[-1] if isinstance(found, nn.Sequential) else found
            model = getattr(whole, whole.base_model_prefix)
            if (kind == "vit" and model.pooler is not None) or not isinstance(classifier, nn.Linear):
                classifier = None
            return Looker(model, classifier, kind, classifier.in_features if classifier is not None else _width(config))
        model = transformers.AutoModel.from_pretrained(source).eval()
        shared = kind == "clip"  # its own space, which texts share
        width = int(config.projection_dim) if shared else _width(getattr(config, "vision_config", config))
        return Looker(model, None, kind.removesuffix("_vision_model"), width)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        pooled, tokens, _ = self.look(pixels)
        if tokens.dim() == 3:  # (batch, places, width) of a square of places
            side, width = int(tokens.shape[1] ** 0.5), int(tokens.shape[2])
            tokens = tokens.transpose(1, 2).reshape(-1, width, side, side)  # (batch, width, side, side)
        if self.kind == "resnet":
            return tokens.mean((2, 3)), tokens
        return pooled, tokens - tokens.mean((2, 3), keepdim=True) + pooled[:, :, None, None]

    def look(self, pixels: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """(pooled, last map or tokens, every stage)"""
        if self.kind == "clip":
            found = self.model.vision_model(pixels, output_hidden_states=True)  # type: ignore[operator]
            project, norm = self.model.visual_projection, self.model.vision_model.post_layernorm  # type: ignore[union-attr]
            return project(found.pooler_output), project(norm(found.last_hidden_state[:, 1:])), list(found.hidden_states)  # type: ignore[operator]
        body = self.model.vision_model if self.kind == "siglip" and hasattr(self.model, "vision_model") else self.model
        found = body(pixels, output_hidden_states=True)  # type: ignore[operator]
        last = found.last_hidden_state
        states = list(found.hidden_states)
        if last.dim() == 4:
            return found.pooler_output.flatten(1), last, states
        if self.kind == "siglip":
            return found.pooler_output, last, states
        pooled = last[:, 0]
        if self.kind == "dinov2" and self.classifier is not None:  # its classifier sees both, one after another
            pooled = torch.cat([last[:, 0], last[:, 1:].mean(1)], 1)
            return pooled, torch.cat([last[:, 1:], last[:, 1:]], 2), states
        return pooled, last[:, 1:], states

    def own_head(self, config: Any) -> tuple[Heads, list[HeadCard]]:
        if self.classifier is None:
            return adopt.no_head(self.width)
        return adopt.head_of(self.classifier.weight, self.classifier.bias, config)


class Stages(nn.Module):
    """Every stage of a network, then its features and its map."""

    def __init__(self, inner: Looker, count: int) -> None:
        super().__init__()
        self.inner, self.count = inner, count

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        *_, states = self.inner.look(pixels)
        features, tokens = self.inner(pixels)
        return (*states, features, tokens)


def stages(net: Looker) -> Stages:
    """The same network with all its stages as outputs."""
    side = 64 if net.kind in ("resnet", "convnext", "convnextv2") else _side(net)
    with torch.no_grad():
        count = len(net.look(torch.zeros(1, 3, side, side))[2]) + 2
    return Stages(net, count)


class Finder(nn.Module):
    """Pictures to (class scores before the softmax, boxes as centre and size in shares of the picture)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    @staticmethod
    def open(source: str) -> Finder:
        import transformers

        return Finder(transformers.AutoModelForObjectDetection.from_pretrained(source).eval())

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        found = self.model(pixels)
        return found.logits, found.pred_boxes


def _width(config: Any) -> int:
    sizes = getattr(config, "hidden_sizes", None)
    return int(sizes[-1] if sizes else config.hidden_size)


def _side(net: Looker) -> int:
    config: Any = net.model.config
    return int(getattr(config, "vision_config", config).image_size)
