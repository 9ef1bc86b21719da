"""How well a configuration answers an exam, through the engine that will serve it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace as changed
from numpy.typing import NDArray

from aisle.kit.catalogue import Catalogue
from aisle.task import Context, Scores
from aisle.tasks.recommend import item_neighbours
from aisle.tasks.recommend.content import Content
from aisle.tasks.recommend.engine import RecommendEngine
from aisle.tasks.recommend.lists import Floats, Lists
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.questions import Exam, Kind, Question
from aisle.tasks.recommend.schema import Config, ForUser
from aisle.tasks.recommend.scoring import scored_by
from aisle.tasks.recommend.weights import RATE
from aisle.tasks.recommend.world import World

SHOWN = 10
SERVING = {
    "history_fade": 1.0, "sequence_fade": 1.0, "history": 1, "short_history": 0.0, "auto_seconds": 0.0, "held_out_users": 0
}  # fmt: skip
BATCH = 64
Say = Callable[[float, str], None]
DISCOUNT = 1.0 / np.log2(np.arange(2, SHOWN + 2))


class Marks(NamedTuple):
    """One number a question, so that two configurations can be compared question by question."""

    ndcg: Floats  # (questions,)
    recall: Floats  # (questions,)
    coverage: float
    seconds: float  # to learn and to answer
    asking: float = 0.0  # of these, to answer

    @property
    def mean(self) -> float:
        return float(self.ndcg.mean())

    def scores(self) -> Scores:
        return {"ndcg@10": self.mean, "recall@10": float(self.recall.mean()), "coverage@10": self.coverage}


class Trial:
    """One part of a shop to learn from, and the questions; what no setting changes is learnt once."""

    def __init__(self, base: Model, past: World, kind: Kind, asked: list[Question]) -> None:
        self.base, self.past, self.kind, self.asked = base, past, kind, asked
        self.catalogue = Catalogue(past.items)
        self._learnt: dict[Config, Model] = {}  # by what matters while learning

    @staticmethod
    def of(exam: Exam, config: Config, texts: Content, near: Lists, say: Say) -> Trial:
        from aisle.tasks.recommend.fit import learn

        return Trial(learn(exam.past, config, texts, near, say), exam.past, exam.kind, exam.asked)

    def learnt(self, config: Config) -> Model:
        """A model of a single algorithm with these settings; one that only reads histories differently is not learnt again."""
        key = changed(config, seen=(), blend_of=(), **SERVING)  # a tuple can be a key
        if key not in self._learnt:
            settled = with_settings(self.base, config, self.past)
            self._learnt[key] = scored_by(config.algorithm, settled, self.past, _quiet)  # type: ignore[arg-type]
        return replace(self._learnt[key], config=config)

    def of_config(self, config: Config) -> Marks:
        started = time.monotonic()
        marks = self.of_model(self.learnt(config))
        return marks._replace(seconds=time.monotonic() - started)

    def of_model(self, model: Model) -> Marks:
        """The quality of a model at hand."""
        engine, shown, started = RecommendEngine(model), set[str](), time.monotonic()
        ndcg, recall = np.zeros(len(self.asked)), np.zeros(len(self.asked))
        for start, batch in self.batches():
            prepared = [engine.prepare("for_user", *pair) for pair in self.requests(batch)]
            for row, (one, found) in enumerate(zip(batch, engine.run("for_user", prepared), strict=True), start):
                hits = np.isin([model.place[item] for item in found.items], one.wanted)
                ndcg[row], recall[row] = gain(hits, len(one.wanted)), hits.sum() / len(one.wanted)
                shown.update(found.items)
        seconds = time.monotonic() - started
        return Marks(ndcg, recall, len(shown) / max(len(model.names), 1), seconds, seconds)

    def batches(self, asked: list[Question] | None = None) -> Iterator[tuple[int, list[Question]]]:
        """The questions (or others), a batch at a time, with the number of the first."""
        asked = self.asked if asked is None else asked
        for start in range(0, len(asked), BATCH):
            yield start, asked[start : start + BATCH]

    def requests(self, batch: list[Question]) -> Iterator[tuple[ForUser, Context]]:
        """What the engine is asked for each."""
        again = self.kind in ("again", "next_again")
        for one in batch:
            yield (
                ForUser(user_id=one.user_id, n=SHOWN, explain="none", exclude_seen=not again),
                Context(one.moment, one.history, self.catalogue),
            )


def with_settings(base: Model, config: Config, past: World) -> Model:
    """The same model under other settings; likeness of behaviour is learnt again where they touch it."""
    old = base.config
    model = replace(base, config=config)
    if config.algorithm == "user_neighbours":  # its neighbours are users, looked for when asked
        return model
    if (config.measure, config.neighbours, config.shrinkage) == (old.measure, old.neighbours, old.shrinkage):
        return model
    measure = "pearson_full" if config.measure == "pearson" and not (past.type == RATE).any() else config.measure
    behaviour = item_neighbours.learn(past.interest(model.weights), config, measure, _quiet)
    return replace(model, behaviour=behaviour)


def gain(hits: NDArray[np.bool_], wanted: int) -> float:
    """Σ hit(r) / log2(r + 1) over ranks r, against the best possible order."""
    return float((hits * DISCOUNT[: len(hits)]).sum() / DISCOUNT[: min(wanted, SHOWN)].sum())


def _quiet(*said: object) -> None:
    """Steps within one try are too many to tell."""
