"""Networks rewritten to compute in 8-bit integers, from pictures (or texts, or sounds) such as they meet at work.

Weights per channel, activations by the range they take on the examples (Jacob et al., 2018; ONNX Runtime's static quantisation).
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aisle.kit.sessions import QUIET, Array, installed

NEEDS = ("onnxruntime", "onnx")


def possible() -> bool:
    """Whether the packages that rewrite networks are installed."""
    return all(installed(package) for package in NEEDS)


def quantise(path: Path, target: Path, examples: Sequence[Mapping[str, Array]]) -> None:
    """Write `path`, an ONNX file, to `target` in 8 bits; `examples` are inputs, each with a batch. Needs `possible`."""
    from onnxruntime import quantization as q

    class Examples(q.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._rows: Iterator[Mapping[str, Array]] = iter(examples)

        def get_next(self) -> Mapping[str, Array] | None:
            return next(self._rows, None)

    with tempfile.TemporaryDirectory() as scratch:
        folded = Path(scratch) / "folded.onnx"
        fold(path, folded)
        with quiet():
            q.quantize_static(
                str(folded), str(target), Examples(), quant_format=q.QuantFormat.QDQ, per_channel=True,
                activation_type=q.QuantType.QUInt8, weight_type=q.QuantType.QInt8,
            )  # fmt: skip


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the quantiser's advice to fold what `fold` has folded."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def fold(path: Path, target: Path) -> None:
    """The same network with what is constant computed: weights stored at half width become plain ones."""
    import onnxruntime as ort

    options: Any = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    options.log_severity_level = QUIET
    ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
