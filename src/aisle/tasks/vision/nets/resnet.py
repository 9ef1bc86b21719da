"""ResNet (He et al., 2016) of 18, 34 or 50 layers, with the stem and the shortcuts of its D variant (He et al., 2019).

D: three 3 x 3 convolutions instead of one of 7 x 7, the bottleneck's stride in its 3 x 3 convolution, and shortcuts that average
2 x 2 before they project, so that no value is skipped.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

STEM = 32  # channels of the first two convolutions


class Size(NamedTuple):
    """One column of table 1 of the paper."""

    blocks: tuple[int, int, int, int]
    bottleneck: bool


SIZES = {
    "resnet18": Size((2, 2, 2, 2), False),
    "resnet34": Size((3, 4, 6, 3), False),
    "resnet50": Size((3, 4, 6, 3), True),
}
CHANNELS = (64, 128, 256, 512)
EXPANSION = 4  # of a bottleneck's output


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, *, active: bool = True) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if active else nn.Sequential(*layers)


class Block(nn.Module):
    """F(x) + x, then ReLU; F is two 3 x 3 convolutions, or 1 x 1, 3 x 3, 1 x 1 (a bottleneck)."""

    def __init__(self, inputs: int, channels: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        outputs = channels * EXPANSION if bottleneck else channels
        if bottleneck:
            path = [convolution(inputs, channels, 1), convolution(channels, channels, 3, stride)]
            path.append(convolution(channels, outputs, 1, active=False))
        else:
            path = [convolution(inputs, channels, 3, stride), convolution(channels, outputs, 3, active=False)]
        self.path = nn.Sequential(*path)
        norm = path[-1][1]
        assert isinstance(norm, nn.BatchNorm2d)
        nn.init.zeros_(norm.weight)  # every block begins as the identity (Goyal et al., 2017)
        self.shortcut = shortcut(inputs, outputs, stride)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.relu(self.path(x) + self.shortcut(x))
        return y


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """x itself where shapes allow; else averaged and projected."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    average = nn.AvgPool2d(stride, stride) if stride > 1 else nn.Identity()
    return nn.Sequential(average, convolution(inputs, outputs, 1, active=False))


class ResNet(nn.Module):
    """Pictures (batch, 3, height, width) to maps of features."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            convolution(3, STEM, 3, 2), convolution(STEM, STEM, 3), convolution(STEM, CHANNELS[0], 3), nn.MaxPool2d(3, 2, 1)
        )
        blocks, inputs = list[nn.Module](), CHANNELS[0]
        for place, (channels, count) in enumerate(zip(CHANNELS, size.blocks, strict=True)):
            for number in range(count):
                stride = 2 if place > 0 and number == 0 else 1
                blocks.append(Block(inputs, channels, stride, bottleneck=size.bottleneck))
                inputs = channels * (EXPANSION if size.bottleneck else 1)
        self.blocks = nn.Sequential(*blocks)
        self.width = inputs
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (batch, 64, height / 4, width / 4)
        features: Tensor = self.blocks(x)  # (batch, 512 or 2048, height / 32, width / 32)
        return features


def stages(net: nn.Module) -> list[nn.Module]:
    """The stem, then every block."""
    assert isinstance(net, ResNet)
    return [net.stem, *net.blocks]
