"""The recommender as the platform runs it: prepare, run, finish."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aisle.errors import Misconfigured, NotFound
from aisle.kit.catalogue import split_path
from aisle.task import Answer, Context, Prepared
from aisle.tasks.recommend import model as models
from aisle.tasks.recommend import personal, related, user_neighbours
from aisle.tasks.recommend.history import Ask
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.personal import Found
from aisle.tasks.recommend.schema import (
    AlikeUser,
    AlikeUsers,
    BoughtTogether,
    ForUser,
    Popular,
    Recommendations,
    Recommended,
    SimilarItems,
    SimilarUsers,
)
from aisle.tasks.recommend.view import View, look
from aisle.types import EVENT_CODE, Filter, PastEvent

VIEWED = EVENT_CODE["view"]
SCAN = 8.0  # cost of comparing with every user, in requests answered from lists


class RecommendEngine:
    """A trained model and its latest view of the catalogue."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._view: View | None = None

    def prepare(self, op: str, request: Any, context: Context) -> Prepared:
        """Bring the view up to date and look up what is named. Raises NotFound for an item or category that is not there."""
        view = self._look(context)
        if op == "for_user":
            scan = self.model.config.algorithm == "user_neighbours"
            return Prepared(self._ask(request, context, view), SCAN if scan else 1.0)
        if op == "similar_users":
            return Prepared((request, context.events), SCAN)
        if op == "similar_items":
            return Prepared((request, related.place_of(view, request.item_id), view))
        if op == "bought_together":
            return Prepared((request, related.basket_of(request, view), view))
        if request.category is not None:
            _category_exists(request.category, view)
        return Prepared((request, view))

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        """Answers in the order of the batch; each is what it would be alone."""
        if op == "for_user":
            return personal.answer([one.data for one in batch], self.model)
        answer = getattr(self, f"_{op}")
        return [answer(*one.data) for one in batch]

    def finish(self, op: str, request: Any, result: Any) -> Answer:
        if op == "similar_users":
            return AlikeUsers(users=[AlikeUser(user, alike) for user, alike in result])
        items, scores, reasons, strategy = result
        answer = Recommendations(items=list(map(Recommended, items, scores, reasons)))
        if op in ("for_user", "popular"):
            answer.strategy = strategy
        return answer

    def _look(self, context: Context) -> View:
        catalogue = context.catalogue
        if catalogue is None:
            raise Misconfigured("recommend was asked without the catalogue: its operations declare that they need it")
        view = self._view
        if view is None or view.items.catalogue is not catalogue or view.version != catalogue.version:
            view = self._view = look(self.model, catalogue, view)
        return view

    def _ask(self, request: ForUser, context: Context, view: View) -> Ask:
        mask = view.mask(request.filter)
        if not request.personalize:
            return Ask(request, view, (), context.now, mask, -1, False)
        events = context.events
        if request.session or request.context:
            now = [PastEvent(one.item_id, EVENT_CODE[one.type], context.now, one.value, None) for one in request.session or ()]
            page = (request.context or {}).get("item_id")
            if isinstance(page, str):
                now.append(PastEvent(page, VIEWED, context.now, None, None))
                if (place := view.items.place.get(page)) is not None:
                    mask = mask.copy()
                    mask[place] = False
            events = [*reversed(now), *events]
        return Ask(request, view, events, context.now, mask, self.model.row.get(request.user_id, -1), not context.events)

    def _similar_items(self, request: SimilarItems, place: int, view: View) -> Found:
        return related.similar(request, place, view, self.model)

    def _bought_together(self, request: BoughtTogether, basket: list[int], view: View) -> Found:
        return related.together(request, basket, view, self.model)

    def _popular(self, request: Popular, view: View) -> Found:
        mask = view.mask(request.filter)
        if request.category is not None:
            mask = mask & view.mask(Filter(category=[request.category]))
        return related.ranked(request, mask, view, self.model)

    def _similar_users(self, request: SimilarUsers, events: Sequence[PastEvent]) -> list[tuple[str, float]]:
        model = self.model
        vector = user_neighbours.vector_of(model.crowd, model.weights, model.column, request.user_id, events)
        return user_neighbours.alike(model.crowd, request.measure, vector, request.user_id, request.n)


def load(folder: Path) -> RecommendEngine:
    """Open a trained model."""
    return RecommendEngine(models.load(folder))


def _category_exists(category: str, view: View) -> None:
    wanted = split_path(category)
    if not any(split_path(path)[: len(wanted)] == wanted for path in view.items.catalogue.paths):
        raise NotFound(
            f"no item is in a category {category!r}: give a path like 'Clothing > Shirts' or one of its ancestors",
            param="/category",
        )
