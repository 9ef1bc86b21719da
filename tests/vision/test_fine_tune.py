"""Training of the whole network: its parts, what is averaged, and that a kill changes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from aisle.errors import Cancelled  # noqa: E402
from aisle.kit.softmax import Heads  # noqa: E402
from aisle.tasks.vision import augment, fine_tune  # noqa: E402
from aisle.tasks.vision.nets import build  # noqa: E402

RECIPE = fine_tune.Recipe(side=64, frozen=16, epochs=3, cycles=2, batch=6, bf16=False)


def pictures(count: int, seed: int) -> fine_tune.Pictures:
    """Red or green, with noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (count, 1))
    values = rng.integers(0, 120, (count, 70, 80, 3))
    values[np.arange(count), :, :, labels[:, 0]] += 100
    return fine_tune.Pictures([Image.fromarray(one.astype(np.uint8)) for one in values], labels)


def trained(work: Path, stop_after: str = "") -> tuple[Heads, list[str]]:
    torch.manual_seed(5)
    seen: list[str] = []

    def say(done: float, what: str) -> None:
        seen.append(what)
        if stop_after and stop_after in what:
            raise Cancelled("killed")

    work.mkdir(exist_ok=True)
    network = build("mobilenet_v2")
    return fine_tune.train(network, [2], (pictures(18, 0), pictures(12, 1)), RECIPE, work=work, say=say), seen


def test_an_epoch_belongs_to_the_first_part_or_to_a_cycle() -> None:
    recipe = fine_tune.Recipe(epochs=8, cycles=2)
    assert recipe.total == 12 and recipe.cycle == 2
    assert [recipe.part(epoch) for epoch in (0, 7, 8, 9, 10)] == [(0, 0, 8), (0, 7, 8), (1, 0, 2), (1, 1, 2), (2, 0, 2)]
    assert fine_tune.Recipe(epochs=1, cycles=1).cycle == 1


def test_what_is_served_is_the_mean_of_the_ends() -> None:
    network = build("mobilenet_v2")
    model = fine_tune.Classifier(*network.split(RECIPE.frozen), network.width, 2)
    run = fine_tune.Run(model, fine_tune.copied(model.state_dict()), (0, 2), RECIPE, 3)
    ends, some = [], pictures(18, 0)
    for epoch in range(RECIPE.total):
        run.epoch(some, epoch)
        cycle, place, length = RECIPE.part(epoch)
        if place == length - 1:
            ends.append(run.average["head.weight"].clone())
        candidate = run.candidate(epoch)
        assert (candidate is None) == (cycle > 0 and place < length - 1)
    assert len(ends) == 3 and not torch.equal(ends[0], ends[1])
    assert candidate is not None
    assert torch.allclose(candidate["head.weight"], sum(ends) / 3, atol=1e-6)


def test_a_view_loses_a_rectangle_and_nothing_else() -> None:
    before, rng = np.full((64, 80, 3), 200, np.uint8), np.random.default_rng(2)
    shares = []
    for _ in range(200):
        after = augment.erased(before.copy(), rng)
        rows, columns = np.flatnonzero((after != before).any((1, 2))), np.flatnonzero((after != before).any((0, 2)))
        if not len(rows):
            continue  # it would not have fitted
        changed = (after != before).any(2)
        inside = changed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert inside.mean() > 0.9 and changed.sum() == inside.sum()
        shares.append(inside.size / changed.size)
    assert len(shares) > 150 and min(shares) > 0.01 and max(shares) < 0.31


@pytest.mark.parametrize("last", ["epoch 2 of 5", "epoch 4 of 5"])
def test_a_training_that_was_killed_ends_as_one_that_was_not(tmp_path: Path, last: str) -> None:
    whole, seen = trained(tmp_path / "whole")
    assert len(seen) == 5
    with pytest.raises(Cancelled):
        trained(tmp_path / "killed", last)
    again, seen = trained(tmp_path / "killed")
    assert len(seen) == 5 - int(last.split()[1])
    assert np.allclose(whole.weights, again.weights, atol=1e-6) and np.allclose(whole.bias, again.bias, atol=1e-6)
