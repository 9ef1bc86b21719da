"""Makes the starter's folder of a checkpoint of train_speech_starter.py: network in 8 bits, everyday language, curves, card.

    python scripts/export_speech_starter.py CHECKPOINT.npz --written FILE --held CACHE … [--out src/aisle/tasks/speech/starter]

The curves are fitted on the held-out caches (voices that were not trained on), half of them in made noise; the figures in the
card are of the other half.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from speech_starter_texts import texts
from train_speech_starter import opened

from aisle.kit import audio
from aisle.tasks.speech import acoustic, ctc, ngram
from aisle.tasks.speech.augment import clatter, coloured
from aisle.tasks.speech.calibrate import expected_error, fitted
from aisle.tasks.speech.export import export
from aisle.tasks.speech.ngram import Counts
from aisle.tasks.speech.recordings import error_rate, heard_rightly
from aisle.tasks.speech.spoken import spoken

MADE = 6000  # sentences from the templates, beside the written ones
UNSURE = 0.4  # halves the words heard in made babble and clatter, for 5 % more word errors of voices (both not trained on)
ABOUT = {
    "made_of": "synthetic voices alone (scripts/speech_starter.sh): 7,517 clips of espeak-ng in many variants, flite (kal, awb, "
    "rms, slt) and festival (kal, ked, slt); 12,662 of hibari (Apache-2.0; one voice, given other pitches, vocal tracts and "
    "paces); 1,050 of Kokoro-82M (Apache-2.0; 54 voices and mixtures); hardened by tempo, voice, room, microphone, made noise "
    "and babble of the same voices. No recording of a person's speech.",
    "trained": "in pieces, each from the last one's weights, about 140 minutes of one core: 70 on the first 9,165 clips, at last "
    "with a letter every 30 ms instead of 40, and the mean of the weights before and after the last 11; then 36 and 34 minutes "
    "on 12,064 others, from 8-bit weights (scripts/train_speech_starter.py)",
    "sentences": "templates of scripts/speech_starter_texts.py (shop sentences, numbers, orders in the published grammar "
    "of Picovoice's benchmark, Apache-2.0), CLINC150 (CC BY 3.0, Larson et al. 2019), Women's E-Commerce Clothing Reviews (CC0)",
    "licence": "Apache-2.0",
    "can": "commands of a grammar and short English sentences of shoppers, in a quiet room",
    "cannot": "loud noise, strong accents, children, several speakers, other languages, free dictation (docs/benchmarks.md)",
}
Pair = tuple[NDArray[np.float32], str]


def everyday(written: list[str]) -> Counts:
    """Counts of n-grams of the sentences, the rare long ones left out."""
    counts = Counts()
    for text in itertools.chain(map(spoken, written), itertools.islice(texts(99, written, (0.25, 0.55, 0.1, 0.1, 0, 0)), MADE)):
        if text:
            counts.add(text)
    words = {gram for gram, times in counts.grams.items() if len(gram) == 1 and times >= 2}
    known = {gram[0] for gram in words} | {"<s>", "</s>"}
    least = {1: 2, 2: 3, 3: 5}
    return Counts({gram: times for gram, times in counts.grams.items() if times >= least[len(gram)] and set(gram) <= known})


def clips(cache: Path) -> list[Pair]:
    rows = [json.loads(line) for line in (cache / "clips.jsonl").read_text().splitlines()]
    sound = np.memmap(cache / "sound.i16", np.int16, "r")
    found = [(sound[r["start"] : r["start"] + r["samples"]] / np.float32(32768), r["text"]) for r in rows]
    return [(np.pad(samples, (3200, 9600)).astype(np.float32), text) for samples, text in found]


def in_noise(samples: NDArray[np.float32], decibels: float, draw: np.random.Generator) -> NDArray[np.float32]:
    noise = coloured(len(samples), 1.0, draw) if draw.random() < 0.5 else clatter(len(samples), 4.0, draw)
    speech = np.sort(np.square(samples))[-len(samples) // 3 :].mean()
    made = samples + noise * np.sqrt(speech / 10 ** (decibels / 10) / max(float(np.square(noise).mean()), 1e-12))
    return np.asarray(made / max(float(np.abs(made).max()), 1.0), np.float32)


def hear(model: ctc.CTC, pairs: list[Pair]) -> tuple[list[str], list[tuple[float, bool]], list[tuple[float, bool]]]:
    """Texts; (raw probability, right) of whole texts; the same of words."""
    heard = model.hear([samples for samples, _ in pairs], language=None, hints=None)
    said = [text for _, text in pairs]
    whole = [(one.probability, one.text == text) for one, text in zip(heard, said, strict=True) if one.text]
    return (
        [one.text for one in heard],
        whole,
        [pair for one, text in zip(heard, said, strict=True) for pair in heard_rightly(one, text)],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--written", type=Path, required=True)
    parser.add_argument("--held", nargs="+", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("src/aisle/tasks/speech/starter"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    net, spread = opened(args.checkpoint)
    export(net, args.out / "acoustic.onnx")
    acoustic.save_facts(args.out, spread, dataclasses.asdict(net.size))
    ngram.save(everyday(args.written.read_text("utf-8").splitlines()), args.out / "base.jsonl")
    (args.out / "language.json").write_text(
        json.dumps({"sources": [{"file": "base.jsonl", "weight": 1.0}], "phrases": []}) + "\n"
    )
    raw = ctc.Settings(unsure=UNSURE, voices=True)
    write(args.out / "recogniser.json", raw)
    model, draw = ctc.load(args.out), np.random.default_rng(3)
    pairs = [pair for cache in args.held for pair in clips(cache)]
    noisy = [(in_noise(samples, draw.uniform(5, 20), draw), text) for samples, text in pairs[::2]]
    _, whole, single = hear(model, [*pairs[::2], *noisy])
    settings = msgspec.structs.replace(raw, text=fitted(*columns(whole)), word=fitted(*columns(single)))
    write(args.out / "recogniser.json", settings)
    found, _, single = hear(ctc.load(args.out), pairs[1::2])
    figures = {
        "word_error_rate_of_unheard_synthetic_voices": round(error_rate(found, [text for _, text in pairs[1::2]]), 4),
        "word_calibration_error": round(expected_error(*columns(single)), 4),
        "seconds_of_test": round(sum(audio.seconds(samples) for samples, _ in pairs[1::2])),
    }
    (args.out / "card.json").write_text(json.dumps(card(figures), indent=2) + "\n", "utf-8")
    sys.stdout.write(json.dumps({**figures, "bytes": sum(file.stat().st_size for file in args.out.iterdir())}) + "\n")


def card(figures: dict[str, float]) -> dict[str, object]:
    """What the starter is made of, what it can, and what it cannot."""
    return {
        "task": "speech",
        "version": 0,
        "created_at": time.time_ns() // 1000,
        "scores": figures,
        "data": ABOUT,
        "config": {},
    }


def columns(pairs: list[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [probability for probability, _ in pairs], [right for _, right in pairs]


def write(path: Path, value: object) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1) + b"\n")


if __name__ == "__main__":
    main()
