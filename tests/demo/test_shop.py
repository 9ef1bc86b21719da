"""The generated shop keeps its promises: counts, kinds of people and items, determinism, and signal to learn from."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from aisle.demo import Shop, generate
from aisle.demo.assortment import COLOURS, KIND, KINDS, MAKERS
from aisle.demo.catalogue import DAY, WINDOW, kind_of
from aisle.types import EVENT_TYPES, Event, Item

NOW = 1_795_484_400_000_000  # microseconds


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate(7, NOW)


def _bought(shop: Shop) -> list[Event]:
    return [event for event in shop.events if event.type == "purchase"]


def test_it_is_as_large_as_promised(shop: Shop) -> None:
    assert len(shop.items) >= 300
    assert len({item.category for item in shop.items}) >= 10
    assert len(shop.users) >= 2000
    assert 50_000 <= len(shop.events) <= 90_000
    assert len(shop.reviews) >= 1400


def test_the_same_seed_and_end_give_the_same_shop(shop: Shop) -> None:
    assert generate(7, NOW) == shop


def test_another_seed_gives_another_shop(shop: Shop) -> None:
    other = generate(8, NOW)
    assert [item.title for item in other.items] != [item.title for item in shop.items]
    assert other.events != shop.events


def test_items_and_events_survive_validation_as_the_api_does_it(shop: Shop) -> None:
    assert msgspec.json.decode(msgspec.json.encode(shop.items), type=list[Item]) == shop.items
    assert msgspec.json.decode(msgspec.json.encode(shop.events[:5000]), type=list[Event]) == shop.events[:5000]


def test_ids_count_up_and_titles_are_all_different(shop: Shop) -> None:
    assert [item.item_id for item in shop.items] == [f"item-{k + 1:04d}" for k in range(len(shop.items))]
    assert len({item.title for item in shop.items}) == len(shop.items)
    assert len({event.event_id for event in shop.events}) == len(shop.events)


def test_categories_have_two_levels_and_prices_are_plausible_euros(shop: Shop) -> None:
    for item in shop.items:
        assert item.category is not None and len(item.category.split(" > ")) == 2
        assert item.price is not None and item.price.currency == "EUR"
        assert 0.25 < item.price.amount / 100 / KIND[kind_of(item)].price < 5


def test_some_items_are_sold_out_some_are_variants_and_some_speak_chinese(shop: Shop) -> None:
    states = Counter(item.availability for item in shop.items)
    assert 5 <= states["out_of_stock"] <= 60
    groups = Counter(item.group_id for item in shop.items if item.group_id)
    assert len(groups) > 20
    assert set(groups.values()) == {2}
    assert sum(any("\u4e00" <= letter <= "\u9fff" for letter in item.title) for item in shop.items) >= 8


def test_variants_differ_in_colour_and_say_so(shop: Shop) -> None:
    items = {item.item_id: item for item in shop.items}
    for item in shop.items:
        if item.group_id and item.group_id != item.item_id:
            first = items[item.group_id]
            assert first.group_id == first.item_id
            assert (item.attributes or {})["colour"] != (first.attributes or {})["colour"]
            assert item.title != first.title
            assert item.price == first.price


def test_brand_new_items_have_no_event_yet(shop: Shop) -> None:
    seen = {event.item_id for event in shop.events}
    new = [item for item in shop.items if int(item.created_at or 0) > NOW - 2 * DAY]
    assert len(new) >= 5
    assert not seen & {item.item_id for item in new}


def test_the_item_of_every_example_is_old_in_stock_and_sells(shop: Shop) -> None:
    first = shop.items[0]
    assert first.availability == "in_stock"
    assert sum(event.item_id == first.item_id for event in _bought(shop)) >= 10


def test_nothing_happens_to_an_item_before_it_exists_nor_outside_the_window(shop: Shop) -> None:
    made = {item.item_id: int(item.created_at or 0) for item in shop.items}
    users = set(shop.users)
    times = [int(event.time or 0) for event in shop.events]
    assert times == sorted(times)
    assert NOW - WINDOW * DAY <= times[0] < times[-1] <= NOW
    assert all(event.user_id in users and event.item_id in made for event in shop.events)
    assert all(int(event.time or 0) >= made[event.item_id] - 60_000_000 for event in shop.events if event.type != "dismiss")


def test_every_type_of_event_occurs_and_the_funnel_narrows(shop: Shop) -> None:
    count = Counter(event.type for event in shop.events)
    assert set(count) == set(EVENT_TYPES)
    assert count["view"] > 2 * count["add_to_cart"] > 2 * count["purchase"] > 20 * count["refund"]


def test_some_people_have_no_one_or_two_events_and_few_have_very_many(shop: Shop) -> None:
    count = Counter(event.user_id for event in shop.events)
    by_size = Counter(count.values())
    assert len(shop.users) - len(count) >= 20
    assert by_size[1] >= 20 and by_size[2] >= 20
    sizes = sorted(count.values(), reverse=True)
    assert sizes[0] > 5 * sizes[len(sizes) // 2]
    assert count["user-0001"] >= 40


def test_popularity_is_skewed_but_not_absurd(shop: Shop) -> None:
    sales = np.sort(list(Counter(event.item_id for event in _bought(shop)).values()))[::-1]
    share = sales[: len(sales) // 10].sum() / sales.sum()
    assert 0.2 < share < 0.6


def test_a_purchase_names_the_money_that_its_price_and_quantity_make(shop: Shop) -> None:
    price = {item.item_id: item.price.amount for item in shop.items if item.price}
    for event in _bought(shop):
        assert event.quantity and event.value == pytest.approx(price[event.item_id] * event.quantity / 100)


def test_only_what_is_used_up_is_bought_twice(shop: Shop) -> None:
    kind = {item.item_id: KIND[kind_of(item)] for item in shop.items}
    again = [pair for pair, times in Counter((e.user_id, e.item_id) for e in _bought(shop)).items() if times > 1]
    assert len(again) > 200
    assert all(kind[item_id].lasts > 0 for _, item_id in again)


def test_complements_are_bought_in_the_same_visit(shop: Shop) -> None:
    kind = {item.item_id: kind_of(item) for item in shop.items}
    visits: dict[str, set[str]] = {}
    for event in _bought(shop):
        visits.setdefault(event.session_id or event.event_id or "", set()).add(kind[event.item_id])
    tents = [kinds for kinds in visits.values() if "tent" in kinds]
    rest = [kinds for kinds in visits.values() if "tent" not in kinds]
    with_tent = sum("sleepingbag" in kinds for kinds in tents) / len(tents)
    without = sum("sleepingbag" in kinds for kinds in rest) / len(rest)
    assert with_tent > 5 * without


def test_seasons_show(shop: Shop) -> None:
    """The history ends in late November: jackets sell then, sandals in summer."""
    kind = {item.item_id: kind_of(item) for item in shop.items}
    late = [kind[e.item_id] for e in shop.events if int(e.time or 0) > NOW - 45 * DAY]
    early = [kind[e.item_id] for e in shop.events if int(e.time or 0) < NOW - 120 * DAY]
    ratio = {name: (late.count(name) / len(late)) / (early.count(name) / len(early)) for name in ("boot", "sandal")}
    assert ratio["boot"] > 1.5 * ratio["sandal"]


def test_ratings_are_stars_and_reviews_agree_with_them(shop: Shop) -> None:
    stars = {(e.user_id, e.item_id): e.value for e in shop.events if e.type == "rate"}
    assert set(stars.values()) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert all(stars[review.user_id, review.item_id] == review.label for review in shop.reviews)
    assert {review.language for review in shop.reviews} == {"en", "zh"}
    assert min(Counter(review.label for review in shop.reviews).values()) >= 30
    assert len({review.text for review in shop.reviews}) > 0.85 * len(shop.reviews)


def test_no_review_leaves_a_gap_in_its_template(shop: Shop) -> None:
    assert not [review.text for review in shop.reviews if "{" in review.text or "}" in review.text]


def test_people_are_numbers_and_nothing_else(shop: Shop) -> None:
    fields = {name for event in shop.events[:2000] for name, value in msgspec.structs.asdict(event).items() if value is not None}
    assert fields <= {"event_id", "user_id", "item_id", "type", "time", "value", "quantity", "session_id"}
    assert all(user == f"user-{k + 1:04d}" for k, user in enumerate(shop.users))
    assert not any("@" in text for review in shop.reviews for text in (review.text, review.user_id))


def test_the_assortment_names_only_what_exists() -> None:
    for kind in KINDS:
        assert set(kind.with_) <= set(KIND)
        assert set(kind.colours) <= set(COLOURS)
        assert set(kind.makers) <= set(MAKERS)
        assert len(kind.features) == 3
        assert kind.count >= 6


def test_knowing_the_person_beats_popularity_and_neither_is_magic(shop: Shop) -> None:
    """Each person's last new purchase is hidden; item cosine over what came before must find it far more often."""
    weights, hidden = _split(shop)
    sales = (weights >= 5).sum(axis=0).astype(float)
    unit = np.log1p(weights)
    unit = unit / (np.linalg.norm(unit, axis=0) + 1e-9)
    likeness = unit.T @ unit
    np.fill_diagonal(likeness, 0.0)
    known = weights >= 5
    popular = _found(np.tile(sales, (len(hidden), 1)), known, hidden)
    personal = _found(np.log1p(weights) @ likeness, known, hidden)
    assert 1.6 * popular < personal < 0.6
    assert popular < 0.2


def _split(shop: Shop) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(people, items) weight of what each did up to an hour before the last purchase; and (people,) that purchase."""
    weight = {"view": 1.0, "favourite": 2.0, "add_to_cart": 2.0, "purchase": 5.0}
    place = {item.item_id: k for k, item in enumerate(shop.items)}
    last = {event.user_id: event for event in _bought(shop)}
    row = {user: k for k, user in enumerate(last)}
    weights = np.zeros((len(last), len(place)))
    for event in shop.events:
        if event.user_id in row and int(event.time or 0) < int(last[event.user_id].time or 0) - 3_600_000_000:
            weights[row[event.user_id], place[event.item_id]] += weight.get(event.type, 0.0)
    hidden = np.array([place[event.item_id] for event in last.values()])
    fair = (weights.sum(axis=1) > 0) & (weights[np.arange(len(hidden)), hidden] < 5)
    return weights[fair], hidden[fair]


def _found(scores: NDArray[np.float64], known: NDArray[np.bool_], hidden: NDArray[np.int64]) -> float:
    """The share of people whose hidden item is among their ten best."""
    best = np.argsort(-np.where(known, -np.inf, scores), axis=1)[:, :10]
    return float((best == hidden[:, None]).any(axis=1).mean())
