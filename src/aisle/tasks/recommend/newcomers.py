"""How much popularity helps newcomers to a model that was chosen: κ of `short`, found by asking as if little were known.

The questions are those of the exam (`questions`), their histories cut to the newest 1, 2 and 5 events, and asked as by somebody
whom training never saw. A κ is taken where it surely helps these (user by user, the mean over the three) and costs those whose
history is whole next to nothing; of several the best. Else 0: nobody's answers are mixed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aisle.tasks.recommend import personal, short
from aisle.tasks.recommend.choosing import surely_better
from aisle.tasks.recommend.engine import RecommendEngine
from aisle.tasks.recommend.lists import Floats
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.personal import Found
from aisle.tasks.recommend.questions import Question
from aisle.tasks.recommend.trial import SHOWN, Trial, gain

EVENTS = (1, 2, 5)  # newest events of a newcomer
KAPPAS = (0.5, 1.0, 2.0, 4.0, 8.0)
ASKED = 500  # users at most
STRANGER = "\x00"  # a user id that training does not know
KEPT = 0.998  # of the quality for whole histories, at least


class Heard(NamedTuple):
    """What a model and popularity answer to one question."""

    own: Found
    popular: Found
    events: int
    wanted: list[str]


def short_history(trial: Trial, model: Model) -> float:
    """κ for this model; 0 where mixing does not help."""
    asked = trial.asked[:: -(-len(trial.asked) // ASKED)]
    cut = [_heard(trial, model, [_newest(one, count) for one in asked]) for count in EVENTS]
    whole = _heard(trial, model, asked)
    plain, least = _quality(cut, 0.0), KEPT * _quality([whole], 0.0).mean()
    found = {kappa: _quality(cut, kappa) for kappa in KAPPAS}
    good = [
        kappa for kappa, quality in found.items() if surely_better(quality, plain) and _quality([whole], kappa).mean() >= least
    ]
    return max(good, key=lambda kappa: float(found[kappa].mean()), default=0.0)


def _newest(one: Question, count: int) -> Question:
    return one._replace(user_id=STRANGER, history=one.history[:count])


def _heard(trial: Trial, model: Model, asked: list[Question]) -> list[Heard]:
    engine, found = RecommendEngine(model), list[Heard]()
    for _, batch in trial.batches(asked):
        asks = [engine.prepare("for_user", *pair).data for pair in trial.requests(batch)]
        for one, ask, (own, popular) in zip(batch, asks, personal.both(asks, model), strict=True):
            found.append(Heard(own, popular, len(ask.events), [model.names[place] for place in one.wanted.tolist()]))
    return found


def _quality(cut: list[list[Heard]], kappa: float) -> Floats:
    """(users,) nDCG@10, the mean over the cuts."""
    each = np.array([[_ndcg(one, kappa) for one in heard] for heard in cut])  # (cuts, users)
    return np.asarray(each.mean(axis=0), np.float64)


def _ndcg(one: Heard, kappa: float) -> float:
    share = short.share_of(one.events, kappa)
    found = short.mixed(one.own, one.popular, share, SHOWN, "none") if one.own.items else one.popular
    return gain(np.isin(found.items[:SHOWN], one.wanted), len(one.wanted))
