"""Makes the recogniser that comes with Aisle (src/aisle/tasks/vision/starter) from public weights and public data sets.

    python scripts/vision_starter.py DATA [--cache FILE.npz] [--heads-only | --familiar-only | --card-only]

DATA holds `weights/` and `image/` as docs/vision.md describes. Needs the train extra; reading Google's quantised weights needs
ai-edge-litert beside it. Photos are looked at and never copied: the folder holds networks, linear heads and vectors.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import re
import shutil
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from aisle.kit import images  # noqa: E402
from aisle.kit import softmax as sm  # noqa: E402
from aisle.tasks.vision import familiar, space  # noqa: E402
from aisle.tasks.vision import model as models  # noqa: E402
from aisle.tasks.vision.detector import Detector, DetectorCard  # noqa: E402
from aisle.tasks.vision.fit import measured  # noqa: E402
from aisle.tasks.vision.model import HeadCard, Model, ModelCard  # noqa: E402
from aisle.tasks.vision.pictures import Division, Vocabulary  # noqa: E402
from aisle.tasks.vision.trunk import Trunk, TrunkCard  # noqa: E402

STARTER = ROOT / "src" / "aisle" / "tasks" / "vision" / "starter"
SIDE = 160  # most of the photos are 60 x 80
LEAST = 25  # pictures a label needs
DIMENSIONS = 128
CREDITS = {
    "network": "MobileNetV2 1.0/224 (Sandler et al., 2018), Google's ImageNet weights, Apache-2.0; "
    "here without its ImageNet head, 16-bit",
    "detector": "YOLOX-Nano, COCO (Ge et al., 2021), Megvii's weights, Apache-2.0",
    "learnt_from": "heads: Fashion Product Images (Small), 44,072 photos of Myntra's catalogue (Kaggle, P. Aggarwal), "
    "and the training "
    "photos of the Grocery Store Dataset (Klasson et al., 2019), MIT; no photo is in this folder",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, help="keep the features of all photos here")
    parser.add_argument("--heads-only", action="store_true", help="the networks are in the folder already")
    parser.add_argument("--familiar-only", action="store_true", help="so are the heads; learn again what tells strangers")
    parser.add_argument("--card-only", action="store_true", help="measure what is in the folder, and write its card again")
    given = parser.parse_args()
    STARTER.mkdir(exist_ok=True)
    if given.familiar_only:
        model = models.load(STARTER)
        rows = [row for row in labelled(given.data / "image") if tells_strangers(row)]
        learn_familiar(model, rows, cached(given.cache, rows, model.trunk))
        return
    if given.card_only:
        model, rows = models.load(STARTER), list(labelled(given.data / "image"))
        write_card(*measure(model, rows, cached(given.cache, rows, model.trunk)))
        return
    if not given.heads_only:
        write_network(given.data / "weights" / "mobilenet_v2_imagenet")
        shutil.copyfile(given.data / "weights" / "yolox_nano_coco" / "yolox_nano.onnx", STARTER / "detector.onnx")
    trunk = Trunk.open(TrunkCard(name="mobilenet_v2", width=1280, side=SIDE), STARTER)
    rows = list(labelled(given.data / "image"))
    features = cached(given.cache, rows, trunk)
    scores, labels = learn(rows, features, trunk, detector(given.data))
    write_card(scores, labels)


def write_network(folder: Path) -> None:
    """Google's 8-bit weights as numbers, in our own network, as ONNX."""
    import torch

    from aisle.tasks.vision.export import WithMean, export
    from aisle.tasks.vision.nets.mobilenet_v2 import MobileNetV2

    net, weights = MobileNetV2(), dequantised(next(folder.glob("*.tflite")))
    put(net.stem, weights, "Conv")
    put(net.last, weights, "Conv_1")
    for number, block in enumerate(net.blocks):
        name = "expanded_conv" + (f"_{number}" if number else "")
        if block.expand is not None:
            put(block.expand, weights, f"{name}/expand")
        put(block.filter, weights, f"{name}/depthwise")
        put(block.project, weights, f"{name}/project")
    torch.manual_seed(0)
    example = torch.rand(2, 3, SIDE, SIDE) * 2 - 1
    difference = export(WithMean(net), example, STARTER / "trunk.onnx", ["features", "map"], sides_change=True)
    print(f"trunk.onnx: {difference:.2e} from torch, {(STARTER / 'trunk.onnx').stat().st_size / 1e6:.2f} MB")


def dequantised(path: Path) -> dict[str, np.ndarray]:
    """(8-bit number − zero point) · scale for every weight and bias of the file."""
    from ai_edge_litert.interpreter import Interpreter

    reader, found = Interpreter(str(path)), {}
    reader.allocate_tensors()
    name = re.compile(r"MobilenetV2/(Conv_1|Conv|expanded_conv(?:_\d+)?/(?:expand|depthwise|project))/")
    for tensor in reader.get_tensor_details():
        if not (match := name.match(tensor["name"])):
            continue
        scale, zero = tensor["quantization"]
        if tensor["dtype"] == np.int32:
            found[f"{match[1]}/bias"] = reader.get_tensor(tensor["index"]) * float(scale)
        elif "weights_quant" in tensor["name"]:
            found[f"{match[1]}/weights"] = (reader.get_tensor(tensor["index"]).astype(float) - zero) * float(scale)
    return found


def put(layer: Any, weights: dict[str, np.ndarray], name: str) -> None:
    import torch

    order = (3, 0, 1, 2) if "depthwise" in name else (0, 3, 1, 2)  # TensorFlow's to torch's
    layer.conv.weight.data = torch.tensor(weights[f"{name}/weights"].transpose(order).copy(), dtype=torch.float32)
    layer.conv.bias.data = torch.tensor(weights[f"{name}/bias"], dtype=torch.float32)


Row = tuple[zipfile.ZipFile, str, dict[str, str], str]  # archive, name in it, labels, split


def labelled(folder: Path) -> Iterator[Row]:
    """Myntra's products (test: crc32(id) mod 10 = 0, validation: 1; the ids of the retrieval truth never), then groceries."""
    myntra = folder / "myntra-fashion-small"
    with gzip.open(myntra / "kagl_ground_truth.json.gz", "rt") as file:
        truth = {str(one) for ids in json.load(file)["text-image"].values() for one in ids}
    archives = {name: z for path in sorted(myntra.glob("images-*.zip")) for z in [zipfile.ZipFile(path)] for name in z.namelist()}
    with gzip.open(myntra / "products.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            name, fold = f"{row['product_id']}.webp", zlib.crc32(row["product_id"].encode()) % 10
            split = "test" if fold == 0 else "none" if row["product_id"] in truth else "validation" if fold == 1 else "train"
            said = {"category": "articleType", "colour": "baseColour", "gender": "gender", "usage": "usage"}
            labels = {ours: row[theirs] for ours, theirs in said.items() if row[theirs] and row[theirs] != "NA"}
            yield archives[name], name, labels, split
    yield from groceries(folder / "grocery-store")


def groceries(folder: Path) -> Iterator[Row]:
    coarse = {
        row["Coarse Class ID (int)"]: row["Coarse Class Name (str)"] for row in csv.DictReader((folder / "classes.csv").open())
    }
    archives = {name: z for path in sorted(folder.glob("*-[0-9].zip")) for z in [zipfile.ZipFile(path)] for name in z.namelist()}
    for part, split in (("train", "train"), ("val", "validation"), ("test", "test")):
        for line in (folder / f"{part}.txt").read_text().splitlines():
            path, _, code = (cell.strip() for cell in line.split(","))
            name = path.replace(".jpg", ".webp")
            yield archives[name], name, {"category": coarse[code].replace("-", " ")}, split


def cached(path: Path | None, rows: list[Row], trunk: Trunk) -> sm.Floats:
    if path is not None and path.exists():
        return np.load(path)["features"].astype(np.float32)
    found = np.zeros((len(rows), trunk.width), np.float16)
    began = time.monotonic()
    for number, (archive, name, _, _) in enumerate(rows):
        decoded = images.Decoded(Image.open(io.BytesIO(archive.read(name))).convert("RGB"), 1, 1)
        found[number] = trunk.features([trunk.view(images.Decoded(decoded.image, *decoded.image.size))])[0]
        if number % 2000 == 0:
            print(f"{number:,} of {len(rows):,} photos, {time.monotonic() - began:.0f} s", flush=True)
    if path is not None:
        np.savez(path, features=found)
    return found.astype(np.float32)


def learn(rows: list[Row], features: sm.Floats, trunk: Trunk, found: Detector) -> tuple[dict[str, float], Vocabulary]:
    labels, splits = [row[2] for row in rows], np.array([row[3] for row in rows])
    train, validation = (np.flatnonzero(splits == name) for name in ("train", "validation"))
    words = Vocabulary.of([labels[row] for row in train], LEAST, 500)
    codes = words.codes(labels)
    heads = sm.learn(features[train], codes[train], words.sizes, decay=3e-3, balance=0.25, steps=100)
    heads = sm.Heads(heads.weights.astype(np.float16).astype(np.float32), heads.bias, heads.bounds)
    logits = heads.logits(features[validation])
    cards = [
        HeadCard(name=name, labels=known, temperature=sm.temperature(heads.part(logits, k), codes[validation, k]))
        for k, (name, known) in enumerate(zip(words.names, words.labels, strict=True))
    ]
    where = space.learn(features[train], [labels[row].get("category", "") for row in train], DIMENSIONS)
    model = Model(ModelCard(trunk=trunk.card, heads=cards, detector=found.card), trunk, heads, where, detector=found)
    models.save(model, STARTER)
    there = [k for k, row in enumerate(rows) if tells_strangers(row)]
    learn_familiar(model, [rows[k] for k in there], features[there])
    return measure(model, rows, features)


def measure(model: Model, rows: list[Row], features: sm.Floats) -> tuple[dict[str, float], Vocabulary]:
    """What the card says of the model: figures on the test photos."""
    labels, splits = [row[2] for row in rows], np.array([row[3] for row in rows])
    train, validation, test = (np.flatnonzero(splits == name) for name in ("train", "validation", "test"))
    words = Vocabulary.of([labels[row] for row in train], LEAST, 500)
    if words.labels != [list(head.labels) for head in model.card.heads]:
        raise SystemExit("the heads in the folder have other labels than the data: run without --card-only")
    scores = measured(model, features, words.codes(labels), Division(train, validation, test, 0, []))
    for name, value in scores.items():
        print(f"{name:32} {value:.3f}")
    return scores | {"pictures": float(len(rows)), "trained_on": float(len(train)), "tested_on": float(len(test))}, words


def tells_strangers(row: Row) -> bool:
    """Test, validation and two of eight training folds of the products, and the groceries: more than are kept anyway."""
    return "colour" not in row[2] or zlib.crc32(row[1].removesuffix(".webp").encode()) % 10 < 4


def learn_familiar(model: Model, rows: list[Row], features: sm.Floats) -> None:
    splits = np.array([row[3] for row in rows])
    train, held_out = features[splits == "train"], features[splits == "validation"]
    familiar.save(familiar.learn(train, held_out, model.categories(held_out)), STARTER)


def detector(data: Path) -> Detector:
    names = (data / "weights" / "yolox_nano_coco" / "coco.names").read_text().split("\n")
    return Detector.open(
        DetectorCard(name="yolox_nano", kind="yolox", side=416, labels=[name for name in names if name]), STARTER
    )


def write_card(scores: dict[str, float], words: Vocabulary) -> None:
    card = {
        "task": "vision", "version": 0, "made_by": "python scripts/vision_starter.py DATA", "scores": scores,
        "data": CREDITS | {"heads": ", ".join(f"{n} ({len(one)})" for n, one in zip(words.names, words.labels, strict=True))},
        "measured_on": "Myntra products with crc32(id) mod 10 = 0 and the official test photos of the Grocery Store Dataset",
        "licence": "networks Apache-2.0 (their publishers'); heads and vectors Apache-2.0 (ours)",
        "limits": "categories are fashion and groceries, colours are those of fashion photos; other things are called unknown",
    }  # fmt: skip
    (STARTER / "card.json").write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2))
    for path in sorted(STARTER.iterdir()):
        print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.name}")


if __name__ == "__main__":
    main()
