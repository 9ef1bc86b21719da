"""The shop's rules: each does what it says to the next answer, says so in the reasons, and nothing else changes."""

from __future__ import annotations

import pytest
from tests.recommend.worlds import NOW, adds_up, ids, item, past, random_shop, shop, train, two_tastes

from aisle.tasks.recommend.rules import house
from aisle.types import Filter, Rule, RuleSet

DAY = 86_400_000_000


def ruled(*rules: Rule) -> RuleSet:
    return RuleSet(1, rules)


@pytest.fixture(scope="module")
def tastes():
    return train(two_tastes(), shrinkage=1.0)


@pytest.fixture(scope="module")
def anyone():
    return train(random_shop(3), neighbours=8)


def listed(trained, *rules: Rule, op: str = "for_user", **asked):
    return trained.ask(op, rules=ruled(*rules), **({"user_id": "u0", "n": 5} if op == "for_user" else {}) | asked)


def test_hidden_items_are_in_no_list(anyone):
    first = ids(listed(anyone))[0]
    hide = Rule(rule_id="h", action="hide", items=Filter(include=[first]))
    assert first not in ids(listed(anyone, hide, n=1000))
    assert first not in ids(listed(anyone, hide, op="popular", n=1000))
    assert first not in ids(listed(anyone, hide, op="similar_items", item_id="i1", n=1000))
    assert first not in ids(listed(anyone, hide, op="bought_together", item_ids=["i1"], n=1000))
    rows = anyone.ask("because_you_viewed", rules=ruled(hide), user_id="u0", n=50, events=past(("i1", "view"))).rows
    assert all(one.item_id != first for row in rows for one in row.items)


def test_a_boost_multiplies_the_score_and_says_so(anyone):
    plain = listed(anyone, n=20)
    last = plain.items[-1]
    boost = Rule(rule_id="b", action="boost", factor=1000.0, items=Filter(include=[last.item_id]), note="winter sale")
    answer = listed(anyone, boost, n=20)
    assert answer.items[0].item_id == last.item_id
    assert answer.items[0].score == pytest.approx(last.score * 1000)
    assert [one.text for one in answer.items[0].reasons if one.kind == "rule"] == ["shown more: winter sale"]
    assert adds_up(answer)


def test_a_bury_sends_an_item_down(anyone):
    first = listed(anyone).items[0]
    bury = Rule(rule_id="b", action="bury", factor=1e-6, items=Filter(include=[first.item_id]))
    answer = listed(anyone, bury, n=1000)
    assert ids(answer).index(first.item_id) > 0 and adds_up(answer)


def test_a_pin_takes_its_place_and_the_others_close_up(anyone):
    plain = ids(listed(anyone, n=5))
    wanted = ids(listed(anyone, n=8))[7]
    pin = Rule(rule_id="p", action="pin", position=2, items=Filter(include=[wanted, "no such item"]), note="new")
    answer = listed(anyone, pin)
    assert ids(answer) == [plain[0], wanted, *plain[1:4]]
    assert answer.items[1].reasons[0].text == "placed by the shop: new" and adds_up(answer)


def test_what_may_not_be_shown_is_not_pinned(anyone):
    pin = Rule(rule_id="p", action="pin", items=Filter(include=["i1"]))
    assert "i1" not in ids(listed(anyone, pin, filter=Filter(exclude=["i1"])))
    hide = Rule(rule_id="h", action="hide", items=Filter(include=["i1"]))
    assert "i1" not in ids(listed(anyone, pin, hide))


def test_a_cap_lets_so_many_of_a_category_through(tastes):
    world = shop(
        [item(f"i{k}", category="A" if k < 6 else f"C{k}", brand="x") for k in range(10)],
        [(f"u{u}", f"i{k}", u / 10 + k, "purchase") for u in range(4) for k in range(10)],
    )
    trained = train(world, algorithm="popular")
    cap = Rule(rule_id="c", action="cap", most=2, per="category")
    answer = ids(listed(trained, cap, user_id="new", n=6))
    assert len(answer) == 6 and sum(int(one[1:]) < 6 for one in answer) == 2
    brand = Rule(rule_id="c", action="cap", most=3, per="brand")
    assert len(listed(trained, brand, user_id="new", n=6).items) == 3


def test_rules_hold_only_for_their_operations_and_in_their_time(anyone):
    first = ids(listed(anyone))[0]
    only = Filter(include=[first])
    elsewhere = Rule(rule_id="a", action="hide", items=only, operations=["recommend.popular"])
    over = Rule(rule_id="b", action="hide", items=only, ends_at=NOW - 1)
    ahead = Rule(rule_id="c", action="hide", items=only, starts_at=NOW + 1)
    assert ids(listed(anyone, elsewhere, over, ahead))[0] == first
    now = Rule(rule_id="d", action="hide", items=only, operations=["recommend.for_user"], starts_at=NOW, ends_at=NOW + 1)
    assert ids(listed(anyone, now))[0] != first


def test_bought_things_come_back_when_the_rule_of_their_category_says():
    world = shop(
        [item(f"t{k}", category="Tea") for k in range(4)] + [item(f"f{k}", category="Fridges") for k in range(4)],
        [(f"u{u}", f"{kind}{k}", u + k / 10, "purchase") for u in range(6) for kind in "tf" for k in range(4)],
    )
    trained = train(world, algorithm="popular", bought="again", again_after_days=1)
    events = past(("t0", "purchase"), ("f0", "purchase"))
    tea = Rule(rule_id="tea", action="again", days=0.0, items=Filter(category=["Tea"]))
    fridge = Rule(rule_id="fridge", action="again", items=Filter(category=["Fridges"]))
    shown = set(ids(trained.ask("for_user", user_id="new", n=8, events=events, rules=ruled(tea, fridge))))
    assert "t0" in shown and "f0" not in shown
    usual = train(world, algorithm="popular")
    shown = set(ids(usual.ask("for_user", user_id="new", n=8, events=events, rules=ruled(tea))))
    assert "t0" in shown and "f0" not in shown
    dismissed = [*past(("t0", "dismiss")), *events]
    assert "t0" not in ids(usual.ask("for_user", user_id="new", n=8, events=dismissed, rules=ruled(tea)))


def test_diversity_keeps_the_best_and_then_goes_elsewhere(tastes):
    plain, varied = (tastes.ask("for_user", user_id="new", n=4, diversity=d) for d in (0.0, 0.9))
    assert ids(plain)[0] == ids(varied)[0]
    world = shop(
        [item(f"a{k}", title=f"red cotton shirt {k}") for k in range(4)]
        + [item(f"b{k}", title=f"steel kettle {k}") for k in range(4)],
        [(f"u{u}", f"{kind}{k}", u + k / 10, "purchase") for u in range(6) for kind in "aab" for k in range(4)],
    )
    trained = train(world, algorithm="popular")
    first = [one[0] for one in ids(trained.ask("for_user", user_id="new", n=3, diversity=0.6))]
    assert len(set(first)) == 2


def test_without_rules_nothing_changes(anyone):
    assert house((), anyone.engine._view, 0.0).arrange is not None
    assert ids(listed(anyone)) == ids(anyone.ask("for_user", user_id="u0", n=5))


def test_trending_is_what_gains_not_what_sells_most():
    steady = [(f"u{u}", "steady", day, "purchase") for u in range(30) for day in range(0, 28, 4)]
    rising = [(f"u{u}", "rising", 27.5, "purchase") for u in range(12)]
    trained = train(shop([item("steady"), item("rising"), item("never")], steady + rising))
    assert ids(trained.ask("popular", n=3))[0] == "steady"
    answer = trained.ask("popular", n=3, order="trending")
    assert ids(answer) == ["rising"] and adds_up(answer)


def test_rows_are_about_what_was_looked_at_newest_first_and_never_repeat(tastes):
    events = past(("i2", "view"), ("i1", "purchase"))
    answer = tastes.ask("because_you_viewed", user_id="new", rows=5, n=3, events=events)
    assert [row.item_id for row in answer.rows] == [event.item_id for event in events]
    assert answer.rows[0].text.startswith("because you")
    shown = [one.item_id for row in answer.rows for one in row.items]
    assert len(shown) == len(set(shown)) and not {"i1", "i2"} & set(shown)
    assert tastes.ask("because_you_viewed", user_id="new", events=()).rows == []
