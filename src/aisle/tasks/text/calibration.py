"""Logits as honest probabilities, and how far off they are.

One temperature (Guo et al., 2017) and a bias for each label, found on held-out texts: bias-corrected temperature scaling
(Alexandari et al., 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from aisle.tasks.text.datasets import Dataset
from aisle.tasks.text.schema import Config

Floats = NDArray[np.floating]
BINS = 15
SPREAD = 0.25  # how large a bias is taken to be before texts are seen: a normal prior's standard deviation
ROUNDED = 0.002  # energy that is lost or won where weights are kept in half the digits


def probabilities(logits: Floats, multi: bool) -> Floats:
    """(texts, labels): they add up to 1, or each stands for itself where a text has several labels."""
    if multi:
        alone: Floats = 1.0 / (1.0 + np.exp(-np.clip(logits, -60, 60)))
        return alone
    power: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    together: Floats = power / power.sum(axis=1, keepdims=True)
    return together


def loss(logits: Floats, targets: Floats, multi: bool) -> float:
    """Mean cross-entropy."""
    likely = np.clip(probabilities(logits.astype(np.float64), multi), 1e-12, 1 - 1e-12)
    if multi:
        return float(-(targets * np.log(likely) + (1 - targets) * np.log(1 - likely)).sum(axis=1).mean())
    share = targets / np.maximum(targets.sum(axis=1, keepdims=True), 1.0)
    return float(-(share * np.log(likely)).sum(axis=1).mean())


def temperature(logits: Floats, targets: Floats, multi: bool) -> float:
    """What the logits must be divided by so that the held-out texts are likeliest.

    Each text is taken for right but for one in as many as there are (Platt, 1999): none missed in 50 is no proof of certainty.
    """
    targets = _doubted(targets, multi)
    found = minimize_scalar(lambda power: loss(logits / np.exp(power), targets, multi), bounds=(-3, 3), method="bounded")
    return float(np.exp(found.x))


@dataclass(frozen=True, slots=True)
class Scaling:
    """What makes logits honest: logits / temperature + bias."""

    temperature: float = 1.0
    bias: Floats | float = 0.0  # (labels,), or the same for all

    def of(self, logits: Floats) -> NDArray[np.float32]:
        """(texts, labels)"""
        return np.asarray(logits / np.float32(self.temperature) + self.bias, np.float32)


def scaling(logits: Floats, targets: Floats, multi: bool) -> Scaling:
    """The temperature and the labels' biases that make held-out texts likeliest, which have labels as often as others will.

    A model says what is frequent too often where it has seen most of a text's n-grams never before: its biases put that right.
    Doubt as in `temperature`; biases are held back by a normal prior around 0, which texts of a label soon outweigh.
    """
    wanted, logits = _doubted(targets.astype(np.float64), multi), logits.astype(np.float64)
    shares = wanted if multi else wanted / wanted.sum(axis=1, keepdims=True)

    def surprise(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        factor, bias = np.exp(-flat[0]), flat[1:]
        scaled = logits * factor + bias
        slope = (probabilities(scaled, multi) - shares) / len(logits)
        value = loss(scaled, shares, multi) + float((bias**2).sum()) / (2 * SPREAD**2 * len(logits))
        held = slope.sum(axis=0) + bias / (SPREAD**2 * len(logits))
        return value, np.concatenate([[-float((slope * logits).sum()) * factor], held])

    edges = [(-3.0, 3.0)] + [(None, None)] * logits.shape[1]
    found = minimize(surprise, np.zeros(1 + logits.shape[1]), jac=True, method="L-BFGS-B", bounds=edges).x
    return Scaling(float(np.exp(found[0])), found[1:].astype(np.float32))


def _doubted(targets: Floats, multi: bool) -> Floats:
    doubt = 1.0 / (len(targets) + 2)
    found: Floats = targets * (1 - doubt) + doubt / (2 if multi else targets.shape[1])
    return found


def calibration_error(logits: Floats, targets: Floats, multi: bool) -> float:
    """Expected calibration error over 15 bins: how far the stated probability is from how often it is right."""
    likely = probabilities(logits, multi)
    if multi:
        said, right = likely.ravel(), targets.ravel()
    else:
        said = likely.max(axis=1)
        right = targets[np.arange(len(targets)), likely.argmax(axis=1)]
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    gap = np.abs(np.bincount(place, said, BINS) - np.bincount(place, right, BINS))
    return float(gap[count > 0].sum() / max(len(said), 1))


def quality(logits: Floats, targets: Floats, multi: bool) -> dict[str, float]:
    """accuracy (exact set of labels where there are several), macro-F1 over labels that occur, loss, calibration error."""
    chosen = (logits > 0) if multi else logits.argmax(axis=1)[:, None] == np.arange(logits.shape[1])
    wanted = targets > 0
    both, either = (chosen & wanted).sum(axis=0), chosen.sum(axis=0) + wanted.sum(axis=0)
    occurs = wanted.any(axis=0)
    right = (chosen == wanted).all(axis=1) if multi else (chosen & wanted).any(axis=1)
    return {
        "accuracy": float(right.mean()),
        "macro_f1": float((2 * both / np.maximum(either, 1))[occurs].mean()),
        "loss": loss(logits, targets, multi),
        "calibration_error": calibration_error(logits, targets, multi),
    }


@dataclass(frozen=True, slots=True)
class Strangers:
    """Texts that belong to none of the labels, told by the energy of their logits (Liu et al., 2020).

    Energy is the logarithm of the sum of the logits' exponentials. It needs no examples of them. Where the shop has some, under a
    label of their own, that label is learnt beside.
    """

    own: int | None  # the column of their label, where there is one

    @staticmethod
    def of(labels: Sequence[str], name: str) -> Strangers:
        return Strangers(list(labels).index(name) if name in labels else None)

    def energy(self, logits: Floats) -> Floats:
        """(texts,) high where some label fits well; the strangers' own label does not count."""
        others = logits.astype(np.float64) if self.own is None else np.delete(logits.astype(np.float64), self.own, axis=1)
        found: Floats = np.logaddexp.reduce(others, axis=1)
        return found

    def least(self, logits: Floats, targets: Floats, price: float) -> float:
        """The energy below which a text counts as strange: a share `price` of those that were labelled right lies there."""
        wanted = targets.argmax(axis=1)
        right = (logits.argmax(axis=1) == wanted) & (wanted != (-1 if self.own is None else self.own))
        return float(np.quantile(self.energy(logits)[right], price)) - ROUNDED if right.any() else -np.inf

    def known(self, logits: Floats, least: float) -> NDArray[np.bool_]:
        """(texts,) whether they belong to one of the labels."""
        found: NDArray[np.bool_] = (self.energy(logits) >= least) & (
            logits.argmax(axis=1) != (-1 if self.own is None else self.own)
        )
        return found

    def quality(self, logits: Floats, targets: Floats, least: float) -> dict[str, float]:
        """Of texts with a label, the share that is known and labelled right; of strangers, the share that is not known.

        `answered_accuracy`, where there are strangers: of all, those that are answered as they should be.
        """
        wanted, known = targets.argmax(axis=1), self.known(logits, least)
        inside = wanted != (-1 if self.own is None else self.own)
        right = np.where(inside, (logits.argmax(axis=1) == wanted) & known, ~known)
        found = {"known_accuracy": float(right[inside].mean())} if inside.any() else {}
        strange = (
            {"strangers_found": float(right[~inside].mean()), "answered_accuracy": float(right.mean())}
            if not inside.all()
            else {}
        )
        return found | strange


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What makes logits honest, and from which energy on a text is known."""

    scaling: Scaling
    least: float | None
    strangers: Strangers
    multi: bool

    @staticmethod
    def of(logits: Floats, targets: Floats, dataset: Dataset, config: Config, known: Scaling | None = None) -> Calibrated:
        """By texts that were not learnt from; the scaling, where it is known from others."""
        found = known or scaling(logits, targets, dataset.multi)
        strangers = Strangers.of(dataset.labels, config.strangers)
        least = None if dataset.multi else strangers.least(found.of(logits), targets, config.reject)
        return Calibrated(found, least, strangers, dataset.multi)

    def quality(self, logits: Floats, targets: Floats) -> dict[str, float]:
        """Of logits as the model gives them."""
        logits = self.scaling.of(logits)
        found = quality(logits, targets, self.multi)
        return found if self.least is None else found | self.strangers.quality(logits, targets, self.least)
