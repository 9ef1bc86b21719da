"""`training=full`: the shop's pictures teach the whole network, which is then served as ONNX like the starter."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from PIL import Image

from aisle.errors import AisleError, BadInput, Misconfigured
from aisle.kit import images
from aisle.kit import softmax as sm
from aisle.kit.sessions import installed
from aisle.kit.softmax import Heads
from aisle.tasks.vision import model as models
from aisle.tasks.vision.model import Model
from aisle.tasks.vision.pictures import Source, Vocabulary, divide
from aisle.tasks.vision.schema import Config
from aisle.tasks.vision.trunk import Trunk, TrunkCard

if TYPE_CHECKING:
    from torch import nn

    from aisle.tasks.vision.fine_tune import Pictures, Recipe

STARTS = "mobilenet_v2"  # the network that does not start from nothing
KEPT = 8 / 7  # the shorter side of a picture while it waits to be looked at, beside what the network sees
Step = Callable[[float, str], None]  # of 100


def train_full(
    found: Sequence[Source], starter: Model, config: Config, folder: Path, step: Step
) -> tuple[Trunk, tuple[Vocabulary, Heads]]:
    """Train, export to `folder`, and open what was exported. Killed, it goes on where it was when it is started again.

    Raises Misconfigured without the train extra, BadInput without pictures to learn from.
    """
    for package in ("torch", "onnx"):
        if not installed(package):
            raise Misconfigured(
                f"training the whole network needs {package}: run `pip install 'aisle[train]'`, or leave training=head"
            )
    from aisle.tasks.vision import fine_tune
    from aisle.tasks.vision.export import WithMean, export

    trunk = Trunk.open(msgspec.structs.replace(starter.card.trunk, side=config.side, colours=False), models.STARTER)
    kept, decoded, features, prints = look(found, trunk, lambda done, what: step(0.1 * done, what))
    words = Vocabulary.of([one.labels for one in kept], config.least_pictures, config.most_labels)
    split = divide([one.name for one in kept], [one.split for one in kept], prints, features)
    if not words.names or not len(split.train):
        raise BadInput("no label has enough pictures to teach a network: give items a category and pictures, or import pictures")
    codes = words.codes([one.labels for one in kept])
    work = folder.parent / f"vision-training-{fingerprint(config, kept, prints)}"
    sides = [fine_tune.Pictures([decoded[row] for row in rows], codes[rows]) for rows in (split.train, split.validation)]
    body, card, heads = taught(words.sizes, (sides[0], sides[1]), config, work, lambda done, what: step(10 + 85 * done, what))
    export(
        WithMean(body), fine_tune.whole(decoded[:2], config.side), folder / card.file, ["features", "map"],
        sides_change=True, half=False,
    )  # fmt: skip
    shutil.rmtree(work, ignore_errors=True)
    return Trunk.open(card, folder), (words, heads)


def taught(
    sizes: Sequence[int],
    sides: tuple[Pictures, Pictures],
    config: Config,
    work: Path,
    say: Step,
) -> tuple[nn.Module, TrunkCard, Heads]:
    """The network that learnt from sides[0], stopped by sides[1], how it is served, and its heads. `say`: of 1.

    Several (`config.networks`) differ in random numbers alone. They stand side by side as one that is so many times as wide,
    whose logits are the mean of theirs (deep ensembles: Lakshminarayanan et al., 2017), still linear in its features.
    """
    from aisle.tasks.vision import fine_tune
    from aisle.tasks.vision.export import Together
    from aisle.tasks.vision.nets import build, restore

    bodies, heads, count = [], [], config.networks
    for number in range(count):
        network = build(config.network)
        if config.network == STARTS:
            restore(network, models.STARTER / "trunk.onnx")
        elif config.frozen:
            raise BadInput(f"{config.network} starts from nothing: set frozen=0, or network={STARTS}", param="/config/frozen")
        place = work / str(number)
        place.mkdir(parents=True, exist_ok=True)

        def tell(done: float, what: str, number: int = number) -> None:
            say((number + done) / count, f"network {number + 1} of {count}, {what}" if count > 1 else what)

        heads.append(fine_tune.train(network, sizes, sides, recipe(config, number), work=place, say=tell))
        bodies.append(network.body)
    card = TrunkCard(
        name=config.network, width=network.width * count, side=config.side, whole=False, share=fine_tune.SEEN, colours=False,
        mirror=config.mirror,
    )  # fmt: skip
    return Together(bodies), card, sm.together(heads)


def look(found: Sequence[Source], trunk: Trunk, step: Step) -> tuple[list[Source], list[Image.Image], sm.Floats, list[bytes]]:
    """The pictures that can be decoded, kept small, and their features before training."""
    kept, decoded, features, prints = list[Source](), list[Image.Image](), list[sm.Floats](), list[bytes]()
    shorter = round(trunk.card.side * KEPT)
    for number, source in enumerate(found):
        if number % 8 == 0:
            step(100 * number / len(found), f"picture {number + 1:,} of {len(found):,}")
        try:
            content = source.read()
            if content is None:
                continue
            one = images.decode(content, side=shorter)
        except AisleError:
            continue  # read() of the head says which
        small = one.image.copy()
        by = shorter / min(small.size)
        if by < 1:
            small = small.resize((round(small.width * by), round(small.height * by)))
        kept.append(source)
        decoded.append(small)
        features.append(trunk.features([trunk.view(images.Decoded(small, *small.size))])[0])
        prints.append(images.fingerprint(one.image))
    return kept, decoded, np.stack(features) if features else np.zeros((0, trunk.width), np.float32), prints


def recipe(config: Config, number: int) -> Recipe:
    """The training's part of the configuration, for one of its networks."""
    from aisle.tasks.vision import fine_tune

    return fine_tune.Recipe(
        side=config.side, frozen=config.frozen, epochs=config.epochs, batch=config.batch,
        learning_rate=config.learning_rate, smoothing=config.smoothing, mixup=config.mixup, patience=config.patience,
        bf16=config.bf16, seed=config.seed + number,
    )  # fmt: skip


def fingerprint(config: Config, kept: Sequence[Source], prints: Sequence[bytes]) -> str:
    """Names one training: the same pictures, labels and configuration."""
    found = hashlib.sha256(msgspec.json.encode(config))
    for source, one in zip(kept, prints, strict=True):
        found.update(msgspec.json.encode((source.name, source.labels, source.split)) + one)
    return found.hexdigest()[:16]
