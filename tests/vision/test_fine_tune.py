"""Training of the whole network: a kill changes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aisle.errors import Cancelled
from aisle.kit.softmax import Heads

torch = pytest.importorskip("torch")

from aisle.tasks.vision import fine_tune  # noqa: E402
from aisle.tasks.vision.nets import build  # noqa: E402

RECIPE = fine_tune.Recipe(side=64, frozen=16, epochs=4, batch=6, bf16=False)


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


@pytest.mark.parametrize("last", ["epoch 1 of 4", "epoch 3 of 4"])
def test_a_training_that_was_killed_ends_as_one_that_was_not(tmp_path: Path, last: str) -> None:
    whole, seen = trained(tmp_path / "whole")
    assert len(seen) == 4
    with pytest.raises(Cancelled):
        trained(tmp_path / "killed", last)
    again, seen = trained(tmp_path / "killed")
    assert len(seen) == 4 - int(last.split()[1])
    assert np.allclose(whole.weights, again.weights, atol=1e-6) and np.allclose(whole.bias, again.bias, atol=1e-6)
