"""MobileNetV2 (Sandler et al., 2018): inverted residuals with linear bottlenecks, for phones and plain processors.

As published, with the padding of TensorFlow ("SAME"), so that Google's weights mean here what they meant there, and without
normalisation layers: theirs are folded into the convolutions. Pictures are (batch, 3, height, width) with sides divisible by 32
and values from -1 to 1.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from aisle.tasks.vision.nets.halving import halved

WIDTH = 1280  # features at the end


class Stage(NamedTuple):
    """One line of table 2 of the paper."""

    expansion: int  # t
    channels: int  # c
    repeats: int  # n
    stride: int  # s, of the first block


STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
)


class Convolution(nn.Module):
    """A convolution and ReLU6 (or nothing: a linear bottleneck)."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, *, stride: int = 1, groups: int = 1, active: bool = True):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2 if stride == 1 else 0, groups=groups)
        self.uneven = stride == 2  # "SAME", where sides are even: one row and column more at the far end only
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        if self.uneven:
            x = functional.pad(x, (0, 1, 0, 1))
        if self.uneven and self.conv.groups > 1 and self.conv.bias is not None:
            x = halved(x, self.conv.weight, self.conv.bias)
        else:
            x = self.conv(x)
        y: Tensor = functional.relu6(x, inplace=True) if self.active else x
        return y


class InvertedResidual(nn.Module):
    """Expand, filter each channel alone, project back; add the input where shapes allow (figure 4d of the paper)."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, stride: int):
        super().__init__()
        hidden = inputs * expansion
        self.expand = Convolution(inputs, hidden) if expansion > 1 else None
        self.filter = Convolution(hidden, hidden, 3, stride=stride, groups=hidden)
        self.project = Convolution(hidden, outputs, active=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.expand(x) if self.expand is not None else x
        y = self.project(self.filter(y))
        return x + y if self.residual else y


class MobileNetV2(nn.Module):
    """Pictures to maps of features; their mean over places is what heads look at."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Convolution(3, 32, 3, stride=2)
        blocks: list[nn.Module] = []
        channels = 32
        for stage in STAGES:
            for repeat in range(stage.repeats):
                stride = stage.stride if repeat == 0 else 1
                blocks.append(InvertedResidual(channels, stage.channels, expansion=stage.expansion, stride=stride))
                channels = stage.channels
        self.blocks = nn.Sequential(*blocks)
        self.last = Convolution(channels, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (batch, 32, height / 2, width / 2)
        x = self.blocks(x)  # (batch, 320, height / 32, width / 32)
        features: Tensor = self.last(x)  # (batch, 1280, height / 32, width / 32)
        return features


def stages(net: nn.Module) -> list[nn.Module]:
    """The stem, the seventeen blocks, and the last convolution, one after another."""
    return [net.stem, *net.blocks, net.last]  # type: ignore[list-item, misc]
