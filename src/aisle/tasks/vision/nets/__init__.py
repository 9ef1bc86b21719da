"""The networks that can be trained here, in plain torch: what each is called, how wide its features are, where it may be cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aisle.errors import BadInput, Misconfigured

STRIDE = 32  # pixels of a picture to one place of the last map, in each of them


@dataclass(frozen=True, slots=True)
class Network:
    """A network without its head: pictures to maps of features."""

    name: str
    body: nn.Module
    width: int  # features of the last map
    stages: Callable[[nn.Module], list[nn.Module]]  # the body as a row of modules, so that its start can stay frozen

    def split(self, frozen: int) -> tuple[nn.Module | None, nn.Sequential]:
        """(what stays as it is, what learns); None where everything learns."""
        stages = self.stages(self.body)
        if frozen <= 0:
            return None, nn.Sequential(*stages)
        if frozen >= len(stages):
            raise BadInput(f"{self.name} has {len(stages)} stages: freeze fewer than {len(stages)}", param="/config/frozen")
        return nn.Sequential(*stages[:frozen]).eval().to(memory_format=torch.channels_last), nn.Sequential(*stages[frozen:])  # type: ignore[call-overload]


def build(name: str) -> Network:
    """A network with fresh weights by its name. Raises BadInput."""
    if name == "mobilenet_v2":
        from aisle.tasks.vision.nets import mobilenet_v2 as m

        return Network(name, m.MobileNetV2(), m.WIDTH, m.stages)
    if name == "inception_v3":
        from aisle.tasks.vision.nets import inception_v3 as i

        return Network(name, i.InceptionV3(), i.WIDTH, i.stages)
    from aisle.tasks.vision.nets import resnet as r

    if name in r.SIZES:
        net = r.ResNet(r.SIZES[name])
        return Network(name, net, net.width, r.stages)
    raise BadInput(f"there is no network {name!r}", param="/config/network")


def normalised(pixels: NDArray[np.uint8]) -> Tensor:
    """(batch, height, width, 3) of 0 … 255 as (batch, 3, height, width) of -1 … 1."""
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))).float() / 127.5 - 1


def restore(network: Network, path: Path) -> None:
    """Put the weights of an exported network into it. Raises Misconfigured where they do not fit."""
    import onnx
    from onnx import numpy_helper

    weights = {}
    for weight in onnx.load(str(path)).graph.initializer:
        name = weight.name.removesuffix("_half").removeprefix("body.")
        weights[name] = torch.from_numpy(numpy_helper.to_array(weight).astype(np.float32))
    own = network.body.state_dict()
    missing = [name for name in own if name not in weights or weights[name].shape != own[name].shape]
    if missing:
        raise Misconfigured(f"{path.name} lacks {len(missing)} of the weights of {network.name}: train from other weights")
    network.body.load_state_dict({name: weights[name] for name in own})
