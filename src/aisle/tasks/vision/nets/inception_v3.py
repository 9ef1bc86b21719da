"""Inception v3 (Szegedy et al., 2016): filters of several sizes side by side, big ones factorised into rows and columns.

As table 1 of the paper, with batch normalisation everywhere and without the auxiliary head (the paper finds it to be a
regulariser). Convolutions are padded ("SAME"), so any side divisible by 32 will do; the paper's are not, for 299 pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

WIDTH = 2048
Kernel = int | tuple[int, int]


class Convolution(nn.Module):
    """Convolution, batch normalisation, ReLU; (1, 7) is a row of seven, (7, 1) a column."""

    def __init__(self, inputs: int, outputs: int, kernel: Kernel, stride: int = 1) -> None:
        super().__init__()
        high, wide = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        self.conv = nn.Conv2d(inputs, outputs, (high, wide), stride, (high // 2, wide // 2), bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.relu(self.norm(self.conv(x)))
        return y


def chain(inputs: int, *layers: tuple[int, Kernel], stride: int = 1) -> nn.Sequential:
    """Convolutions one after another, each (outputs, kernel); the last has the stride."""
    made: list[nn.Module] = []
    for place, (outputs, kernel) in enumerate(layers):
        made.append(Convolution(inputs, outputs, kernel, stride if place == len(layers) - 1 else 1))
        inputs = outputs
    return nn.Sequential(*made)


def pooled(inputs: int, outputs: int) -> nn.Sequential:
    """Averages of 3 x 3, projected."""
    return nn.Sequential(nn.AvgPool2d(3, 1, 1), Convolution(inputs, outputs, 1))


class SideBySide(nn.Module):
    """Branches on the same input, their channels one after another."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


def figure_5(inputs: int, pool: int) -> SideBySide:
    """5 x 5 as two of 3 x 3. -> 224 + pool channels"""
    return SideBySide(
        chain(inputs, (64, 1)), chain(inputs, (48, 1), (64, 5)), chain(inputs, (64, 1), (96, 3), (96, 3)), pooled(inputs, pool)
    )


def figure_6(inputs: int, between: int) -> SideBySide:
    """7 x 7 as a row and a column of seven. -> 768 channels"""
    c, row, column = between, (1, 7), (7, 1)
    return SideBySide(
        chain(inputs, (192, 1)),
        chain(inputs, (c, 1), (c, row), (192, column)),
        chain(inputs, (c, 1), (c, column), (c, row), (c, column), (192, row)),
        pooled(inputs, 192),
    )


def figure_7(inputs: int) -> SideBySide:
    """3 x 3 as a row and a column of three side by side, for the coarsest maps. -> 2048 channels"""
    both = SideBySide(chain(384, (384, (1, 3))), chain(384, (384, (3, 1))))
    deep = SideBySide(chain(384, (384, (1, 3))), chain(384, (384, (3, 1))))
    return SideBySide(
        chain(inputs, (320, 1)),
        nn.Sequential(chain(inputs, (384, 1)), both),
        nn.Sequential(chain(inputs, (448, 1), (384, 3)), deep),
        pooled(inputs, 192),
    )


def halved(inputs: int, *branches: nn.Module) -> SideBySide:
    """Figure 10: convolutions of stride two beside a pooling of stride two, so that nothing is lost at a bottleneck."""
    return SideBySide(*branches, nn.MaxPool2d(3, 2, 1))


class InceptionV3(nn.Module):
    """Pictures (batch, 3, height, width) to maps of 2,048 features."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            chain(3, (32, 3), stride=2), chain(32, (32, 3), (64, 3)), nn.MaxPool2d(3, 2, 1),
            chain(64, (80, 1), (192, 3)), nn.MaxPool2d(3, 2, 1),
        )  # fmt: skip
        self.blocks = nn.Sequential(
            figure_5(192, 32), figure_5(256, 64), figure_5(288, 64),
            halved(288, chain(288, (384, 3), stride=2), chain(288, (64, 1), (96, 3), (96, 3), stride=2)),
            figure_6(768, 128), figure_6(768, 160), figure_6(768, 160), figure_6(768, 192),
            halved(
                768, chain(768, (192, 1), (320, 3), stride=2),
                chain(768, (192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3), stride=2),
            ),
            figure_7(1280), figure_7(WIDTH),
        )  # fmt: skip
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.trunc_normal_(layer.weight, std=0.1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (batch, 192, height / 8, width / 8)
        features: Tensor = self.blocks(x)  # (batch, 2048, height / 32, width / 32)
        return features


def stages(net: nn.Module) -> list[nn.Module]:
    """The stem, then every block."""
    assert isinstance(net, InceptionV3)
    return [net.stem, *net.blocks]
