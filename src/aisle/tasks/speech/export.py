"""From a trained network to what serving opens: `acoustic.onnx`, with weights of matrices in 8 bits where that costs nothing."""

from __future__ import annotations

import warnings
from pathlib import Path

import onnx
import torch

from aisle.tasks.speech.net import CONTEXT, SUBSAMPLING, Acoustic

INPUTS = ("mel", "lengths", "heard", "swept", "seen")
OUTPUTS = ("logs", "heard_after", "swept_after", "seen_after")


def export(net: Acoustic, path: Path, *, eight_bits: bool = True) -> None:
    """Write the network; batch size and number of chunks stay free."""
    net.eval()
    size, frames = net.size, CONTEXT + SUBSAMPLING * net.size.chunk * 2
    given = (torch.zeros(2, frames, size.mels), torch.tensor([size.chunk * 2, size.chunk]), *net.state(2))
    axes = {
        "mel": {0: "batch", 1: "frames"}, "lengths": {0: "batch"},
        "heard": {1: "batch"}, "swept": {1: "batch"}, "seen": {0: "batch"},
        "logs": {0: "batch", 1: "outputs"}, "heard_after": {1: "batch"}, "swept_after": {1: "batch"}, "seen_after": {0: "batch"},
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            given,
            str(path),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes=axes,
            dynamo=False,
            opset_version=17,
        )
    if eight_bits:
        quantise(path)


def quantise(path: Path) -> None:
    """Matrix products in 8-bit integers, activations scaled as they come (dynamic quantisation); convolutions stay."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    small = path.with_suffix(".8bit.onnx")
    quantize_dynamic(
        path,
        small,
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["MatMul"],
        extra_options={"DefaultTensorType": 1},
    )
    model = onnx.load(str(small))
    model.producer_version = ""
    path.write_bytes(model.SerializeToString(deterministic=True))
    small.unlink()


def weights_of(path: Path, net: Acoustic) -> dict[str, torch.Tensor]:
    """The weights in a file that `export` wrote, as the network's own; 8-bit ones are scaled back to floats."""
    graph = onnx.load(str(path)).graph
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    found = {name: torch.tensor(value) for name, value in stored.items() if name in net.state_dict()}
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in stored:  # equal weights are stored once
            found[node.output[0]] = torch.tensor(stored[node.input[0]])
        for given in node.input[1:]:
            owner = _owner(node.name)
            if node.op_type in ("MatMul", "MatMulInteger") and given in stored and owner in net.state_dict():
                matrix = stored[given].astype("float32")
                base = given.removesuffix("_quantized")
                if base != given:
                    matrix = (matrix - stored[f"{base}_zero_point"].astype("float32")) * stored[f"{base}_scale"]
                found[owner] = torch.tensor(matrix.T.copy())
                break
    return found


def _owner(node: str) -> str:
    """The parameter of a matrix product in the graph: /blocks.0/before/open/MatMul is that of blocks.0.before.open.weight."""
    return ".".join(part for part in node.split("/")[1:-1]) + ".weight"
