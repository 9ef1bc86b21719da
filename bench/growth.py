"""How figures grow with the size of the shop, as one SVG: panels with logarithmic axes, one line a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640.0, 240.0, 56.0, 150.0, 34.0, 34.0
DASHES = ("", "7 4", "2 3")
STYLE = """<style>
  text { font: 12px system-ui, sans-serif; fill: #333 } .title { font-weight: 600 } .grid { stroke: #ccc }
  .line { fill: none; stroke-width: 2 } .c0 { stroke: #1659a5; fill: #1659a5 } .c1 { stroke: #a5430a; fill: #a5430a }
  .c2 { stroke: #4a6b00; fill: #4a6b00 } .line.c0, .line.c1, .line.c2 { fill: none } .back { fill: #fff }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } .grid { stroke: #444 } .back { fill: #161616 }
    .c0 { stroke: #7db5f5; fill: #7db5f5 } .c1 { stroke: #f0a070; fill: #f0a070 } .c2 { stroke: #b5d35c; fill: #b5d35c } }
</style>"""


def growth(rows: Sequence[Mapping[str, float]], panels: Mapping[str, Mapping[str, str]]) -> str:
    """A panel for each title: {name of a line: key in the rows}; rows without the key, or with 0, have no dot."""
    whole = HEIGHT * len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {whole:g}" role="img" aria-label="Growth by products">',
        STYLE,
        f'<rect class="back" width="{WIDTH:g}" height="{whole:g}"/>',
    ]
    for number, (title, lines) in enumerate(panels.items()):
        parts += [f'<g transform="translate(0 {HEIGHT * number:g})">', *_panel(rows, title, lines), "</g>"]
    return "\n".join([*parts, "</svg>\n"])


def _panel(rows: Sequence[Mapping[str, float]], title: str, lines: Mapping[str, str]) -> list[str]:
    points = {name: [(row["items"], row[key]) for row in rows if row.get(key, 0) > 0] for name, key in lines.items()}
    values = [value for line in points.values() for _, value in line]
    low, high = floor(log10(min(values))), max(ceil(log10(max(values))), floor(log10(min(values))) + 1)
    first, last = log10(rows[0]["items"]), log10(rows[-1]["items"])

    def x(items: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (log10(items) - first) / max(last - first, 1e-9)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (log10(value) - low) / (high - low)

    parts = [f'<text class="title" x="{LEFT:g}" y="18">{escape(title)}</text>']
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts.append(f'<line class="grid" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6:g}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:,g}</text>')
    parts += [
        f'<text x="{x(row["items"]):.1f}" y="{HEIGHT - 14:g}" text-anchor="middle">{row["items"]:,.0f}</text>' for row in rows
    ]
    for number, (name, line) in enumerate(points.items()):
        parts += _line(number, name, [(x(items), y(value), value) for items, value in line])
    return parts


def _line(number: int, name: str, dots: Sequence[tuple[float, float, float]]) -> list[str]:
    if not dots:
        return []
    path = " ".join(f"{at:.1f},{height:.1f}" for at, height, _ in dots)
    parts = [f'<polyline class="line c{number}" stroke-dasharray="{DASHES[number]}" points="{path}"/>']
    for at, height, value in dots:
        parts.append(f'<circle class="c{number}" cx="{at:.1f}" cy="{height:.1f}" r="3"><title>{value:,.3g}</title></circle>')
    at, height, value = dots[-1]
    parts.append(f'<text x="{at + 8:.1f}" y="{height + 4:.1f}">{escape(f"{name} {value:,.3g}".strip())}</text>')
    return parts
