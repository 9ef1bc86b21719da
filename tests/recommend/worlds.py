"""Small shops with obvious answers, and one way to train and ask them."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import numpy as np

from aisle.kit.catalogue import Catalogue
from aisle.kit.tiny_data import TinyData, columns
from aisle.task import NO_RULES, Context
from aisle.tasks.recommend import TASK
from aisle.tasks.recommend.schema import Config
from aisle.types import EVENT_CODE, EventColumns, Item, Money, PastEvent, RuleSet

DAY = 86_400_000_000
OPENED = 1_750_000_000_000_000
NOW = OPENED + 30 * DAY


@dataclass
class Shop(TinyData):
    """Rows with ratings and sessions too: (user, item, time, type, value, session)."""

    full: list[tuple] = field(default_factory=list)

    def events(self) -> EventColumns:
        ordered = sorted(self.full, key=lambda row: (row[0], row[2]))
        sessions = {name: k for k, name in enumerate(dict.fromkeys(row[5] for row in ordered if row[5]))}
        return replace(
            columns([row[:4] for row in ordered]),
            value=np.array([math.nan if row[4] is None else row[4] for row in ordered], np.float32),
            session=np.array([sessions.get(row[5], -1) for row in ordered], np.int32),
        )

    def of(self, user: str) -> list[PastEvent]:
        """The user's events, newest first, as the door gives them."""
        mine = sorted((row for row in self.full if row[0] == user), key=lambda row: row[2], reverse=True)
        return [PastEvent(item, EVENT_CODE[kind], at, value, 1) for _, item, at, kind, value, _ in mine]


def item(item_id: str, title: str = "", category: str = "Shop > Things", **more) -> Item:
    return Item(item_id=item_id, title=title or f"thing {item_id}", category=category, price=Money(1000, "EUR"), **more)


def shop(items: Iterable[Item], events: Iterable[tuple]) -> Shop:
    """Events are (user, item, day, type[, value[, session]])."""
    rows = [(*event, None, None)[:6] for event in events]
    return Shop(
        list(items), full=[(u, i, OPENED + round(day * DAY), kind, value, session) for u, i, day, kind, value, session in rows]
    )


def two_tastes(users: int = 12, items: int = 12) -> Shop:
    """Even users view and buy even items, odd users odd ones; each user misses one of their own."""
    events = []
    for user in range(users):
        own = [k for k in range(items) if k % 2 == user % 2]
        for place, k in enumerate(own):
            if place != user // 2 % len(own):
                events.append((f"u{user}", f"i{k}", place + user / 100, "view"))
                events.append((f"u{user}", f"i{k}", place + user / 100 + 0.01, "purchase"))
    return shop([item(f"i{k}", f"{'even' if k % 2 == 0 else 'odd'} article", f"Shop > {k % 2}") for k in range(items)], events)


def missing(user: int, items: int = 12) -> str:
    """The item of their own kind that a user of `two_tastes` has not had."""
    own = [k for k in range(items) if k % 2 == user % 2]
    return f"i{own[user // 2 % len(own)]}"


@dataclass
class Trained:
    """A shop, its catalogue and its engine."""

    data: Shop
    engine: object
    catalogue: Catalogue
    scores: dict[str, float]
    progress: list[tuple]

    def ask(self, op: str, *, events: list[PastEvent] | None = None, now: int = NOW, rules: RuleSet = NO_RULES, **fields):
        return self.batch(op, [fields], events=events, now=now, rules=rules)[0]

    def batch(
        self, op: str, requests: list[dict], *, events: list[PastEvent] | None = None, now: int = NOW, rules: RuleSet = NO_RULES
    ) -> list:
        """Answers of one batch; every user's events are those of the data unless given."""
        kind = TASK.operations[op].request
        asked = [msgspec.convert(fields, kind) for fields in requests]
        known = [self.data.of(getattr(one, "user_id", "")) if events is None else events for one in asked]
        prepared = [
            self.engine.prepare(op, one, Context(now, past, self.catalogue, rules=rules))
            for one, past in zip(asked, known, strict=True)
        ]
        results = self.engine.run(op, prepared)
        return [self.engine.finish(op, one, result) for one, result in zip(asked, results, strict=True)]


def train(data: Shop, **settings) -> Trained:
    """A model of item neighbours, unless another algorithm is named: what these shops are about is not the choice."""
    progress = []
    settings = {"algorithm": "item_neighbours", **settings}
    with tempfile.TemporaryDirectory() as folder:
        config = msgspec.convert(settings, Config)
        scores = TASK.fit(data, config, Path(folder), lambda *step: progress.append(step))
        engine = TASK.load(Path(folder))
        engine.model.crowd
    return Trained(data, engine, Catalogue(data.catalogue), scores, progress)


def ids(answer) -> list[str]:
    return [one.item_id for one in answer.items]


def adds_up(answer) -> bool:
    """Every score is the sum of its contributions."""
    return all(abs(one.score - sum(reason.contribution for reason in one.reasons)) <= 1e-6 for one in answer.items)


def past(*events: tuple[str, str], now: int = NOW) -> list[PastEvent]:
    """Events of the last minutes, newest first."""
    return [PastEvent(item_id, EVENT_CODE[kind], now - k * 60_000_000, None, 1) for k, (item_id, kind) in enumerate(events)]


def random_shop(seed: int, users: int = 30, items: int = 40, events: int = 600) -> Shop:
    rng = np.random.default_rng(seed)
    kinds = [
        "view",
        "click",
        "add_to_cart",
        "purchase",
        "favourite",
        "rate",
        "dismiss",
        "remove_from_cart",
        "refund",
        "impression",
    ]
    rows = []
    for _ in range(events):
        kind = kinds[rng.choice(len(kinds), p=[0.35, 0.1, 0.1, 0.15, 0.05, 0.12, 0.03, 0.03, 0.02, 0.05])]
        value = float(rng.integers(1, 6)) if kind == "rate" else None
        rows.append((f"u{rng.integers(users)}", f"i{int(items * rng.random() ** 2)}", float(rng.random() * 29), kind, value))
    catalogue = [
        item(f"i{k}", f"{['red', 'blue', 'green'][k % 3]} {['lamp', 'pot', 'chair', 'rug'][k % 4]} {k}", f"Home > {k % 4}")
        for k in range(items)
    ]
    return shop(catalogue, rows)
