"""Rows of marks on a common scale, as SVG: one row an algorithm, so that every figure of a report is read the same way.

Colours come from classes (the page's style sheet knows light and dark); nothing here is a style of its own, so a page can forbid
all but its own sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from math import floor, log10
from typing import NamedTuple

LEFT, RIGHT, TOP, ROW, BOTTOM = 184.0, 56.0, 8.0, 28.0, 34.0
WIDTH = 720.0
RADIUS = 5.0


class Mark(NamedTuple):
    """A dot at `value`, with a whisker from `low` to `high` where these are given."""

    value: float
    label: str  # said when pointed at
    kind: str  # class of its colour: a, b, c, d
    low: float | None = None
    high: float | None = None


class Line(NamedTuple):
    """An algorithm and its marks."""

    name: str
    marks: list[Mark]
    best: bool = False


def dots(lines: Sequence[Line], title: str, *, said: Callable[[float], str], joined: bool = False) -> str:
    """An SVG of (lines,) rows. `joined`: a line runs through the marks of a row."""
    most = max((mark.high or mark.value for line in lines for mark in line.marks), default=0.0)
    steps = ticks(most)
    span = steps[-1] or 1.0
    height = TOP + ROW * len(lines) + BOTTOM

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * value / span

    parts = [
        f'<svg viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{escape(title)}">',
        *_axis(steps, x, height, said),
    ]
    for number, line in enumerate(lines):
        parts += _row(line, TOP + ROW * (number + 0.5), x, joined=joined, said=said)
    return "\n".join([*parts, "</svg>"])


def ticks(most: float) -> list[float]:
    """0 and three to six round steps that reach `most`."""
    if most <= 0:
        return [0.0, 1.0]
    raw = most / 4
    unit = 10.0 ** floor(log10(raw))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= raw)
    count = int(-(-most // step))
    return [round(step * number, 12) for number in range(count + 1)]


def _axis(steps: Sequence[float], x: Callable[[float], float], height: float, said: Callable[[float], str]) -> list[str]:
    bottom = height - BOTTOM
    lines = [f'<line class="grid" x1="{x(step):.1f}" x2="{x(step):.1f}" y1="{TOP:g}" y2="{bottom:g}"/>' for step in steps]
    words = [
        f'<text class="tick" x="{x(step):.1f}" y="{bottom + 18:g}" text-anchor="middle">{said(step)}</text>' for step in steps
    ]
    return lines + words


def _row(line: Line, y: float, x: Callable[[float], float], *, joined: bool, said: Callable[[float], str]) -> list[str]:
    strong = " best" if line.best else ""
    parts = [f'<text class="name{strong}" x="{LEFT - 12:g}" y="{y + 4:g}" text-anchor="end">{escape(line.name)}</text>']
    if joined and len(line.marks) > 1:
        ends = [x(mark.value) for mark in line.marks]
        parts.append(f'<line class="join" x1="{min(ends):.1f}" x2="{max(ends):.1f}" y1="{y:g}" y2="{y:g}"/>')
    for mark in line.marks:
        if mark.low is not None and mark.high is not None:
            parts.append(
                f'<line class="whisker {mark.kind}" x1="{x(mark.low):.1f}" x2="{x(mark.high):.1f}" y1="{y:g}" y2="{y:g}"/>'
            )
        spot = f'cx="{x(mark.value):.1f}" cy="{y:g}" r="{RADIUS:g}"'
        parts.append(f'<circle class="{mark.kind}{strong}" {spot}><title>{escape(mark.label)}</title></circle>')
    if line.marks and not joined:
        last = max(line.marks, key=lambda mark: mark.high or mark.value)
        far = x(last.high or last.value) + RADIUS + 5
        parts.append(f'<text class="value" x="{far:.1f}" y="{y + 4:g}">{said(line.marks[-1].value)}</text>')
    return parts
