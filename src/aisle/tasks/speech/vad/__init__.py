"""Where somebody speaks: Silero's voice activity detector (MIT, version 5, ONNX), 32 ms at a time, and spans of speech from it.

The network: github.com/snakers4/silero-vad. It hears 512 samples of 16 kHz and the 64 before them, carries a state of its
own from step to step, and says how likely these 32 ms are speech. `scripts/speech_vad_sequences.py` rewrote its graph so that
one run takes all steps that are there: the same numbers to 1e-6, at 40 % of the time for a whole recording.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

RATE = 16_000  # samples per second
STEP = 512  # samples a probability is about
CONTEXT = 64  # samples before them that the network hears too
STEP_MS = 1000 * STEP / RATE
AT_ONCE = 1000 * STEP  # samples heard in one run: what is in memory at a time
MODEL = Path(__file__).parent / "silero_vad_16k.onnx"


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as speech. Probabilities from 0 to 1, times in milliseconds."""

    threshold: float = 0.5  # speech begins here
    release: float = 0.35  # and goes on until it was below this for `silence_ms`
    silence_ms: float = 500.0
    padding_ms: float = 300.0  # kept around what was found, so that soft beginnings and ends are heard
    least_ms: float = 96.0  # briefer sounds are no speech


@dataclass(frozen=True, slots=True)
class Span:
    """From sample `start` to before sample `end`."""

    start: int
    end: int


class Detector:
    """One voice heard from its beginning: give it samples as they come."""

    def __init__(self) -> None:
        self._session = _session()
        self._hidden = self._cell = np.zeros((1, 1, 128), np.float32)
        self._rest = np.zeros(CONTEXT, np.float32)  # the context, and samples that are no whole step yet

    def push(self, samples: NDArray[np.float32]) -> list[float]:
        """The probability of speech of every step that is now whole."""
        heard = np.concatenate([self._rest, samples])
        whole = (len(heard) - CONTEXT) // STEP * STEP
        self._rest = heard[whole:]
        return [one for at in range(0, whole, AT_ONCE) for one in self._steps(heard[at : min(at + AT_ONCE, whole) + CONTEXT])]

    def _steps(self, heard: NDArray[np.float32]) -> list[float]:
        """Whole steps with the context before them."""
        rows = np.ascontiguousarray(sliding_window_view(heard, CONTEXT + STEP)[::STEP])  # (steps, 576)
        given = {"input": rows, "hidden": self._hidden, "cell": self._cell}
        said, self._hidden, self._cell = self._session.run(None, given)
        return [float(one) for one in said]


def probabilities(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """How likely each 32 ms of a recording are speech; its end is filled up with silence.  # (steps,)"""
    missing = -len(samples) % STEP
    return np.array(Detector().push(np.pad(samples, (0, missing))), np.float32)


def spans(samples: NDArray[np.float32], rules: Rules | None = None) -> list[Span]:
    """Where somebody speaks in a recording of 16 kHz, padded, in order, apart from one another."""
    return padded(probabilities(samples), rules or Rules(), len(samples))


def padded(speech: NDArray[np.float32], rules: Rules, length: int) -> list[Span]:
    """Spans from the probabilities of a recording of `length` samples; what touches when padded is one."""
    return _join(raw_spans(speech, rules), round(rules.padding_ms * RATE / 1000), length)


def raw_spans(speech: NDArray[np.float32], rules: Rules) -> list[Span]:
    """Runs of speech in steps' probabilities, in samples, without padding (hysteresis: begins high, ends low for a while)."""
    found: list[Span] = []
    start, quiet = -1, 0  # of the run, and how many steps it has been below the release
    patience = max(1, round(rules.silence_ms / STEP_MS))
    for step, probability in enumerate([*speech.tolist(), *[0.0] * patience]):
        if start < 0:
            if probability >= rules.threshold:
                start, quiet = step, 0
        elif probability >= rules.release:
            quiet = 0
        elif (quiet := quiet + 1) >= patience:
            end = step - quiet + 1
            if (end - start) * STEP_MS >= rules.least_ms:
                found.append(Span(start * STEP, end * STEP))
            start = -1
    return found


def _join(found: list[Span], padding: int, length: int) -> list[Span]:
    """Padded spans; those that then touch are one."""
    joined: list[Span] = []
    for span in found:
        start, end = max(0, span.start - padding), min(length, span.end + padding)
        if joined and start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, end)
        else:
            joined.append(Span(start, end))
    return joined


@functools.cache
def _session() -> Any:
    """The network; it keeps nothing between runs, so that all voices share it."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])
