"""Recommendations: what to show a user next, what is like an item, what is bought together, what is popular, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aisle.task import Data, Engine, Need, Operation, Progress, Scores
from aisle.tasks.recommend.schema import (
    AlikeUsers,
    BecauseYouViewed,
    BoughtTogether,
    Config,
    ForUser,
    Popular,
    Recommendations,
    RowsOfItems,
    SimilarItems,
    SimilarUsers,
)

_LIVE: frozenset[Need] = frozenset({"events", "catalogue", "rules"})
_ITEMS: frozenset[Need] = frozenset({"catalogue", "rules"})


class Recommend:
    """The task, as the platform sees it; numbers are imported only when something is learnt or loaded."""

    name = "recommend"
    config = Config
    operations: Mapping[str, Operation] = {
        "for_user": Operation(
            ForUser, Recommendations, {"user_id": "user-0001", "n": 10}, "What to show this user next, and why.", _LIVE
        ),
        "similar_items": Operation(
            SimilarItems,
            Recommendations,
            {"item_id": "item-0001", "n": 6},
            "Items like this one, by behaviour, text or image.",
            _ITEMS,
        ),
        "bought_together": Operation(
            BoughtTogether, Recommendations, {"item_ids": ["item-0001"], "n": 4}, "What goes with this basket.", _ITEMS
        ),
        "popular": Operation(Popular, Recommendations, {"n": 10}, "What many shoppers want, overall or in a category.", _ITEMS),
        "because_you_viewed": Operation(
            BecauseYouViewed,
            RowsOfItems,
            {"user_id": "user-0001", "rows": 3, "n": 6},
            "Rows of items, each because of something this user looked at.",
            _LIVE,
        ),
        "similar_users": Operation(
            SimilarUsers, AlikeUsers, {"user_id": "user-0001", "n": 5}, "Users with alike histories.", _LIVE, scope="admin"
        ),
    }

    def fit(self, data: Data, config: Config, folder: Path, progress: Progress) -> Scores:
        from aisle.tasks.recommend.fit import fit

        return fit(data, config, folder, progress)

    def load(self, folder: Path) -> Engine:
        from aisle.tasks.recommend.engine import load

        return load(folder)

    def forget(self, data: Data, old: Path, folder: Path, progress: Progress) -> bool:
        from aisle.tasks.recommend.forgetting import forget

        return forget(data, old, folder, progress)

    def evaluate(self, data: Data, config: Config, protocol: str, progress: Progress) -> list[dict[str, Any]]:
        from aisle.tasks.recommend.evaluate import evaluate

        return evaluate(data, config, protocol, progress)

    def summary(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        from aisle.tasks.recommend.report import summary

        return summary(rows)

    def remarks(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        from aisle.tasks.recommend.report import remarks

        return remarks(rows)

    def page(self, rows: Sequence[Mapping[str, Any]]) -> str:
        from aisle.tasks.recommend.report import page

        return page(rows)


TASK = Recommend()
