"""Hugging Face's image models, made small and random here, become models of ours that compute the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aisle.errors import BadInput
from aisle.kit import images
from aisle.tasks.vision.adopt import adopt
from aisle.tasks.vision.engine import load

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "image_size": 32,
    "patch_size": 8,
}


def resnet() -> Any:
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 1, 1], num_labels=3)
    return transformers.ResNetForImageClassification(config)


def convnext() -> Any:
    config = transformers.ConvNextConfig(hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 1, 1], num_labels=3, image_size=32)
    return transformers.ConvNextForImageClassification(config)


def vit() -> Any:
    return transformers.ViTForImageClassification(transformers.ViTConfig(**SMALL, num_labels=3))


def siglip() -> Any:
    return transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**SMALL))


def clip() -> Any:
    vision = {**SMALL}
    text = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24, "vocab_size": 40}
    return transformers.CLIPModel(transformers.CLIPConfig(vision_config=vision, text_config=text, projection_dim=12))


def yolos() -> Any:
    config = transformers.YolosConfig(**{**SMALL, "image_size": [32, 32]}, num_detection_tokens=5, num_labels=3)
    return transformers.YolosForObjectDetection(config)


def dinov2() -> Any:
    return transformers.Dinov2ForImageClassification(transformers.Dinov2Config(**SMALL, num_labels=3))


def backbone(stages: list[str]) -> Any:
    return transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 1, 1], out_features=stages)


def detr() -> Any:
    config = transformers.DetrConfig(
        backbone_config=backbone(["stage4"]), use_timm_backbone=False, use_pretrained_backbone=False, backbone=None,
        d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=24, decoder_ffn_dim=24, num_queries=6, num_labels=3,
    )  # fmt: skip
    return transformers.DetrForObjectDetection(config)


def rt_detr() -> Any:
    config = transformers.RTDetrConfig(
        backbone_config=backbone(["stage2", "stage3", "stage4"]), encoder_in_channels=[12, 16, 20], encoder_hidden_dim=16,
        encoder_attention_heads=2, encoder_ffn_dim=24, feat_strides=[8, 16, 32], d_model=16, num_queries=6,
        decoder_in_channels=[16, 16, 16], decoder_ffn_dim=24, decoder_attention_heads=2, decoder_layers=2, num_labels=3,
        num_denoising=0, hidden_expansion=1.0,
    )  # fmt: skip
    model = transformers.RTDetrForObjectDetection(config)
    for weight in model.parameters():  # fresh ones score every place alike, and which of them are chosen is then anybody's guess
        weight.data += 0.3 * torch.randn_like(weight)
    return model


def saved(folder: Path, make: Callable[[], Any]) -> Any:
    torch.manual_seed(0)
    model = make().eval()
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        '{"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}, '
        '"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}'
    )
    return model


def photo() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8))


def pixels() -> Any:
    x = np.asarray(photo(), np.float32) / 255
    return torch.tensor(((x - [0.5, 0.4, 0.3]) / [0.2, 0.3, 0.4]).transpose(2, 0, 1)[None], dtype=torch.float32)


@pytest.mark.parametrize("make", [resnet, convnext, vit, dinov2])
def test_a_classifier_says_what_the_original_says_and_its_map_adds_up(tmp_path: Path, make: Callable[[], Any]) -> None:
    model = saved(tmp_path / "theirs", make)
    ours = tmp_path / "ours"
    ours.mkdir()
    scores = adopt(str(tmp_path / "theirs"), ours, lambda done, total, message: None)
    stages = [value for name, value in scores.items() if name.startswith("stage_")]
    assert len(stages) >= 4 and max(stages) < 1e-4 and scores["stored_difference"] < 2e-2
    engine = load(ours)
    view = engine.model.trunk.view(images.Decoded(photo(), 32, 32))
    assert np.allclose(view.pixels, pixels()[0].numpy(), atol=1e-5)
    features, maps = engine.model.trunk.maps([view])
    assert np.allclose(maps.mean((2, 3)), features, atol=1e-3)
    with torch.no_grad():
        theirs = model(pixels()).logits[0].numpy()
    assert np.allclose(engine.model.heads.logits(features)[0], theirs, atol=0.02 * np.abs(theirs).max() + 1e-3)


@pytest.mark.parametrize(
    ("kind", "settings", "share"),
    [
        ("ConvNext", {"size": {"shortest_edge": 64}, "crop_pct": 0.8}, 0.8),  # as microsoft/resnet-50 has it too
        ("ConvNext", {"size": {"shortest_edge": 384}, "crop_pct": 0.875}, 1.0),
        ("Bit", {"size": {"shortest_edge": 80}, "crop_size": {"height": 64, "width": 64}}, 0.8),
        ("CLIP", {"size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64}}, 1.0),
    ],
)
def test_a_model_sees_the_part_of_a_picture_that_its_own_preprocessor_cuts_out(
    tmp_path: Path, kind: str, settings: dict[str, Any], share: float
) -> None:
    theirs = getattr(transformers, f"{kind}ImageProcessorPil")(**settings, image_mean=[0.0] * 3, image_std=[1.0] * 3)
    saved(tmp_path / "theirs", resnet)
    theirs.save_pretrained(tmp_path / "theirs")
    ours = tmp_path / "ours"
    ours.mkdir()
    adopt(str(tmp_path / "theirs"), ours, lambda done, total, message: None)
    trunk = load(ours).model.trunk
    assert trunk.card.share == share
    y, x = np.mgrid[0:270, 0:270]
    photo = Image.fromarray(np.stack([y / 2, x / 2, 128 + 90 * np.sin(x / 20) * np.cos(y / 25)], -1).astype(np.uint8))
    wanted = theirs(photo, return_tensors="np")["pixel_values"][0]
    square = trunk.view(images.Decoded(photo, *photo.size)).pixels
    assert square.shape == wanted.shape and np.abs(square - wanted).max() < 0.04


@pytest.mark.parametrize("make", [siglip, clip])
def test_an_encoder_gives_its_own_pooled_features(tmp_path: Path, make: Callable[[], Any]) -> None:
    model = saved(tmp_path / "theirs", make)
    ours = tmp_path / "ours"
    ours.mkdir()
    adopt(str(tmp_path / "theirs"), ours, lambda done, total, message: None)
    engine = load(ours)
    features = engine.model.trunk.features([engine.model.trunk.view(images.Decoded(photo(), 32, 32))])[0]
    with torch.no_grad():
        if make is clip:
            theirs = model.visual_projection(model.vision_model(pixels()).pooler_output)[0].numpy()
        else:
            theirs = model(pixels()).pooler_output[0].numpy()
    assert np.allclose(features, theirs, atol=0.02 * np.abs(theirs).max())


@pytest.mark.parametrize("make", [detr, rt_detr, yolos])
def test_a_detector_finds_the_boxes_of_the_original(tmp_path: Path, make: Callable[[], Any]) -> None:
    model = saved(tmp_path / "theirs", make)
    ours = tmp_path / "ours"
    ours.mkdir()
    scores = adopt(str(tmp_path / "theirs"), ours, lambda done, total, message: None)
    assert scores["logits_difference"] < 1e-4 and scores["boxes_difference"] < 1e-4
    detector = load(ours).model.detector
    assert detector is not None
    boxes, _, classes = detector.look(detector.prepare(photo()), 32, 32)
    with torch.no_grad():
        found = model(pixels())
    centre = found.pred_boxes[0].numpy() * 32
    assert np.allclose((boxes[:, :2] + boxes[:, 2:]) / 2, centre[:, :2], atol=0.5)
    sure = found.logits[0].sigmoid() if make is rt_detr else found.logits[0].softmax(-1)[:, :-1]
    assert np.allclose(classes, sure.numpy(), atol=0.01)


def test_what_is_no_image_model_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no image model"):
        adopt(str(tmp_path), tmp_path, lambda done, total, message: None)
    transformers.BertConfig(hidden_size=8, num_attention_heads=1, num_hidden_layers=1).save_pretrained(tmp_path)
    with pytest.raises(BadInput, match="bert"):
        adopt(str(tmp_path), tmp_path, lambda done, total, message: None)
