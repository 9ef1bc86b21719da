"""Which classifier to serve: linear, encoder, or whichever is worth its cost on held-out texts; and why, in words."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from aisle.errors import BadInput
from aisle.tasks.text import classifiers, trained
from aisle.tasks.text.classifiers import Model, Spec
from aisle.tasks.text.datasets import Dataset
from aisle.tasks.text.schema import Config
from aisle.tasks.text.static import StaticEmbedding

TIMED = 256  # texts whose cost is measured
Step = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Made:
    """A classifier that was written."""

    scores: dict[str, float]
    about: str
    other: dict[str, float] = field(default_factory=dict)  # of what was tried and not taken


def learn(dataset: Dataset, config: Config, folder: Path, embedding: StaticEmbedding, step: Step) -> Made:
    """Train and write the classifier of a data set. Raises BadInput where an encoder is wanted and none is named."""
    if config.algorithm != "linear" and not config.encoder:
        raise BadInput(f"algorithm={config.algorithm} needs a network to start from: --set encoder=FOLDER or a hub's name")
    shutil.rmtree(folder / "classifiers" / dataset.name, ignore_errors=True)
    if config.algorithm == "encoder":
        return _encoder(dataset, config, folder, step)
    began = time.process_time()
    found = trained.measure(dataset, embedding, config, step)
    model = trained.final(dataset, embedding, found, step)
    scores = found.scores | {"train_cpu_seconds": time.process_time() - began, "cpu_ms_per_1000": cost(model, dataset)}
    spec = Spec(
        name=dataset.name, learnt=True, kind="linear", labels=dataset.labels, multi=dataset.multi, inside=found.settings.inside,
        static=found.settings.static, strangers=config.strangers, least=found.calibrated.least, scores=_stable(scores),
    )  # fmt: skip
    spec.about = f"linear: accuracy {scores['accuracy']:.4f} on {scores['held_out']:.0f} held-out texts"
    if config.algorithm == "auto":
        return _compared(dataset, config, folder, step, spec, model, scores)
    classifiers.save(folder, spec, model)
    return Made(scores, spec.about)


def _compared(
    dataset: Dataset, config: Config, folder: Path, step: Step, spec: Spec, model: Model, scores: dict[str, float]
) -> Made:
    """The encoder is fine-tuned too; the linear model stays unless the encoder is better by what its cost asks for."""
    rival = _encoder(dataset, config, folder, step)
    ours, theirs = answered(scores), answered(rival.scores)
    times = rival.scores["cpu_ms_per_1000"] / max(scores["cpu_ms_per_1000"], 1e-9)
    both = f"accuracy {theirs:.4f} against {ours:.4f}, {times:,.0f} times the CPU a text"
    place = folder / "classifiers" / dataset.name
    if theirs - ours >= config.worth:
        about = f"encoder: it earns its cost ({both})"
        kept = msgspec.json.decode((place / classifiers.SPEC).read_bytes(), type=Spec)
        kept.about = about
        classifiers.save(folder, kept, None)
        return Made(rival.scores, about, scores)
    shutil.rmtree(place)
    spec.about = f"linear: the encoder does not earn its cost ({both})"
    classifiers.save(folder, spec, model)  # type: ignore[arg-type]
    return Made(scores, spec.about, rival.scores)


def answered(scores: dict[str, float]) -> float:
    """The share of texts that are answered right: where strangers are among them, they count as right when told to be unknown."""
    return scores.get("answered_accuracy", scores["accuracy"])


def _encoder(dataset: Dataset, config: Config, folder: Path, step: Step) -> Made:
    from aisle.tasks.text import finetune

    place = folder / "classifiers" / dataset.name
    place.mkdir(parents=True, exist_ok=True)
    found = finetune.finetune(dataset, config, place, step)
    scores = found.scores | {"cpu_ms_per_1000": cost(found.model, dataset)}
    spec = Spec(
        name=dataset.name, learnt=True, kind="encoder", labels=dataset.labels, multi=dataset.multi,
        temperature=found.calibrated.temperature,
        strangers=config.strangers, least=found.calibrated.least, scores=_stable(scores),
    )  # fmt: skip
    spec.about = f"encoder from {config.encoder}: accuracy {scores['accuracy']:.4f} on {scores['held_out']:.0f} held-out texts"
    classifiers.save(folder, spec, None)
    return Made(scores, spec.about)


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
