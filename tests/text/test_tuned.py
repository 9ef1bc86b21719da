"""The static embedding fine-tuned: its gradient, what moves, what is written, and when it is taken."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aisle.task import discover
from aisle.tasks.text import calibration, choice, static, tiny, tuned
from aisle.tasks.text.choice import Tried
from aisle.tasks.text.classifiers import Spec
from aisle.tasks.text.features import Features
from aisle.tasks.text.fit import STARTER
from aisle.tasks.text.linear import Linear
from aisle.tasks.text.schema import Config
from aisle.tasks.text.tuned import Bags, Moved, Net

TASK = discover()["text"]
TEXTS = ["great lamp", "poor lamp", "台灯太差", "very great, great chair", "qqqqqqqq"]


@pytest.fixture(scope="module")
def starter() -> static.StaticEmbedding:
    return static.load(STARTER / "embedding")


def quiet(done: float, total: float, message: str) -> None:
    pass


def net(starter: static.StaticEmbedding, features: Features, labels: int) -> Net:
    rng = np.random.default_rng(3)
    drawn = [rng.normal(0, 0.2, size).astype(np.float32) for size in ((192, labels), (len(features.known), labels), (1, labels))]
    return Net(Moved.of(starter.table.copy()), *map(Moved.of, drawn))


def loss(one: Net, bags: Bags, targets: Any, multi: bool) -> float:
    """The slow way: by the text, with nothing that a step computes."""
    found = 0.0
    for row, target in enumerate(targets):
        vector = bags.tokens.toarray()[row].astype(float) @ one.table.weights + bags.rest[row]
        unit = vector / np.linalg.norm(vector) * tuned.REACH
        logits = unit @ one.head.weights + bags.grams.toarray()[row] @ one.grams.weights + one.bias.weights[0]
        likely = calibration.probabilities(logits[None], multi)[0]
        cross = -target @ np.log(likely) - ((1 - target) @ np.log(1 - likely) if multi else 0.0)
        found += float(cross) / len(targets)
    return found


@pytest.mark.parametrize("multi", [False, True])
def test_a_step_follows_the_gradient_of_the_loss(starter: static.StaticEmbedding, multi: bool) -> None:
    features = Features.learn(TEXTS, 0.5, 1.0)
    bags, targets = Bags.of(TEXTS, features, starter), np.eye(3, dtype=np.float32)[[0, 1, 1, 0, 2]]
    one = net(starter, features, 3)
    before = [part.weights.copy() for part in (one.table, one.head, one.grams, one.bias)]
    kept = np.ones((len(TEXTS), 192), np.float32)
    one.step(bags, targets, multi, kept, np.full(one.grams.weights.shape, 0.01, np.float32), 1.0)
    found = [part.first / (1 - tuned.FADING) for part in (one.table, one.head, one.grams, one.bias)]
    for part, weights in zip((one.table, one.head, one.grams, one.bias), before, strict=True):
        part.weights[:] = weights
    for part, gradient in zip((one.table, one.head, one.grams, one.bias), found, strict=True):
        row, column = divmod(int(np.abs(gradient).argmax()), gradient.shape[1])
        ends = []
        for change in (1e-2, -2e-2):
            part.weights[row, column] += change
            ends.append(loss(one, bags, targets, multi))
        part.weights[row, column] += 1e-2
        assert (ends[0] - ends[1]) / 2e-2 == pytest.approx(gradient[row, column], rel=0.02)


def test_what_the_texts_do_not_have_stays(starter: static.StaticEmbedding) -> None:
    features = Features.learn(TEXTS, 0.5, 1.0)
    targets = np.eye(2, dtype=np.float32)[[0, 1, 1, 0, 1]]
    model = tuned.learn(TEXTS, targets, features, starter, multi=False, rate=0.02, ratio=0.5, seed=0)
    moved = np.abs(model.embedding.table - starter.table).max(axis=1) > 1e-4
    words = {starter.tokenizer.id_to_token(place) for place in np.flatnonzero(moved).tolist()}
    assert {"great", "poor", "lamp", "chair"} <= words and "[UNK]" not in words and len(words) < 20
    assert (model.logits(TEXTS).argmax(axis=1) == targets.argmax(axis=1)).all()


def test_the_same_seed_gives_the_same_model_and_it_is_read_as_it_was_written(
    starter: static.StaticEmbedding, tmp_path: Path
) -> None:
    features, targets = Features.learn(TEXTS, 0.5, 1.0), np.eye(2, dtype=np.float32)[[0, 1, 1, 0, 1]]
    one, same = (tuned.learn(TEXTS, targets, features, starter, multi=False, rate=0.02, ratio=0.5, seed=4) for _ in range(2))
    assert (one.logits(TEXTS) == same.logits(TEXTS)).all()
    one.embedding.save(tmp_path / "own")
    own = static.load(tmp_path / "own")
    vectors, wanted = own.embed(TEXTS)[0], one.embedding.embed(TEXTS)[0]
    assert vectors == pytest.approx(wanted, abs=0.01) and (vectors * wanted).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_auto_tries_the_static_embedding_without_a_network(tmp_path: Path) -> None:
    TASK.fit(tiny.Words(), Config(algorithm="auto", columns=["sentiment"]), tmp_path, quiet)
    assert "static" in (tmp_path / "about.json").read_text("utf-8")
    assert len(list((tmp_path / "classifiers" / "sentiment").glob("classifier.json"))) == 1


@pytest.mark.parametrize(
    ("gain", "times", "taken"), [(0.002, 1.5, True), (0.001, 1.5, False), (0.009, 30.0, False), (0.011, 30.0, True)]
)
def test_what_costs_more_must_be_better_by_what_it_costs(gain: float, times: float, taken: bool) -> None:
    small = tried("linear", 0.9, 100.0)
    large = tried("static", 0.9 + gain, 100.0 * times)
    best, why = choice.better(small, large, worth=0.01)
    assert best is (large if taken else small)
    assert ("does not earn" in why) is not taken


def tried(kind: Any, accuracy: float, cost: float) -> Tried:
    model: Linear | None = None
    return Tried(Spec(name="x", kind=kind, labels=["a", "b"]), model, {"accuracy": accuracy, "cpu_ms_per_1000": cost})
