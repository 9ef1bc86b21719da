"""L-BFGS (Nocedal, 1980) in single precision: minimises a smooth function of very many numbers in little memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Function = Callable[[Floats], tuple[float, Floats]]  # value and gradient at a point
MEMORY = 6  # steps remembered
LITTLE = 1e-5  # a step that gains less of the value is the last
SHORTEST = 1e-6
ARMIJO = 1e-4


def minimise(function: Function, start: Floats, steps: int, on_step: Callable[[int], None] = lambda step: None) -> Floats:
    """The point where `function` is least, as far as `steps` lead from `start`."""
    point = start
    value, gradient = function(point)
    past: list[tuple[Floats, Floats, float]] = []  # step, change of the gradient, 1 / their product
    for number in range(steps):
        on_step(number)
        direction = _direction(gradient, past)
        slope = float(np.vdot(direction, gradient))
        length, (lower, new) = _along(function, point, value, direction, slope)
        step = length * direction
        change = new - gradient
        point = point + step
        if (product := float(np.vdot(step, change))) > 1e-10:
            past = [*past[1 - MEMORY :], (step, change, 1.0 / product)]
        gained, value, gradient = value - lower, lower, new
        if gained < LITTLE * max(abs(value), 1e-9):
            break
    return point


def _direction(gradient: Floats, past: list[tuple[Floats, Floats, float]]) -> Floats:
    """Downhill as the remembered steps see it (the two-loop recursion)."""
    if not past:
        first: Floats = -gradient / np.float32(max(float(np.abs(gradient).sum()) ** 0.5, 1e-12))
        return first
    along, shares = gradient.copy(), []
    for step, change, inverse in reversed(past):
        share = inverse * float(np.vdot(step, along))
        shares.append(share)
        along -= share * change
    step, change, inverse = past[-1]
    along *= 1.0 / (inverse * float(np.vdot(change, change)))
    for (step, change, inverse), share in zip(past, reversed(shares), strict=True):
        along += (share - inverse * float(np.vdot(change, along))) * step
    return -along


def _along(
    function: Function, point: Floats, value: float, direction: Floats, slope: float
) -> tuple[float, tuple[float, Floats]]:
    """How far to go, halved until the value falls enough, and value and gradient there."""
    length = 1.0
    while True:
        found = function(point + np.float32(length) * direction)
        if found[0] <= value + ARMIJO * length * slope or length < SHORTEST:
            return length, found
        length /= 2
