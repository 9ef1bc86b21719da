"""A drawing board in units of 0 to 100: shapes with colour, pattern and edge, soft light and a shadow, smooth at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Rgb = tuple[int, int, int]
Points = NDArray[np.float64]  # (points, 2) x to the right, y down, 0..100
SIDE = 320  # pixels of a finished picture
FINE = 3  # drawn so many times larger, then averaged


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture is to show; `form` chooses among the shapes of a kind."""

    colour: Rgb
    accent: Rgb
    pattern: str = "plain"
    material: str = ""
    form: int = 0


@dataclass(frozen=True, slots=True)
class Pose:
    """How the thing stands on the picture: degrees, scale, mirrored or not, and moved by units."""

    angle: float = 0.0
    scale: float = 1.0
    mirror: bool = False
    right: float = 0.0
    down: float = 0.0


def mix(one: Rgb, two: Rgb, share: float) -> Rgb:
    """A colour between two; `share` of the second."""
    return tuple(round(a + (b - a) * share) for a, b in zip(one, two, strict=True))  # type: ignore[return-value]


def darker(colour: Rgb, share: float = 0.22) -> Rgb:
    return mix(colour, (20, 22, 34), share)


def lighter(colour: Rgb, share: float = 0.3) -> Rgb:
    return mix(colour, (255, 255, 255), share)


def oval(x: float, y: float, across: float, high: float | None = None, start: float = 0.0, end: float = 360.0) -> Points:
    """Points of an ellipse or a part of one; radii in units, degrees clockwise from the right."""
    turn = np.radians(np.linspace(start, end, 72))
    return np.column_stack([x + across * np.cos(turn), y + (across if high is None else high) * np.sin(turn)])


def box(left: float, top: float, right: float, bottom: float, corner: float = 0.0) -> Points:
    """Points of a rectangle with round corners."""
    r = min(corner, (right - left) / 2, (bottom - top) / 2)
    if r <= 0:
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float)
    corners = ((right - r, bottom - r, 0), (left + r, bottom - r, 90), (left + r, top + r, 180), (right - r, top + r, 270))
    return np.concatenate([oval(x, y, r, start=angle, end=angle + 90)[::6] for x, y, angle in corners])


def smooth(points: Sequence[tuple[float, float]], closed: bool = True) -> Points:
    """A Catmull-Rom curve through the points, twelve steps a piece."""
    given = np.array(points, float)
    ends = (given[-1:], given[:2]) if closed else (given[:1], given[-1:])
    p = np.concatenate([ends[0], given, ends[1]])
    t = np.linspace(0.0, 1.0, 12, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    return np.concatenate(pieces) if closed else np.concatenate([*pieces, given[-1:]])


class Canvas:
    """One picture in the making: the thing on a mask, so that light and shadow follow its outline."""

    def __init__(self, pose: Pose, background: Rgb) -> None:
        self.size = SIDE * FINE
        self.pose = pose
        self.background = background
        self.image = Image.new("RGB", (self.size, self.size), background)
        self.mask = Image.new("L", (self.size, self.size), 0)
        self._draw = ImageDraw.Draw(self.image, "RGBA")
        self._cut = ImageDraw.Draw(self.mask)

    def shape(self, points: Points, colour: Rgb, look: Look | None = None, edge: float = 0.7, step: float = 9.0) -> None:
        """A filled shape with a darker edge `edge` units wide; a look adds its pattern, repeated every `step` units."""
        spots = self._place(points)
        self._cut.polygon(spots, fill=255)
        self._draw.polygon(spots, fill=colour)
        if look is not None and look.pattern != "plain":
            inside = Image.new("L", self.image.size, 0)
            ImageDraw.Draw(inside).polygon(spots, fill=255)
            self._pattern(inside, look, step)
        if edge > 0:
            self.line(np.concatenate([points, points[:2]]), darker(colour, 0.3), edge)

    def line(self, points: Points | Sequence[tuple[float, float]], colour: Rgb, width: float, caps: bool = False) -> None:
        """A line `width` units wide, round at its joints (and its ends, if asked)."""
        spots = self._place(np.asarray(points, float))
        thick = max(round(width * self._unit()), 1)
        self._draw.line(spots, fill=colour, width=thick, joint="curve")
        self._cut.line(spots, fill=255, width=thick, joint="curve")
        for x, y in (spots[0], spots[-1]) if caps else ():
            ball = (x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2)
            self._draw.ellipse(ball, fill=colour)
            self._cut.ellipse(ball, fill=255)

    def tint(self, points: Points, light: float) -> None:
        """Make what is under the points lighter (0..1) or darker (-1..0); nothing new is added to the outline."""
        value = 255 if light > 0 else 0
        self._draw.polygon(self._place(points), fill=(value, value, value, round(255 * abs(light))))

    def hole(self, points: Points) -> None:
        """Cut through to the background, as the handle of a mug does."""
        spots = self._place(points)
        self._draw.polygon(spots, fill=self.background)
        self._cut.polygon(spots, fill=0)

    def finish(self) -> Image.Image:
        """The picture: background, shadow, thing with light from the left, averaged down."""
        image, mask = self.image.reduce(FINE), self.mask.reduce(FINE)
        small = mask.resize((80, 80), Image.Resampling.BOX)
        shadow = ImageChops.offset(small.filter(ImageFilter.GaussianBlur(2.6)), 1, 3)
        shadow = shadow.resize(mask.size, Image.Resampling.BILINEAR).point(lambda value: value * 0.34)
        shade = Image.linear_gradient("L").rotate(90).resize(mask.size).point(lambda value: max(value - 96, 0) * 0.26)
        image.paste((24, 22, 44), mask=ImageChops.multiply(shade, mask))
        ground = Image.new("RGB", mask.size, self.background)
        ground.paste(darker(self.background, 0.75), mask=shadow)
        ground.paste(image, mask=mask)
        return ground

    def _pattern(self, inside: Image.Image, look: Look, step: float) -> None:
        layer = Image.new("L", self.image.size, 0)
        draw = ImageDraw.Draw(layer)
        places = np.arange(-20.0, 121.0, step)
        for k, place in enumerate(places):
            if look.pattern in ("striped", "checked"):
                draw.polygon(
                    self._place(box(-20, place, 120, place + step * 0.42)), fill=255 if look.pattern == "striped" else 150
                )
            if look.pattern == "checked":
                draw.polygon(self._place(box(place, -20, place + step * 0.42, 120)), fill=190)
            if look.pattern == "dotted":
                for x in places + (step / 2 if k % 2 else 0.0):
                    draw.polygon(self._place(oval(x, place, step * 0.24)[::4]), fill=255)
        self.image.paste(look.accent, mask=ImageChops.multiply(layer, inside))

    def _unit(self) -> float:
        return self.size / 100 * self.pose.scale

    def _place(self, points: Points) -> list[tuple[float, float]]:
        """Units to pixels, through the pose."""
        turn = math.radians(self.pose.angle)
        x, y = points[:, 0] - 50, points[:, 1] - 50
        x = -x if self.pose.mirror else x
        wide = (x * math.cos(turn) - y * math.sin(turn)) * self._unit() + self.size / 2 + self.pose.right * self.size / 100
        high = (x * math.sin(turn) + y * math.cos(turn)) * self._unit() + self.size / 2 + self.pose.down * self.size / 100
        return list(zip(wide.tolist(), high.tolist(), strict=True))
