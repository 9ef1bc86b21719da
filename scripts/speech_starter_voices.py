"""Speaks sentences with synthetic voices into a cache: `sound.i16` (16 kHz mono, one clip after another) and `clips.jsonl`.

    python scripts/speech_starter_voices.py CACHE --engines espeak,flite,festival --clips 9000 --seed 1 [--written FILE]

Engines: espeak-ng (formant synthesis, many variants), flite and festival (Debian; built from recordings of kal, awb, rms, slt,
ked), and those of speech_starter_neural.py: hibari, kokoro, piper.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import subprocess
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly
from speech_starter_neural import Voice, hibari, kokoro, piper
from speech_starter_texts import order, texts

RATE = 16_000


def _words(text: str) -> list[str]:
    return text.split()


ACCENTS = _words("""en-us en-us en-us en-gb en-gb-scotland en-gb-x-rp en-029 en-us-nyc en-gb-x-gbcwmd en-gb-x-gbclan""")
VARIANTS = _words("""Alex Alicia Andrea Andy Annie antonio aunty belinda benjamin boris caleb david Denis Diogo ed edward edward2
Gene Gene2 Henrique Hugo iven iven2 iven3 iven4 Jacky john kaukovalta Lee Linda Marcelo Marco Mario max michael
michel miguel Mike norbert pablo paul pedro quincy rob robert sandro shelby steph steph2 steph3 travis victor
Zac anika f1 f2 f3 f4 f5 grandma grandpa klatt klatt2 klatt3 klatt4 m1 m2 m3 m4 m5 m6 m7 m8""")
HELD_OUT = {"Andy", "Linda", "Mario", "steph2", "m3", "f4", "klatt3", "quincy"}  # heard only in tests
FLITE = ("kal16", "awb", "rms", "slt", "rms", "slt", "awb")
FESTIVAL = ("kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts")


def read_wav(data: bytes) -> tuple[NDArray[np.float32], int]:
    with wave.open(io.BytesIO(data)) as file:
        frames = file.readframes(2**31 - 1)
        return np.frombuffer(frames[: len(frames) // 2 * 2], "<i2").astype(np.float32) / 32768, file.getframerate()


def espeak(held_out: bool) -> Voice:
    names = [name for name in VARIANTS if (name in HELD_OUT) == held_out]

    def speak(text: str, draw: random.Random) -> tuple[NDArray[np.float32], int, str]:
        voice = f"{draw.choice(ACCENTS)}+{draw.choice(names)}"
        how = ["-p", str(draw.randint(15, 85)), "-s", str(draw.randint(105, 215)), "-g", str(draw.choice([0, 0, 0, 1, 3]))]
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:  # not standard output: warnings may stand in front there
            subprocess.run(["espeak-ng", "-v", voice, *how, "-w", file.name, text], capture_output=True, check=True)
            return *read_wav(Path(file.name).read_bytes()), f"espeak {voice}"

    return speak


def flite(text: str, draw: random.Random) -> tuple[NDArray[np.float32], int, str]:
    voice = draw.choice(FLITE)
    how = ["--setf", f"duration_stretch={draw.uniform(0.75, 1.4):.2f}", "--setf", f"int_f0_target_mean={draw.randint(80, 230)}"]
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["flite", "-voice", voice, *how, "-t", text, "-o", file.name], capture_output=True, check=True)
        return *read_wav(Path(file.name).read_bytes()), f"flite {voice}"


def festival(text: str, draw: random.Random) -> tuple[NDArray[np.float32], int, str]:
    voice = draw.choice(FESTIVAL)
    how = f"(begin (voice_{voice}) (Parameter.set 'Duration_Stretch {draw.uniform(0.75, 1.35):.2f}))"
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["text2wave", "-eval", how, "-o", file.name], input=text.encode(), capture_output=True, check=True)
        return *read_wav(Path(file.name).read_bytes()), f"festival {voice}"


def at_16k(samples: NDArray[np.float32], rate: int, factor: float) -> NDArray[np.int16]:
    """Resampled to 16 kHz, played `factor` times as fast (pitch and formants move along), trimmed, peak at half scale."""
    source = max(round(rate * factor / 400), 1)
    moved = resample_poly(samples, 40, source)
    loud = np.flatnonzero(np.abs(moved) > 0.01 * np.abs(moved).max(initial=1e-6))
    moved = moved[max(loud[0] - 800, 0) : loud[-1] + 1600] if len(loud) else moved[:0]
    return np.asarray(16384 * moved / max(float(np.abs(moved).max(initial=1e-6)), 1e-6), np.int16)


def engines(args: argparse.Namespace) -> list[Voice]:
    known: dict[str, Callable[[], Voice]] = {
        "espeak": lambda: espeak(False),
        "espeak-held-out": lambda: espeak(True),
        "flite": lambda: flite,
        "festival": lambda: festival,
        "hibari": hibari,
        "kokoro": lambda: kokoro(args.folder),
        "piper": lambda: piper(args.folder),
    }
    return [known[name]() for name in args.engines.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--engines", default="espeak,flite,festival")
    parser.add_argument("--folder", type=Path, help="the folder of kokoro or piper")
    parser.add_argument("--written", type=Path, help="a file of sentences, one a line")
    parser.add_argument("--orders", type=float, default=0.0, help="share of clips that must be orders")
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    written = args.written.read_text("utf-8").splitlines() if args.written else []
    draw, said, voices = random.Random(args.seed), texts(args.seed, written), engines(args)
    end, place = time.monotonic() + 60 * args.minutes, 0
    with (args.cache / "sound.i16").open("wb") as sound, (args.cache / "clips.jsonl").open("w") as clips:
        for _ in range(args.clips):
            text = order(draw) if draw.random() < args.orders else next(said)
            samples, rate, name = draw.choice(voices)(text, draw)
            clip = at_16k(samples, rate, draw.uniform(0.86, 1.18))
            sound.write(clip.tobytes())
            clips.write(json.dumps({"start": place, "samples": len(clip), "text": " ".join(text.split()), "voice": name}) + "\n")
            clips.flush()
            place += len(clip)
            if time.monotonic() > end:
                break


if __name__ == "__main__":
    main()
