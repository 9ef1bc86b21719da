"""Why a label: where in the picture its logit comes from, exactly.

A logit is linear in the features and every feature is a mean over places, so logit = bias + Σ over places. That is the class
activation map of Zhou et al. (2016), which for such a head is Grad-CAM (Selvaraju et al., 2017) without its ReLU, and needs no
gradient. Reasons are the same sum over nine regions: with the bias they add up to the logit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aisle.kit import images
from aisle.tasks.vision import colours
from aisle.types import Reason

Floats = NDArray[np.float32]
ROWS, COLUMNS = ("top", "middle", "bottom"), ("left", "centre", "right")
WARM, COLD = (214, 40, 40), (38, 84, 200)
STRONGEST = 200  # of 255, how opaque the warmest place is
STEPS = 20  # levels between nothing and that
SIDE = 112  # pixels of a heat map: smooth, so half of what the network sees is enough


def shares(weights: Floats, maps: Floats, square: Image.Image, *, with_colours: bool) -> list[Floats]:
    """What every place adds to a logit: an array for the network's map, one for the colours'. With the bias they make it."""
    width, height, breadth = maps.shape
    found: list[Floats] = [np.tensordot(weights[:width], maps, 1) / (height * breadth)]  # (height, breadth)
    if with_colours:
        found.append(colours.colour_map(square) @ weights[width:])
    return found


def heat(parts: Sequence[Floats], side: int = SIDE) -> Floats:
    """The parts as one density over the square, (side, side); its sum is theirs."""
    total = np.zeros((side, side), np.float32)
    for part in parts:
        grown = Image.fromarray(part.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR)
        total += np.asarray(grown) * (part.size / side**2)
    return total


def png(density: Floats) -> bytes:
    """A density as a picture to lay over: warm where it speaks for the label, cold where against."""
    strongest = max(float(np.abs(density).max()), 1e-12)
    strength = density / strongest
    pixels = np.zeros((*density.shape, 4), np.uint8)
    pixels[..., :3] = np.where((strength >= 0)[..., None], np.array(WARM), np.array(COLD))
    pixels[..., 3] = np.round(np.abs(strength) * STEPS) * (STRONGEST // STEPS)  # few levels make small files
    return images.png(pixels)


def reasons(parts: Sequence[Floats], bias: float, label: str) -> list[Reason]:
    """Nine regions and the bias; the contributions add up to the logit."""
    regions = sum(_regions(part) for part in parts)
    found = [
        Reason("picture", float(value), f"the {place} of the picture speaks {'for' if value >= 0 else 'against'} “{label}”")
        for place, value in zip(_places(), np.asarray(regions).ravel().tolist(), strict=True)
    ]
    return [*found, Reason("other", bias, f"how often “{label}” occurred in training")]


def strongest(parts: Sequence[Floats], label: str) -> Reason:
    """The region that speaks most for a label."""
    regions = np.asarray(sum(_regions(part) for part in parts)).ravel()
    best = int(regions.argmax())
    return Reason("picture", float(regions[best]), f"the {_places()[best]} of the picture speaks most for “{label}”")


def _regions(part: Floats) -> Floats:
    """Sums over three by three regions; every place belongs to the one its middle is in."""
    found = np.zeros((3, 3), np.float64)
    rows = (np.arange(part.shape[0]) + 0.5) * 3 // part.shape[0]
    columns = (np.arange(part.shape[1]) + 0.5) * 3 // part.shape[1]
    np.add.at(found, (rows.astype(int)[:, None], columns.astype(int)[None]), part)
    return found.astype(np.float32)


def _places() -> list[str]:
    return ["centre" if (r, c) == ("middle", "centre") else f"{r} {c}" for r in ROWS for c in COLUMNS]
