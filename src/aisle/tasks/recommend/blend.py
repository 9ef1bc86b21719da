"""How the blend learns: a linear ranker under the softmax of each user's candidates (listwise; Cao et al., 2007).

    minimise  −Σ_u 1/n_u Σ_(j taken) log softmax_j(X_u w) + λ |w|²,   w ≥ 0          X_u (candidates, features) of `blended`

That is smooth, but no list of ten: beside it stand weights climbed to by nDCG itself, from the best model alone, one term after
the other (coordinate ascent: Metzler & Croft, 2007); the better of the two serve. Weights are not negative: each term speaks for
an item or says nothing, so a reason never has to say what it does not mean.
The users are those of the exam (`questions`), answered by models that do not know what came after. LambdaMART over the same
features was measured beside it (`bench/blend.py`, docs/benchmarks.md).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from msgspec.structs import replace as changed
from numpy.typing import NDArray
from scipy.optimize import minimize

from aisle.tasks.recommend.blended import ITEM, table
from aisle.tasks.recommend.engine import RecommendEngine
from aisle.tasks.recommend.lists import Floats, Places
from aisle.tasks.recommend.model import Blend, Model, Recipe
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.trial import DISCOUNT, SHOWN, Marks, Trial

RIDGE = 0.1  # λ is this by the number of users: a prior that many of them outweigh
FOLDS = 2
LEAST = 0.03  # a model whose weight is a smaller part of all is left out: it would cost time for nothing
MOST = 4  # models served
BESIDE = (0.1, 0.2, 0.4)  # what another term may count beside the best model


@dataclass(frozen=True, slots=True)
class Lessons:
    """Candidates of all questions."""

    owner: Places  # (candidates,) question, ascending
    place: Places
    features: Floats  # (candidates, features)
    taken: NDArray[np.bool_]  # (candidates,)
    wanted: NDArray[np.int64]  # (questions,) items that were right, candidates or not

    def only(self, questions: NDArray[np.bool_]) -> Lessons:
        """The candidates of some questions."""
        keep = questions[self.owner]
        return Lessons(self.owner[keep], self.place[keep], self.features[keep], self.taken[keep], self.wanted)


def lessons(trial: Trial, parts: list[Model]) -> Lessons:
    """The candidates that these models name for the questions of a trial."""
    columns = len(parts) + len(ITEM)
    model = blended_model(trial.base, parts, np.ones(columns))
    found = list(_batches(trial, RecommendEngine(model)))
    owner, place, features, taken = (np.concatenate(part) for part in zip(*found, strict=True))
    return Lessons(owner, place, features, taken, np.array([len(one.wanted) for one in trial.asked]))


def _batches(trial: Trial, engine: RecommendEngine) -> Iterator[tuple[Places, Places, Floats, NDArray[np.bool_]]]:
    for start, batch in trial.batches():
        asks = [engine.prepare("for_user", *pair).data for pair in trial.requests(batch)]
        found = table(asks, asks[0].view, engine.model)
        taken = np.zeros(len(found.user), bool)
        for user, one in enumerate(batch):
            span = found.of(user)
            taken[span] = np.isin(found.place[span], one.wanted)
        yield found.user + start, found.place, found.features, taken


def blended_model(base: Model, parts: list[Model], weights: Iterable[float]) -> Model:
    """The same model with a blend behind `for_user`."""
    blend = Blend(parts, np.array(list(weights), np.float64))
    return replace(base, config=changed(base.config, algorithm="blend"), factors=None, blend=blend)


def fit(found: Lessons) -> Floats:
    """(features,) w ≥ 0; zeros where nothing that was taken is among the candidates."""
    asked, owner = np.unique(found.owner, return_inverse=True)
    hits = np.bincount(owner, found.taken, len(asked))
    share = np.where(found.taken, 1.0 / np.maximum(hits[owner], 1.0), 0.0) / max(int((hits > 0).sum()), 1)
    useful = (hits > 0)[owner].astype(np.float64) / max(int((hits > 0).sum()), 1)
    starts, ridge = np.searchsorted(owner, np.arange(len(asked))), RIDGE / max(len(asked), 1)
    features = found.features

    def loss(w: Floats) -> tuple[float, Floats]:
        score = features @ w
        score -= np.maximum.reduceat(score, starts)[owner]
        power = np.exp(score)
        total = np.add.reduceat(power, starts)[owner]
        value = -float(share @ (score - np.log(total))) + ridge * float(w @ w)
        slope = features.T @ (useful * power / total - share) + 2 * ridge * w
        return value, slope

    width = features.shape[1]
    if not len(owner) or not found.taken.any():
        return np.zeros(width)
    best = minimize(loss, np.ones(width), jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * width)
    return np.asarray(best.x, np.float64)


def climbed(found: Lessons, models: int) -> Floats:
    """(features,) the better by nDCG@10 of `fit` and of the best of the first `models` columns with terms beside it."""

    def quality(weights: Floats) -> float:
        return marks(found, found.features @ weights, 1).mean

    every = np.eye(found.features.shape[1])
    best = max(every[:models], key=quality)
    for term in every:
        best = max([best, *(best + share * term for share in BESIDE if not best @ term)], key=quality)
    return max([fit(found), best], key=quality)


def learn(trial: Trial, configs: list[Config]) -> tuple[Recipe, Marks]:
    """The blend of these models that answers the trial best, and how well it answers users who did not teach it."""
    started = time.monotonic()
    found = lessons(trial, [trial.learnt(config) for config in configs])
    staying = worth_having(climbed(found, len(configs)), len(configs))
    if len(staying) < len(configs) and staying:
        configs = [configs[part] for part in staying]
        found = lessons(trial, [trial.learnt(config) for config in configs])
    recipe = Recipe(configs, climbed(found, len(configs)).tolist())
    return recipe, _marks(found, len(configs), len(trial.base.names))._replace(seconds=time.monotonic() - started)


def blind(configs: list[Config]) -> Recipe:
    """All models alike, where nobody can be asked: what is popular decides where they leave off."""
    return Recipe(configs, [1.0] * len(configs) + [0.1 if name == "popularity" else 0.0 for name in ITEM])


def _marks(found: Lessons, models: int, items: int) -> Marks:
    """nDCG@10 and recall@10, each user answered by weights that others taught."""
    fold = np.arange(len(found.wanted)) % FOLDS
    score = np.zeros(len(found.owner))
    for number in range(FOLDS):
        weights = climbed(found.only(fold != number), models)
        mine = (fold == number)[found.owner]
        score[mine] = found.features[mine] @ weights
    return marks(found, score, items)


def marks(found: Lessons, score: Floats, items: int) -> Marks:
    """nDCG@10 and recall@10 of the candidates in the order of their scores."""
    order = np.lexsort((found.place, -score, found.owner))
    owner, taken = found.owner[order], found.taken[order]
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    shown = rank < SHOWN
    questions = len(found.wanted)
    gained = np.bincount(owner[shown], taken[shown] * DISCOUNT[rank[shown]], questions)
    ideal = np.concatenate([[0.0], np.cumsum(DISCOUNT)])[np.minimum(found.wanted, SHOWN)]
    hits = np.bincount(owner[shown], taken[shown], questions)
    return Marks(gained / ideal, hits / found.wanted, len(np.unique(found.place[order][shown])) / max(items, 1), 0.0)


def worth_having(weights: Floats, models: int) -> list[int]:
    """The models that stay: at most MOST, each with at least LEAST of the weight of all."""
    total = max(float(weights.sum()), 1e-12)
    ranked = sorted(range(models), key=lambda part: -weights[part])[:MOST]
    return sorted(part for part in ranked if weights[part] >= LEAST * total)
