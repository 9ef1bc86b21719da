"""Training an acoustic network on a shop's recordings: from nothing, or from the starter's weights."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from aisle.tasks.speech import acoustic
from aisle.tasks.speech.augment import Hardships, energies, made_noises
from aisle.tasks.speech.export import export, weights_of
from aisle.tasks.speech.features import FLOOR, Spread
from aisle.tasks.speech.learn import Clip, Plan
from aisle.tasks.speech.learn import train as learn
from aisle.tasks.speech.net import Acoustic, Dimensions
from aisle.tasks.speech.recordings import Recording
from aisle.tasks.speech.schema import Config

USUAL = Hardships(tempo=0.15, reverberated=0.5, noisy=0.5, quietest=8.0, level=(-12.0, 6.0), before=0.2, after=0.4)


def network(
    config: Config, recordings: Sequence[Recording], folder: Path, source: Path | None, told: Callable[[float, str], None]
) -> None:
    """Train, and write acoustic.onnx and acoustic.json. Raises what `told` raises."""
    torch.manual_seed(config.seed)
    clips = [Clip(energies(np.pad(one.samples, (0, 400))), one.text) for one in recordings]
    if source is None:
        net, spread = Acoustic(Dimensions(width=config.width, blocks=config.blocks)), spread_of(clips)
    else:
        net, spread = started(source)
    noises = made_noises(np.random.default_rng(config.seed), seconds=8.0)
    few = sum(len(clip.energy) for clip in clips) // 6  # a small shop has at least six batches
    plan = Plan(
        60 * config.minutes,
        steps=config.steps,
        rate=config.rate,
        frames=min(6000, max(few, 500)),
        ordered=source is None,
        half=False,
        seed=config.seed,
    )

    def report(share: float, loss: float) -> None:
        told(min(share, 1.0), f"training the network, loss {loss:.2f}")

    with one_thread():
        learn(net, clips, noises, spread, eased(USUAL, config.hardship), plan, report)
    export(net, folder / "acoustic.onnx", eight_bits=config.width >= 64)
    acoustic.save_facts(folder, spread, dataclasses.asdict(net.size))


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Sums in the same order at every run, so that the same seed gives the same model; the nets are too small to gain by more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def eased(how: Hardships, share: float) -> Hardships:
    """A share of the usual changes; 0 leaves clips nearly as they are."""
    return dataclasses.replace(
        how,
        tempo=how.tempo * share,
        voice=how.voice * share,
        reverberated=how.reverberated * share,
        noisy=how.noisy * share,
        level=(how.level[0] * share, how.level[1] * share),
        microphone=how.microphone * share,
        digital=how.digital * share,
        holes=round(how.holes * share),
    )


def started(source: Path) -> tuple[Acoustic, Spread]:
    """The network of a model folder, its 8-bit weights as floats again."""
    opened = acoustic.load(source)
    net = Acoustic(Dimensions(**opened.size))
    net.load_state_dict(weights_of(source / "acoustic.onnx", net))
    return net, opened.spread


def spread_of(clips: Sequence[Clip]) -> Spread:
    """Mean and spread of the bands over the recordings."""
    return Spread.of(np.log(np.concatenate([clip.energy for clip in clips]) + FLOOR).astype(np.float32))
