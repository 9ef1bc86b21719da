"""How the demo shop's outdoor, sports, paper, toy and sound things are drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aisle.demo.canvas import Canvas, Look, box, darker, lighter, mix, oval, smooth

STEEL, GOLD, DARK, PAPER = (186, 192, 200), (222, 182, 90), (54, 56, 64), (248, 244, 232)
poly = np.array


def bottle(c: Canvas, k: Look) -> None:
    c.line(smooth([(42, 16), (44, 6), (56, 6), (58, 16)], False), DARK, 2.6)
    c.shape(box(39, 12, 61, 26, 3), DARK if sum(k.colour) > 200 else STEEL)
    c.shape(smooth([(40, 27), (60, 27), (67, 40), (67, 86), (60, 92), (40, 92), (33, 86), (33, 40)]), k.colour)
    c.shape(box(33, 78, 67, 83), STEEL, edge=0.3)
    c.tint(box(38, 40, 42.5, 74, 2), 0.4)
    c.shape(smooth([(50, 48), (56, 58), (50, 65), (44, 58)]), lighter(k.colour, 0.7), edge=0)


def tent(c: Canvas, k: Look) -> None:
    c.shape(poly([(50, 16), (96, 78), (60, 84)], float), darker(k.colour, 0.22))
    c.shape(poly([(50, 16), (64, 84), (6, 84)], float), k.colour)
    c.shape(poly([(48, 34), (50, 84), (24, 84)], float), darker(k.colour, 0.6))
    c.shape(poly([(48, 34), (50, 84), (41, 84)], float), lighter(k.colour, 0.35))
    c.line([(50, 16), (47, 10)], DARK, 1.8)
    for x0, y0, x1, y1 in ((30, 50, 2, 88), (84, 62, 98, 86)):
        c.line([(x0, y0), (x1, y1)], DARK, 0.8)
    c.line([(2, 86), (98, 86)], (122, 160, 98), 2.4, caps=True)


def sleepingbag(c: Canvas, k: Look) -> None:
    c.shape(smooth([(50, 5), (68, 12), (75, 30), (71, 62), (62, 92), (38, 92), (29, 62), (25, 30), (32, 12)]), k.colour)
    for y in range(40, 92, 10):
        c.line(smooth([(28 + (y - 40) * 0.18, y), (50, y + 3), (72 - (y - 40) * 0.18, y)], False), darker(k.colour, 0.22), 1.1)
    c.shape(oval(50, 22, 15, 12), darker(k.colour, 0.45))
    c.shape(smooth([(37, 24), (50, 17), (63, 24), (62, 31), (50, 34), (38, 31)]), PAPER)
    c.line(smooth([(64, 32), (60, 60), (55, 88)], False), STEEL, 1.8)


def ball(c: Canvas, k: Look) -> None:
    c.shape(oval(50, 50, 38), k.colour)
    dark = darker(k.colour, 0.45) if sum(k.colour) > 200 else lighter(k.colour, 0.5)
    if k.form % 3 == 0:
        c.shape(_ngon(50, 50, 13, 5, -90), dark, edge=0)
        for turn in np.radians(np.arange(-90, 270, 72)):
            c.line(
                [(50 + 12 * np.cos(turn), 50 + 12 * np.sin(turn)), (50 + 26 * np.cos(turn), 50 + 26 * np.sin(turn))], dark, 1.4
            )
            x, y = 50 + 33 * np.cos(turn), 50 + 33 * np.sin(turn)
            c.shape(oval(x, y, 3 + 4 * abs(np.sin(turn)), 3 + 4 * abs(np.cos(turn))), dark, edge=0)
    elif k.form % 3 == 1:
        c.line([(50, 12), (50, 88)], dark, 1.8)
        c.line([(12, 50), (88, 50)], dark, 1.8)
        c.line(smooth([(24, 22), (38, 38), (38, 62), (24, 78)], False), dark, 1.8)
        c.line(smooth([(76, 22), (62, 38), (62, 62), (76, 78)], False), dark, 1.8)
    else:
        for start in (0, 120, 240):
            fan = np.concatenate([[(50.0, 44.0)], oval(50, 50, 37.6, start=start, end=start + 60)])
            c.shape(fan, lighter(k.colour, 0.8) if sum(k.colour) < 690 else k.accent, edge=0)
        c.line(oval(50, 50, 38), darker(k.colour, 0.3), 0.7)
    c.tint(oval(36, 32, 8, 5.5), 0.35)


def _ngon(x: float, y: float, radius: float, corners: int, start: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    turn = np.radians(start + 360 / corners * np.arange(corners))
    return np.column_stack([x + radius * np.cos(turn), y + radius * np.sin(turn)])


def dumbbell(c: Canvas, k: Look) -> None:
    c.line([(24, 50), (76, 50)], STEEL, 8)
    for x in range(40, 62, 4):
        c.line([(x, 46.5), (x, 53.5)], darker(STEEL, 0.3), 0.9)
    for side in (-1, 1):
        if k.form % 2:
            c.shape(_ngon(50 + side * 30, 50, 21, 6, 0), k.colour)
            c.shape(_ngon(50 + side * 30, 50, 13, 6, 0), lighter(k.colour, 0.16))
        else:
            c.shape(box(50 + side * 22 - 6, 26, 50 + side * 22 + 6, 74, 3), k.colour)
            c.shape(box(50 + side * 33 - 5, 32, 50 + side * 33 + 5, 68, 3), darker(k.colour, 0.15))
            c.shape(box(50 + side * 41 - 3, 45, 50 + side * 41 + 3, 55, 1), STEEL)


def yogamat(c: Canvas, k: Look) -> None:
    c.shape(poly([(26, 60), (34, 34), (96, 34), (92, 72), (28, 78)], float), lighter(k.colour, 0.15))
    for y in (44, 54, 64):
        c.line([(30, y), (93, y - 1)], darker(k.colour, 0.1), 0.7)
    c.shape(smooth([(10, 22), (34, 22), (42, 52), (34, 82), (10, 82), (3, 52)]), k.colour)
    for r in (15.0, 11.0, 7.0, 3.4):
        c.line(oval(22.5, 52, r * 0.95, r * 1.7), darker(k.colour, 0.35), 1.5)


def book(c: Canvas, k: Look) -> None:
    c.shape(poly([(26, 14), (78, 10), (82, 84), (30, 90)], float), darker(k.colour, 0.3))
    c.shape(poly([(29, 13), (76, 11), (80, 83), (33, 88)], float), PAPER)
    c.shape(poly([(22, 12), (72, 8), (76, 80), (26, 86)], float), k.colour, k, step=14)
    c.shape(poly([(22, 12), (28, 11.5), (32, 85), (26, 86)], float), darker(k.colour, 0.25))
    c.shape(poly([(36, 22), (66, 20), (67, 40), (37, 42)], float), PAPER)
    for y, right in ((28, 62), (34, 57)):
        c.line([(41, y), (right, y - 1)], DARK, 1.7)
    c.shape(oval(54, 60, 9), k.accent)


def notebook(c: Canvas, k: Look) -> None:
    c.shape(box(26, 12, 78, 90, 3), PAPER)
    c.shape(box(24, 9, 76, 87, 4), k.colour, k, step=12)
    for y in range(15, 86, 8):
        c.shape(oval(28, y, 1.8), PAPER, edge=0.3)
        c.line(smooth([(28, y), (22, y - 2.4), (18, y), (22, y + 2), (27, y + 1)], False), (120, 126, 136), 1.5)
    c.shape(box(66, 9, 70, 87), darker(k.colour, 0.45), edge=0)
    c.shape(box(36, 28, 60, 44, 2), PAPER)
    c.line([(40, 34), (56, 34)], DARK, 1.2)
    c.line([(40, 39), (52, 39)], DARK, 1.0)


def pen(c: Canvas, k: Look) -> None:
    c.shape(box(16, 44, 52, 56, 5), k.colour)
    c.shape(box(48, 43, 53, 57, 1), GOLD)
    c.shape(poly([(53, 45), (74, 46), (74, 54), (53, 55)], float), darker(k.colour, 0.15))
    c.shape(poly([(74, 46), (80, 45), (95, 50), (80, 55), (74, 54)], float), GOLD if k.form % 2 else STEEL)
    c.line([(82, 50), (95, 50)], DARK, 0.9)
    c.line([(24, 42), (47, 42)], GOLD, 2.4, caps=True)
    c.tint(box(20, 46, 46, 48.5, 1), 0.4)
    c.line(
        smooth([(10, 76), (24, 68), (34, 80), (48, 70), (62, 79), (78, 72)], False),
        mix(k.colour, (40, 60, 140), 0.35),
        1.8,
        caps=True,
    )


def teddy(c: Canvas, k: Look) -> None:
    light = lighter(k.colour, 0.45) if sum(k.colour) < 660 else (236, 220, 196)
    for side in (-1, 1):
        c.shape(oval(50 + side * 19, 17, 9), k.colour)
        c.shape(oval(50 + side * 19, 17, 5), light, edge=0)
        c.shape(oval(50 + side * 26, 58, 8, 13), k.colour)
        c.shape(oval(50 + side * 17, 84, 11, 9), k.colour)
        c.shape(oval(50 + side * 18, 85, 6, 5), light, edge=0)
    c.shape(oval(50, 66, 23, 22), k.colour)
    c.shape(oval(50, 67, 13, 13), light, edge=0)
    c.shape(oval(50, 32, 24, 21), k.colour)
    c.shape(oval(50, 40, 10, 7.5), light, edge=0)
    for side in (-1, 1):
        c.shape(oval(50 + side * 9, 29, 2.4), (40, 34, 34), edge=0)
    c.shape(oval(50, 37, 3.4, 2.4), (60, 44, 40), edge=0)
    c.line(smooth([(46, 43), (50, 45), (54, 43)], False), (60, 44, 40), 1.0)
    c.shape(poly([(50, 53), (40, 48), (40, 58)], float), k.accent)
    c.shape(poly([(50, 53), (60, 48), (60, 58)], float), k.accent)


def headphones(c: Canvas, k: Look) -> None:
    c.line(oval(50, 52, 34, 38, 180, 360), k.colour, 7, caps=True)
    c.line(oval(50, 52, 30, 33, 220, 320), darker(k.colour, 0.35), 4)
    for side in (-1, 1):
        c.shape(box(50 + side * 28 - 7, 50, 50 + side * 28 + 7, 84, 7), DARK if sum(k.colour) > 200 else STEEL)
        c.shape(box(50 + side * 37 - 7, 46, 50 + side * 37 + 7, 86, 7), k.colour)
        c.tint(box(50 + side * 37 - 3, 52, 50 + side * 37, 78, 1.5), 0.3)


def speaker(c: Canvas, k: Look) -> None:
    if k.form % 2:
        c.shape(box(8, 30, 92, 74, 21), k.colour)
        for x, y in ((30, 52), (70, 52)):
            c.shape(oval(x, y, 15), darker(k.colour, 0.5))
            c.shape(oval(x, y, 8), STEEL)
        c.line([(46, 40), (54, 40)], lighter(k.colour, 0.6), 1.8, caps=True)
        return
    c.shape(box(26, 8, 74, 92, 8), k.colour)
    for y, r in ((30, 11), (64, 18)):
        c.shape(oval(50, y, r), darker(k.colour, 0.5))
        c.shape(oval(50, y, r * 0.55), STEEL)
        c.shape(oval(50, y, r * 0.25), DARK, edge=0)
    c.shape(oval(66, 15, 1.8), (96, 220, 120), edge=0)


PLAY: dict[str, Callable[[Canvas, Look], None]] = {
    "bottle": bottle, "tent": tent, "sleepingbag": sleepingbag, "ball": ball, "dumbbell": dumbbell, "yogamat": yogamat,
    "book": book, "notebook": notebook, "pen": pen, "teddy": teddy, "headphones": headphones, "speaker": speaker,
}  # fmt: skip
