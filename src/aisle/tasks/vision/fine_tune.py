"""Training of the whole network in torch: from the starter's features to a network of the shop's own.

Recipe: the head starts from nothing (from the one learnt on frozen features, as Kumar et al., 2022, advise, other photos than
those of training were read worse: docs/benchmarks.md), AdamW with a warm-up and a cosine, pictures that grow from 4/7 to 6/7 of
the side they are served at (Tan and Le, 2021; Touvron et al., 2019: things look larger in training's crops), label smoothing, a
running average of the weights, early stopping. Where it is asked for: first blocks that stay as they are, mixup and CutMix.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from aisle.kit.images import middle
from aisle.kit.softmax import MISSING, Heads, Ints
from aisle.tasks.vision import checkpoints
from aisle.tasks.vision.augment import Pixels, mixed, view
from aisle.tasks.vision.nets import STRIDE, Network, normalised

WARM_UP = 0.05  # of all steps
DROPOUT = 0.2
AVERAGE = 0.998  # of the running average of the weights, per step; less in the first steps, or short trainings would not count
SEEN = 7 / 8  # of the largest square in the middle, at serving time: in training's crops things are larger than in the whole
CLIP = 5.0  # largest norm of the gradient
GROWTH = ((0.4, 4 / 7), (0.7, 5 / 7), (1.0, 6 / 7))  # until this share of the epochs, pictures have this share of the side
Weights = dict[str, Tensor]
Say = Callable[[float, str], None]  # share done, what is being done


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how strongly to train (see schema.Config for what each means)."""

    side: int = 224
    frozen: int = 0
    epochs: int = 12
    batch: int = 32
    learning_rate: float = 4e-4
    decay: float = 0.05
    smoothing: float = 0.1
    mixup: float = 0.0
    patience: int = 12
    bf16: bool = True
    seed: int = 0

    def side_at(self, epoch: int) -> int:
        """Pixels of training's pictures in an epoch, a multiple of the network's stride."""
        return whole_steps(self.side * self._share(epoch))

    def seen_at(self, epoch: int) -> int:
        """Pixels of held-out pictures in an epoch: as much more as there are at serving time."""
        return whole_steps(self.side * self._share(epoch) / GROWTH[-1][1])

    def _share(self, epoch: int) -> float:
        return next((share for until, share in GROWTH if epoch < until * self.epochs), GROWTH[-1][1])


@dataclass(frozen=True, slots=True)
class Pictures:
    """Decoded pictures and the class of each by head; MISSING where it has none."""

    images: Sequence[Image.Image]
    labels: Ints  # (pictures, heads)


class Classifier(nn.Module):
    """The blocks that stay, those that learn, the mean over places, and a linear layer for all heads."""

    def __init__(self, start: nn.Module | None, tail: nn.Module, width: int, classes: int) -> None:
        super().__init__()
        self._start = [start]  # in a list: none of this module's parameters
        self.tail = tail
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        start = self._start[0]
        if start is not None:
            with torch.no_grad():
                x = start(x)  # (batch, channels of the last block that stays, height, width)
        features = self.tail(x).mean((2, 3)).float()  # (batch, width)
        with torch.autocast("cpu", enabled=False):  # half width is too coarse for a softmax over many classes
            logits: Tensor = self.head(self.dropout(features))  # (batch, classes of all heads)
        return logits


def train(
    network: Network,
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
    model = Classifier(start, tail, network.width, sum(sizes)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copied(model.state_dict())
    run = Run(model, average, tuple(np.cumsum([0, *sizes]).tolist()), recipe, max(len(data[0].images) // recipe.batch, 1))
    first = checkpoints.restore(work, run)
    began, done_before = time.monotonic(), first
    for epoch in range(first, recipe.epochs):
        loss = run.epoch(data[0], epoch)
        right = run.accuracy(data[1], recipe.seen_at(epoch))
        left = (time.monotonic() - began) / (epoch + 1 - done_before) * (recipe.epochs - epoch - 1)
        stop = run.keep_best(right, epoch, len(data[1].images))
        checkpoints.save(work, run, epoch + 1)
        say(
            (epoch + 1) / recipe.epochs,
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

    def __init__(self, model: Classifier, average: Weights, bounds: tuple[int, ...], recipe: Recipe, steps: int) -> None:
        self.model, self.average, self.bounds, self.recipe, self.steps = model, average, bounds, recipe, steps
        self.optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.decay)
        self.best: Weights = {}
        self.best_right, self.best_epoch = -1.0, 0

    def epoch(self, pictures: Pictures, number: int) -> float:
        """One pass over the pictures, each in a new view; returns the mean loss."""
        recipe = self.recipe
        rng = np.random.default_rng((recipe.seed, 1, number))
        order, side = rng.permutation(len(pictures.labels)), self.recipe.side_at(number)
        torch.manual_seed((self.recipe.seed << 16) + number)  # dropout is the same after a kill
        self.model.train()
        losses = []
        for step in range(self.steps):
            rows = order[step * self.recipe.batch : (step + 1) * self.recipe.batch]
            taken = number * self.steps + step + 1
            self._set_rate(taken / (recipe.epochs * self.steps))
            x = normalised(np.stack([view(pictures.images[row], rng, side) for row in rows])).numpy()
            losses.append(self._step(*mixed(x, recipe.mixup, rng), torch.from_numpy(pictures.labels[rows])))
            self._average(taken)
        return float(np.mean(losses))

    def _step(self, x: Pixels, partner: Ints, share: float, y: Tensor) -> float:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.bf16):
            logits = self.model(torch.from_numpy(x).contiguous(memory_format=torch.channels_last))
        loss = share * self._loss(logits, y)
        if share < 1:
            loss = loss + (1 - share) * self._loss(logits, y[torch.from_numpy(partner)])
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimiser.step()
        return float(loss.detach())

    @torch.no_grad()
    def _average(self, taken: int) -> None:
        """Let the average follow the weights, after so many steps."""
        follow = 1 - min(AVERAGE, (1 + taken) / (10 + taken))
        for name, value in self.model.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, follow)
            else:
                self.average[name].copy_(value)

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
    def accuracy(self, held_out: Pictures, side: int) -> float:
        """The share of held-out labels that the averaged weights get right, mean over heads."""
        if not held_out.images:
            return 0.0
        now = copied(self.model.state_dict())
        self.model.load_state_dict(self.average)
        self.model.eval()
        found, size = [], self.recipe.batch
        for row in range(0, len(held_out.images), size):
            x = whole(held_out.images[row : row + size], side).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.bf16):
                found.append(self.model(x))
        logits = torch.cat(found).numpy()
        self.model.load_state_dict(now)
        shares, labels = [], held_out.labels
        for k in range(labels.shape[1]):
            known = labels[:, k] != MISSING
            if known.any():
                found = logits[known, self.bounds[k] : self.bounds[k + 1]].argmax(1)
                shares.append(float((found == labels[known, k]).mean()))
        return float(np.mean(shares)) if shares else 0.0

    def keep_best(self, right: float, epoch: int, pictures: int) -> bool:
        """Remember the averaged weights where they are as good as the best so far; whether it is time to stop.

        As good: within one standard error of the held-out share (Breiman et al., 1984). Later weights have been trained longer
        and averaged better, and few pictures cannot tell a difference below it.
        """
        error = math.sqrt(max(self.best_right, 0.0) * (1 - max(self.best_right, 0.0)) / max(pictures, 1))
        if right >= self.best_right - error:
            self.best_right, self.best_epoch = max(right, self.best_right), epoch
            self.best = copied(self.average)
        return epoch - self.best_epoch >= self.recipe.patience


def copied(weights: Weights) -> Weights:
    return {name: value.detach().clone() for name, value in weights.items()}


def whole(images: Sequence[Image.Image], side: int) -> Tensor:
    """The squares in the middle, as they are seen at serving time: (pictures, 3, side, side)."""
    return normalised(np.stack([np.asarray(middle(image, side, SEEN)) for image in images]))


def whole_steps(pixels: float) -> int:
    """The nearest multiple of the networks' stride."""
    return max(round(pixels / STRIDE), 1) * STRIDE


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
