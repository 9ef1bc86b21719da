"""Colours as features: how much of the thing in the picture is near each of a set of colours.

Networks trained to tell things apart learn to overlook colour, so heads get it beside the features: a soft histogram
over fixed points of CIE Lab, with plain background counting little. Each feature is a weighted mean over pixels, so a label's
share of it can be drawn as a heat map exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
SIDE = 24  # pixels of the thumbnail that is looked at
LIGHTNESS = (8.0, 30.0, 52.0, 74.0, 94.0)
CHROMA = (22.0, 50.0)
HUES = 8
WIDTH_OF_A_COLOUR = 14.0  # Lab units (just noticeable is about 2)
NEAR_BACKGROUND = 9.0  # Lab units within which a pixel counts as background
LEAST = 0.02  # what a background pixel still counts: a picture that is all one colour has that colour
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32)
WHITE_POINT = np.array([0.9505, 1.0, 1.089], np.float32)  # D65


def points() -> Floats:
    """The colours that are told apart, in Lab: greys, then hues at two strengths, at five levels of light. (WIDTH, 3)"""
    turns = np.arange(HUES) * 2 * np.pi / HUES
    rings = [(0.0, 0.0)] + [(c * np.cos(turn), c * np.sin(turn)) for c in CHROMA for turn in turns]
    return np.array([(light, a, b) for light in LIGHTNESS for a, b in rings], np.float32)


POINTS = points()
WIDTH = len(POINTS)  # 85


def lab(pixels: NDArray[np.uint8]) -> Floats:
    """sRGB (…, 3) as CIE Lab (D65)."""
    rgb = pixels.astype(np.float32) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ TO_XYZ.T / WHITE_POINT
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    found: Floats = np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)
    return found.astype(np.float32)


def colour_map(image: Image.Image) -> Floats:
    """What every place adds to every feature, (SIDE, SIDE, WIDTH): the features are its sum over places."""
    pixels = lab(np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX)))  # (SIDE, SIDE, 3)
    square = (pixels**2).sum(-1, keepdims=True) - 2 * pixels @ POINTS.T + (POINTS**2).sum(1)
    near = square / (2 * WIDTH_OF_A_COLOUR**2)  # (SIDE, SIDE, WIDTH)
    share = np.exp(near.min(-1, keepdims=True) - near)
    share /= share.sum(-1, keepdims=True)
    weight = foreground(pixels)
    found: Floats = share * (weight / weight.sum())[:, :, None]
    return found


def foreground(pixels: Floats) -> Floats:
    """How much each pixel of a Lab picture counts: little where it is like the border's median colour. (SIDE, SIDE)"""
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    away = ((pixels - np.median(edge, 0)) ** 2).sum(-1) / (2 * NEAR_BACKGROUND**2)
    found: Floats = LEAST + 1 - np.exp(-away)
    return found.astype(np.float32)


def features(image: Image.Image) -> Floats:
    """(WIDTH,), sum 1."""
    found: Floats = colour_map(image).sum((0, 1))
    return found
