"""Trains the starter recogniser from caches of synthetic voices (speech_starter_voices.py) and writes a checkpoint.

    python scripts/train_speech_starter.py CACHE [CACHE …] --out CHECKPOINT.npz --minutes 40 [--held CACHE …] [--start FILE.npz]

`--minutes` are of processor time. Every checkpoint tells the error of letters on the held-out caches.
`export_speech_starter.py` makes the model folder of it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from aisle.kit.audio import RATE
from aisle.tasks.speech.augment import Hardships, energies, made_noises, room
from aisle.tasks.speech.features import FLOOR, RECIPE, Running, Spread
from aisle.tasks.speech.learn import Clip, Plan, collate, train
from aisle.tasks.speech.net import Acoustic, Dimensions
from aisle.tasks.speech.spoken import ALPHABET
from aisle.tasks.speech.train import started

GENTLE = Hardships(
    tempo=0.1, voice=0.05, reverberated=0.3, noisy=0.4, quietest=12.0, level=(-12.0, 6.0), before=0.3, after=0.5, holes=1
)
HARD = Hardships(noisy=0.75, quietest=1.0, clearest=28.0, level=(-18.0, 6.0), before=0.5, after=0.8)


def read(cache: Path) -> list[Clip]:
    """The clips of a cache, as mel energies; computed once."""
    rows = [json.loads(line) for line in (cache / "clips.jsonl").read_text().splitlines()]
    sound = np.memmap(cache / "sound.i16", np.int16, "r")
    kept = cache / f"energy{RECIPE.hop}.npy"
    if kept.exists():
        stored = np.load(kept, mmap_mode="r")
    else:
        logs = [np.log(energies(sound[r["start"] : r["start"] + r["samples"]] / np.float32(32768)) + 1e-9) for r in rows]
        np.save(kept, np.concatenate(logs).astype(np.float16))
        stored = np.load(kept, mmap_mode="r")
    clips, place = [], 0
    for row in rows:
        frames = max((row["samples"] - RECIPE.window) // RECIPE.hop + 1, 0)
        if frames > 20 and set(row["text"]) <= set(ALPHABET):
            clips.append(Clip(stored[place : place + frames], row["text"]))
        place += frames
    return clips


class Loaded(list[Clip]):
    """Clips whose energies are unpacked when asked for."""

    def __getitem__(self, k):  # type: ignore[no-untyped-def, override]
        clip = super().__getitem__(k)
        return Clip(np.exp(clip.energy.astype(np.float32)), clip.text)


def edits(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def greedy(net: Acoustic, spread: Spread, clip: Clip) -> str:
    logs = np.log(np.pad(np.exp(clip.energy.astype(np.float32)), ((20, 60), (0, 0))) + FLOOR)
    mel, lengths, _, _ = collate([(Running(spread)(logs), "")], net.size.chunk)
    with torch.inference_mode():
        best = net(mel, lengths, *net.state(1))[0][0, : int(lengths[0])].argmax(-1).numpy()
    return "".join(ALPHABET[k - 1] for k, before in zip(best, [0, *best[:-1]], strict=True) if k and k != before)


def errors(net: Acoustic, spread: Spread, clips: list[Clip]) -> tuple[float, float]:
    """Letters and words that are wrong, as shares."""
    found = [(" ".join(greedy(net, spread, clip).split()), clip.text) for clip in clips]
    letters = sum(edits(a, b) for a, b in found) / sum(len(b) for _, b in found)
    words = sum(edits(a.split(), b.split()) for a, b in found) / sum(len(b.split()) for _, b in found)  # type: ignore[arg-type]
    return letters, words


def save(path: Path, net: Acoustic, spread: Spread) -> None:
    arrays = {f"net.{name}": value.detach().numpy() for name, value in net.state_dict().items()}
    size = json.dumps(dataclasses.asdict(net.size))
    with path.with_suffix(".new").open("wb") as file:
        np.savez(file, mean=spread.mean, deviation=spread.deviation, size=size, **arrays)
    path.with_suffix(".new").rename(path)


def opened(path: Path, dropout: float = 0.0) -> tuple[Acoustic, Spread]:
    """A checkpoint, or the network of a model's folder (its 8-bit weights as floats)."""
    if path.is_dir():
        found, spread = started(path)
        net = Acoustic(found.size, dropout)
        net.load_state_dict(found.state_dict())
        return net, spread
    stored = np.load(path)
    net = Acoustic(Dimensions(**json.loads(str(stored["size"]))), dropout)
    net.load_state_dict({name[4:]: torch.from_numpy(stored[name]) for name in stored.files if name.startswith("net.")})
    return net, Spread(stored["mean"], stored["deviation"])


def averaged(net: Acoustic, other: Path) -> None:
    """Half of these weights, half of another checkpoint's that this training began with: better than either in noise."""
    theirs = opened(other)[0].state_dict()
    net.load_state_dict({name: (value + theirs[name]) / 2 for name, value in net.state_dict().items()})


def babble(clips: Loaded, draw: np.random.Generator, seconds: int = 12) -> NDArray[np.float32]:
    """Mel energies of a few voices at once, at their own distances: a crowd to be ignored."""
    found = np.zeros((RATE // RECIPE.hop * seconds, RECIPE.mels), np.float32)
    for _ in range(int(draw.integers(4, 9))):
        place, loud = 0, 10 ** draw.uniform(-1, 0)
        while place < len(found):
            energy = clips[int(draw.integers(len(clips)))].energy[: len(found) - place]
            found[place : place + len(energy)] += loud * energy / max(float(energy.mean()), 1e-9)
            place += len(energy)
    return found


def usual(clips: Loaded) -> Spread:
    """Mean and spread of the bands in a sample of clips, played at many levels."""
    draw = np.random.default_rng(0)
    some: list[NDArray[np.float32]] = [
        clips[int(k)].energy * 10 ** draw.uniform(-2.2, 0.5) for k in draw.integers(0, len(clips), 300)
    ]
    return Spread.of(np.log(np.concatenate(some) + FLOOR).astype(np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("caches", nargs="+", type=Path)
    parser.add_argument("--held", nargs="*", type=Path, default=[])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="a checkpoint, or the folder of a model")
    parser.add_argument("--average", type=Path, help="a checkpoint whose weights are averaged with those found, at the end")
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--wall", type=float, default=1e6, help="minutes of the clock, at most")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--often", nargs="*", default=[], help="NAME=TIMES: caches whose clips come several times in a round")
    parser.add_argument("--gentle", type=float, default=0.35, help="share of the time with easy clips, before the hard ones")
    parser.add_argument("--dropout", type=float, default=0.0, help="the networks are small and see a clip few times")
    parser.add_argument("--width", type=int, default=176)
    parser.add_argument("--blocks", type=int, default=6)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(7)
    often = {name: int(times) for name, _, times in (one.partition("=") for one in args.often)}
    clips = Loaded([clip for cache in args.caches for clip in read(cache) * often.get(cache.name, 1)])
    held = {cache.name: read(cache)[:40] for cache in args.held}
    if args.start:
        net, spread = opened(args.start, args.dropout)
    else:
        net, spread = Acoustic(Dimensions(width=args.width, blocks=args.blocks), args.dropout), usual(clips)
    began, told = time.time(), [0.0]

    def report(done: float, loss: float) -> None:
        if time.time() - told[0] > 120:
            told[0] = time.time()
            net.eval()
            scores = {name: [round(one, 3) for one in errors(net, spread, some)] for name, some in held.items()}
            net.train()
            save(args.out, net, spread)
            sys.stdout.write(f"{time.time() - began:.0f} s, {done:.3f} done, loss {loss:.3f}, {scores}\n")
            sys.stdout.flush()

    draw = np.random.default_rng(5)
    crowds = [babble(clips, draw) for _ in range(16)]
    far = [room(crowd, draw.uniform(0.3, 0.9), draw.uniform(-6, 3)) for crowd in crowds]
    noises = [one for _ in range(3) for one in made_noises(draw)] + crowds[:6] + far
    for share, how in ((args.gentle, GENTLE), (1 - args.gentle, HARD)):
        if share > 0:
            plan = Plan(60 * args.minutes * share, 60 * args.wall * share, rate=args.rate, frames=3000, warm=0.02, seed=args.seed)
            plan = dataclasses.replace(plan, ordered=not args.start)
            train(net, clips, noises, spread, how, plan, report)
    if args.average:
        averaged(net, args.average)
    save(args.out, net, spread)
    sys.stdout.write(f"done: { ({name: errors(net, spread, some) for name, some in held.items()}) }\n")


if __name__ == "__main__":
    main()
