"""The shop's rules on what is found: for every question, or for some."""

from __future__ import annotations

import pytest

from aisle.tasks.search.model import Learnt, Model
from aisle.tasks.search.schema import Config
from aisle.types import Filter, Item

from .worlds import ITEMS, NOW, Asked

LAMPS = [
    Item(item_id=f"lamp-{n}", title=f"Desk lamp {n}", brand="Lumo" if n < 3 else "Kestrel", category="Home > Lamps")
    for n in range(6)
]


@pytest.fixture
def shop() -> Asked:
    return Asked([*ITEMS, *LAMPS])


def adds_up(shop: Asked, query: str, **more: object) -> None:
    for hit in shop.query(query, **more).items:
        assert sum(reason.contribution for reason in hit.reasons) == pytest.approx(hit.score, rel=1e-9)


def test_what_is_hidden_is_found_by_no_question_and_suggested_to_nobody(shop: Asked) -> None:
    shop.rule({"action": "hide", "items": {"brand": ["Lumo"]}})
    found = shop.query("lamp", n=50)
    assert {hit.item_id for hit in found.items} == {"lamp-3", "lamp-4", "lamp-5"} and found.total == 3
    assert not {"lamp", "lamp-0"} & {hit.item_id for hit in shop.suggest("lam", n=20).items}


def test_boosts_and_burials_move_items_and_say_so(shop: Asked) -> None:
    plain = shop.query("desk lamp", n=50)
    shop.rule(
        {"action": "boost", "factor": 3, "items": {"include": ["lamp-5"]}, "note": "sale"},
        {"action": "bury", "items": {"include": ["lamp-0"]}},
    )
    found = shop.query("desk lamp", n=50)
    assert found.items[0].item_id == "lamp-5" and [hit.item_id for hit in found.items].index("lamp-0") == 5
    (told,) = [reason for reason in found.items[0].reasons if reason.kind == "rule"]
    before = next(hit.score for hit in plain.items if hit.item_id == "lamp-5")
    assert told.text == "shown more: sale" and told.contribution == pytest.approx(2 * before, rel=1e-5)
    adds_up(shop, "desk lamp", n=50, explain="full")


def test_a_boost_reaches_an_item_that_only_its_meaning_would_bring_among_the_best() -> None:
    """What the bound of the quick comparison leaves out must not be what a boost would have shown."""
    items = [Item(item_id=f"i{n:03d}", title="desk lamp" if n < 150 else "desk thing") for n in range(300)]
    shop = Asked(items, Model(Learnt(config=Config(feedback=0.0))))
    shop.spaces["text"].put(
        [
            (item.item_id, (b"\x00\x00\x80?" + b"\x00" * 4) if item.item_id == "i299" else (b"\x00" * 4 + b"\x00\x00\x80?"))
            for item in items
        ]
    )
    shop.rule({"action": "boost", "factor": 50, "items": {"include": ["i299"]}})
    hit = shop.query("desk lamp", vector=[1.0, 0.0]).items[0]
    assert hit.item_id == "i299" and "meaning" in [reason.kind for reason in hit.reasons]


def test_a_rule_for_a_question_holds_for_its_words_in_any_order_and_form(shop: Asked) -> None:
    shop.rule({"action": "pin", "items": {"include": ["dress"]}, "queries": ["desk lamp", "夏季"], "note": "campaign"})
    for query in ("desk lamp", "Lamps for a DESK", "夏季新款"):
        hit = shop.query(query, explain="full").items[0]
        assert hit.item_id == "dress" and hit.reasons[0].text == "placed by the shop: campaign"
    for query in ("lamp", "desk", ""):
        assert shop.first(query) != "dress"
    shop.rule({"action": "pin", "items": {"include": ["dress"]}, "queries": ["lamp"], "match": "is"})
    assert shop.first("lamps") == "dress" and shop.first("desk lamp") != "dress"


def test_a_pin_takes_its_place_and_never_shows_what_is_filtered_away(shop: Asked) -> None:
    shop.rule({"action": "pin", "position": 2, "items": {"include": ["cafe", "disk"]}, "queries": ["lamp"]})
    found = shop.ids("lamp", n=4)
    assert found[1:3] == ["cafe", "disk"] and len(found) == 4
    assert "cafe" not in shop.ids("lamp", filter=Filter(category=["Home"]), n=50)
    adds_up(shop, "lamp", n=20)


def test_a_pin_that_names_no_question_is_not_for_every_search(shop: Asked) -> None:
    shop.rule({"action": "pin", "items": {"include": ["dress"]}})
    assert shop.first("lamp") != "dress"
    shop.rule({"action": "pin", "items": {"include": ["lamp-4"]}, "operations": ["search.query"]})
    assert shop.ids(filter=Filter(category=["Home > Lamps"]))[0] == "lamp-4"  # the page of a category


def test_a_cap_leaves_out_what_would_be_one_too_many(shop: Asked) -> None:
    shop.rule({"action": "cap", "most": 1, "per": "brand"})
    found = shop.ids("desk lamp", n=50)
    assert sum(item_id in {"lamp", "lamp-0", "lamp-1", "lamp-2"} for item_id in found) == 1
    shop.rule(
        {"action": "cap", "most": 1, "per": "brand"},
        {"action": "pin", "position": 3, "items": {"include": ["lamp-2"]}, "queries": ["lamp"]},
    )
    assert [item_id for item_id in shop.ids("desk lamp", n=50) if item_id.startswith("lamp")] == ["lamp-3", "lamp-2"]


def test_a_rule_ends_and_is_for_its_operation_alone(shop: Asked) -> None:
    hide = {"action": "hide", "items": {"category": ["Home"]}}
    shop.rule({**hide, "ends_at": NOW}, {**hide, "starts_at": NOW + 1}, {**hide, "operations": ["recommend.for_user"]})
    assert shop.first("desk lamp").startswith("lamp")
    shop.rule({**hide, "operations": ["search.query"]})
    assert shop.query("desk lamp").fallback and shop.suggest("desk lam").items
