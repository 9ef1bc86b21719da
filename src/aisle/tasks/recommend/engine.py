"""The recommender as the platform runs it: prepare, run, finish."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace as changed

from aisle.errors import Misconfigured, NotFound
from aisle.kit.catalogue import split_path
from aisle.task import Answer, Context, Prepared
from aisle.tasks.recommend import explore, personal, related, user_neighbours
from aisle.tasks.recommend import model as models
from aisle.tasks.recommend.history import Ask
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.personal import Found
from aisle.tasks.recommend.rules import House, held, house
from aisle.tasks.recommend.schema import (
    AlikeUser,
    AlikeUsers,
    BecauseYouViewed,
    BoughtTogether,
    ForUser,
    Popular,
    Recommendations,
    Recommended,
    RowOfItems,
    RowsOfItems,
    SimilarItems,
    SimilarUsers,
)
from aisle.tasks.recommend.view import Mask, View, look
from aisle.types import EVENT_CODE, Filter, PastEvent

VIEWED = EVENT_CODE["view"]
SCAN = 8.0  # cost of comparing with every user, in requests answered from lists


class Housed(NamedTuple):
    """A prepared request whose answer the shop's rules arrange."""

    data: Any
    house: House
    n: int  # as asked for; the model is asked for more
    mask: Mask  # (S,) what may be shown


class RecommendEngine:
    """A trained model and its latest view of the catalogue."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._view: View | None = None
        self._houses: dict[str, tuple[Any, View, House]] = {}  # by operation: of which rules, of which view

    def prepare(self, op: str, request: Any, context: Context) -> Prepared:
        """Bring the view up to date and look up what is named. Raises NotFound for an item or category that is not there."""
        view = self._look(context)
        house = self._house(op, request, context, view)
        if house is None:
            return self._prepared(op, request, context, view)
        if op == "because_you_viewed":  # rows under headings: only what is hidden matters
            return self._prepared(op, request, context, house.view)
        mask = house.view.mask(getattr(request, "filter", None))
        more = changed(request, n=house.wanted(request.n))
        one = self._prepared(op, more, context, house.view)
        return Prepared(Housed(one.data, house, request.n, mask), one.cost)

    def _prepared(self, op: str, request: Any, context: Context, view: View) -> Prepared:
        if op == "for_user":
            scan = self.model.config.algorithm == "user_neighbours"
            return Prepared(self._ask(request, context, view), SCAN if scan else 1.0)
        if op == "similar_users":
            return Prepared((request, context.events), SCAN)
        if op == "because_you_viewed":
            return Prepared((request, context.events, view))
        if op == "similar_items":
            return Prepared((request, related.place_of(view, request.item_id), view))
        if op == "bought_together":
            return Prepared((request, related.basket_of(request, view), view))
        if request.category is not None:
            _category_exists(request.category, view)
        return Prepared((request, view))

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        """Answers in the order of the batch; each is what it would be alone."""
        if any(isinstance(one.data, Housed) for one in batch):
            plain = [Prepared(one.data.data, one.cost) if isinstance(one.data, Housed) else one for one in batch]
            return list(map(_arranged, batch, self._run(op, plain)))
        return self._run(op, batch)

    def _run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        if op == "for_user":
            asks = [one.data for one in batch]
            found = personal.answer(asks, self.model)
            return explore.mix(asks, found, self.model) if self.model.config.explore_share else found
        answer = getattr(self, f"_{op}")
        return [answer(*one.data) for one in batch]

    def finish(self, op: str, request: Any, result: Any) -> Answer:
        if op == "similar_users":
            return AlikeUsers(users=[AlikeUser(user, alike) for user, alike in result])
        if op == "because_you_viewed":
            return RowsOfItems(rows=[self._row(*row) for row in result])
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

    def _house(self, op: str, request: Any, context: Context, view: View) -> House | None:
        """The shop's rules for this request, kept from the last one where they are the same; None where there are none."""
        diversity = getattr(request, "diversity", None)
        if diversity is None:
            diversity = self.model.config.diversity if op == "for_user" else 0.0
        rules = held(context.rules, op, context.now) if context.rules.rules else ()
        if (not rules and diversity <= 0) or op == "similar_users":
            return None
        key = (rules, diversity)
        known = self._houses.get(op)
        if known is None or known[0] != key or known[1] is not view:
            known = self._houses[op] = (key, view, house(rules, view, diversity))
        return known[2]

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

    def _because_you_viewed(self, request: BecauseYouViewed, events: Sequence[PastEvent], view: View) -> list[related.Row]:
        return related.because(request, events, view, self.model)

    def _row(self, seed: int, text: str, found: Found) -> RowOfItems:
        view = self._view
        assert view is not None  # a row was made from one
        return RowOfItems(view.items.names[seed], text, list(map(Recommended, found.items, found.scores, found.reasons)))

    def _popular(self, request: Popular, view: View) -> Found:
        mask = view.mask(request.filter)
        if request.category is not None:
            mask = mask & view.mask(Filter(category=[request.category]))
        return related.ranked(request, mask, view, self.model)

    def _similar_users(self, request: SimilarUsers, events: Sequence[PastEvent]) -> list[tuple[str, float]]:
        model = self.model
        vector = user_neighbours.vector_of(model.crowd, model.weights, model.column, request.user_id, events)
        return user_neighbours.alike(model.crowd, request.measure, vector, request.user_id, request.n)


def _arranged(one: Prepared, found: Any) -> Any:
    return one.data.house.arrange(found, one.data.n, one.data.mask) if isinstance(one.data, Housed) else found


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
