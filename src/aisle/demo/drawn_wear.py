"""How the demo shop's clothes, shoes, bags and accessories are drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aisle.demo.canvas import Canvas, Look, box, darker, lighter, oval, smooth

STEEL, GOLD, DARK, SOLE = (186, 192, 200), (222, 182, 90), (54, 56, 64), (246, 244, 238)
poly = np.array


def shirt(c: Canvas, k: Look) -> None:
    for side in (-1, 1):
        arm = [(50 + side * 22, 20), (50 + side * 36, 30), (50 + side * 42, 76), (50 + side * 31, 78), (50 + side * 22, 44)]
        c.shape(poly(arm, float), darker(k.colour, 0.05), k, step=8)
    c.shape(poly([(38, 14), (28, 20), (26, 86), (74, 86), (72, 20), (62, 14), (50, 22)], float), k.colour, k, step=8)
    c.line([(50, 24), (50, 86)], darker(k.colour, 0.25), 0.9)
    for y in (34, 46, 58, 70):
        c.shape(oval(50, y, 1.5), lighter(k.colour, 0.75), edge=0.4)
    for side in (-1, 1):
        c.shape(poly([(50, 24), (50 + side * 12, 12), (50 + side * 17, 20), (50 + side * 9, 32)], float), lighter(k.colour, 0.2))
    c.shape(poly([(57, 40), (67, 40), (67, 50), (62, 53), (57, 50)], float), darker(k.colour, 0.08), edge=0.6)


def tshirt(c: Canvas, k: Look) -> None:
    c.shape(
        smooth(
            [
                (37, 15),
                (28, 19),
                (10, 36),
                (19, 48),
                (28, 42),
                (28, 84),
                (50, 86),
                (72, 84),
                (72, 42),
                (81, 48),
                (90, 36),
                (72, 19),
                (63, 15),
                (50, 23),
            ]
        ),
        k.colour,
        k,
        step=10,
    )
    c.line(smooth([(36, 15), (42, 25), (50, 28), (58, 25), (64, 15)], False), darker(k.colour, 0.3), 1.8)
    if k.form % 3 == 1 and k.pattern == "plain":
        c.shape(oval(50, 50, 11), k.accent, edge=0)


def trousers(c: Canvas, k: Look) -> None:
    hem = 70 if k.form % 3 == 2 else 91
    c.shape(poly([(33, 10), (67, 10), (74, hem), (55, hem), (50, 38), (45, hem), (26, hem)], float), k.colour)
    c.shape(box(32, 9, 68, 16, 1), darker(k.colour, 0.18))
    c.line([(50, 16), (50, 38)], darker(k.colour, 0.3), 0.9)
    for side in (-1, 1):
        c.line(smooth([(50 + side * 9, 16), (50 + side * 12, 24), (50 + side * 19, 27)], False), darker(k.colour, 0.3), 0.9)
        c.line([(50 + side * 11, 36), (50 + side * 14.5, hem - 5)], darker(k.colour, 0.16), 0.8)
        c.line([(50 + side * 5.5, hem - 4), (50 + side * 23, hem - 4)], darker(k.colour, 0.25), 0.8)
    c.shape(oval(50, 12.5, 1.4), GOLD, edge=0.3)


def dress(c: Canvas, k: Look) -> None:
    hem = 91 if k.form % 2 else 82
    for side in (-1, 1):
        c.line([(50 + side * 8, 22), (50 + side * 10, 8)], k.colour, 3, caps=True)
    c.shape(
        smooth(
            [
                (39, 20),
                (50, 27),
                (61, 20),
                (64, 34),
                (60, 44),
                (68, 62),
                (79, hem - 3),
                (50, hem + 1),
                (21, hem - 3),
                (32, 62),
                (40, 44),
                (36, 34),
            ]
        ),
        k.colour,
        k,
        step=9,
    )
    c.shape(box(39, 42, 61, 47, 2), darker(k.colour, 0.3))
    for x in (38, 50, 62):
        c.line(smooth([(46 + (x - 38) / 3, 49), (x, 66), (x + (x - 50) * 0.5, hem - 4)], False), darker(k.colour, 0.16), 0.8)


def jacket(c: Canvas, k: Look) -> None:
    c.shape(smooth([(36, 20), (40, 8), (60, 8), (64, 20), (50, 28)]), darker(k.colour, 0.25))
    for side in (-1, 1):
        arm = [(50 + side * 20, 20), (50 + side * 34, 28), (50 + side * 42, 74), (50 + side * 29, 79), (50 + side * 20, 48)]
        c.shape(poly(arm, float), darker(k.colour, 0.08))
        c.line([(50 + side * 30.5, 73), (50 + side * 41, 69)], darker(k.colour, 0.35), 2)
    c.shape(poly([(37, 17), (28, 22), (25, 84), (75, 84), (72, 22), (63, 17), (50, 25)], float), k.colour)
    for y in (40, 54, 68) if k.form % 2 else ():
        c.line([(27, y), (73, y)], darker(k.colour, 0.18), 1.2)
    c.line([(50, 22), (50, 84)], STEEL, 2.2)
    c.shape(box(48.2, 28, 51.8, 35, 1), DARK, edge=0)
    c.shape(box(25, 79, 75, 86, 2), darker(k.colour, 0.25))
    for x in (32, 57):
        c.shape(box(x, 60, x + 11, 72, 1), darker(k.colour, 0.12))


def socks(c: Canvas, k: Look) -> None:
    for dx, dy in ((16, -4), (-8, 2)):
        leg = [
            (34 + dx, 14 + dy),
            (52 + dx, 14 + dy),
            (52 + dx, 58 + dy),
            (60 + dx, 70 + dy),
            (60 + dx, 80 + dy),
            (50 + dx, 84 + dy),
        ]
        leg += [(38 + dx, 78 + dy), (34 + dx, 62 + dy)]
        foot = smooth(
            [
                (34 + dx, 50 + dy),
                (52 + dx, 54 + dy),
                (66 + dx, 68 + dy),
                (70 + dx, 80 + dy),
                (56 + dx, 86 + dy),
                (40 + dx, 78 + dy),
                (33 + dx, 66 + dy),
            ]
        )
        c.shape(foot, k.colour, k, step=8)
        c.shape(box(34 + dx, 12 + dy, 52 + dx, 66 + dy, 2), k.colour, k, edge=0, step=8)
        c.line([(34 + dx, 18 + dy), (34 + dx, 62 + dy)], darker(k.colour, 0.3), 0.7)
        c.line([(52 + dx, 18 + dy), (52 + dx, 54 + dy)], darker(k.colour, 0.3), 0.7)
        c.shape(box(32 + dx, 10 + dy, 54 + dx, 22 + dy, 2), k.accent)
        c.shape(smooth([(61 + dx, 66 + dy), (69 + dx, 72 + dy), (70 + dx, 81 + dy), (60 + dx, 85 + dy)]), k.accent, edge=0.4)


def sneaker(c: Canvas, k: Look) -> None:
    c.shape(
        smooth([(12, 70), (12, 40), (18, 32), (30, 40), (42, 34), (58, 50), (78, 56), (90, 66), (90, 74), (50, 76)]), k.colour
    )
    c.shape(box(9, 69, 93, 80, 5), SOLE)
    c.line([(11, 76), (91, 76)], k.accent, 1.6)
    c.shape(smooth([(74, 70), (78, 57), (90, 64), (92, 71)]), SOLE)
    for x, y in ((42, 40), (49, 46), (56, 52), (63, 56)):
        c.line([(x - 3, y + 5), (x + 4, y - 3)], SOLE, 2.2, caps=True)
    c.line(smooth([(22, 64), (38, 62), (54, 54)], False), k.accent, 4, caps=True)
    c.shape(smooth([(12, 54), (12, 40), (18, 34), (20, 52)]), darker(k.colour, 0.25), edge=0)


def boot(c: Canvas, k: Look) -> None:
    top = 10 if k.form % 2 else 20
    c.shape(poly([(24, top), (54, top), (54, 50), (58, 58), (80, 62), (88, 70), (88, 80), (24, 80)], float), k.colour)
    c.shape(smooth([(66, 78), (68, 64), (80, 62), (88, 70), (88, 79)]), darker(k.colour, 0.15))
    c.shape(box(22, 79, 91, 88, 2), DARK)
    c.shape(box(22, 84, 42, 92, 1), DARK)
    c.shape(box(22, top - 2, 56, top + 6, 2), darker(k.colour, 0.25))
    for y in range(top + 14, 58, 8):
        c.line([(44, y), (57, y + 2)], SOLE, 1.8, caps=True)
    c.line([(44, top + 8), (46, 60)], darker(k.colour, 0.3), 0.9)


def sandal(c: Canvas, k: Look) -> None:
    for dx, side in ((0, -1), (40, 1)):
        sole = [(30, 8), (44, 18), (45, 38), (41, 58), (42, 82), (30, 93), (18, 82), (19, 58), (15, 38), (16, 18)]
        c.shape(smooth([(x + dx, y) for x, y in sole]), darker((198, 156, 108), 0.3))
        c.shape(smooth([(30 + dx + (x - 30) * 0.86, 50 + (y - 50) * 0.92) for x, y in sole]), (214, 174, 126), edge=0.4)
        c.line(smooth([(14 + dx, 44), (30 + dx, 34), (46 + dx, 44)], False), k.colour, 8.5)
        c.line([(30 + dx, 37), (30 + dx, 17)], k.colour, 4, caps=True)
        c.line(smooth([(18 + dx, 68), (30 + dx, 62), (42 + dx, 68)], False), k.colour, 6.5)
        c.shape(box(28 + dx + side * 9, 61, 33 + dx + side * 9, 69, 1), GOLD)


def hat(c: Canvas, k: Look) -> None:
    if k.form % 3 == 2:
        c.shape(smooth([(16, 62), (18, 36), (40, 20), (62, 24), (76, 44), (77, 62), (46, 68)]), k.colour)
        c.shape(smooth([(62, 58), (78, 56), (97, 67), (92, 73), (74, 68)]), darker(k.colour, 0.2))
        c.line(smooth([(44, 20), (52, 40), (50, 66)], False), darker(k.colour, 0.2), 0.9)
        c.shape(oval(44, 20, 2.6), darker(k.colour, 0.25))
        return
    c.shape(smooth([(3, 64), (24, 56), (50, 54), (76, 56), (97, 64), (76, 75), (50, 78), (24, 75)]), k.colour)
    crown = [(27, 63), (30, 34), (40, 24), (50, 28), (60, 24), (70, 34), (73, 63)]
    c.shape(np.concatenate([smooth(crown, False), oval(50, 63, 23, 6, 0, 180)]), k.colour)
    c.shape(np.concatenate([oval(50, 55, 22.5, 5.5, 0, 180)[::-1], oval(50, 63, 23, 6, 0, 180)]), k.accent)


def watch(c: Canvas, k: Look) -> None:
    for y0, y1 in ((4, 36), (64, 96)):
        c.shape(
            poly([(40, y0), (60, y0), (63, y1), (37, y1)] if y0 < 50 else [(37, y0), (63, y0), (60, y1), (40, y1)], float),
            k.colour,
        )
    for y in (78, 84, 90):
        c.shape(oval(50, y, 1.2), darker(k.colour, 0.5), edge=0)
    case = GOLD if k.form % 2 else STEEL
    c.shape(box(76, 46, 81, 54, 1.5), case)
    c.shape(oval(50, 50, 27), case)
    c.shape(oval(50, 50, 22), (252, 252, 250) if k.form % 3 else DARK)
    hand = DARK if k.form % 3 else SOLE
    for turn in np.radians(np.arange(0, 360, 30)):
        c.line(
            [(50 + 18 * np.sin(turn), 50 - 18 * np.cos(turn)), (50 + 20.5 * np.sin(turn), 50 - 20.5 * np.cos(turn))], hand, 1.2
        )
    c.line([(50, 50), (58, 45)], hand, 2.2, caps=True)
    c.line([(50, 50), (45, 35)], hand, 1.6, caps=True)
    c.shape(oval(50, 50, 1.8), k.colour)


def sunglasses(c: Canvas, k: Look) -> None:
    for side in (-1, 1):
        c.line(smooth([(50 + side * 42, 42), (50 + side * 46, 34), (50 + side * 40, 26)], False), k.colour, 3.4, caps=True)
        if k.form % 2:
            lens = oval(50 + side * 23, 52, 19)
        else:
            lens = smooth(
                [(50 + side * 7, 40), (50 + side * 42, 38), (50 + side * 40, 58), (50 + side * 26, 68), (50 + side * 9, 58)]
            )
        c.shape(lens, k.colour)
        middle = np.array([50 + side * 23.5, 52.0])
        c.shape(middle + (lens - middle) * 0.80, (44, 48, 58), edge=0)
        c.tint(
            poly([(50 + side * 23 - 9, 56), (50 + side * 23 - 3, 43), (50 + side * 23 + 1, 43), (50 + side * 23 - 5, 57)], float),
            0.35,
        )
    c.line(smooth([(43, 46), (50, 42), (57, 46)], False), k.colour, 4)


def backpack(c: Canvas, k: Look) -> None:
    for side in (-1, 1):
        c.line(smooth([(50 + side * 18, 22), (50 + side * 35, 40), (50 + side * 31, 82)], False), darker(k.colour, 0.35), 5)
    c.line(smooth([(42, 16), (44, 7), (56, 7), (58, 16)], False), darker(k.colour, 0.4), 3)
    c.shape(smooth([(32, 18), (50, 12), (68, 18), (74, 44), (74, 82), (50, 88), (26, 82), (26, 44)]), k.colour)
    c.shape(box(32, 54, 68, 82, 6), darker(k.colour, 0.14))
    c.line([(35, 60), (65, 60)], STEEL, 1.6)
    c.shape(box(60, 59, 63, 66, 1), k.accent, edge=0.3)
    c.line(smooth([(29, 42), (50, 36), (71, 42)], False), STEEL, 1.6)
    c.shape(box(43, 22, 57, 29, 1), k.accent, edge=0.4)


def handbag(c: Canvas, k: Look) -> None:
    c.line(smooth([(34, 44), (36, 16), (50, 8), (64, 16), (66, 44)], False), darker(k.colour, 0.25), 4.5)
    if k.form % 2:
        c.shape(smooth([(20, 42), (50, 38), (80, 42), (88, 80), (50, 87), (12, 80)]), k.colour)
    else:
        c.shape(poly([(22, 40), (78, 40), (88, 86), (12, 86)], float), k.colour)
    c.shape(smooth([(20, 41), (50, 38), (80, 41), (76, 58), (50, 65), (24, 58)]), darker(k.colour, 0.12))
    c.shape(box(45, 57, 55, 69, 2), GOLD)


WEAR: dict[str, Callable[[Canvas, Look], None]] = {
    "shirt": shirt, "tshirt": tshirt, "trousers": trousers, "dress": dress, "jacket": jacket, "socks": socks, "sneaker": sneaker,
    "boot": boot, "sandal": sandal, "hat": hat, "watch": watch, "sunglasses": sunglasses, "backpack": backpack,
    "handbag": handbag,
}  # fmt: skip
