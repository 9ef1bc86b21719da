"""How the demo shop's kitchen, pantry, home and garden things are drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aisle.demo.canvas import Canvas, Look, box, darker, lighter, mix, oval, smooth

WOOD, STEEL, LEAF, SOIL, CREAM, GOLD = (
    (176, 124, 76),
    (176, 182, 190),
    (74, 142, 70),
    (92, 66, 48),
    (250, 244, 230),
    (226, 184, 88),
)
poly = np.array


def coffee(c: Canvas, k: Look) -> None:
    c.shape(poly([(30, 22), (70, 22), (74, 88), (26, 88)], float), k.colour)
    c.shape(box(30, 14, 70, 24, 1), darker(k.colour, 0.2))
    c.shape(oval(50, 54, 15), CREAM)
    for x, turn in ((45, -1), (55, 1)):
        c.shape(oval(x, 54 + turn * 2, 5, 7.5), (96, 58, 34))
        c.line(smooth([(x - 1, 48 + turn * 2), (x + 1.5, 54 + turn * 2), (x - 1, 60 + turn * 2)], False), CREAM, 1.0)
    c.shape(box(38, 74, 62, 78, 1), lighter(k.colour, 0.5), edge=0)


def tea(c: Canvas, k: Look) -> None:
    c.shape(box(28, 30, 72, 86, 4), k.colour)
    c.shape(box(26, 18, 74, 34, 4), darker(k.colour, 0.18))
    c.shape(box(28, 44, 72, 74), CREAM)
    c.shape(smooth([(40, 66), (42, 54), (58, 48), (58, 60), (48, 68)]), LEAF)
    c.line([(39, 70), (56, 51)], darker(LEAF), 1.0)


def filters(c: Canvas, k: Look) -> None:
    for dx, dy in ((10, -6), (5, -3), (0, 0)):
        paper = lighter(k.colour, 0.25)
        c.shape(
            smooth(
                [
                    (18 + dx, 34 + dy),
                    (44 + dx, 29 + dy),
                    (70 + dx, 34 + dy),
                    (56 + dx, 76 + dy),
                    (44 + dx, 84 + dy),
                    (32 + dx, 76 + dy),
                ]
            ),
            paper,
        )
    for x0, x1 in ((26, 36), (35, 40), (44, 44), (53, 48), (62, 52)):
        c.line([(x0, 38), (x1, 76)], darker(k.colour, 0.16), 0.8)


def mug(c: Canvas, k: Look) -> None:
    right = 68 if k.form % 2 else 64
    c.shape(oval(right + 3, 54, 16, 17), k.colour)
    c.hole(oval(right + 3, 54, 9, 10))
    c.shape(
        np.concatenate(
            [
                oval((24 + right) / 2, 30, (right - 24) / 2, 6, 180, 360),
                oval((24 + right) / 2, 80, (right - 24) / 2 - 3, 7, 0, 180),
            ]
        ),
        k.colour,
        k,
        step=10,
    )
    c.shape(oval((24 + right) / 2, 30, (right - 24) / 2, 6), lighter(k.colour, 0.25))
    c.shape(oval((24 + right) / 2, 31.5, (right - 24) / 2 - 4, 3.6), (84, 52, 34), edge=0)


def teapot(c: Canvas, k: Look) -> None:
    c.line(smooth([(70, 46), (90, 40), (90, 66), (70, 70)], False), darker(k.colour, 0.12), 5, caps=True)
    c.shape(smooth([(32, 66), (18, 56), (8, 38), (14, 36), (24, 46), (36, 50)]), k.colour)
    c.shape(smooth([(50, 34), (72, 42), (76, 60), (66, 80), (50, 84), (34, 80), (24, 60), (28, 42)]), k.colour, k, step=11)
    c.shape(oval(50, 37, 17, 5), lighter(k.colour, 0.2))
    c.shape(smooth([(35, 36), (42, 28), (58, 28), (65, 36), (50, 40)]), k.colour)
    c.shape(oval(50, 24, 4.5), darker(k.colour, 0.25))
    c.tint(oval(38, 54, 4, 9), 0.25)


def pan(c: Canvas, k: Look) -> None:
    c.line([(56, 44), (93, 12)], darker(k.colour, 0.35), 8, caps=True)
    c.shape(oval(40, 58, 34), k.colour)
    c.shape(oval(40, 58, 28), mix(k.colour, (56, 58, 64), 0.72))
    c.tint(oval(31, 48, 13, 8), 0.13)
    c.shape(oval(89, 15.5, 1.8), CREAM)


def lamp(c: Canvas, k: Look) -> None:
    metal = {"oak": WOOD, "steel": STEEL}.get(k.material, lighter(k.colour, 0.5))
    c.shape(oval(50, 85, 19, 5), darker(metal, 0.1))
    if k.form % 2:
        c.shape(smooth([(46, 50), (54, 50), (62, 68), (56, 84), (44, 84), (38, 68)]), metal)
    else:
        c.shape(box(47.5, 46, 52.5, 84), metal)
    top = 14 if k.form % 3 else 10
    c.shape(poly([(36, top), (64, top), (78, 52), (22, 52)], float), k.colour, k, step=11)
    c.shape(poly([(24, 48), (76, 48), (78, 52), (22, 52)], float), (255, 236, 170), edge=0)


def bulb(c: Canvas, k: Look) -> None:
    for turn in np.radians(np.arange(150, 400, 30)):
        c.line(
            [(50 + 34 * np.cos(turn), 40 + 34 * np.sin(turn)), (50 + 41 * np.cos(turn), 40 + 41 * np.sin(turn))],
            (236, 196, 90),
            2.2,
            caps=True,
        )
    glow = lighter(k.colour, 0.12)
    c.shape(smooth([(50, 12), (70, 20), (77, 40), (68, 56), (60, 70), (40, 70), (32, 56), (23, 40), (30, 20)]), glow)
    c.line([(42, 68), (43, 48), (47, 54), (50, 46), (53, 54), (57, 48), (58, 68)], darker(glow, 0.45), 1.3)
    for y in (70, 76, 82):
        c.shape(box(40, y, 60, y + 6, 2.5), STEEL)
    c.shape(oval(50, 89, 5, 3), (70, 72, 78))
    c.tint(oval(38, 34, 4, 10), 0.5)


def candle(c: Canvas, k: Look) -> None:
    c.shape(smooth([(50, 8), (57, 22), (50, 31), (43, 22)]), (250, 176, 50))
    c.shape(smooth([(50, 17), (53, 24), (50, 29), (47, 24)]), (255, 240, 170), edge=0)
    c.line([(50, 30), (50, 42)], (60, 54, 50), 1.6)
    c.shape(box(28, 40, 72, 86, 5), k.colour)
    c.shape(oval(50, 41, 22, 5), lighter(k.colour, 0.35))
    c.shape(box(36, 56, 64, 74, 2), CREAM)
    c.line([(41, 63), (59, 63)], darker(CREAM, 0.4), 1.2)
    c.line([(44, 68), (56, 68)], darker(CREAM, 0.3), 1.0)


def cushion(c: Canvas, k: Look) -> None:
    c.shape(smooth([(14, 18), (50, 24), (86, 18), (80, 50), (86, 82), (50, 77), (14, 82), (20, 50)]), k.colour, k, step=12)
    if k.pattern == "plain":
        c.line(smooth([(22, 26), (50, 31), (78, 26)], False), darker(k.colour, 0.2), 0.9)
        c.line(smooth([(22, 74), (50, 70), (78, 74)], False), darker(k.colour, 0.2), 0.9)
        c.shape(oval(50, 50, 2.6), darker(k.colour, 0.25))


def vase(c: Canvas, k: Look) -> None:
    for x, y, petal in ((38, 16, (238, 130, 150)), (51, 10, (250, 206, 90)), (63, 18, (240, 240, 250))):
        c.line(smooth([(50, 52), ((50 + x) / 2, 36), (x, y)], False), LEAF, 1.8)
        for turn in np.radians(np.arange(0, 360, 72)):
            c.shape(oval(x + 3.6 * np.cos(turn), y + 3.6 * np.sin(turn), 3), petal, edge=0.4)
        c.shape(oval(x, y, 2.4), GOLD, edge=0)
    forms = (
        [(42, 42), (58, 42), (55, 52), (70, 68), (60, 90), (40, 90), (30, 68), (45, 52)],
        [(36, 42), (64, 42), (60, 56), (64, 76), (59, 90), (41, 90), (36, 76), (40, 56)],
        [(44, 42), (56, 42), (55, 56), (68, 80), (60, 90), (40, 90), (32, 80), (45, 56)],
    )
    c.shape(smooth(list(forms[k.form % 3])), k.colour, k, step=9)
    c.tint(oval(42, 72, 2.6, 9), 0.35)


def clock(c: Canvas, k: Look) -> None:
    c.shape(oval(50, 50, 39), k.colour)
    c.shape(oval(50, 50, 31), (252, 250, 244))
    for hour in range(12):
        turn = np.radians(hour * 30)
        near = 24 if hour % 3 == 0 else 26.5
        c.line(
            [(50 + near * np.sin(turn), 50 - near * np.cos(turn)), (50 + 28.5 * np.sin(turn), 50 - 28.5 * np.cos(turn))],
            (56, 58, 66),
            1.8,
        )
    for angle, long, wide in ((300 + 20 * k.form, 15, 3.0), (60 + 45 * k.form, 23, 2.0)):
        turn = np.radians(angle)
        c.line([(50, 50), (50 + long * np.sin(turn), 50 - long * np.cos(turn))], (46, 48, 56), wide, caps=True)
    c.shape(oval(50, 50, 2.6), k.colour)


def chair(c: Canvas, k: Look) -> None:
    legs = STEEL if k.material == "steel" else darker(WOOD, 0.15)
    for points in ([(34, 60), (28, 90)], [(68, 60), (74, 90)], [(42, 58), (40, 82)], [(62, 58), (64, 82)]):
        c.line(points, legs, 3.4, caps=True)
    if k.form % 2:
        c.shape(box(33, 10, 69, 52, 10), k.colour)
        c.tint(box(37, 14, 65, 46, 8), 0.12)
    else:
        for x in (34, 45, 56, 67):
            c.line([(x, 14), (x - 1, 58)], k.colour, 4.4, caps=True)
        c.shape(box(31, 10, 70, 21, 4), k.colour)
    c.shape(smooth([(30, 56), (50, 53), (72, 56), (77, 64), (50, 68), (25, 64)]), k.colour)


def table(c: Canvas, k: Look) -> None:
    legs = STEEL if k.material == "steel" else darker(k.colour, 0.22)
    for points in ([(30, 42), (20, 88)], [(70, 42), (80, 88)], [(46, 44), (43, 80)], [(56, 44), (59, 80)]):
        c.line(points, legs, 3.6, caps=True)
    c.shape(np.concatenate([oval(50, 38, 40, 11, 180, 360), oval(50, 43, 40, 11, 0, 180)]), darker(k.colour, 0.25))
    c.shape(oval(50, 38, 40, 11), k.colour)
    c.line(smooth([(24, 37), (50, 33), (74, 37)], False), darker(k.colour, 0.14), 0.8)
    c.line(smooth([(20, 41), (50, 44), (80, 40)], False), darker(k.colour, 0.14), 0.8)


def towel(c: Canvas, k: Look) -> None:
    c.line([(12, 20), (88, 20)], STEEL, 3.4, caps=True)
    c.shape(box(30, 22, 76, 70, 1), darker(k.colour, 0.15))
    c.shape(box(24, 17, 70, 84, 2), k.colour, k, step=15)
    c.shape(box(24, 68, 70, 74), lighter(k.colour, 0.4) if sum(k.colour) < 600 else darker(k.colour, 0.2), edge=0)
    for x in range(26, 70, 3):
        c.line([(x, 84), (x, 88)], darker(k.colour, 0.12), 0.9)


def soap(c: Canvas, k: Look) -> None:
    c.shape(smooth([(20, 52), (32, 40), (68, 36), (82, 46), (82, 66), (70, 78), (32, 82), (20, 72)]), darker(k.colour, 0.14))
    c.shape(smooth([(20, 52), (32, 40), (68, 36), (82, 46), (74, 60), (32, 66)]), k.colour)
    c.line(smooth([(34, 53), (42, 46), (50, 54), (58, 46), (66, 50)], False), darker(k.colour, 0.25), 1.6)
    for x, y, r in ((30, 28, 7), (43, 20, 5), (58, 26, 8), (72, 20, 4), (20, 38, 4)):
        c.shape(oval(x, y, r), (226, 240, 252), edge=0.5)
        c.tint(oval(x - r / 3, y - r / 3, r / 3), 0.9)


def plant(c: Canvas, k: Look) -> None:
    if k.form % 3 == 0:
        for x, y in ((22, 30), (34, 14), (50, 8), (66, 14), (78, 30)):
            c.shape(
                smooth([(47, 62), ((47 + x) / 2 - 6, (62 + y) / 2 - 4), (x, y), ((53 + x) / 2 + 6, (62 + y) / 2), (53, 62)]), LEAF
            )
    elif k.form % 3 == 1:
        c.shape(smooth([(38, 62), (36, 28), (50, 12), (64, 28), (62, 62)]), (88, 156, 92))
        for x in (43, 50, 57):
            c.line([(x, 22), (x, 60)], darker(LEAF, 0.2), 0.9)
        c.shape(smooth([(62, 44), (76, 40), (76, 24), (70, 24), (69, 35), (62, 38)]), (88, 156, 92))
    else:
        for x, y in ((26, 34), (40, 18), (60, 16), (75, 32), (50, 36)):
            c.line(smooth([(50, 64), ((50 + x) / 2, 44), (x, y)], False), darker(LEAF, 0.2), 1.6)
            c.shape(smooth([(x, y - 11), (x + 10, y), (x, y + 11), (x - 10, y)]), LEAF)
    _potted(c, k, plain=True)


def _potted(c: Canvas, k: Look, plain: bool) -> None:
    c.shape(poly([(32, 62), (68, 62), (62, 90), (38, 90)], float), k.colour, None if plain else k)
    c.shape(box(29, 57, 71, 66, 2), lighter(k.colour, 0.12))


def pot(c: Canvas, k: Look) -> None:
    c.shape(oval(50, 86, 32, 5), darker(k.colour, 0.2))
    if k.form % 2:
        c.shape(smooth([(22, 34), (78, 34), (76, 64), (64, 86), (36, 86), (24, 64)]), k.colour, k, step=11)
    else:
        c.shape(poly([(22, 36), (78, 36), (68, 86), (32, 86)], float), k.colour, k, step=11)
    c.shape(oval(50, 34, 33, 8), lighter(k.colour, 0.15))
    c.shape(oval(50, 35, 27, 5.4), SOIL)


def wateringcan(c: Canvas, k: Look) -> None:
    c.line(smooth([(40, 42), (46, 16), (70, 18), (82, 46), (74, 66)], False), darker(k.colour, 0.2), 4, caps=True)
    c.shape(poly([(40, 74), (40, 62), (14, 30), (9, 34)], float), k.colour)
    c.shape(poly([(4, 34), (17, 22), (19, 27), (8, 39)], float), darker(k.colour, 0.2))
    c.shape(box(38, 40, 78, 86, 6), k.colour)
    c.shape(oval(58, 42, 20, 5), darker(k.colour, 0.3))
    for x, y in ((4, 46), (10, 50), (3, 56)):
        c.shape(oval(x, y, 1.5, 2.4), (112, 178, 232), edge=0)


HOME: dict[str, Callable[[Canvas, Look], None]] = {
    "coffee": coffee, "tea": tea, "filter": filters, "mug": mug, "teapot": teapot, "pan": pan, "lamp": lamp, "bulb": bulb,
    "candle": candle, "cushion": cushion, "vase": vase, "clock": clock, "chair": chair, "table": table, "towel": towel,
    "soap": soap, "plant": plant, "pot": pot, "wateringcan": wateringcan,
}  # fmt: skip
