"""Which classifier to serve: linear, static, encoder, or what is worth its cost on held-out texts; and why, in words."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from aisle.errors import BadInput
from aisle.tasks.text import classifiers, trained
from aisle.tasks.text.classifiers import Model, Spec
from aisle.tasks.text.datasets import Dataset
from aisle.tasks.text.linear import Linear
from aisle.tasks.text.schema import Config
from aisle.tasks.text.static import StaticEmbedding

TIMED = 256  # texts whose cost is measured
DEAR = 10.0  # times the processor time a text from which on the whole of `worth` is asked for
Step = Callable[[float, str], None]
Few = Literal["linear", "static"]
FEW: tuple[Few, ...] = ("linear", "static")


@dataclass(frozen=True, slots=True)
class Made:
    """A classifier that was written."""

    scores: dict[str, float]
    about: str
    others: dict[str, dict[str, float]] = field(default_factory=dict)  # of what was tried and not taken


@dataclass(frozen=True, slots=True)
class Tried:
    """A classifier that was learnt; an encoder's files are in its folder already."""

    spec: Spec
    model: Linear | None
    scores: dict[str, float]


def learn(dataset: Dataset, config: Config, folder: Path, embedding: StaticEmbedding, step: Step) -> Made:
    """Train and write the classifier of a data set. Raises BadInput where an encoder is wanted and none is named."""
    if config.algorithm == "encoder" and not config.encoder:
        raise BadInput("algorithm=encoder needs a network to start from: --set encoder=FOLDER or a hub's name")
    place = folder / "classifiers" / dataset.name
    shutil.rmtree(place, ignore_errors=True)
    tried = [_few(dataset, kind, config, embedding, step) for kind in FEW if config.algorithm in (kind, "auto")]
    if config.algorithm == "encoder" or (config.algorithm == "auto" and config.encoder):
        tried.append(_encoder(dataset, config, folder, step))
    best, said = tried[0], []
    for rival in tried[1:]:
        best, why = better(best, rival, config.worth)
        said.append(why)
    if said:
        best.spec.about = f"{best.spec.kind}: {'; '.join(said)}"
    if best.spec.kind != "encoder":
        shutil.rmtree(place, ignore_errors=True)
    classifiers.save(folder, best.spec, best.model)
    return Made(best.scores, best.spec.about, {one.spec.kind: one.scores for one in tried if one is not best})


def better(best: Tried, rival: Tried, worth: float) -> tuple[Tried, str]:
    """The one to take, and why: what costs more a text must be better by as much as its cost asks for."""
    ours, theirs = answered(best.scores), answered(rival.scores)
    times = rival.scores["cpu_ms_per_1000"] / max(best.scores["cpu_ms_per_1000"], 1e-9)
    both = f"accuracy {theirs:.4f} against {ours:.4f} of {best.spec.kind}, {times:,.1f} times the CPU a text"
    if theirs - ours >= worth * min(times / DEAR, 1.0):
        return rival, f"{rival.spec.kind} earns its cost ({both})"
    return best, f"{rival.spec.kind} does not earn its cost ({both})"


def answered(scores: Mapping[str, float]) -> float:
    """The share of texts that are answered right: where strangers are among them, they count as right when told to be unknown."""
    return scores.get("answered_accuracy", scores["accuracy"])


def _few(dataset: Dataset, kind: Few, config: Config, embedding: StaticEmbedding, step: Step) -> Tried:
    """Linear, or the static embedding fine-tuned: seconds each."""
    began = time.process_time()
    found = trained.measure(dataset, embedding, msgspec.structs.replace(config, algorithm=kind), step)
    model = trained.final(dataset, embedding, found, step)
    scores = found.scores | {"train_cpu_seconds": time.process_time() - began, "cpu_ms_per_1000": cost(model, dataset)}
    spec = Spec(
        name=dataset.name, learnt=True, kind=kind, labels=dataset.labels, multi=dataset.multi, inside=found.settings.inside,
        static=found.settings.static, strangers=config.strangers, least=found.calibrated.least, scores=_stable(scores),
    )  # fmt: skip
    spec.about = f"{kind}: accuracy {scores['accuracy']:.4f} on {scores['held_out']:.0f} held-out texts"
    return Tried(spec, model, scores)


def _encoder(dataset: Dataset, config: Config, folder: Path, step: Step) -> Tried:
    from aisle.tasks.text import finetune

    place = folder / "classifiers" / dataset.name
    place.mkdir(parents=True, exist_ok=True)
    found = finetune.finetune(dataset, config, place, step)
    scores = found.scores | {"cpu_ms_per_1000": cost(found.model, dataset)}
    spec = Spec(
        name=dataset.name, learnt=True, kind="encoder", labels=dataset.labels, multi=dataset.multi,
        temperature=found.calibrated.scaling.temperature, bias=np.atleast_1d(found.calibrated.scaling.bias).tolist(),
        strangers=config.strangers, least=found.calibrated.least, scores=_stable(scores),
    )  # fmt: skip
    spec.about = f"encoder from {config.encoder}: accuracy {scores['accuracy']:.4f} on {scores['held_out']:.0f} held-out texts"
    return Tried(spec, None, scores)


def cost(model: Model, dataset: Dataset) -> float:
    """Milliseconds of processor time that a thousand of these texts take."""
    texts = dataset.texts[:TIMED]
    model.logits(texts[:8])
    began = time.process_time()
    model.logits(texts)
    return (time.process_time() - began) * 1e6 / len(texts)


def _stable(scores: dict[str, float]) -> dict[str, float]:
    """Scores without times: the same data give the same files."""
    return {name: value for name, value in scores.items() if "cpu" not in name}
