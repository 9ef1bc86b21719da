"""Training one linear classifier: settings chosen, temperature and quality measured on texts it had not seen, then all learnt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.text import calibration, linear
from aisle.tasks.text.datasets import Dataset
from aisle.tasks.text.features import Features
from aisle.tasks.text.linear import Linear
from aisle.tasks.text.static import StaticEmbedding

STATIC = 1.0  # what the static embedding counts beside words
TRIED = ((0.0, 10.0), (0.5, 10.0), (1.0, 10.0), (0.5, 3.0))  # (inside, strength)
MOST_TRIED = 8000  # texts that settings are tried on
VALIDATION = 0.15
Step = Callable[[float, str], None]  # share done, what is done


@dataclass(frozen=True, slots=True)
class Measured:
    """A classifier before it learns from everything, and how good it is."""

    inside: float
    strength: float
    temperature: float
    scores: dict[str, float]  # on texts held out
    logits: NDArray[np.float32]  # of these texts


def measure(dataset: Dataset, embedding: StaticEmbedding, strength: float, step: Step) -> Measured:
    """Choose settings on a part of the training texts, then measure on what was held out."""
    inside, strength, temperature = _choose(dataset, embedding, strength, step)
    step(0.6, f"{dataset.name}: measuring")
    model = _learn(dataset, ~dataset.held_out, embedding, inside, strength, step)
    texts, targets = dataset.part(dataset.held_out)
    logits = model.logits(texts) / np.float32(temperature)
    scores = calibration.quality(logits, targets, dataset.multi)
    scores["majority"] = _majority(targets)
    scores["texts"], scores["held_out"] = float(len(dataset.texts)), float(len(texts))
    return Measured(inside, strength, temperature, scores, logits)


def final(dataset: Dataset, embedding: StaticEmbedding, found: Measured, step: Step) -> Linear:
    """Learn from every text but those the shop keeps for tests."""
    rows = ~dataset.held_out if dataset.kept_out else np.ones(len(dataset.texts), bool)
    step(0.8, f"{dataset.name}: learning from {int(rows.sum()):,} texts")
    return _learn(dataset, rows, embedding, found.inside, found.strength, step).scaled(found.temperature)


def _choose(dataset: Dataset, embedding: StaticEmbedding, strength: float, step: Step) -> tuple[float, float, float]:
    """(inside, strength, temperature) that do best on a validation part of the training texts."""
    known = np.flatnonzero(~dataset.held_out)
    rng = np.random.default_rng(0)
    known = rng.permutation(known)[:MOST_TRIED]
    cut = max(1, round(len(known) * VALIDATION))
    checked, learnt = (np.isin(np.arange(len(dataset.texts)), part) for part in (known[:cut], known[cut:]))
    texts, targets = dataset.part(checked)
    best: tuple[float, float, float, float, float] | None = None
    tried = [(inside, strength or c) for inside, c in TRIED[: 3 if strength else None]]
    for number, (inside, c) in enumerate(tried):
        step(0.6 * number / len(tried), f"{dataset.name}: trying settings")
        logits = _learn(dataset, learnt, embedding, inside, c, step).logits(texts)
        temperature = calibration.temperature(logits, targets, dataset.multi)
        found = calibration.quality(logits / np.float32(temperature), targets, dataset.multi)
        if best is None or (found["accuracy"], -found["loss"]) > best[:2]:
            best = (found["accuracy"], -found["loss"], inside, c, temperature)
    assert best is not None
    return best[2:]


def _learn(
    dataset: Dataset, rows: NDArray[np.bool_], embedding: StaticEmbedding, inside: float, strength: float, step: Step
) -> Linear:
    texts, targets = dataset.part(rows)
    features = Features.learn(texts, inside, STATIC)
    return linear.learn(
        texts, targets, features, embedding, multi=dataset.multi, strength=strength,
        on_step=lambda number: step(-1.0, f"{dataset.name}: step {number} of at most {linear.STEPS}"),
    )  # fmt: skip


def _majority(targets: NDArray[np.float32]) -> float:
    """The accuracy of always saying the most frequent set of labels."""
    _, counts = np.unique(targets, axis=0, return_counts=True)
    return float(counts.max() / len(targets))
