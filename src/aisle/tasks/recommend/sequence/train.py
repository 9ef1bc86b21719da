"""Trains the network: windows of like length, a softmax over all items, averaged weights, and a rate that always ends low.

The rate follows the share of the run that is over, by steps or by the clock, whichever is further: a run that its time limit
ends has still been brought to rest. Part of the users' newest events is held back; the averaged weights (Izmailov et al., 2018)
that rank these best are kept, and where they no longer gain the run is brought to its end.
"""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.sequence.net import Net, Size, arrays, fast, softmax_loss

Ints = NDArray[np.int64]
Step = Callable[..., None]  # done, total, what to say
RATE = 0.04  # highest, for one dimension; longer vectors take smaller steps
WARM_UP = 0.04  # of the run: the rate rises
LEAST_RATE = 0.02  # of the highest: where the rate ends
SHOWN = 10  # nDCG@10
CHECKED = 1000  # users whose newest event is held back, at most …
OF = 5  # … one in so many, and …
TOO_FEW = 40  # … nobody where so few would say nothing
ASKED = 256  # users validated at once
BATCH = 6400  # events of a step, at most …
STEPS = 50  # … and at least so many steps an epoch, but not …
FEWEST = 64  # … with fewer events than this; and at least …
LEAST_STEPS = 200  # … so many in all
REST = 0.8  # of the run: where it goes on once nothing is gained
GRACE = 0.05  # of the time limit in which the clock does not hurry the rate, so that equal runs are equal to the bit
VALIDATIONS = 15
SPOKEN = 1.0  # seconds between two words of progress
PARTS = 1000


@dataclass(frozen=True, slots=True)
class Histories:
    """What users took up, oldest first."""

    start: Ints  # (users + 1,)
    item: Ints  # (events,)

    @staticmethod
    def of(user: Ints, item: Ints) -> Histories:
        """From rows sorted by user and then by time; users without rows are nobody."""
        bounds = np.flatnonzero(np.diff(user, prepend=-1, append=-1)) if len(user) else np.zeros(1, np.int64)
        return Histories(bounds.astype(np.int64), np.asarray(item, np.int64))

    def newest(self, user: int, length: int) -> Ints:
        return self.item[max(self.start[user], self.start[user + 1] - length) : self.start[user + 1]]


class Asked(NamedTuple):
    """Histories, and the item that came next in each."""

    histories: Histories
    target: Ints


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train."""

    epochs: int = 30
    batch: int = BATCH  # events of a step
    rate: float = 5e-3
    decay: float = 0.01  # of the matrices' weights
    dropout: float = 0.2
    average: float = 0.998  # of the averaged weights stays in a step
    others: int = 1024  # items that a step's softmax compares with, drawn anew; all where there are no more than `whole`
    whole: int = 4096
    alone: float = 0.05  # share of the items that a step knows by their text only
    minutes: float = math.inf
    patience: int = 3  # validations without a gain before the rest of the run is cut short
    every: int = 2  # epochs between validations
    seed: int = 0

    @staticmethod
    def of(config: Config, events: int) -> Recipe:
        """By the settings; a small shop's steps are smaller, so that it has as many of them."""
        batch = int(np.clip(events // STEPS, FEWEST, BATCH))
        epochs = max(config.sequence_epochs, LEAST_STEPS * batch // max(events, 1))
        every = max(epochs // VALIDATIONS, 1)
        rate = RATE / math.sqrt(config.sequence_dimensions)
        return Recipe(
            epochs,
            batch,
            rate,
            dropout=config.sequence_dropout,
            minutes=config.sequence_minutes,
            every=every,
            seed=config.sequence_seed,
        )


def size_of(config: Config, items: int, texts: int) -> Size:
    """The network by the settings: a head for every 64 dimensions."""
    dimensions = config.sequence_dimensions
    return Size(items, texts, config.sequence_events, dimensions, config.sequence_blocks, max(dimensions // 64, 1))


def held_back(histories: Histories, seed: int) -> tuple[Histories, Asked]:
    """Histories to learn from, and those of some users without the last event, with that event."""
    sizes = np.diff(histories.start)
    long = np.flatnonzero(sizes >= 3)
    count = min(CHECKED, len(long) // OF)
    some = np.sort(np.random.default_rng(seed).permutation(long)[: count if count > TOO_FEW else 0])
    last = histories.start[some + 1] - 1
    keep = np.ones(len(histories.item), bool)
    keep[last] = False
    sizes[some] -= 1
    learnt = Histories(np.concatenate([[0], np.cumsum(sizes)]), histories.item[keep])
    return learnt, Asked(_only(learnt, some), histories.item[last])


def _only(histories: Histories, users: Ints) -> Histories:
    parts = [histories.newest(user, 1 << 30) for user in users.tolist()]
    return Histories(np.cumsum([0, *map(len, parts)]), np.concatenate(parts) if parts else histories.item[:0])


# ---- batches ---------------------------------------------------------------------------------------------------


def windows(histories: Histories, length: int, rng: np.random.Generator) -> Ints:
    """(windows, 2) spans of inputs in which every event but a user's first is asked for once: histories longer than `length`
    are cut every so many events, from a place drawn anew each time."""
    spans: list[tuple[int, int]] = []
    for first, stop in zip(histories.start[:-1].tolist(), (histories.start[1:] - 1).tolist(), strict=True):
        at = first + int(rng.integers(1, length + 1)) if stop - first > length else stop
        cuts = [first, *range(at, stop, length), stop]
        spans += itertools.pairwise(cuts)
    found = np.array(spans, np.int64).reshape(-1, 2)
    return found[found[:, 1] > found[:, 0]]


def batches(histories: Histories, length: int, most: int, rng: np.random.Generator) -> list[Ints]:
    """Windows of like length together, at most `most` events in each batch with its padding, in an order drawn anew."""
    spans = windows(histories, length, rng)
    size = spans[:, 1] - spans[:, 0]
    order = np.argsort(-size * (1 + 0.05 * rng.random(len(size))), kind="stable")
    found, at = [], 0
    while at < len(order):
        count = max(most // int(size[order[at]] * 1.05 + 1), 1)
        found.append(spans[order[at : at + count]])
        at += count
    return [found[number] for number in rng.permutation(len(found)).tolist()]


def padded(item: Ints, spans: Ints) -> tuple[Tensor, Tensor, Tensor]:
    """(rows, longest) inputs, padded at the end where causal attention cannot see it; (events,) the cells that are real; and
    (events,) what came next."""
    size = spans[:, 1] - spans[:, 0]
    place = np.arange(int(size.max()))[None, :]
    inside = place < size[:, None]
    where = np.where(inside, spans[:, :1] + place, spans[:, :1])
    return torch.from_numpy(item[where]), torch.from_numpy(np.flatnonzero(inside)), torch.from_numpy(item[where[inside] + 1])


# ---- the run ---------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """Where a training stands."""

    net: Net
    recipe: Recipe
    optimizer: torch.optim.Optimizer
    rng: np.random.Generator
    total: int  # steps
    mean: dict[str, Tensor]
    kept: dict[str, Tensor] = field(default_factory=dict)
    best: float = -1.0
    stale: int = 0
    steps: int = 0
    started: float = field(default_factory=time.monotonic)
    spoken: float = -math.inf
    said: str = "first epoch"

    @property
    def done(self) -> float:
        """The share that is over, by steps or by the clock."""
        hurried = (self.minutes / self.recipe.minutes - GRACE) / (1 - GRACE)
        return min(max(self.steps / self.total, hurried), 1.0)

    @property
    def minutes(self) -> float:
        return (time.monotonic() - self.started) / 60


def train(
    histories: Histories, size: Size, recipe: Recipe, texts: NDArray[np.float32], step: Step,
    asked: Asked | None = None,
) -> dict[str, NDArray[np.float32]]:  # fmt: skip
    """The weights of a trained `Net` by name. `texts` (items, size.texts); `asked` are histories with what came next to stop by:
    by default some users' newest events, which are then not learnt from. The same seed gives the same weights, unless the
    clock ends the run."""
    if asked is None:
        histories, asked = held_back(histories, recipe.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        run = _begun(Net(size, texts, recipe.dropout), histories, recipe)
        for epoch in itertools.count(1):
            _epoch(run, histories, step)
            if run.done >= 1 or epoch % recipe.every == 0:
                _check(run, asked)
                run.said = f"epoch {epoch} of {recipe.epochs}, nDCG@10 {run.best:.4f} on events held back"
            if run.done >= 1:
                break
            if run.stale >= recipe.patience:  # go on where the rate is low: coming to rest may still gain
                run.steps, run.stale = max(run.steps, int(REST * run.total)), 0
    run.net.load_state_dict(run.kept, strict=False)
    return arrays(run.net)


def _begun(net: Net, histories: Histories, recipe: Recipe) -> Run:
    each = len(batches(histories, net.size.length, recipe.batch, np.random.default_rng(recipe.seed)))
    mean = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    rng = np.random.default_rng(recipe.seed)
    return Run(net, recipe, _optimizer(net, recipe), rng, max(each * recipe.epochs, 1), mean, copy.deepcopy(mean))


def _optimizer(net: Net, recipe: Recipe) -> torch.optim.Optimizer:
    """Adam; only matrices of the blocks decay: items differ in how often they are seen, norms and distances are not sizes."""
    matrices = [weight for name, weight in net.named_parameters() if name.endswith(("inputs.weight", "output.weight"))]
    others = [weight for name, weight in net.named_parameters() if not name.endswith(("inputs.weight", "output.weight"))]
    groups = [{"params": matrices, "weight_decay": recipe.decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.98))


def _epoch(run: Run, histories: Histories, step: Step) -> None:
    run.net.train()
    for spans in batches(histories, run.net.size.length, run.recipe.batch, run.rng):
        _step(run, *padded(histories.item, spans))
        if time.monotonic() - run.spoken > SPOKEN:
            run.spoken = time.monotonic()
            step(int(PARTS * run.done), PARTS, f"{run.said}, {_left(run)} left")
        if run.done >= 1:
            return


def _step(run: Run, inputs: Tensor, real: Tensor, target: Tensor) -> None:
    """One batch: the loss downhill, the average after it."""
    for group in run.optimizer.param_groups:
        group["lr"] = run.recipe.rate * pace(run.done)
    vectors = run.net.vectors(_keep(run))
    with fast(inputs.numel()):
        states = run.net(inputs, vectors)
    loss = softmax_loss(states.flatten(0, 1).index_select(0, real).float(), vectors, target, _others(run))
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(run.net.parameters(), 1.0)
    run.optimizer.step()
    run.optimizer.zero_grad()
    run.steps += 1
    stays = min(run.recipe.average, run.steps / (run.steps + 10))  # the first steps are forgotten sooner
    with torch.no_grad():
        for name, weight in run.net.named_parameters():
            run.mean[name].lerp_(weight, 1 - stays)


def _others(run: Run) -> Tensor | None:
    """The items that this step compares with; None: all."""
    items, recipe = run.net.size.items, run.recipe
    return None if items <= max(recipe.whole, recipe.others) else torch.randperm(items)[: recipe.others]


def _keep(run: Run) -> Tensor | None:
    """(items, 1) 0 for the items that this step knows by their text only."""
    if run.net.project is None or not run.recipe.alone:
        return None
    return (torch.rand(run.net.size.items, 1) >= run.recipe.alone).float()


def pace(done: float) -> float:
    """The rate at a moment of the run, as a share of its highest: up in a line, down as a cosine."""
    if done < WARM_UP:
        return (done + 1e-3) / (WARM_UP + 1e-3)
    over = (done - WARM_UP) / (1 - WARM_UP)
    return LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + math.cos(math.pi * over))


def _left(run: Run) -> str:
    minutes = run.minutes * (1 - run.done) / max(run.done, 1e-6)
    return f"{minutes * 60:.0f} s" if minutes < 2 else f"{minutes:.0f} min"


def _check(run: Run, asked: Asked) -> None:
    """Keep the averaged weights where they rank what was held back better than before."""
    if not len(asked.target):
        run.kept = copy.deepcopy(run.mean)
        return
    own = {name: weight.detach().clone() for name, weight in run.net.named_parameters()}
    run.net.load_state_dict(run.mean, strict=False)
    found = ndcg(ranks(run.net, *asked))
    if found > run.best:
        run.best, run.stale, run.kept = found, 0, copy.deepcopy(run.mean)
    else:
        run.stale += 1
    run.net.load_state_dict(own, strict=False)


# ---- quality ---------------------------------------------------------------------------------------------------


@torch.no_grad()
def ranks(net: Net, histories: Histories, target: Ints) -> Ints:
    """(users,) how many items that the user has not had stand above what came next."""
    net.eval()
    vectors = net.vectors()
    found = np.zeros(len(target), np.int64)
    order = np.argsort(np.diff(histories.start), kind="stable")
    for users in (order[at : at + ASKED] for at in range(0, len(order), ASKED)):
        scores = _scores(net, vectors, [histories.newest(user, net.size.length) for user in users.tolist()])
        own = scores[torch.arange(len(users)), torch.from_numpy(target[users])].clone()
        for row, user in enumerate(users.tolist()):
            scores[row, torch.from_numpy(histories.newest(user, 1 << 30))] = -math.inf
        found[users] = (scores > own[:, None]).sum(dim=1).numpy()
    return found


def _scores(net: Net, vectors: Tensor, histories: list[Ints]) -> Tensor:
    """(users, items) logits of what comes next."""
    sizes = np.array([len(items) for items in histories])
    inputs = np.zeros((len(histories), int(sizes.max())), np.int64)
    for row, items in enumerate(histories):
        inputs[row, : len(items)] = items
    with fast(inputs.size):
        states = net(torch.from_numpy(inputs), vectors)
    logits: Tensor = states[torch.arange(len(sizes)), torch.from_numpy(sizes - 1)].float() @ vectors.T
    return logits


def ndcg(rank: Ints) -> float:
    """Mean of 1 / log2(rank + 2) within the first ten."""
    return float(((rank < SHOWN) / np.log2(rank + 2)).mean())
