"""Strangers by a network that learnt the shop's own kinds: trained as `training=full` does, without a fifth of the product types.

python -m bench vision_strangers --work FOLDER                       about 20 minutes of processor time; after a kill it goes on
python -m bench vision_strangers --products 3000 --epochs 1    a quick look
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from bench.vision_quality import ATTRIBUTES, IMAGES, Floats, fifth, products, told_apart
from PIL import Image

from aisle.kit.softmax import MISSING
from aisle.tasks.vision import familiar
from aisle.tasks.vision.pictures import Vocabulary
from aisle.tasks.vision.schema import Config

if TYPE_CHECKING:
    from torch import nn

Row = tuple[zipfile.ZipFile, str, dict[str, str], str]  # archive, name in it, labels, split
TAUGHT = ATTRIBUTES[:5]  # the heads; season and usage are left to others
KEPT = 96  # pixels of a photo's side (they are 60 x 80)
SIDE = 112
LEAST = 3  # pictures a label needs
HELD_OUT = 1500  # pictures that stop the training


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--products", type=int, default=10**6, help="at most, spread evenly: for a quick look")
    parser.add_argument("--work", type=Path, default=None, help="where checkpoints are kept")
    given = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
    import vision_starter  # type: ignore[import-not-found]

    rows = [row for row in vision_starter.labelled(IMAGES) if "colour" in row[2]]
    rows = rows[:: max(len(rows) // given.products, 1)]
    with tempfile.TemporaryDirectory() as where:
        measure(rows, given, given.work or Path(where))


def measure(rows: list[Row], given: argparse.Namespace, work: Path) -> None:
    """AUROC of telling test products of types that were left out from those of the types that were learnt."""
    from aisle.tasks.vision import fine_tune
    from aisle.tasks.vision.full import taught

    source, split = products(), np.array([row[3] for row in rows])
    left_out = fifth(row[2].get("category", "") for row in rows)
    parts = {name: np.flatnonzero((split == name) & ~left_out) for name in ("train", "validation", "test")}
    parts["strangers"] = np.flatnonzero((split == "test") & left_out)
    said = [{name: source[row[1]][name] for name in TAUGHT if source[row[1]][name] not in ("", "NA")} for row in rows]
    words = Vocabulary.of([said[row] for row in parts["train"]], LEAST, 500)
    codes, kind = words.codes(said), words.names.index("articleType")
    parts["test"] = parts["test"][codes[parts["test"], kind] != MISSING]
    photos = {name: [photo(rows[row]) for row in part] for name, part in parts.items()}
    config = Config(training="full", side=SIDE, epochs=given.epochs, batch=64, learning_rate=6e-4)
    held_out = fine_tune.Pictures(photos["validation"][:HELD_OUT], codes[parts["validation"][:HELD_OUT]])
    train, began = fine_tune.Pictures(photos["train"], codes[parts["train"]]), time.process_time()

    def say(done: float, what: str) -> None:
        print(f"{done:.0%} {what}, {(time.process_time() - began) / 60:.1f} min of processor time", flush=True)

    body, _, heads = taught(words.sizes, (train, held_out), config, work, say)
    features = {name: look(body, some) for name, some in photos.items()}
    logits = {name: heads.part(heads.logits(x), kind) for name, x in features.items()}
    known = familiar.learn(features["train"], features["validation"], logits["validation"])
    told = told_apart(known, *((features[name], logits[name]) for name in ("test", "strangers")))
    right = (logits["test"].argmax(1) == codes[parts["test"], kind]).mean()
    print(f"{len(parts['train']):,} products of {words.sizes[kind]} types learnt: {told}; product type right {right:.3f}")


def photo(row: Row) -> Image.Image:
    archive, name = row[:2]
    return Image.open(io.BytesIO(archive.read(name))).convert("RGB").resize((KEPT, KEPT), Image.Resampling.BILINEAR)


def look(body: nn.Module, photos: list[Image.Image]) -> Floats:
    """The mean of the features of each photo and of its mirror image, as `training=full` serves them: (photos, features)."""
    import torch

    from aisle.tasks.vision.fine_tune import whole

    body.eval()
    found = []
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for first in range(0, len(photos), 64):
            x = whole(photos[first : first + 64], SIDE).contiguous(memory_format=torch.channels_last)
            both = body(x).mean((2, 3)) + body(x.flip(3)).mean((2, 3))
            found.append((both / 2).float().numpy())
    return np.asarray(np.concatenate(found), np.float32)


if __name__ == "__main__":
    main()
