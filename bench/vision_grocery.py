"""Groceries: softmax on frozen features, and the whole network trained as `training=full` does, on the official split.

python -m bench vision_grocery --work FOLDER                                           MobileNetV2; after a kill it goes on
python -m bench vision_grocery --networks 3 --work FOLDER                                    three of them that answer together
python -m bench vision_grocery --strangers --work FOLDER    without a fifth of the kinds: telling their photos from others
python -m bench vision_grocery --network resnet18 --epochs 6 --side 96 --rate 0.001    from nothing, four minutes
"""

from __future__ import annotations

import argparse
import csv
import io
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from bench.shared_data import REC
from bench.vision_quality import fifth, told_apart
from numpy.typing import NDArray
from PIL import Image

from aisle.kit import softmax as sm
from aisle.kit.images import Decoded
from aisle.tasks.vision import checkpoints, familiar
from aisle.tasks.vision.engine import load
from aisle.tasks.vision.full import taught
from aisle.tasks.vision.model import STARTER
from aisle.tasks.vision.schema import Config
from aisle.tasks.vision.trunk import Trunk, TrunkCard

FOLDER = REC.parent / "image" / "grocery-store"
Split = tuple[list[Image.Image], sm.Ints]  # photos; (photos, 2): fine and coarse class
KINDS = ("fine", "coarse")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="mobilenet_v2")
    parser.add_argument("--networks", type=int, default=Config().networks)
    parser.add_argument("--epochs", type=int, default=Config().epochs)
    parser.add_argument("--frozen", type=int, default=Config().frozen)
    parser.add_argument("--mixup", type=float, default=Config().mixup)
    parser.add_argument("--rate", type=float, default=Config().learning_rate)
    parser.add_argument("--side", type=int, default=Config().side)
    parser.add_argument("--photos", type=int, default=10**6, help="of each split, at most: for a quick look")
    parser.add_argument("--strangers", action="store_true", help="leave a fifth of the kinds out of training (by crc32)")
    parser.add_argument("--work", type=Path, default=None, help="where checkpoints and the network are kept")
    given = parser.parse_args()
    with (FOLDER / "classes.csv").open() as file:
        classes = list(csv.DictReader(file))
    splits = [read(name, given.photos) for name in ("train", "val", "test")]
    with tempfile.TemporaryDirectory() as where:
        if given.strangers:
            strangers(classes, splits, given, given.work or Path(where))
        else:
            official(classes, splits, given, given.work or Path(where))


def official(classes: list[dict[str, str]], splits: list[Split], given: argparse.Namespace, work: Path) -> None:
    sizes = [len(classes), len({row["Coarse Class ID (int)"] for row in classes})]
    resumed = given.work is not None and (given.work / "0" / checkpoints.NAME).exists()
    if given.network == "mobilenet_v2" and not resumed:
        trunk = Trunk.open(TrunkCard(name=given.network, width=1280, side=224, whole=False, colours=False), STARTER)
        seen = [look(trunk, photos) for photos, _ in splits]
        heads = sm.nested(sm.learn(seen[0], splits[0][1], sizes, decay=3e-3), splits[0][1])
        report("frozen features", heads, seen[1], splits[1][1], seen[2], splits[2][1])
    _, validation, test = splits
    for trunk, learnt in trained(sizes, splits, given, work):
        name = "whole network" + (", with its mirror image" if trunk.card.mirror else "")
        report(name, learnt, look(trunk, validation[0]), validation[1], look(trunk, test[0]), test[1])


def strangers(classes: list[dict[str, str]], splits: list[Split], given: argparse.Namespace, work: Path) -> None:
    """AUROC of telling photos of kinds that were left out from those of kinds that were learnt: validation, and test."""
    kinds = {int(row["Coarse Class ID (int)"]): row["Coarse Class Name (str)"].replace("-", " ") for row in classes}
    new = [fifth(kinds[code] for code in labels[:, 1].tolist()) for _, labels in splits]
    known = [part(split, ~rows) for split, rows in zip(splits, new, strict=True)]
    sizes = []
    for k in range(len(KINDS)):
        learnt = np.unique(known[0][1][:, k])
        sizes.append(len(learnt))
        for _, labels in known:
            labels[:, k] = np.searchsorted(learnt, labels[:, k])
    *_, (trunk, heads) = trained(sizes, known, given, work)
    features = [look(trunk, photos) for photos, _ in known]
    logits = [heads.part(heads.logits(x), 0) for x in features]
    found = familiar.learn(features[0], features[1], logits[1])
    for name, place in (("validation", 1), ("test", 2)):
        other = look(trunk, part(splits[place], new[place])[0])
        said = told_apart(found, (features[place], logits[place]), (other, heads.part(heads.logits(other), 0)))
        right = (logits[place].argmax(1) == known[place][1][:, 0]).mean()
        print(f"{name}, {sizes[1]} of {len(kinds)} kinds learnt: {said}; fine {right:.4f}", flush=True)


def part(split: Split, rows: NDArray[np.bool_]) -> Split:
    """Some of the photos."""
    return [split[0][row] for row in np.flatnonzero(rows)], split[1][rows]


def trained(sizes: list[int], splits: list[Split], given: argparse.Namespace, work: Path) -> Iterator[tuple[Trunk, sm.Heads]]:
    """The network as it is served, without its mirror image and with it."""
    import torch

    from aisle.tasks.vision import fine_tune
    from aisle.tasks.vision.export import WithMean, export

    config = Config(
        training="full", network=given.network, networks=given.networks, epochs=given.epochs, learning_rate=given.rate,
        side=given.side, frozen=given.frozen, mixup=given.mixup,
    )  # fmt: skip
    began = time.process_time()

    def say(done: float, what: str) -> None:
        spent = (time.process_time() - began) / 60
        print(f"{done:.0%} {what}, {spent:.1f} min of processor time", flush=True)

    train, validation, _ = splits
    sides = fine_tune.Pictures(*train), fine_tune.Pictures(*validation)
    body, card, heads = taught(sizes, sides, config, work, say)
    learnt = sm.nested(heads, train[1])
    export(
        WithMean(body), torch.zeros(2, 3, given.side, given.side), work / card.file, ["features", "map"],
        sides_change=True, half=False,
    )  # fmt: skip
    np.savez(work / "heads.npz", weights=learnt.weights, bias=learnt.bias)
    (work / "trunk.json").write_bytes(msgspec.json.encode(card))
    for mirror in (False, True):
        yield Trunk.open(msgspec.structs.replace(card, mirror=mirror), work), learnt


def report(name: str, heads: sm.Heads, held_out: sm.Floats, known: sm.Ints, seen: sm.Floats, truth: sm.Ints) -> None:
    """Top-1 and calibration error on the test; temperatures come from the validation photos."""
    for k, kind in enumerate(KINDS):
        tuned, logits = heads.part(heads.logits(held_out), k), heads.part(heads.logits(seen), k)
        p = sm.probabilities(logits, sm.temperature(tuned, known[:, k]))
        right, tried = float((p.argmax(1) == truth[:, k]).mean()), float((tuned.argmax(1) == known[:, k]).mean())
        error, chance = sm.calibration_error(p, truth[:, k]), sm.probabilities(tuned, sm.temperature(tuned, known[:, k]))
        loss = -np.log(chance[np.arange(len(known)), known[:, k]]).mean()
        print(
            f"{name}: {kind} {right:.4f} (validation {tried:.4f}, log loss {loss:.3f}), calibration error {error:.3f}", flush=True
        )


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
