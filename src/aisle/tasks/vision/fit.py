"""Training on the shop's own pictures: labels from catalogue and samples, heads on a network's features."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from msgspec.structs import replace

from aisle.errors import AisleError, BadInput
from aisle.kit import images
from aisle.kit import softmax as sm
from aisle.kit.softmax import MISSING, Floats, Heads, Ints
from aisle.task import Data, Progress, Scores
from aisle.tasks.vision import detection, familiar, space
from aisle.tasks.vision import model as models
from aisle.tasks.vision.model import CATEGORY, Examples, HeadCard, Model, ModelCard, Space
from aisle.tasks.vision.pictures import Division, Source, Vocabulary, divide, sources
from aisle.tasks.vision.schema import Config
from aisle.tasks.vision.trunk import Trunk

DECAYS = (1e-3, 1e-2, 5e-2)  # tried on held-out pictures where none is given
MANY = 20_000  # pictures from which one decay will do
USUAL = 3e-3
STEPS = 80  # passes over the features while a head learns
FEWEST = 20  # held-out pictures from which temperatures and strangeness are learnt
DIMENSIONS = 128
NAMED = 20  # unreadable pictures that the report names
Step = Callable[[float, str], None]  # of 100


@dataclass(slots=True)
class Gallery:
    """What was read of the shop's pictures."""

    sources: list[Source]
    features: Floats  # (pictures, features)
    prints: list[bytes]
    broken: list[str]  # "item-0007 (the picture is damaged …)"

    @property
    def labels(self) -> list[dict[str, str]]:
        return [one.labels for one in self.sources]


def fit(data: Data, config: Config, folder: Path, progress: Progress) -> Scores:
    """Learn everything, write it, leave items' vectors for other tasks. Raises BadInput where there is nothing to learn from."""

    def step(done: float, message: str) -> None:
        progress(done, 100.0, message)

    step(0, "looking for pictures")
    starter = models.load(models.STARTER)
    base = models.load(Path(config.base)) if config.base else starter
    found = list(sources(data))
    if config.training == "full":
        from aisle.tasks.vision.full import train_full

        trunk, network_heads = train_full(found, starter, config, folder, lambda done, what: step(0.7 * done, what))
    else:
        shutil.copyfile(
            (Path(config.base) if config.base else models.STARTER) / base.card.trunk.file, folder / base.card.trunk.file
        )
        trunk, network_heads = (
            Trunk.open(replace(base.card.trunk, side=base.card.trunk.side if config.base else config.side), folder),
            None,
        )
    gallery = read(found, trunk, _between(step, 70 if network_heads else 1, 85))
    if not gallery.sources:
        raise BadInput(
            "there are no pictures to learn from: put items' pictures into the shop's folder, or run `aisle import pictures PATH`"
            + (f"; {len(gallery.broken)} could not be read: {'; '.join(gallery.broken[:3])}" if gallery.broken else "")
        )
    space_given = None if network_heads else base.space
    model, scores, words = learn(gallery, trunk, space_given, config, network_heads, _between(step, 85, 93))
    scores |= detection.learn(model, starter, found, folder, _between(step, 93, 98))
    step(98, "writing files")
    models.save(model, folder)
    (folder / "about.json").write_bytes(msgspec.json.encode(words))
    vectors = model.space.embed(gallery.features)
    rows = [
        (one.name, vector.astype("<f4").tobytes()) for one, vector in zip(gallery.sources, vectors, strict=True) if one.is_item
    ]
    data.write_vectors("image", rows)
    step(100, f"done: {len(gallery.sources):,} pictures")
    return scores


def read(found: Sequence[Source], trunk: Trunk, step: Step) -> Gallery:
    """The features of every picture that can be read; the others are named with what is wrong with them."""
    kept, features, prints, broken = list[Source](), list[Floats](), list[bytes](), list[str]()
    began = time.monotonic()
    for number, source in enumerate(found):
        if number % 8 == 0:
            left = (time.monotonic() - began) / max(number, 1) * (len(found) - number)
            step(
                100 * number / len(found),
                f"picture {number + 1:,} of {len(found):,}" + (f", {left:.0f} s left" if number else ""),
            )
        try:
            content = source.read()
            if content is None:
                continue  # its picture lies elsewhere
            decoded = images.decode(content, side=trunk.card.short)
        except AisleError as error:
            broken.append(f"{source.name} ({error.detail})")
            continue
        kept.append(source)
        features.append(trunk.features([trunk.view(decoded)])[0])
        prints.append(images.fingerprint(decoded.image))
    return Gallery(kept, np.stack(features) if features else np.zeros((0, trunk.width), np.float32), prints, broken)


def learn(
    gallery: Gallery, trunk: Trunk, where: Space | None, config: Config, given: tuple[Vocabulary, Heads] | None, step: Step
) -> tuple[Model, Scores, dict[str, str]]:
    """A model in memory, how good it is on pictures it did not see, and what there is to say in words.

    `where` is the space of vectors (None: learnt here); `given` are heads that were learnt together with the network.
    """
    split = divide(
        [one.name for one in gallery.sources], [one.split for one in gallery.sources], gallery.prints, gallery.features
    )
    words = given[0] if given else Vocabulary.of(gallery.labels, config.least_pictures, config.most_labels)
    codes = words.codes(gallery.labels)
    step(0, f"learning {', '.join(words.names) or 'nothing: no label has enough pictures'}")
    heads = given[1] if given else choose(gallery.features, codes, words.sizes, split, config, step)
    heads = sm.nested(heads, codes[split.train])
    validation = heads.logits(gallery.features[split.validation])
    cards = [
        HeadCard(name=name, labels=labels, temperature=calibrated(heads.part(validation, k), codes[split.validation, k]))
        for k, (name, labels) in enumerate(zip(words.names, words.labels, strict=True))
    ]
    if where is None:
        groups = [one.get(CATEGORY, "") for one in gallery.labels]
        where = space.learn(gallery.features[split.train], [groups[row] for row in split.train], DIMENSIONS)
    model = Model(ModelCard(trunk=trunk.card, heads=cards, reject=config.reject), trunk, heads, where)
    model.examples = examples(gallery, split.train, where, config.examples)
    if len(split.validation) >= FEWEST and len(split.train):
        held_out = gallery.features[split.validation]
        model.familiar = familiar.learn(gallery.features[split.train], held_out, model.categories(held_out))
    step(100, "measured")
    return model, measured(model, gallery.features, codes, split) | facts(gallery, split), said(gallery, words, split)


def choose(features: Floats, codes: Ints, sizes: Sequence[int], split: Division, config: Config, step: Step) -> Heads:
    """Heads learnt with each weight decay, and of each head the one that held-out pictures like best."""
    decays = (config.decay,) if config.decay else (USUAL,) if len(split.train) > MANY else DECAYS
    if not sizes:
        return Heads(np.zeros((0, features.shape[1]), np.float32), np.zeros(0, np.float32), (0,))
    tried = []
    for number, decay in enumerate(decays):
        begin = 100 * number / len(decays)
        tried.append(
            sm.learn(
                features[split.train], codes[split.train], sizes, decay=decay, balance=config.balance, steps=STEPS,
                step=lambda passes, begin=begin: step(min(begin + passes / STEPS * 100 / len(decays), 100), "learning heads"),  # type: ignore[misc]
            )
        )  # fmt: skip
    held = features[split.validation]
    best = [
        max(tried, key=lambda heads, k=k: _likelihood(heads.part(heads.logits(held), k), codes[split.validation, k]))  # type: ignore[misc]
        for k in range(len(sizes))
    ]
    rows = [slice(one.bounds[k], one.bounds[k + 1]) for k, one in enumerate(best)]
    weights = np.concatenate([one.weights[part] for one, part in zip(best, rows, strict=True)])
    return Heads(weights, np.concatenate([one.bias[part] for one, part in zip(best, rows, strict=True)]), tried[0].bounds)


def calibrated(logits: Floats, labels: Ints) -> float:
    """The temperature, where there are enough held-out pictures to say."""
    return sm.temperature(logits, labels) if (labels != MISSING).sum() >= FEWEST else 1.0


def examples(gallery: Gallery, train: Ints, where: Space, most: int) -> Examples:
    """Training pictures as vectors, at most so many, spread evenly."""
    rows = train if len(train) <= most else train[np.linspace(0, len(train) - 1, most).astype(int)] if most else train[:0]
    vectors = where.embed(gallery.features[rows]).astype(np.float16).astype(np.float32)
    kept = [gallery.sources[row] for row in rows]
    return Examples(vectors, [one.name for one in kept], [one.labels.get(CATEGORY, "") for one in kept])


def measured(model: Model, features: Floats, codes: Ints, split: Division) -> Scores:
    """On the test pictures, for each head: how often the first label is right, macro F1, calibration error, and what always
    saying the commonest label would reach."""
    scores: Scores = {}
    test, logits = codes[split.test], model.heads.logits(features[split.test])
    for k, head in enumerate(model.card.heads):
        known = test[:, k] != MISSING
        if not known.any():
            continue
        p = sm.probabilities(model.heads.part(logits, k), head.temperature)
        truth, best = test[:, k], p.argmax(1)
        commonest = np.bincount(codes[split.train, k][codes[split.train, k] != MISSING], minlength=len(head.labels)).argmax()
        scores |= {
            f"{head.name}_top1": float((best[known] == truth[known]).mean()),
            f"{head.name}_macro_f1": sm.macro_f1(best, truth),
            f"{head.name}_calibration_error": sm.calibration_error(p, truth),
            f"{head.name}_commonest": float((truth[known] == commonest).mean()),
        }
    return scores


def facts(gallery: Gallery, split: Division) -> Scores:
    """What the pictures were like."""
    return {
        "pictures": float(len(gallery.sources)),
        "trained_on": float(len(split.train)),
        "tested_on": float(len(split.test)),
        "unreadable": float(len(gallery.broken)),
        "copies": float(split.copies),
        "copies_across_splits": float(len(split.across)),
    }


def said(gallery: Gallery, words: Vocabulary, split: Division) -> dict[str, str]:
    """What the card says of the training in words."""
    found = {
        "heads": ", ".join(f"{name} ({len(labels)})" for name, labels in zip(words.names, words.labels, strict=True)) or "none"
    }
    if words.left_out:
        found["labels_left_out"] = "; ".join(words.left_out)
    if gallery.broken:
        found["unreadable"] = "; ".join(gallery.broken[:NAMED])
    if split.across:
        found["copies_across_splits"] = f"not trained on, a copy is held out: {', '.join(split.across[:NAMED])}"
    return found


def _likelihood(logits: Floats, labels: Ints) -> float:
    """Mean log probability of held-out labels at the best temperature; 0 where there are none."""
    known = labels != MISSING
    if not known.any():
        return 0.0
    p = sm.probabilities(logits[known], calibrated(logits, labels))
    return float(np.log(np.maximum(p[np.arange(known.sum()), labels[known]], 1e-12)).mean())


def _between(step: Step, low: float, high: float) -> Step:
    """Progress from 0 to 100 of a part as progress between two bounds of the whole."""
    return lambda done, message: step(low + (high - low) * done / 100, message)
