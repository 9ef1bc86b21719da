"""Rewrites Silero's voice activity detector so that one run hears a whole sequence of steps: the same weights, the same numbers.

    python scripts/speech_vad_sequences.py silero_vad_16k_op15.onnx OUT.onnx

Silero's graph takes one step of a voice a run (github.com/snakers4/silero-vad, src/silero_vad/data, MIT). Only its LSTM must
go step by step; here everything before and after it takes all steps together, and the LSTM the sequence. Needs `onnx`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.utils import extract_model

HEARD = "/model/encoder/3/activation/Relu_output_0"  # (steps, 128, 1)
SIZE = 128


def gates(torch_order: np.ndarray) -> np.ndarray:
    """Rows of torch's gates (input, forget, cell, output) in the order of ONNX (input, output, forget, cell)."""
    i, f, c, o = np.split(torch_order, 4)
    return np.concatenate([i, o, f, c])


def rewritten(source: Path) -> onnx.ModelProto:
    weights = {one.name: numpy_helper.to_array(one) for one in onnx.load(source).graph.initializer}
    with tempfile.TemporaryDirectory() as folder:
        front = Path(folder) / "front.onnx"
        extract_model(str(source), str(front), ["input"], [HEARD])
        model = onnx.load(front)
    graph, lstm = model.graph, "model.decoder.rnn."
    bias = np.concatenate([gates(weights[f"{lstm}bias_{side}"]) for side in ("ih", "hh")])
    stored = {
        "into": gates(weights[f"{lstm}weight_ih"])[None],
        "again": gates(weights[f"{lstm}weight_hh"])[None],
        "bias": bias[None],
        "out": weights["model.decoder.decoder.2.weight"].reshape(1, SIZE).T,
        "out_bias": weights["model.decoder.decoder.2.bias"],
        "sequence": np.array([-1, 1, SIZE], np.int64),
        "rows": np.array([-1, SIZE], np.int64),
        "flat": np.array([-1], np.int64),
    }
    graph.initializer.extend(numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in stored.items())
    graph.node.extend(
        [
            helper.make_node("Reshape", [HEARD, "sequence"], ["steps"]),
            helper.make_node(
                "LSTM", ["steps", "into", "again", "bias", "", "hidden", "cell"], ["each", "hiddenN", "cellN"], hidden_size=SIZE
            ),
            helper.make_node("Reshape", ["each", "rows"], ["row"]),
            helper.make_node("Relu", ["row"], ["open"]),
            helper.make_node("Gemm", ["open", "out", "out_bias"], ["score"]),
            helper.make_node("Reshape", ["score", "flat"], ["scores"]),
            helper.make_node("Sigmoid", ["scores"], ["output"]),
        ]
    )
    state = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, SIZE]) for name in ("hidden", "cell")]
    after = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, SIZE]) for name in ("hiddenN", "cellN")]
    graph.input.extend(state)
    del graph.output[:]
    graph.output.extend([helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch"]), *after])
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    onnx.save(rewritten(Path(sys.argv[1])), sys.argv[2])
