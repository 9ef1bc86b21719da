"""Groceries: softmax on frozen features, and the whole network trained as `training=full` does, on the official split.

python -m bench vision_grocery                                                 both; minutes of processor time
python -m bench vision_grocery --epochs 20 --views 10 --frozen 5 --mixup 0.2   the long run
"""

from __future__ import annotations

import argparse
import csv
import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from bench.shared_data import REC
from PIL import Image

from aisle.kit import softmax as sm
from aisle.kit.images import Decoded
from aisle.tasks.vision.engine import load
from aisle.tasks.vision.model import STARTER
from aisle.tasks.vision.trunk import Trunk, TrunkCard

FOLDER = REC.parent / "image" / "grocery-store"
Split = tuple[list[Image.Image], sm.Ints]  # photos; (photos, 2): fine and coarse class


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--views", type=int, default=4)
    parser.add_argument("--frozen", type=int, default=8)
    parser.add_argument("--mixup", type=float, default=0.0)
    parser.add_argument("--photos", type=int, default=10**6, help="of each split, at most: for a quick look")
    given = parser.parse_args()
    with (FOLDER / "classes.csv").open() as file:
        classes = list(csv.DictReader(file))
    sizes = [len(classes), len({row["Coarse Class ID (int)"] for row in classes})]
    train, validation, test = (read(name, given.photos) for name in ("train", "val", "test"))
    trunk = Trunk.open(TrunkCard(name="mobilenet_v2", width=1280, side=224, whole=False, colours=False), STARTER)
    seen = [look(trunk, photos) for photos, _ in (train, validation, test)]
    heads = sm.learn(seen[0], train[1], sizes, decay=3e-3)
    report("frozen features", heads, seen[1], validation[1], [seen[2]], test[1])
    trained(heads, sizes, train, validation, test, given)


def trained(heads: sm.Heads, sizes: list[int], train: Split, validation: Split, test: Split, given: argparse.Namespace) -> None:
    import torch

    from aisle.tasks.vision import fine_tune
    from aisle.tasks.vision.export import WithMean, export
    from aisle.tasks.vision.nets import build, restore

    network = build("mobilenet_v2")
    restore(network, STARTER / "trunk.onnx")
    recipe = fine_tune.Recipe(
        epochs=given.epochs, views=given.views, frozen=given.frozen, mixup=given.mixup, patience=given.epochs
    )
    sides = fine_tune.Pictures(*train), fine_tune.Pictures(*validation)
    with tempfile.TemporaryDirectory() as where:
        learnt = fine_tune.train(
            network, heads, sizes, sides, recipe, work=Path(where), say=lambda done, what: print(f"{done:.0%} {what}")
        )
        export(
            WithMean(network.body),
            torch.zeros(2, 3, 192, 192),
            Path(where) / "trunk.onnx",
            ["features", "map"],
            sides_change=True,
        )
        trunk = Trunk.open(TrunkCard(name="mobilenet_v2", width=1280, side=192, whole=False, colours=False), Path(where))
        held_out, plain = look(trunk, validation[0]), look(trunk, test[0])
        mirrored = look(trunk, [photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for photo in test[0]])
    report("whole network", learnt, held_out, validation[1], [plain], test[1])
    report("the same and its mirror image", learnt, held_out, validation[1], [plain, mirrored], test[1])


def report(name: str, heads: sm.Heads, held_out: sm.Floats, known: sm.Ints, looks: list[sm.Floats], truth: sm.Ints) -> None:
    """Top-1 and calibration error on the test; temperatures come from the validation photos."""
    for k, kind in enumerate(("fine", "coarse")):
        t = sm.temperature(heads.part(heads.logits(held_out), k), known[:, k])
        p = np.mean([sm.probabilities(heads.part(heads.logits(one), k), t) for one in looks], 0)
        right = float((p.argmax(1) == truth[:, k]).mean())
        print(f"{name}: {kind} {right:.4f}, calibration error {sm.calibration_error(p, truth[:, k]):.3f}", flush=True)


def read(split: str, most: int) -> Split:
    archives = {
        name: z for path in sorted(FOLDER.glob(f"{split}-*.zip")) for z in [zipfile.ZipFile(path)] for name in z.namelist()
    }
    lines = (FOLDER / f"{split}.txt").read_text().splitlines()
    lines = lines[:: max(len(lines) // most, 1)][:most]
    photos, labels = [], []
    for line in lines:
        path, fine, coarse = (cell.strip() for cell in line.split(","))
        name = path.replace(".jpg", ".webp")
        photos.append(Image.open(io.BytesIO(archives[name].read(name))).convert("RGB"))
        labels.append((int(fine), int(coarse)))
    return photos, np.array(labels, np.int64)


def look(trunk: Trunk, photos: list[Image.Image]) -> sm.Floats:
    return np.concatenate([trunk.features([trunk.view(Decoded(photo, *photo.size))]) for photo in photos])


if __name__ == "__main__":
    load(STARTER)  # a starter that cannot be opened is said before the long part
    main()
