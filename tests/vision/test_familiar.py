"""Strangers are told from what was learnt, whether they are of another world or between two kinds."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import combine_pvalues

from aisle.errors import Misconfigured
from aisle.kit.softmax import Floats
from aisle.tasks.vision import familiar
from aisle.tasks.vision import model as models
from aisle.tasks.vision.familiar import Familiar

KINDS, WIDTH = 4, 12


def pictures(rng: np.random.Generator, count: int, *, between: bool = False, far: bool = False) -> tuple[Floats, Floats]:
    """Features around one of four corners (or half-way between two, or elsewhere), and the logits of a good classifier."""
    corners = np.eye(KINDS, WIDTH) * 8
    kind = rng.integers(KINDS, size=count)
    middle = corners[kind]
    if between:
        middle = (middle + corners[(kind + 1) % KINDS]) / 2
    if far:
        middle = middle + 8 * np.eye(1, WIDTH, WIDTH - 1)
    features = (middle + 0.5 * rng.normal(size=(count, WIDTH))).astype(np.float32)
    return features, features[:, :KINDS].astype(np.float32)


@pytest.fixture(scope="module")
def learnt() -> Familiar:
    rng = np.random.default_rng(0)
    train, (held_out, logits) = pictures(rng, 800)[0], pictures(rng, 400)
    return familiar.learn(train, held_out, logits)


def test_what_was_learnt_is_familiar_as_often_as_it_says(learnt: Familiar) -> None:
    shares = learnt.share(*pictures(np.random.default_rng(1), 2000))
    assert float((shares <= 0.05).mean()) == pytest.approx(0.05, abs=0.03)
    assert float(shares.mean()) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("way", ["between", "far"])
def test_neighbours_and_things_of_another_world_are_strange(learnt: Familiar, way: str) -> None:
    shares = learnt.share(*pictures(np.random.default_rng(2), 500, **{way: True}))  # type: ignore[arg-type]
    assert float((shares <= 0.05).mean()) > 0.9


def test_both_questions_are_needed(learnt: Familiar) -> None:
    logits = pictures(np.random.default_rng(3), 300, between=True)[1]
    undecided = familiar.tail(learnt.undecided, familiar.entropy(logits))
    features_far, logits_far = pictures(np.random.default_rng(4), 300, far=True)
    decided = familiar.tail(learnt.undecided, familiar.entropy(logits_far))
    far = familiar.tail(learnt.far, familiar.distance(learnt.place(features_far), learnt.known))
    assert undecided.mean() < 0.1 < 0.3 < decided.mean() and far.mean() < 0.05


def test_shares_are_combined_as_fisher_does(learnt: Familiar) -> None:
    features, logits = pictures(np.random.default_rng(5), 50)
    far = familiar.tail(learnt.far, familiar.distance(learnt.place(features), learnt.known)) + 1 / (len(learnt.far) + 1)
    undecided = familiar.tail(learnt.undecided, familiar.entropy(logits)) + 1 / (len(learnt.undecided) + 1)
    theirs = [combine_pvalues(np.minimum(pair, 1), "fisher").statistic / 2 for pair in zip(far, undecided, strict=True)]
    assert np.allclose(learnt.strangeness(features, logits), theirs, atol=5e-3)


def test_without_categories_the_distance_decides(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    train, (held_out, _) = pictures(rng, 800)[0], pictures(rng, 400)
    found = familiar.learn(train, held_out, np.zeros((len(held_out), 0), np.float32))
    far = pictures(rng, 200, far=True)[0]
    assert not len(found.undecided) and float((found.share(far, np.zeros((200, 0), np.float32)) <= 0.05).mean()) > 0.9


def test_a_handful_of_pictures_will_do() -> None:
    rng = np.random.default_rng(7)
    train, (held_out, logits) = pictures(rng, 3)[0], pictures(rng, 20)
    found = familiar.learn(train, held_out, logits)
    assert found.projection.shape == (2, WIDTH) and np.isfinite(found.share(held_out, logits)).all()


def test_what_is_saved_is_loaded(learnt: Familiar, tmp_path: Path) -> None:
    familiar.save(learnt, tmp_path)
    found = familiar.load(tmp_path)
    assert found is not None
    features, logits = pictures(np.random.default_rng(8), 200)
    assert np.allclose(found.share(features, logits), learnt.share(features, logits), atol=0.03)
    assert familiar.load(tmp_path / "elsewhere") is None


def test_damaged_files_are_said(tmp_path: Path) -> None:
    for file in models.STARTER.iterdir():
        if file.name != "familiar_far.npy":
            (tmp_path / file.name).symlink_to(file)
    (tmp_path / "familiar_far.npy").write_bytes(b"no array")
    with pytest.raises(Misconfigured, match="familiar_"):
        models.load(tmp_path)
