"""Exploration: new items get their share of places, marked as such, to those they are like, and nothing else changes."""

import numpy as np
from tests.recommend.test_cold import makers
from tests.recommend.worlds import DAY, NOW, adds_up, ids, item, shop, train

from aisle.tasks.recommend.explore import slots


def explored(answer):
    return [one.item_id for one in answer.items if any(reason.kind == "exploration" for reason in one.reasons)]


def crowd(new=40):
    data, _ = makers()
    fresh = [
        item(f"{maker}-f{k}", "red thing", "Shop > Things", brand=maker) for k in range(new // 2) for maker in ("ann", "bob")
    ]
    return shop([*data.catalogue, *fresh], []), data


def trained(**settings):
    whole, data = crowd()
    whole.full = data.full
    return train(whole, held_out_users=0, content_share=0, **settings)


def test_without_the_setting_nothing_is_explored():
    shown = trained()
    assert not any(explored(shown.ask("for_user", user_id=f"u{user}", explain="full")) for user in range(20))


def test_the_share_of_places_is_kept_on_average_and_marked():
    shop_of = trained(explore_share=0.25)
    counts = []
    for user in range(60):
        answer = shop_of.ask("for_user", user_id=f"u{user}", n=6, explain="full")
        new = explored(answer)
        counts.append(len(new))
        assert all("-" in one for one in new) and len(set(ids(answer))) == 6 and adds_up(answer)
        scores = [one.score for one in answer.items]
        assert scores == sorted(scores, reverse=True)
        assert answer.items[0].item_id not in new
    assert set(counts) == {1, 2} and 1.3 < np.mean(counts) < 1.7  # a quarter of six


def test_places_that_are_not_explored_stay_as_they_were():
    plain, mixed = trained(), trained(explore_share=0.2)
    for user in range(10):
        before, after = (ids(one.ask("for_user", user_id=f"u{user}", n=8)) for one in (plain, mixed))
        assert [one for one, other in zip(after, before, strict=True) if one != other] == explored(
            mixed.ask("for_user", user_id=f"u{user}", n=8)
        )


def test_new_items_go_first_to_those_they_are_like():
    shop_of = trained(explore_share=0.5)
    found = [(user % 2, one) for user in range(60) for one in explored(shop_of.ask("for_user", user_id=f"u{user}", n=8))]
    right = [one.startswith(("ann", "bob")[kind]) for kind, one in found]
    assert np.mean(right) > 0.65
    assert len({one for _, one in found}) > 20, "and not always the same ones"


def test_the_same_question_has_the_same_answer_all_day_and_another_on_another():
    shop_of = trained(explore_share=0.5)
    day = NOW // DAY * DAY
    asked = [ids(shop_of.ask("for_user", user_id="u1", n=10, now=at)) for at in (day + 1, day + DAY - 1, day + DAY + 1)]
    assert asked[0] == asked[1] != asked[2]


def test_where_nothing_personal_may_be_used_all_users_explore_alike():
    shop_of = trained(explore_share=0.5)
    one, two = (shop_of.ask("for_user", user_id=user, personalize=False, n=8) for user in ("u1", "u2"))
    assert one == two and explored(one)


def test_what_many_events_name_is_explored_no_more_and_filters_hold():
    shop_of = trained(explore_share=0.5, explore_until=1)
    shown = shop_of.ask("for_user", user_id="u0", n=8, filter={"brand": ["bob"]})
    assert explored(shown) and all(one.startswith("bob") for one in ids(shown))
    all_known = train(makers()[0], explore_share=0.5, explore_until=1, held_out_users=0, content_share=0)
    assert {one for user in range(20) for one in explored(all_known.ask("for_user", user_id=f"u{user}"))} <= {
        "ann-new",
        "bob-new",
    }


def test_slots_are_spread_and_never_lead():
    assert slots(10, 1) == [9] and slots(10, 2) == [4, 9] and slots(6, 3) == [1, 3, 5] and slots(3, 0) == []
