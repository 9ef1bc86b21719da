"""`for_user` from lists, compiled (ranker.c), where the install found a C compiler; None where it did not.

It answers what history.py, ranking.py and reasons.py answer, to the bit, and costs a seventh: it looks at the items that the
history's lists name and at no others, and makes no array. Those three say what is right, and answer all it does not: every
reason (`explain=full`), als, user neighbours, and histories that fall short of n.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aisle.explain import ENOUGH, NOTHING_LEFT, REMAINDERS
from aisle.tasks.recommend.model import BOUGHT, DISMISSED, Model
from aisle.tasks.recommend.way import KEEN
from aisle.tasks.recommend.weights import PURCHASE, RATE, REFUND
from aisle.times import DAY
from aisle.types import Reason

if TYPE_CHECKING:
    from aisle.tasks.recommend.view import View

try:
    from aisle.tasks.recommend.compiled._ranker import Ranker
except ImportError:  # no compiler where Aisle was installed
    BUILT = False
else:
    BUILT = True

LISTS = frozenset({"item_neighbours", "content", "sequence_neighbours", "ease"})
NOTHING = np.zeros(0)


def ranker(view: View) -> Ranker | None:
    """The compiled ranker over a view; None where it was not built, or where the algorithm is none of lists, or a rule waits."""
    model = view.model
    if not BUILT or model.config.algorithm not in LISTS or view.waits is not None:  # waits by item are the plain way's
        return None
    lists = view.items.personal
    return Ranker(
        indices=_as(lists.indices, np.int32),
        values=_as(lists.values, np.float32),
        open=_as(view.open, np.bool_),
        unheard=_as(view.items.unheard, np.bool_),
        place=view.items.place,
        names=view.items.names,
        words=view.sentences.known,
        say=view.sentences.say,
        reason=Reason,
        rest=REMAINDERS,
        because="because_you",
        content="content",
        other="other",
        enough=ENOUGH,
        nothing_left=NOTHING_LEFT,
        known=len(model.names),
        **_arrivals(view),
        **_had(model),
        **_rules(model),
    )


def _arrivals(view: View) -> dict[str, Any]:
    arrivals = view.items.joined
    if arrivals is None:
        return {"arrival_start": NOTHING, "arrival_place": NOTHING, "arrival_value": NOTHING}
    share = view.model.share
    return {
        "arrival_start": _as(arrivals.start, np.int64),
        "arrival_place": _as(arrivals.place, np.int32),
        "arrival_value": _as(arrivals.value * share, np.float64),
    }


def _had(model: Model) -> dict[str, Any]:
    had = model.had
    return {
        "had_indptr": _as(had.indptr, np.int64),
        "had_item": _as(had.item, np.int32),
        "had_flag": _as(had.flag, np.uint8),
        "had_bought": _as(had.bought, np.int64),
    }


def _rules(model: Model) -> dict[str, Any]:
    """What events count and what hides an item."""
    weights, way, config = model.weights, model.way, model.config
    strength, by_strength = model.strength
    return {
        "weight": _as(weights.table, np.float64),
        "rank": _as(strength, np.int64),
        "by_rank": _as(by_strength, np.int64),
        "flag": _as(model.flags, np.uint8),
        "fades": NOTHING if way.step is None else _as(way.fades(), np.float64),
        "half_life": weights.half_life,
        "neutral": weights.neutral,
        "span": weights.span,
        "keen": KEEN if way.logarithm else 0.0,
        "again": config.again_after_days * DAY if config.bought == "again" else 0.0,
        "alike": way.alike,
        "most": way.most,
        "always": DISMISSED | (BOUGHT if config.bought == "never" else 0),
        "rate": RATE,
        "purchase": PURCHASE,
        "refund": REFUND,
    }


def _as(array: NDArray[Any], kind: Any) -> NDArray[Any]:
    return np.ascontiguousarray(array, kind)
