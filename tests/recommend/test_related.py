"""Similar items, what is bought together, what is popular, who is alike."""

import math

import msgspec
import numpy as np
import pytest
from tests.recommend.worlds import DAY, adds_up, ids, item, past, random_shop, shop, train, two_tastes

from aisle.errors import BadInput, NotFound
from aisle.kit.similarity import plain
from aisle.tasks.recommend.schema import Config
from aisle.types import EVENT_TYPES

MEASURES = ("cosine", "pearson", "euclidean", "relative_euclidean", "jaccard")


@pytest.fixture(scope="module")
def tastes():
    return train(two_tastes(), shrinkage=1.0)


@pytest.fixture(scope="module")
def anyone():
    return train(random_shop(5))


def baskets(*orders, user="u"):
    """One order a session; each order by another user on another day."""
    return [(f"{user}{n}", name, n, "purchase", None, f"s{n}") for n, order in enumerate(orders) for name in order]


# ---- similar items ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["behaviour", "text", "blend"])
def test_items_of_the_same_kind_are_similar(tastes, by):
    answer = tastes.ask("similar_items", item_id="i2", n=5, by=by)
    assert sorted(ids(answer)) == ["i0", "i10", "i4", "i6", "i8"]
    assert adds_up(answer)


def test_every_answer_leaves_the_item_itself_out(anyone):
    for number in range(20):
        answer = anyone.ask("similar_items", item_id=f"i{number}", n=1000, explain="full")
        assert f"i{number}" not in ids(answer) and len(set(ids(answer))) == len(ids(answer))
        assert adds_up(answer)


def test_an_unknown_item_is_said_with_the_next_step(tastes):
    with pytest.raises(NotFound, match="PUT /v1/items"):
        tastes.ask("similar_items", item_id="nothing")


def test_an_item_gone_from_the_catalogue_is_unknown():
    trained = train(two_tastes())
    trained.catalogue.remove(["i3"])
    with pytest.raises(NotFound):
        trained.ask("similar_items", item_id="i3")


def test_a_new_item_has_similar_ones_by_its_text(tastes):
    tastes.catalogue.put([item("fresh", "odd article", "Shop > 1")])
    for by in ("behaviour", "text", "blend"):
        answer = tastes.ask("similar_items", item_id="fresh", n=4, by=by)
        assert all(int(name[1:]) % 2 for name in ids(answer)) and answer.items[0].reasons[0].kind == "content"
    assert "fresh" in ids(tastes.ask("similar_items", item_id="i1", by="text", n=12))
    tastes.catalogue.remove(["fresh"])


def test_an_item_like_no_other_still_has_an_answer(tastes):
    tastes.catalogue.put([item("odd-one-out", "zzz", "Qqq")])
    answer = tastes.ask("similar_items", item_id="odd-one-out", n=3)
    assert len(answer.items) == 3 and answer.items[0].reasons[0].kind == "popular"
    tastes.catalogue.remove(["odd-one-out"])


def test_without_picture_vectors_asking_by_image_says_what_to_do(tastes):
    with pytest.raises(BadInput, match="aisle train vision"):
        tastes.ask("similar_items", item_id="i1", by="image")


def test_picture_vectors_make_items_look_alike():
    data = two_tastes()
    angle = {f"i{k}": k * 0.1 for k in range(12)}
    data.spaces["image"] = {name: np.array([math.cos(a), math.sin(a)], "<f4").tobytes() for name, a in angle.items()}
    trained = train(data)
    answer = trained.ask("similar_items", item_id="i5", n=2, by="image")
    assert sorted(ids(answer)) == ["i4", "i6"] and answer.items[0].reasons[0].kind == "picture"
    assert any(reason.kind == "picture" for reason in trained.ask("similar_items", item_id="i5", explain="full").items[0].reasons)


def test_similar_items_pass_the_filter(anyone):
    answer = anyone.ask("similar_items", item_id="i1", n=1000, filter={"category": ["Home > 3"]})
    assert ids(answer) and all(int(name[1:]) % 4 == 3 for name in ids(answer))


def test_behaviour_lists_are_the_plain_measure_with_shrinkage(anyone):
    model = anyone.engine.model
    wants = vectors(anyone, interest=True)
    columns = np.log1p(np.maximum(wants, 0))
    for i in range(0, 40, 5):
        expected = {}
        for j in range(40):
            shared = int(((columns[:, i] > 0) & (columns[:, j] > 0)).sum())
            value = plain("cosine", columns[:, i], columns[:, j]) * shared / (shared + 10.0)
            if j != i and value > 0:
                expected[j] = value
        assert model.behaviour.row(i) == pytest.approx(expected, abs=1e-6)


# ---- bought together -------------------------------------------------------------------------------------------------


def test_what_shares_orders_is_bought_together():
    data = shop([item(name) for name in "abcd"], baskets("ab", "ab", "abc", "cd", "cd", "a"))
    trained = train(data)
    assert ids(trained.ask("bought_together", item_ids=["a"])) == ["b"]
    (found,) = trained.ask("bought_together", item_ids=["a"]).items
    assert found.score == pytest.approx(3 / math.sqrt(4 * 3) * 3 / (3 + 3.0))
    (reason,) = found.reasons
    assert (reason.kind, reason.item_id) == ("bought_together", "a") and "a few orders" in reason.text


def test_a_basket_shares_the_contributions_of_its_items():
    data = shop([item(name) for name in "abcd"], baskets("abc", "abc", "bcd", "bcd", "acd"))
    answer = train(data).ask("bought_together", item_ids=["a", "b", "unknown", "a"], explain="full")
    assert not {"a", "b"} & set(ids(answer))
    assert {reason.item_id for reason in answer.items[0].reasons} == {"a", "b"}
    assert adds_up(answer)


def test_purchases_without_a_session_are_one_order_within_the_hours():
    rows = [(f"u{n}", name, n + hour / 24, "purchase") for n in range(3) for name, hour in (("a", 0), ("b", 2), ("c", 20))]
    trained = train(shop([item(name) for name in "abc"], rows), together_hours=6)
    assert ids(trained.ask("bought_together", item_ids=["a"])) == ["b"]
    assert sorted(ids(train(trained.data, together_hours=24).ask("bought_together", item_ids=["a"]))) == ["b", "c"]


def test_one_shared_order_is_a_coincidence_unless_the_setting_says_otherwise():
    data = shop([item("a", "red lamp"), item("b", "green chair")], baskets("ab"))
    assert train(data).ask("bought_together", item_ids=["a"]).items[0].reasons[0].kind != "bought_together"
    assert train(data, min_together=1).ask("bought_together", item_ids=["a"]).items[0].reasons[0].kind == "bought_together"


def test_a_basket_nobody_bought_gets_what_is_similar(tastes):
    tastes.catalogue.put([item("fresh", "odd article", "Shop > 1")])
    answer = tastes.ask("bought_together", item_ids=["fresh"], n=3)
    assert len(answer.items) == 3 and answer.items[0].reasons[0].kind == "content"
    tastes.catalogue.remove(["fresh"])


def test_a_basket_of_unknown_items_is_said(tastes):
    with pytest.raises(NotFound, match="none of these items"):
        tastes.ask("bought_together", item_ids=["x", "y"])


# ---- popular ---------------------------------------------------------------------------------------------------------


def test_popularity_fades_and_a_window_counts_only_its_days():
    rows = [(f"u{n}", "old", 1, "purchase") for n in range(6)] + [(f"u{n}", "new", 40, "view") for n in range(5)]
    trained = train(shop([item("old", category="A"), item("new", category="B > C"), item("never")], rows))
    assert ids(trained.ask("popular", n=10)) == ["new", "old", "never"]
    assert ids(trained.ask("popular", window_days=7)) == ["new"]
    assert ids(trained.ask("popular", window_days=365)) == ["old", "new"]
    assert ids(trained.ask("popular", category="b")) == ["new"]
    assert ids(trained.ask("popular", filter={"exclude": ["new"]}, n=1)) == ["old"]


def test_one_person_however_keen_makes_nothing_popular():
    rows = [(f"u{n}", "liked", 1, "purchase") for n in range(4)]
    rows += [("a script", "pushed", 1 + k / 10_000, "purchase") for k in range(2000)]
    trained = train(shop([item("liked"), item("pushed")], rows))
    for window in (None, 30):
        answer = trained.ask("popular", n=2, window_days=window)
        assert ids(answer) == ["liked", "pushed"]
        assert answer.items[1].score <= answer.items[0].score * 0.6


def test_popularity_is_the_plain_sum_of_decayed_weights_of_each_user_up_to_two_purchases(anyone):
    events, config = anyone.data.events(), Config()
    newest, each = events.time.max(), {}
    for k in range(len(events.time)):
        kind, name = EVENT_TYPES[events.type[k]], events.items[events.item[k]]
        worth = getattr(config, kind) * (1.0 if kind != "rate" else max(-1.0, (float(events.value[k]) - 2.5) / 2.5))
        if worth > 0:
            pair = (events.user[k], name)
            each[pair] = each.get(pair, 0) + worth * 0.5 ** ((newest - events.time[k]) / (14 * DAY))
    scores = {}
    for (_, name), worth in each.items():
        scores[name] = scores.get(name, 0) + min(worth, 2 * config.purchase)
    best = max(scores.values())
    answer = anyone.ask("popular", n=40)
    assert {one.item_id: one.score for one in answer.items} == pytest.approx(
        {f"i{k}": scores.get(f"i{k}", 0.0) / best for k in range(40)}, abs=1e-9
    )
    assert adds_up(answer)


def test_an_unknown_category_is_said(tastes):
    with pytest.raises(NotFound, match="category"):
        tastes.ask("popular", category="Nowhere")


def test_few_people_are_not_counted_aloud(tastes):
    assert "a few shoppers" in tastes.ask("popular").items[0].reasons[0].text


# ---- similar users ---------------------------------------------------------------------------------------------------


def vectors(trained, interest=False) -> np.ndarray:
    """(users, items) what the answer must be computed from, written down slowly."""
    config, events = Config(), trained.data.events()
    items = [one.item_id for one in trained.data.catalogue]
    matrix, ratings = np.zeros((len(events.users), len(items))), {}
    for k in range(len(events.time)):  # oldest first within a user
        cell = int(events.user[k]), items.index(events.items[events.item[k]])
        kind = EVENT_TYPES[events.type[k]]
        if kind == "rate":
            value = float(events.value[k])
            ratings[cell] = 5 * max(-1.0, min(1.0, (value - 2.5) / 2.5)) if interest else value
        else:
            matrix[cell] += getattr(config, kind)
    for cell, value in ratings.items():
        matrix[cell] += value
    return matrix


@pytest.mark.parametrize("measure", MEASURES)
def test_similar_users_are_those_of_the_plain_measure(anyone, measure):
    matrix, users = vectors(anyone), anyone.data.events().users
    for row in range(0, len(users), 3):
        expected = {users[v]: plain(measure, matrix[row], matrix[v]) for v in range(len(users)) if v != row}
        found = {
            one.user_id: one.similarity for one in anyone.ask("similar_users", user_id=users[row], measure=measure, n=7).users
        }
        assert len(found) == 7 and list(found.values()) == sorted(found.values(), reverse=True)
        assert found == pytest.approx({user: expected[user] for user in found}, abs=1e-9)
        assert min(found.values()) == pytest.approx(sorted(expected.values(), reverse=True)[6], abs=1e-9)


def test_more_users_than_there_are_is_all_of_them(anyone):
    assert (
        len(anyone.ask("similar_users", user_id="u0", measure="euclidean", n=1000).users) == len(anyone.data.events().users) - 1
    )


def test_a_user_never_seen_is_like_nobody(anyone):
    assert anyone.ask("similar_users", user_id="nobody").users == []


def test_what_a_user_does_now_changes_who_is_alike(tastes):
    before = tastes.ask("similar_users", user_id="x", events=past(("i0", "purchase")), n=3)
    after = tastes.ask("similar_users", user_id="x", events=past(("i1", "purchase")), n=3)
    assert all(int(one.user_id[1:]) % 2 == 0 for one in before.users) and all(int(one.user_id[1:]) % 2 for one in after.users)


def test_a_long_history_counts_whole_though_only_its_newest_events_are_fetched(anyone):
    whole = anyone.ask("similar_users", user_id="u0", n=5)
    assert anyone.ask("similar_users", user_id="u0", n=5, events=anyone.data.of("u0")[:5]) == whole
    newer = [*past(("i39", "purchase")), *anyone.data.of("u0")[:5]]
    complete = [*past(("i39", "purchase")), *anyone.data.of("u0")]
    with_newer = anyone.ask("similar_users", user_id="u0", n=5, events=newer)
    assert [one.user_id for one in with_newer.users] == [
        one.user_id for one in anyone.ask("similar_users", user_id="u0", n=5, events=complete).users
    ]
    assert with_newer != whole


def test_similar_users_is_for_administrators():
    from aisle.tasks.recommend import TASK

    assert TASK.operations["similar_users"].scope == "admin"
    assert msgspec.json.decode(msgspec.json.encode(Config()), type=Config) == Config()
