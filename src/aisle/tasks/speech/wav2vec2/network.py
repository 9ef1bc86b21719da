"""The exported network: samples in, log-probabilities of letters out. What it writes is a list of letters, blank first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from aisle.errors import Misconfigured

Floats = NDArray[np.float32]
NETWORK = "network.onnx"
SPREAD = 1e-7  # added to the variance, as in transformers' feature extractor


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in recogniser.json beside the network."""

    alphabet: str  # the letters, in the order of their columns; a space divides words
    columns: list[int]  # which column of the network's is which: the blank's first, then those of the letters
    kind: str = "wav2vec2"
    source: str = ""
    normalise: bool = True  # samples to zero mean and unit variance, as the network was trained
    stride: int = 320  # samples between two frames
    least: int = 400  # samples that make a frame
    language: str | None = None
    gain: float = 3.0  # of a favoured phrase (natural logarithm of odds)


class Network:
    """A model's folder, opened with one thread."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self.config = msgspec.json.decode((folder / "recogniser.json").read_bytes(), type=Config)
            self._session: Any = ort.InferenceSession(str(folder / NETWORK), options, providers=["CPUExecutionProvider"])
        except (OSError, msgspec.MsgspecError, RuntimeError) as error:  # ONNX Runtime's errors are RuntimeErrors
            raise Misconfigured(f"{folder} holds no Wav2Vec2 that can be opened ({error}): pull the model again") from None

    def logits(self, samples: Floats) -> Floats:
        """What the network says, (frames, its own vocabulary); too short a recording has no frames."""
        if len(samples) < self.config.least:
            return np.zeros((0, max(self.config.columns) + 1), np.float32)
        given = normalised(samples) if self.config.normalise else samples
        found: Floats = self._session.run(None, {"input_values": given[None].astype(np.float32)})[0][0]
        return found

    def logs(self, samples: Floats) -> Floats:
        """Log-probabilities of the blank and the letters, other tokens left out: (frames, 1 + letters)."""
        chosen = self.logits(samples)[:, self.config.columns].astype(np.float64)
        chosen -= chosen.max(1, keepdims=True, initial=-np.inf)
        return np.asarray(chosen - np.log(np.exp(chosen).sum(1, keepdims=True)), np.float32)


def normalised(samples: Floats) -> Floats:
    """Zero mean and unit variance."""
    return np.asarray((samples - samples.mean()) / np.sqrt(samples.var() + SPREAD), np.float32)
