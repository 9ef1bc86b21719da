"""What the demo shop's people like: themes, colours, makers, price level and style, and how much they shop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.demo.assortment import COLOURS, KIND, KINDS, MAKERS
from aisle.demo.catalogue import kind_of
from aisle.types import Item

Floats = NDArray[np.float64]

THEMES: dict[str, tuple[str, ...]] = {  # what people who like one thing tend to like too
    "coffee corner": ("coffee", "filter", "mug", "tea", "teapot"),
    "cook": ("pan", "mug", "teapot", "table", "towel"),
    "cosy home": ("lamp", "bulb", "candle", "cushion", "vase", "clock"),
    "furnisher": ("chair", "table", "lamp", "cushion", "clock"),
    "bathroom": ("towel", "soap", "candle"),
    "gardener": ("plant", "pot", "wateringcan", "vase"),
    "wardrobe": ("shirt", "trousers", "dress", "jacket", "socks", "handbag"),
    "street": ("tshirt", "sneaker", "hat", "sunglasses", "backpack", "headphones"),
    "elegance": ("dress", "handbag", "watch", "sunglasses", "sandal", "boot"),
    "camper": ("tent", "sleepingbag", "bottle", "backpack", "boot", "jacket"),
    "athlete": ("ball", "dumbbell", "yogamat", "bottle", "sneaker"),
    "reader": ("book", "notebook", "pen", "tea", "lamp"),
    "family": ("teddy", "ball", "book", "socks", "tshirt"),
    "sound": ("headphones", "speaker", "watch"),
}
STYLES = 4  # dimensions of the unnamed part of taste
WITHOUT_EVENTS, CASUAL = 0.025, 0.045  # shares of people with no event at all, and with one or two


@dataclass(frozen=True, slots=True)
class Tastes:
    """Everybody's taste and everything's charm, hidden from the models that are to find it."""

    kinds: Floats  # (users, kinds) probability that a visit is about this kind
    affinity: Floats  # (users, items) how much a user likes an item within its kind, mean 0 and spread about 1
    popularity: Floats  # (items,) log weight within the kind, Zipf by a hidden rank
    quality: Floats  # (items,) what buyers find, mean 0
    kind: NDArray[np.int64]  # (items,) position in KINDS
    goes_with: Floats  # (items, items) bonus of the second beside the first
    sessions: NDArray[np.int64]  # (users,) visits in the whole history
    most: NDArray[np.int64]  # (users,) at most this many events are kept


def make_tastes(rng: np.random.Generator, items: list[Item], users: int) -> Tastes:
    """Draw a world of tastes for `users` people over these items."""
    position = {kind.code: k for k, kind in enumerate(KINDS)}
    kind = np.array([position[kind_of(item)] for item in items])
    sessions, most = _activity(rng, users)
    return Tastes(
        kinds=_kind_shares(rng, users, position),
        affinity=_affinity(rng, items, users),
        popularity=_popularity(rng, kind),
        quality=rng.normal(0.0, 0.5, len(items)),
        kind=kind,
        goes_with=_goes_with(rng, kind),
        sessions=sessions,
        most=most,
    )


def _kind_shares(rng: np.random.Generator, users: int, position: dict[str, int]) -> Floats:
    """(users, kinds): two to four themes a person, some kinds of each more than others, and a little of everything."""
    member = np.zeros((len(THEMES), len(KINDS)))
    for row, codes in enumerate(THEMES.values()):
        member[row, [position[code] for code in codes]] = 1.0
    weight = rng.gamma(1.2, 1.0, (users, len(THEMES)))
    rank = rng.random((users, len(THEMES))).argsort(axis=1).argsort(axis=1)
    weight[rank >= rng.integers(2, 5, users)[:, None]] = 0.0
    weight[0, 0] = weight[0].max() + 1.0  # the first user likes coffee: the demo's examples start with them
    common = 1.0 / (1.0 + rng.permutation(len(KINDS))) ** 0.7
    shares = weight @ member * rng.lognormal(0.0, 0.5, (users, len(KINDS))) * (0.4 + common) + 0.03 * common
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), float)


def _affinity(rng: np.random.Generator, items: list[Item], users: int) -> Floats:
    """(users, items): favourite colours and makers, distance from one's price level, and style."""
    colours, makers = list(COLOURS), list(MAKERS)
    colour = np.array([colours.index(str((item.attributes or {})["colour"])) for item in items])
    maker = np.array([makers.index(item.brand or "") for item in items])
    level = np.array([np.log((item.price.amount if item.price else 1) / 100 / KIND[kind_of(item)].price) for item in items])
    favourite = rng.random((users, len(colours))).argsort(axis=1) < rng.integers(2, 4, users)[:, None]
    purse = rng.normal(0.0, 0.4, users)
    style = rng.normal(0.0, 1.0, (users, STYLES)) @ rng.normal(0.0, 1.0, (STYLES, len(items))) / np.sqrt(STYLES)
    liking = 1.2 * favourite[:, colour] + 0.6 * rng.normal(0.0, 1.0, (users, len(makers)))[:, maker]
    liking = liking + 0.9 * style - 1.5 * np.abs(purse[:, None] - level[None, :])
    return np.asarray((liking - liking.mean()) / liking.std(), float)


def _popularity(rng: np.random.Generator, kind: NDArray[np.int64]) -> Floats:
    """(items,) log of 1/(rank + 1) within each kind."""
    charm = np.zeros(len(kind))
    for code in np.unique(kind):
        rows = np.flatnonzero(kind == code)
        charm[rows] = -0.9 * np.log1p(rng.permutation(len(rows)))
    charm[0] = 0.0  # the first item stands in every example: it sells well
    return charm


def _goes_with(rng: np.random.Generator, kind: NDArray[np.int64]) -> Floats:
    """(items, items): each item has two favourite companions in every kind that is bought with it."""
    bonus = np.zeros((len(kind), len(kind)))
    rows = {KINDS[code].code: np.flatnonzero(kind == code) for code in np.unique(kind)}
    for code, own in rows.items():
        for other in KIND[code].with_:
            for item in own:
                bonus[item, rng.choice(rows[other], 2, replace=False)] = 3.0
    return bonus


def _activity(rng: np.random.Generator, users: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(users,) visits, long-tailed; and (users,) the most events kept: nobody's 0, 1 or 2 are an accident."""
    sessions = np.clip(np.round(rng.lognormal(1.32, 0.85, users)), 1, 60).astype(np.int64)
    most = np.full(users, np.iinfo(np.int64).max)
    draw = rng.random(users)
    most[draw < WITHOUT_EVENTS + CASUAL] = rng.integers(1, 3, int((draw < WITHOUT_EVENTS + CASUAL).sum()))
    most[draw < WITHOUT_EVENTS] = 0
    most[0], sessions[0] = np.iinfo(np.int64).max, 24
    return sessions, most
