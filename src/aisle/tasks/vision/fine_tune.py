"""Training of the whole network in torch: from frozen features and a linear head to a network of the shop's own.

Recipe: the head starts from the one learnt on frozen features (Kumar et al., 2022, LP-FT), the first blocks stay as they are and
their outputs for a number of random views are computed once, AdamW with a warm-up and a cosine, label smoothing, mixup (Zhang et
al., 2018; between the outputs of the frozen blocks: Verma et al., 2019), a running average of the weights, early stopping.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from aisle.kit.images import middle
from aisle.kit.softmax import MISSING, Heads, Ints
from aisle.tasks.vision import checkpoints
from aisle.tasks.vision.augment import view
from aisle.tasks.vision.nets import Network, normalised

WARM_UP = 0.05  # of all steps
DROPOUT = 0.2
AVERAGE = 0.998  # of the running average of the weights, per step
CLIP = 5.0  # largest norm of the gradient
Say = Callable[[float, str], None]  # share done, what is being done


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how strongly to train (see schema.Config for what each means)."""

    side: int = 192
    frozen: int = 5
    epochs: int = 24
    views: int = 12
    batch: int = 32
    learning_rate: float = 4e-4
    decay: float = 0.02
    smoothing: float = 0.1
    mixup: float = 0.2
    patience: int = 8
    bf16: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Pictures:
    """Decoded pictures and the class of each by head; MISSING where it has none."""

    images: Sequence[Image.Image]
    labels: Ints  # (pictures, heads)


class Classifier(nn.Module):
    """The blocks that learn, the mean over places, and a linear layer for all heads."""

    def __init__(self, tail: nn.Module, width: int, heads: Heads | None, classes: int) -> None:
        super().__init__()
        self.tail = tail
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(width, classes)
        if heads is not None:
            self.head.weight.data = torch.from_numpy(heads.weights.copy())
            self.head.bias.data = torch.from_numpy(heads.bias.copy())

    def forward(self, x: Tensor) -> Tensor:
        features = self.tail(x).mean((2, 3)).float()  # (batch, width)
        logits: Tensor = self.head(self.dropout(features))  # (batch, classes of all heads)
        return logits


def train(
    network: Network,
    heads: Heads | None,
    sizes: Sequence[int],
    data: tuple[Pictures, Pictures],
    recipe: Recipe,
    *,
    work: Path,
    say: Say,
) -> Heads:
    """Train `network` in place on data[0], stopping by data[1]; returns its heads. `work`: what a killed run resumes from."""
    torch.manual_seed(recipe.seed)
    start, tail = network.split(recipe.frozen)
    inputs = Inputs(start, data[0].images, recipe, work, lambda done, what: say(0.25 * done, what))
    model = Classifier(tail, network.width, heads, sum(sizes)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    run = Run(model, average, tuple(np.cumsum([0, *sizes]).tolist()), recipe, max(len(data[0].images) // recipe.batch, 1))
    first = checkpoints.restore(work, run)
    held_out = whole(start, data[1].images, recipe)
    began, done_before = time.monotonic(), first
    for epoch in range(first, recipe.epochs):
        loss = run.epoch(inputs, data[0].labels, epoch)
        right = run.accuracy(held_out, data[1].labels)
        left = (time.monotonic() - began) / (epoch + 1 - done_before) * (recipe.epochs - epoch - 1)
        stop = run.keep_best(right, epoch)
        checkpoints.save(work, run, epoch + 1)
        say(
            0.25 + 0.75 * (epoch + 1) / recipe.epochs,
            f"epoch {epoch + 1} of {recipe.epochs}, loss {loss:.2f}, {right:.1%} of held out right, {duration(left)} left",
        )
        if stop:
            break
    model.load_state_dict(run.best or run.average)
    model.eval()
    weights, bias = model.head.weight.detach().numpy().copy(), model.head.bias.detach().numpy().copy()
    return Heads(weights, bias, run.bounds)


class Run:
    """One training as it stands: weights, their average, the optimiser's moments, the best so far."""

    def __init__(
        self, model: Classifier, average: dict[str, Tensor], bounds: tuple[int, ...], recipe: Recipe, steps: int
    ) -> None:
        self.model, self.average, self.bounds, self.recipe, self.steps = model, average, bounds, recipe, steps
        self.optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.decay)
        self.best: dict[str, Tensor] = {}
        self.best_right, self.best_epoch = -1.0, 0

    def epoch(self, inputs: Inputs, labels: Ints, number: int) -> float:
        """One pass over the pictures, each in one of its views; returns the mean loss."""
        rng = np.random.default_rng((self.recipe.seed, 1, number))
        order = rng.permutation(len(labels))
        self.model.train()
        losses = []
        for step in range(self.steps):
            rows = order[step * self.recipe.batch : (step + 1) * self.recipe.batch]
            self._set_rate((number * self.steps + step + 1) / (self.recipe.epochs * self.steps))
            losses.append(self._step(inputs.batch(rows, number, rng), torch.from_numpy(labels[rows]), rng))
        return float(np.mean(losses))

    def _step(self, x: Tensor, y: Tensor, rng: np.random.Generator) -> float:
        keep, other = 1.0, y
        if self.recipe.mixup > 0 and len(x) > 1:
            keep = float(max(b := rng.beta(self.recipe.mixup, self.recipe.mixup), 1 - b))
            partner = torch.from_numpy(rng.permutation(len(x)))
            x, other = keep * x + (1 - keep) * x[partner], y[partner]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.bf16):
            logits = self.model(x)
        loss = keep * self._loss(logits, y) + (1 - keep) * self._loss(logits, other)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimiser.step()
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                if value.is_floating_point():
                    self.average[name].lerp_(value, 1 - AVERAGE)
                else:
                    self.average[name].copy_(value)
        return float(loss.detach())

    def _loss(self, logits: Tensor, y: Tensor) -> Tensor:
        """The sum over heads of cross entropy with smoothed labels."""
        total = logits.new_zeros(())
        for k in range(len(self.bounds) - 1):
            if (y[:, k] != MISSING).any():
                part = logits[:, self.bounds[k] : self.bounds[k + 1]]
                total = total + functional.cross_entropy(
                    part, y[:, k], ignore_index=MISSING, label_smoothing=self.recipe.smoothing
                )
        return total

    def _set_rate(self, done: float) -> None:
        warm = min(done / WARM_UP, 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * done))

    @torch.no_grad()
    def accuracy(self, held_out: Tensor, labels: Ints) -> float:
        """The share of held-out labels that the averaged weights get right, mean over heads."""
        if not len(held_out):
            return 0.0
        now = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        self.model.eval()
        logits = torch.cat([self.model(part) for part in torch.split(held_out.float(), self.recipe.batch)]).numpy()
        self.model.load_state_dict(now)
        shares = []
        for k in range(labels.shape[1]):
            known = labels[:, k] != MISSING
            if known.any():
                found = logits[known, self.bounds[k] : self.bounds[k + 1]].argmax(1)
                shares.append(float((found == labels[known, k]).mean()))
        return float(np.mean(shares)) if shares else 0.0

    def keep_best(self, right: float, epoch: int) -> bool:
        """Remember the averaged weights where they are no worse than the best so far; whether it is time to stop."""
        if right >= self.best_right:
            self.best_right, self.best_epoch = right, epoch
            self.best = {name: value.clone() for name, value in self.average.items()}
        return epoch - self.best_epoch >= self.recipe.patience


class Inputs:
    """What the learning blocks see: outputs of the frozen ones for a number of random views, kept on disk; or fresh views."""

    def __init__(self, start: nn.Module | None, images: Sequence[Image.Image], recipe: Recipe, work: Path, say: Say) -> None:
        self.images, self.recipe = images, recipe
        self.kept: NDArray[np.float16] | None = None
        if start is not None:
            self.kept = self._compute(start, work, say)

    def batch(self, rows: NDArray[np.int64], epoch: int, rng: np.random.Generator) -> Tensor:
        if self.kept is not None:
            found = torch.from_numpy(np.stack([self.kept[epoch % len(self.kept), row] for row in rows])).float()
        else:
            found = normalised(np.stack([view(self.images[row], rng, self.recipe.side) for row in rows]))
        return found.contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def _compute(self, start: nn.Module, work: Path, say: Say) -> NDArray[np.float16]:
        """(views, pictures, channels, height, width), written once."""
        views, side = min(self.recipe.views, self.recipe.epochs), self.recipe.side
        shape = (views, len(self.images), *start(torch.zeros(1, 3, side, side)).shape[1:])
        path = work / "views.npy"
        if path.exists() and (kept := np.load(path, mmap_mode="r")).shape == shape:
            return _half(kept)
        part, began = work / "views.part.npy", time.monotonic()
        kept = np.lib.format.open_memmap(part, "w+", np.float16, shape)
        for row, image in enumerate(self.images):
            rng = np.random.default_rng((self.recipe.seed, 0, row))
            pixels = normalised(np.stack([view(image, rng, side) for _ in range(views)]))
            with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.bf16):
                kept[:, row] = start(pixels.contiguous(memory_format=torch.channels_last)).float().numpy()
            if row % 16 == 0:
                left = (time.monotonic() - began) / (row + 1) * (len(self.images) - row - 1)
                say((row + 1) / len(self.images), f"views of picture {row + 1:,} of {len(self.images):,}, {duration(left)} left")
        kept.flush()
        part.rename(path)
        return _half(np.load(path, mmap_mode="r"))


@torch.no_grad()
def whole(start: nn.Module | None, images: Sequence[Image.Image], recipe: Recipe) -> Tensor:
    """What the learning blocks see of the squares in the middle, as they will be seen at serving time."""
    found = []
    for image in images:
        x = normalised(np.asarray(middle(image, recipe.side))[None])
        found.append((start(x) if start is not None else x).half())
    return torch.cat(found) if found else torch.empty(0)


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _half(kept: NDArray[np.float16]) -> NDArray[np.float16]:
    return kept
