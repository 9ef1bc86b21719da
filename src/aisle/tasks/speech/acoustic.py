"""The acoustic network at serving time: ONNX Runtime, whole recordings in batches, or chunk by chunk with a state."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from aisle.tasks.speech.features import RECIPE, Floats, Running, Spread, features, log_mel

SUBSAMPLING = 4  # mel frames per output frame
CONTEXT = 5  # mel frames before the first that the first output looks at
HOP, WINDOW = RECIPE.hop, RECIPE.window  # samples
FRAME = SUBSAMPLING * HOP / 16_000  # seconds per output frame: 0.03 (at 0.04 fast talkers say more letters than there are frames)
AT_ONCE = 400  # output frames computed together for one recording: 12 seconds


@dataclass(frozen=True, slots=True)
class State:
    """What a stream carries from chunk to chunk."""

    heard: Floats
    swept: Floats
    seen: NDArray[np.int64]


class Acoustic:
    """Log-probabilities of letters every 30 ms."""

    def __init__(self, model: Path, spread: Spread, size: dict[str, int], threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.spread = spread
        self.size = size
        self.chunk = size["chunk"]

    def state(self, batch: int = 1) -> State:
        size = self.size
        heard = np.zeros((size["blocks"], batch, size["chunk"] * size["left"], 2 * size["width"]), np.float32)
        swept = np.zeros((size["blocks"], batch, size["kernel"] - 1, size["width"]), np.float32)
        return State(heard, swept, np.zeros(batch, np.int64))

    def logs(self, samples: Floats, tract: float = 1.0) -> Floats:
        """(output frames, 1 + letters) of a whole recording, retuned by `tract` before the network sees it."""
        mel = features(samples, self.spread, tract)
        frames = -(-len(mel) // SUBSAMPLING)
        if not frames:
            return np.zeros((0, self.size["outputs"]), np.float32)
        padded = np.zeros((CONTEXT + self._whole(frames) * SUBSAMPLING, mel.shape[1]), np.float32)
        padded[CONTEXT : CONTEXT + len(mel)] = mel
        state, found = self.state(), list[Floats]()
        step = self._whole(AT_ONCE)
        for start in range(0, self._whole(frames), step):
            piece = padded[start * SUBSAMPLING : CONTEXT + (start + step) * SUBSAMPLING]
            logs, state = self.step(piece, min(frames - start, step), state)
            found.append(logs)
        return np.concatenate(found)

    def step(self, mel: Floats, frames: int, state: State) -> tuple[Floats, State]:
        """The next chunks of one recording: `mel` (CONTEXT + 4 · chunk · n, mels), of which `frames` output frames are real."""
        given = {
            "mel": mel[None], "lengths": np.array([frames]), "heard": state.heard, "swept": state.swept, "seen": state.seen,
        }  # fmt: skip
        logs, heard, swept, seen = self._session.run(None, given)
        return logs[0, :frames], State(heard, swept, seen)

    def _whole(self, frames: int) -> int:
        return -(-frames // self.chunk) * self.chunk


class Ear:
    """One stream's sound on its way through the network: samples in, rows out that equal those of `Acoustic.logs` of it all."""

    def __init__(self, acoustic: Acoustic) -> None:
        self.acoustic = acoustic
        self._running = Running(acoustic.spread)
        self._samples = np.zeros(0, np.float32)
        self._mel = np.zeros((CONTEXT, acoustic.size["mels"]), np.float32)
        self._state = acoustic.state()

    def push(self, samples: Floats) -> Floats:
        """Rows for every chunk that is complete now (none is also an answer)."""
        self._take(samples)
        found, step = list[Floats](), self.acoustic.chunk * SUBSAMPLING
        while len(self._mel) >= CONTEXT + step:
            logs, self._state = self.acoustic.step(self._mel[: CONTEXT + step], self.acoustic.chunk, self._state)
            self._mel = self._mel[step:]
            found.append(logs)
        return np.concatenate(found) if found else np.zeros((0, self.acoustic.size["outputs"]), np.float32)

    def peek(self) -> Floats:
        """Rows of the chunk that is not complete yet, as far as it goes; nothing is kept of it."""
        had = len(self._mel) - CONTEXT
        frames = -(-had // SUBSAMPLING)
        if frames <= 0:
            return np.zeros((0, self.acoustic.size["outputs"]), np.float32)
        padded = np.zeros((CONTEXT + self.acoustic.chunk * SUBSAMPLING, self._mel.shape[1]), np.float32)
        padded[: len(self._mel)] = self._mel
        return self.acoustic.step(padded, frames, self._state)[0]

    def _take(self, samples: Floats) -> None:
        self._samples = np.concatenate([self._samples, samples.astype(np.float32, copy=False)])
        made = log_mel(self._samples)
        self._mel = np.concatenate([self._mel, self._running(made)])
        self._samples = self._samples[len(made) * HOP :]


def load(folder: Path, threads: int = 1) -> Acoustic:
    """The network of a model folder: acoustic.onnx and acoustic.json."""
    facts = json.loads((folder / "acoustic.json").read_text("utf-8"))
    spread = Spread(np.array(facts["mean"], np.float32), np.array(facts["deviation"], np.float32))
    return Acoustic(folder / "acoustic.onnx", spread, facts["size"], threads)


def save_facts(folder: Path, spread: Spread, size: dict[str, int]) -> None:
    """What `load` needs beside the network itself."""
    facts = {
        "size": size,
        "mean": [round(float(one), 5) for one in spread.mean],
        "deviation": [round(float(one), 5) for one in spread.deviation],
    }
    (folder / "acoustic.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
