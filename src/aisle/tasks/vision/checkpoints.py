"""What a killed training resumes from: one .npz after every epoch, written beside and renamed; no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from aisle.tasks.vision.fine_tune import Run

NAME = "epoch.npz"
MOMENTS = ("exp_avg", "exp_avg_sq", "step")


def save(folder: Path, run: Run, epochs: int) -> None:
    """Everything that decides how the training goes on after so many epochs."""
    kept = {"epochs": np.array(epochs), "best": np.array([run.best_right, run.best_epoch])}
    for kind, state in (("now", run.model.state_dict()), ("average", run.average), ("best", run.best)):
        kept |= {f"{kind}/{name}": value.numpy() for name, value in state.items()}
    for number, state in run.optimiser.state_dict()["state"].items():
        kept |= {f"moment/{number}/{name}": state[name].numpy() for name in MOMENTS}
    part = folder / f"part-{NAME}"
    np.savez(part, allow_pickle=False, **kept)
    part.replace(folder / NAME)


def restore(folder: Path, run: Run) -> int:
    """Put a training back to where it was; returns how many epochs it had done, 0 where nothing was kept."""
    path = folder / NAME
    if not path.exists():
        return 0
    with np.load(path, allow_pickle=False) as kept:
        found = {name: torch.from_numpy(kept[name]) for name in kept.files}
    run.model.load_state_dict(_of(found, "now"))
    run.average = _of(found, "average")
    run.best = _of(found, "best")
    run.best_right, run.best_epoch = float(found["best"][0]), int(found["best"][1])
    state = run.optimiser.state_dict()
    for name, value in found.items():
        if name.startswith("moment/"):
            _, number, moment = name.split("/")
            state["state"].setdefault(int(number), {})[moment] = value
    run.optimiser.load_state_dict(state)
    return int(found["epochs"])


def _of(found: dict[str, torch.Tensor], kind: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(f"{kind}/"): value for name, value in found.items() if name.startswith(f"{kind}/")}
