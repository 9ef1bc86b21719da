"""Training of the acoustic network: batches of hardened clips, CTC on two blocks, a learning rate that follows the time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from aisle.tasks.speech.augment import Hardships, background, harder, with_holes
from aisle.tasks.speech.features import FLOOR, Running, Spread
from aisle.tasks.speech.net import CONTEXT, SUBSAMPLING, Acoustic
from aisle.tasks.speech.spoken import ALPHABET

Floats = NDArray[np.float32]
Report = Callable[[float, float], None]  # share done, loss


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording to learn from: its mel energies (frames, mels) and what was said, in letters of spoken.ALPHABET."""

    energy: Floats
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast. `seconds` of processor time end it, or `wall` seconds, or `steps`, whichever comes first."""

    seconds: float = 600.0
    wall: float = 1e9
    steps: int = 10**9
    rate: float = 1.5e-3
    frames: int = 6000  # mel frames in a batch: 45 seconds
    warm: float = 0.04
    nothing: float = 0.03  # share of clips that are noise alone, and no letter
    ordered: bool = True  # the first round goes from short to long: for a network that knows nothing yet
    half: bool = True  # bfloat16 where the processor has it
    seed: int = 7


def letters(text: str) -> list[int]:
    """Positions of letters in the network's outputs (0 is the blank)."""
    return [ALPHABET.index(letter) + 1 for letter in text]


def train(
    net: Acoustic, clips: Sequence[Clip], noises: Sequence[Floats], spread: Spread, how: Hardships, plan: Plan, report: Report
) -> None:
    """Improve `net` in place. Raises what `report` raises, so that a job can be cancelled."""
    optimizer = torch.optim.AdamW(net.parameters(), plan.rate, betas=(0.9, 0.98), weight_decay=0.01)
    net.train()
    began, started, mean = time.process_time(), time.monotonic(), 0.0
    for step, batch in enumerate(batches(clips, noises, spread, net.size.chunk, how, plan)):
        spent = (time.process_time() - began) / plan.seconds, (time.monotonic() - started) / plan.wall
        done = max(*spent, step / plan.steps)
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * slope(done, plan.warm)
        mel, lengths, wanted, sizes = batch
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.half):
            found = net.losses(mel, lengths)
        final, middle = (ctc(one, wanted, lengths, sizes) for one in reversed(found))
        loss = 0.7 * final + 0.3 * middle
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        mean += (float(final.detach()) - mean) * max(0.02, 1 / (step + 1))
        report(done, mean)
    net.eval()


def slope(done: float, warm: float) -> float:
    """Up in a straight line, then down along half a cosine."""
    return max(done, 1e-3) / warm if done < warm else 0.5 * (1 + np.cos(np.pi * (done - warm) / (1 - warm))) + 0.003


def ctc(found: Tensor, wanted: Tensor, lengths: Tensor, sizes: Tensor) -> Tensor:
    """Mean loss per letter of a batch."""
    lost = functional.ctc_loss(found.transpose(0, 1), wanted, lengths, sizes, reduction="none", zero_infinity=True)
    return lost.sum() / sizes.clamp(min=8).sum()


def batches(
    clips: Sequence[Clip], noises: Sequence[Floats], spread: Spread, chunk: int, how: Hardships, plan: Plan
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Endless batches of clips of alike length."""
    draw = np.random.default_rng(plan.seed)
    lengths = np.array([len(clip.energy) for clip in clips])
    first = plan.ordered
    while True:
        order = np.argsort(lengths * (1 if first else draw.uniform(0.85, 1.15, len(clips))))
        groups = grouped(order.tolist(), lengths, plan.frames)
        for place in range(len(groups)) if first else draw.permutation(len(groups)):
            chosen = [clips[k] for k in groups[int(place)]]
            yield collate([hardened(clip, noises, spread, how, plan, draw) for clip in chosen], chunk)
        first = False


def grouped(order: Sequence[int], lengths: NDArray[np.int64], frames: int) -> list[list[int]]:
    """Neighbours in order, as many as fit in `frames` when padded to the longest."""
    groups: list[list[int]] = []
    for k in order:
        if groups and (len(groups[-1]) + 1) * lengths[k] <= frames:
            groups[-1].append(k)
        else:
            groups.append([k])
    return groups


def hardened(
    clip: Clip, noises: Sequence[Floats], spread: Spread, how: Hardships, plan: Plan, draw: np.random.Generator
) -> tuple[Floats, str]:
    """Features of a new version of a clip, and its text; now and then noise alone, and nothing."""
    if draw.random() < plan.nothing:
        loud = 10 ** draw.uniform(-5, 0.5)
        energy, text = background(noises, len(clip.energy), draw) * np.float32(loud), ""
    else:
        energy, text = harder(clip.energy, noises, how, draw), clip.text
    return with_holes(Running(spread)(np.log(energy + FLOOR)), how, draw), text


def collate(made: Sequence[tuple[Floats, str]], chunk: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Padded features with the context in front, lengths in output frames, letters, and how many of them."""
    lengths = [max(-(-len(features) // SUBSAMPLING), 1) for features, _ in made]
    frames = -(-max(lengths) // chunk) * chunk * SUBSAMPLING
    mel = np.zeros((len(made), CONTEXT + frames, made[0][0].shape[1]), np.float32)
    for row, (features, _) in enumerate(made):
        mel[row, CONTEXT : CONTEXT + len(features)] = features
    texts = [letters(text) for _, text in made]
    wanted = torch.tensor([letter for text in texts for letter in text], dtype=torch.long)
    sizes = torch.tensor([len(text) for text in texts])
    return torch.from_numpy(mel), torch.tensor(lengths), wanted, sizes
