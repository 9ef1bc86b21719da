"""A depthwise convolution that halves the picture, with a quick way back.

In half-width numbers oneDNN's gradient by the input of such a convolution is slow (`python -m bench vision step`). The same
gradient comes from a convolution that keeps the size, whose output's gradient has zeros at the places between.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


class Halving(torch.autograd.Function):
    """x (batch, channels, height, width), weight (channels, 1, 3, 3), bias (channels,) to half the height and width."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return functional.conv2d(x, weight, bias, stride=2, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, by_output: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        between = by_output.new_zeros(len(x), len(weight), x.shape[2] - 2, x.shape[3] - 2)
        between = between.contiguous(memory_format=torch.channels_last)
        between[:, :, ::2, ::2] = by_output
        by_input = _gradients(between, x, weight, 1, (True, False, False))[0]
        _, by_weight, by_bias = _gradients(by_output, x, weight, 2, (False, True, True))
        return by_input, by_weight, by_bias


def _gradients(
    by_output: Tensor, x: Tensor, weight: Tensor, stride: int, wanted: tuple[bool, bool, bool]
) -> tuple[Tensor, Tensor, Tensor]:
    channels, zero, one = len(weight), [0, 0], [1, 1]
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        by_output, x, weight, [channels], [stride, stride], zero, one, False, zero, channels, list(wanted)
    )
    return found


def halved(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The convolution; the quick way back where gradients flow in half-width numbers."""
    if x.requires_grad and torch.is_autocast_enabled("cpu"):
        kind = torch.get_autocast_dtype("cpu")
        found: Tensor = Halving.apply(x.to(kind), weight.to(kind), bias.to(kind))  # type: ignore[no-untyped-call]
        return found
    return functional.conv2d(x, weight, bias, stride=2, groups=len(weight))
