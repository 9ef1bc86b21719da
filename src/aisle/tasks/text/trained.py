"""Training one linear classifier: settings chosen, scaling and quality measured on texts it had not seen, then all learnt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.text import calibration, linear, tuned
from aisle.tasks.text.datasets import Dataset
from aisle.tasks.text.features import Features
from aisle.tasks.text.linear import Inputs, Linear
from aisle.tasks.text.schema import Config
from aisle.tasks.text.static import StaticEmbedding

ROUNDS: tuple[tuple[str, tuple[Any, ...]], ...] = (  # one setting after the other; what does better stays
    ("ratio", (0.0, 1.0)),
    ("static", (0.0,)),
    ("inside", (0.0, 1.0)),
    ("strength", (1.0, 3.0, 30.0)),
)
MOST_TRIED = 8000  # texts that settings are tried on
VALIDATION = 0.15
MOST_CHECKED = 3000
TRIED_STEPS = 40  # of the minimiser while settings are tried
Step = Callable[[float, str], None]  # share done, what is done


@dataclass(frozen=True, slots=True)
class Settings:
    """How a linear classifier reads and learns."""

    ratio: float = 0.5  # how much lighter the penalty is for n-grams that tell labels apart; 0: the same for all
    static: float = 1.0  # what the static embedding counts beside words; 0: it is not asked
    inside: float = 0.5  # what n-grams inside words count beside words
    strength: float = 10.0  # C
    rate: float = 0.0  # of the static embedding's fine-tuning; 0: it stays as it is
    seed: int = 0  # of its draws


TUNED = Settings(rate=0.02, ratio=1.0)  # right for all data sets that were tried


@dataclass(frozen=True, slots=True)
class Measured:
    """A classifier before it learns from everything, and how good it is."""

    settings: Settings
    calibrated: calibration.Calibrated
    scores: dict[str, float]  # on texts held out
    logits: NDArray[np.float32]  # of these texts
    model: Linear  # that gave them


def measure(dataset: Dataset, embedding: StaticEmbedding, config: Config, step: Step) -> Measured:
    """Choose settings on a part of the training texts, then measure on what was held out."""
    fixed = replace(TUNED, seed=config.seed) if config.algorithm == "static" else None
    settings = fixed or _choose(dataset, embedding, config.strength, step)
    step(0.6, f"{dataset.name}: measuring")
    model = _learn(dataset, ~dataset.held_out & ~dataset.checked, embedding, settings, step)
    texts, targets = dataset.part(dataset.held_out)
    logits = model.logits(texts)
    if dataset.checked.any():
        checked, wanted = dataset.part(dataset.checked)
        found = calibration.Calibrated.of(model.logits(checked), wanted, dataset, config)
    else:  # the price of strangers is that of the texts held out
        found = calibration.Calibrated.of(logits, targets, dataset, config, _scaling(dataset, embedding, settings, step))
    scores = found.quality(logits, targets)
    scores["majority"] = _majority(targets)
    scores["texts"], scores["held_out"] = float(len(dataset.texts)), float(len(texts))
    return Measured(settings, found, scores, found.scaling.of(logits), model.scaled(found.scaling))


def final(dataset: Dataset, embedding: StaticEmbedding, found: Measured, step: Step) -> Linear:
    """Learn from every text but those the shop keeps for tests, and for choosing: the scaling is theirs."""
    rows = ~dataset.held_out & ~dataset.checked if dataset.kept_out else np.ones(len(dataset.texts), bool)
    step(0.8, f"{dataset.name}: learning from {int(rows.sum()):,} texts")
    return _learn(dataset, rows, embedding, found.settings, step).scaled(found.calibrated.scaling)


def _scaling(dataset: Dataset, embedding: StaticEmbedding, settings: Settings, step: Step) -> calibration.Scaling:
    """As it is right for a model that learnt from nearly all: one that learnt from a few thousand is less sure of itself."""
    step(0.7, f"{dataset.name}: calibrating")
    learnt, checked = dataset.divided(VALIDATION, MOST_CHECKED, 0)
    texts, wanted = dataset.part(checked)
    return calibration.scaling(_learn(dataset, learnt, embedding, settings, step).logits(texts), wanted, dataset.multi)


def _choose(dataset: Dataset, embedding: StaticEmbedding, strength: float, step: Step) -> Settings:
    """Settings with the least loss, at its best temperature, on a validation part of the training texts."""
    learnt, checked = dataset.divided(VALIDATION, MOST_CHECKED, 0, most_learnt=MOST_TRIED)
    (texts, targets), (others, wanted) = dataset.part(learnt), dataset.part(checked)
    features = Features.learn(texts, 1.0, 1.0)
    given, asked = (Inputs.of(part, features, embedding) for part in (texts, others))

    def tried(one: Settings) -> float:
        inputs, outputs = (part.weighed(features, one.inside, one.static) for part in (given, asked))
        weights = linear.fit(
            inputs, targets, multi=dataset.multi, strength=one.strength, ratio=one.ratio, steps=TRIED_STEPS,
            on_step=lambda number: step(-1.0, f"{dataset.name}: trying settings, step {number}"),
        )  # fmt: skip
        logits = weights.logits(outputs)
        temperature = calibration.temperature(logits, wanted, dataset.multi)
        return calibration.loss(logits / np.float32(temperature), wanted, dataset.multi)

    best = Settings(strength=strength or Settings().strength)
    least = tried(best)
    for number, (name, values) in enumerate(ROUNDS if not strength else ROUNDS[:-1]):
        step(0.6 * number / len(ROUNDS), f"{dataset.name}: trying settings")
        rivals = {one: tried(one) for one in (replace(best, **{name: value}) for value in values)}
        for one, found in rivals.items():
            if found < least:
                best, least = one, found
    return best


def _learn(dataset: Dataset, rows: NDArray[np.bool_], embedding: StaticEmbedding, settings: Settings, step: Step) -> Linear:
    texts, targets = dataset.part(rows)
    features = Features.learn(texts, settings.inside, settings.static)
    if settings.rate:
        return tuned.learn(
            texts, targets, features, embedding, multi=dataset.multi, rate=settings.rate, ratio=settings.ratio,
            seed=settings.seed, on_step=lambda number, steps: step(-1.0, f"{dataset.name}: step {number} of {steps}"),
        )  # fmt: skip
    return linear.learn(
        texts, targets, features, embedding, multi=dataset.multi, strength=settings.strength, ratio=settings.ratio,
        on_step=lambda number: step(-1.0, f"{dataset.name}: step {number} of at most {linear.STEPS}"),
    )  # fmt: skip


def _majority(targets: NDArray[np.float32]) -> float:
    """The accuracy of always saying the most frequent set of labels."""
    _, counts = np.unique(targets, axis=0, return_counts=True)
    return float(counts.max() / len(targets))
