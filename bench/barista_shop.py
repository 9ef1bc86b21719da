"""The starter adapted to one shop: spoken orders in five folds, each heard by a network that learnt from the others.

    python -m bench barista_shop [--minutes 2] [--folds 5] [--decibels 15] [--model FOLDER]

The orders have no transcripts, but labels: a clip's text is the likeliest that the grammar has for its labels, as the starter
hears it. Who speaks is not published, and the file names are random: clips of alike long-term spectrum (voice, room and
microphone together) are clustered, and a cluster is in one fold, so that a fold's speakers are new as far as can be told.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from bench.barista import GRAMMAR, SPEECH, STARTER, Order, accepted, loud, mixed, orders
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from aisle.kit import audio
from aisle.tasks.speech import ctc, train
from aisle.tasks.speech.features import log_mel
from aisle.tasks.speech.grammar import compiled
from aisle.tasks.speech.lattice import Scorer
from aisle.tasks.speech.recordings import Recording
from aisle.tasks.speech.schema import Config

SPEAKERS = 60  # clusters; the data set tells of more than 50 speakers


def clusters(clips: Sequence[Order]) -> NDArray[np.int64]:
    """A number for each clip, the same for clips that sound alike: Ward's method on level, spectrum and floor."""
    rows = []
    for clip in clips:
        logs = log_mel(loud(clip.samples))
        order = np.argsort(logs.mean(1))
        speech, floor = logs[order[len(order) // 2 :]], logs[order[: max(len(order) // 10, 1)]]
        rows.append(np.concatenate([speech.mean(0), floor.mean(0), speech.std(0)]))
    found = np.array(rows)
    return np.asarray(fcluster(linkage((found - found.mean(0)) / found.std(0), "ward"), SPEAKERS, "maxclust"), np.int64)


def folds_of(groups: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The fold of each clip: whole clusters, the largest first, each to the smallest fold."""
    sizes, fold = [0] * count, np.zeros(len(groups), np.int64)
    for group in sorted(set(groups.tolist()), key=lambda one: -int((groups == one).sum())):
        smallest = int(np.argmin(sizes))
        fold[groups == group] = smallest
        sizes[smallest] += int((groups == group).sum())
    return fold


def transcribed(model: ctc.CTC, clips: Sequence[Order]) -> list[Recording]:
    """Each clip with the likeliest text that means its labels."""
    scorer, found = Scorer(compiled(GRAMMAR)), []
    for clip in clips:
        chances = np.exp(model.acoustic.logs(loud(clip.samples)).astype(np.float64))
        way = scorer.best(chances, scorer.allowing(clip.slots))
        if way is not None and way.slots == clip.slots:
            found.append(Recording(clip.name, loud(clip.samples), way.text, False))
    return found


def adapted(model: ctc.CTC, folder: Path, clips: Sequence[Order], minutes: float) -> ctc.CTC:
    """The starter trained further, as `network=fine_tune` does it."""
    config = msgspec.convert({"network": "fine_tune", "minutes": minutes, "steps": 100_000, "rate": 4e-4}, Config)
    with tempfile.TemporaryDirectory() as made:
        train.network(config, transcribed(model, clips), Path(made), folder, lambda share, message: None)
        for name in ("recogniser.json", "language.json", "base.jsonl"):
            shutil.copyfile(folder / name, Path(made) / name)
        return ctc.load(Path(made))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=STARTER)
    parser.add_argument("--data", type=Path, default=SPEECH / "picovoice-barista")
    parser.add_argument("--minutes", type=float, default=2.0, help="of processor time, of each fold's training")
    parser.add_argument("--folds", type=int, default=5, help="how many of the five to do")
    parser.add_argument("--decibels", type=float, nargs="*", default=[15])
    args = parser.parse_args()
    clips, model = list(orders(args.data)), ctc.load(args.model)
    noise = audio.decode((args.data / "noise-kitchen.flac").read_bytes())
    fold = folds_of(clusters(clips), 5)
    right, heard = dict.fromkeys([None, *args.decibels], 0), 0
    for number in range(args.folds):
        began = time.process_time()
        learnt = adapted(model, args.model, [one for one, own in zip(clips, fold, strict=True) if own != number], args.minutes)
        mine = [(k, one) for k, (one, own) in enumerate(zip(clips, fold, strict=True)) if own == number]
        heard += len(mine)
        for decibels in right:
            sounds = [
                (loud(one.samples) if decibels is None else mixed(one.samples, noise, decibels, k), one.slots) for k, one in mine
            ]
            right[decibels] += accepted(learnt, sounds)[0]
        told = ", ".join(f"{'clean' if d is None else f'{d:g} dB'} {n / heard:.3f}" for d, n in right.items())
        print(f"{number + 1} folds, {heard} clips: accepted {told} ({time.process_time() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
