"""`for_user` from lists and by user neighbours, compiled (ranker.c, crowd.c); None where the install found no C compiler.

It answers what history.py, ranking.py and reasons.py answer, to the bit, and costs a seventh: it looks at the items that the
history's lists name and at no others, and makes no array. Those three say what is right, and answer all it does not: every
reason (`explain=full`), als, other measures than cosine, and histories that fall short of n.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aisle.explain import ENOUGH, NOTHING_LEFT, REMAINDERS
from aisle.kit.compiled import adds_up
from aisle.tasks.recommend.lists import Lists
from aisle.tasks.recommend.model import BOUGHT, DISMISSED, Model
from aisle.tasks.recommend.way import KEEN
from aisle.tasks.recommend.weights import PURCHASE, RATE, REFUND, chose_it
from aisle.tasks.recommend.world import Sparse
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
ANSWERED = LISTS | {"user_neighbours"}
NOTHING = np.zeros(0)


def ranker(view: View) -> Ranker | None:
    """The compiled ranker over a view; None where it was not built, or where the algorithm is another, or a rule waits."""
    model = view.model
    if not BUILT or model.config.algorithm not in ANSWERED or view.waits is not None:  # waits by item are the plain way's
        return None
    by_users = model.config.algorithm == "user_neighbours"
    if by_users and (model.config.measure != "cosine" or not adds_up(model.crowd.rows.csc)):
        return None
    lists = Lists(np.zeros((view.size, 0), np.int32), np.zeros((view.size, 0), np.float32)) if by_users else view.items.personal
    made = Ranker(
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
    if by_users:
        made.ask_users(**_crowd(model))
        model.crowd.checked = True  # the next view has the same arrays, and looking at all of them takes a while
    return made


def _crowd(model: Model) -> dict[str, Any]:
    """What user neighbours are found by, and what they want."""
    crowd, most = model.crowd, model.config.neighbours
    by_column, taste, wants = crowd.rows.csc, crowd.taste, crowd.wants
    return {
        **{f"post_{name}": array for name, array in _sparse(by_column, "row").items()},
        **{f"taste_{name}": array for name, array in _sparse(taste, "column").items()},
        **{f"want_{name}": array for name, array in _sparse(wants, "item").items()},
        "norms": _as(crowd.rows.norms, np.float64),
        "first": _as(crowd.first, np.int64),
        "last": _as(crowd.last, np.int64),
        "column": model.column,
        "behind": [chose_it(count) for count in range(most + 1)],
        "kind": "similar_users",
        "uniform": crowd.rows.uniform or 0.0,
        "neighbours": most,
        "checked": crowd.checked,
    }


def _sparse(matrix: Sparse, place: str) -> dict[str, Any]:
    return {
        "start": _as(matrix.indptr, np.int32),
        place: _as(matrix.indices, np.int32),
        "value": _as(matrix.data, np.float64),
    }


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
