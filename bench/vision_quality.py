"""Pictures of products: what the starter's features are good for, on test products of the data sets it learnt from.

python -m bench vision_quality retrieval --cache features.npz    labels and look-alikes (minutes the first time)
python -m bench vision_quality strangers --cache features.npz    telling pictures of kinds that were never learnt
python -m bench vision_quality attributes --cache features.npz   a softmax for each of seven attributes
python -m bench vision_quality attributes --folds 10 --cache all.npz    learnt from all products that may be (its own cache)
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from bench.shared_data import REC
from numpy.typing import NDArray

from aisle.kit import softmax as sm
from aisle.tasks.vision import familiar, space
from aisle.tasks.vision.engine import VisionEngine, load
from aisle.tasks.vision.fit import measured
from aisle.tasks.vision.model import STARTER, HeadCard
from aisle.tasks.vision.pictures import Division, Vocabulary

IMAGES = REC.parent / "image"
MYNTRA = IMAGES / "myntra-fashion-small"
FOLDS = 4  # of ten, of the products: test, validation, and two to train on (8,201 products)
LEAST = 10  # pictures a label needs
ATTRIBUTES = ("articleType", "subCategory", "masterCategory", "baseColour", "gender", "season", "usage")
Floats = sm.Floats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["retrieval", "strangers", "attributes"])
    parser.add_argument("--cache", type=Path, default=None, help="where the features of the photos are kept")
    parser.add_argument(
        "--folds", type=int, default=FOLDS, choices=range(3, 11), help="of ten, of the products: 0 test, 1 validation"
    )
    given = parser.parse_args()
    engine = load(STARTER)
    photos = Photos.read(engine, given.cache, given.folds)
    if given.what == "retrieval":
        test = np.flatnonzero((photos.split == "test") & photos.shop)
        retrieval(engine, photos.features, photos.labels, test)
        look_alikes(engine, photos, test)
    elif given.what == "strangers":
        strangers(photos)
    else:
        attributes(engine, photos)


@dataclass(frozen=True)
class Photos:
    """Products and groceries with the starter's features."""

    names: list[str]
    features: Floats
    labels: list[dict[str, str]]
    split: NDArray[np.str_]
    shop: NDArray[np.bool_]  # products; the others are groceries

    @staticmethod
    def read(engine: VisionEngine, cache: Path | None, folds: int) -> Photos:
        """So many of ten folds of the products (crc32(id) mod 10: test, validation, the rest to train on), all groceries."""
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
        import vision_starter  # type: ignore[import-not-found]

        rows = [row for row in vision_starter.labelled(IMAGES) if "colour" not in row[2] or fold(row[1]) < folds]
        features = vision_starter.cached(cache, rows, engine.model.trunk)
        labels = [row[2] for row in rows]
        shop = np.array(["colour" in one for one in labels])
        return Photos([row[1] for row in rows], features, labels, np.array([row[3] for row in rows]), shop)

    def said(self, name: str) -> NDArray[np.str_]:
        return np.array([one.get(name, "") for one in self.labels])


def fold(name: str) -> int:
    return zlib.crc32(name.removesuffix(".webp").encode()) % 10


def products() -> dict[str, dict[str, str]]:
    """What the source says of each, by the name of its photo."""
    with gzip.open(MYNTRA / "products.csv.gz", "rt") as file:
        return {f"{row['product_id']}.webp": row for row in csv.DictReader(file)}


# ---- strangers ------------------------------------------------------------------------------------------------------


def strangers(photos: Photos) -> None:
    """AUROC of telling test pictures of kinds that were learnt from those of others, by models that never saw the latter.

    A fifth of the kinds, by crc32, is left out: of the product types; of groups of them (the source's subCategory), all types of
    which are then new; of the groceries. Beside: the other shop's pictures (groceries among fashion, and the reverse).
    """
    kinds, source = photos.said("category"), products()
    groups = np.array([source[name]["subCategory"] if name in source else "" for name in photos.names])
    for name, of, here in (
        ("product types", kinds, photos.shop),
        ("groups of product types", groups, photos.shop),
        ("groceries", kinds, ~photos.shop),
    ):
        left_out = fifth(of)
        train = np.flatnonzero((photos.split == "train") & here & ~left_out)
        codes = np.unique(kinds[train], return_inverse=True)[1][:, None]
        heads = sm.learn(photos.features[train], codes, [int(codes.max()) + 1], decay=3e-3, balance=0.25, steps=80)
        learnt = here & ~left_out & np.isin(kinds, kinds[train])
        held_out = photos.features[(photos.split == "validation") & learnt]
        known = familiar.learn(photos.features[train], held_out, heads.logits(held_out))
        test = photos.split == "test"
        seen, new, other = (
            known.strangeness(x, heads.logits(x))
            for x in (photos.features[test & rows] for rows in (learnt, here & left_out, ~here))
        )
        print(
            f"strangers, {name} ({len(set(of[learnt]))} learnt, {len(set(of[here & left_out]))} not): "
            f"AUROC {auroc(seen, new):.3f} ({len(seen):,} and {len(new):,} pictures); "
            f"of another shop {auroc(seen, other):.3f} ({len(other):,})",
            flush=True,
        )


def fifth(kinds: Iterable[str]) -> NDArray[np.bool_]:
    """Which pictures are of the fifth of all kinds (by crc32) that is left out of training."""
    return np.array([zlib.crc32(kind.encode()) % 5 == 0 for kind in kinds])


def told_apart(known: familiar.Familiar, seen: tuple[Floats, Floats], new: tuple[Floats, Floats]) -> str:
    """AUROC of telling pictures of new kinds from others, each given by features and logits: both questions, and each alone."""
    both = auroc(known.strangeness(*seen), known.strangeness(*new))
    far, other = (familiar.distance(known.place(features), known.known) for features, _ in (seen, new))
    unsure = auroc(familiar.entropy(seen[1]), familiar.entropy(new[1]))
    return (
        f"AUROC {both:.3f} ({len(new[0]):,} strangers, {len(seen[0]):,} known), "
        f"distance alone {auroc(far, other):.3f}, entropy alone {unsure:.3f}"
    )


def auroc(known: Floats, strange: Floats) -> float:
    """How often a stranger is stranger than a known one; equally strange ones count half."""
    ordered = np.sort(known)
    below, up_to = np.searchsorted(ordered, strange, "left"), np.searchsorted(ordered, strange, "right")
    return float((below + up_to).mean() / 2 / len(known))


# ---- attributes -----------------------------------------------------------------------------------------------------


def attributes(engine: VisionEngine, photos: Photos) -> None:
    """Seven heads on the same features, learnt together: top-1, macro F1 and calibration error on the test products."""
    source, rows = products(), np.flatnonzero(photos.shop)
    labels = [
        {name: source[photos.names[row]][name] for name in ATTRIBUTES if source[photos.names[row]][name] not in ("", "NA")}
        for row in rows
    ]
    split, features = photos.split[rows], photos.features[rows]
    train, validation, test = (np.flatnonzero(split == part) for part in ("train", "validation", "test"))
    words = Vocabulary.of([labels[row] for row in train], LEAST, 500)
    codes = words.codes(labels)
    heads = sm.learn(features[train], codes[train], words.sizes, decay=3e-3, balance=0.25, steps=80)
    held_out = heads.logits(features[validation])
    cards = [
        HeadCard(name=name, labels=known, temperature=sm.temperature(heads.part(held_out, k), codes[validation, k]))
        for k, (name, known) in enumerate(zip(words.names, words.labels, strict=True))
    ]
    model = engine.model
    model.heads, model.card = heads, msgspec.structs.replace(model.card, heads=cards)
    scores = measured(model, features, codes, Division(train, validation, test, 0, []))
    print(f"learnt from {len(train):,} products, measured on {len(test):,}")
    for card in cards:
        found = [scores[f"{card.name}_{what}"] for what in ("top1", "macro_f1", "calibration_error", "commonest")]
        print(f"| {card.name} | {len(card.labels)} | " + " | ".join(f"{one:.3f}" for one in found) + " |", flush=True)


# ---- retrieval ------------------------------------------------------------------------------------------------------


def look_alikes(engine: VisionEngine, photos: Photos, test: sm.Ints) -> None:
    """A space is learnt without a fifth of the product types, whose test pictures then ask for each other."""
    kinds = photos.said("category")
    unseen = fifth(kinds)
    train = np.flatnonzero((photos.split == "train") & photos.shop & ~unseen)
    learnt, strange = space.learn(photos.features[train], kinds[train].tolist(), 128), test[unseen[test]]
    alike(learnt.embed(photos.features[strange]), kinds[strange], "our space")
    plain = photos.features[strange][:, : engine.model.card.trunk.width]
    alike(plain / np.linalg.norm(plain, axis=1, keepdims=True), kinds[strange], "MobileNetV2")


def retrieval(engine: VisionEngine, features: Floats, labels: Sequence[dict[str, str]], test: sm.Ints) -> None:
    """A label is the question, products in the order of its probability the answer; products that were never trained on."""
    logits = engine.model.heads.logits(features[test])
    for k, head in enumerate(engine.model.card.heads[:2]):
        p = sm.probabilities(engine.model.heads.part(logits, k), head.temperature)
        truth = np.array([labels[row].get(head.name, "") for row in test])
        asked = [label for label in head.labels if (truth == label).sum() >= 1]
        ranked = {label: np.argsort(-p[:, head.labels.index(label)])[:10] for label in asked}
        first = np.mean([truth[ranked[label][0]] == label for label in asked])
        ten = np.mean([(truth[ranked[label]] == label).mean() for label in asked])
        print(f"{head.name} -> product ({len(asked)} questions, {len(test):,} products): P@1 {first:.3f}  P@10 {ten:.3f}")


def alike(vectors: Floats, kinds: np.ndarray[Any, Any], name: str) -> None:
    """Every picture asks for others of its kind; kinds that nothing was learnt about."""
    score = vectors @ vectors.T
    np.fill_diagonal(score, -9)
    near = np.argsort(-score, 1)[:, :10]
    right = kinds[near] == kinds[:, None]
    others = np.array([(kinds == kind).sum() - 1 for kind in kinds])
    precision = right.cumsum(1) / np.arange(1, 11)
    average = (precision * right).sum(1) / np.minimum(np.maximum(others, 1), 10)
    first, ten = right[others > 0, 0].mean(), average[others > 0].mean()
    print(f"{len(set(kinds.tolist()))} types never seen, {name}: recall@1 {first:.3f}  mAP@10 {ten:.3f}")


if __name__ == "__main__":
    main()
