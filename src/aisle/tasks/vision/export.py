"""Networks as ONNX files: exported by torch, stored at half width, and compared with the original."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from aisle.errors import Misconfigured
from aisle.kit.sessions import open_session

OPSET = 17
BIG = 256  # numbers from which a weight is stored at half width
CLOSE = 2e-2  # largest difference, relative to the largest value, that storing at half width may make


class WithMean(nn.Module):
    """A network, and the mean of its last map over places."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.body(pixels)  # (batch, width, height / 32, width / 32)
        return maps.mean((2, 3)), maps


class Together(nn.Module):
    """Networks side by side: each one's maps after the other's."""

    def __init__(self, bodies: Sequence[nn.Module]) -> None:
        super().__init__()
        self.bodies = nn.ModuleList(bodies)

    def forward(self, pixels: Tensor) -> Tensor:
        return torch.cat([body(pixels) for body in self.bodies], 1)  # (batch, their widths, height / 32, width / 32)


def export(
    net: nn.Module, example: Tensor, path: Path, outputs: Sequence[str], *, sides_change: bool = False, half: bool = True
) -> float:
    """Write a network as ONNX and return the largest difference to torch, relative to the largest value.

    The batch may have any size; with `sides_change`, pictures too. `half`: weights are stored at half width.
    Raises Misconfigured where the file computes otherwise.
    """
    net.eval()
    dims = {0: "batch", 2: "height", 3: "width"} if sides_change else {0: "batch"}
    axes: dict[str, Mapping[int, str]] = {"pixels": dims, **{name: {0: "batch"} for name in outputs}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's deprecation of its own faster way
        torch.onnx.export(
            net, (example,), str(path), input_names=["pixels"], output_names=list(outputs),
            dynamic_axes=axes, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
    if half:
        store_half(path)
    difference = compare(net, example, path, outputs)
    if not difference <= CLOSE:
        raise Misconfigured(f"the exported network differs from torch's by {difference:.1%}: it is not used")
    return difference


@torch.no_grad()
def compare(net: nn.Module, example: Tensor, path: Path, outputs: Sequence[str], *, only: int | None = None) -> float:
    """The largest difference of any output, relative to that output's largest value; `only` the one of this number."""
    true = net(example)
    true = true if isinstance(true, tuple) else (true,)
    found = open_session(path).run(outputs, {"pixels": example.numpy()})
    pairs = zip(true if only is None else (true[only],), found, strict=True)
    return max(float(np.abs(a.numpy() - b).max() / max(float(np.abs(b).max()), 1e-12)) for a, b in pairs)


def store_half(path: Path) -> None:
    """Keep big weights as 16-bit numbers, widened again where they are used: half the file, the same speed (runtimes fold it)."""
    model = onnx.load(str(path))
    graph, casts = model.graph, []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or int(np.prod(weight.dims)) < BIG:
            continue
        values = numpy_helper.to_array(weight)
        if not np.isfinite(values.astype(np.float16)).all():
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, str(path))
