"""What a user is shown: the obvious item first, nothing they should not see, and never an empty page."""

import msgspec
import pytest
from tests.recommend.worlds import NOW, adds_up, ids, item, missing, past, random_shop, shop, train, two_tastes

from aisle.tasks.recommend.schema import ForUser, Single
from aisle.types import Availability, Item

PERSONAL = tuple(name for name in Single.__args__ if name != "popular")


@pytest.fixture(scope="module")
def tastes():
    return train(two_tastes(), shrinkage=1.0)


@pytest.fixture(scope="module", params=Single.__args__)
def anyone(request):
    return train(random_shop(3), algorithm=request.param, neighbours=8)


@pytest.mark.parametrize("algorithm", ["item_neighbours", "user_neighbours"])
@pytest.mark.parametrize("measure", ["cosine", "pearson", "euclidean", "relative_euclidean", "jaccard"])
def test_the_item_that_all_of_ones_kind_have_comes_first(algorithm, measure):
    trained = train(two_tastes(), algorithm=algorithm, measure=measure, shrinkage=1.0)
    for user in range(12):
        assert ids(trained.ask("for_user", user_id=f"u{user}", n=3))[0] == missing(user)


def test_content_finds_what_is_described_alike():
    trained = train(two_tastes(), algorithm="content")
    for user in range(12):
        assert ids(trained.ask("for_user", user_id=f"u{user}", n=1)) == [missing(user)]


def test_seen_items_are_left_out_and_come_back_when_asked(tastes):
    seen = {event.item_id for event in tastes.data.of("u0")}
    assert not seen & set(ids(tastes.ask("for_user", user_id="u0", n=1000)))
    assert seen & set(ids(tastes.ask("for_user", user_id="u0", n=1000, exclude_seen=False)))


def test_what_was_seen_before_the_recent_events_is_still_left_out(tastes):
    first, *_ = tastes.data.of("u0")[::-1]
    answer = tastes.ask("for_user", user_id="u0", n=1000, events=tastes.data.of("u0")[:2])
    assert first.item_id not in ids(answer)


def test_a_purchase_changes_the_next_answer_without_training(anyone):
    before = anyone.ask("for_user", user_id="newcomer", n=8)
    after = anyone.ask("for_user", user_id="newcomer", n=8, events=past(("i1", "purchase")))
    again = anyone.ask("for_user", user_id="newcomer", n=8, events=past(("i7", "purchase"), ("i1", "purchase")))
    assert "i1" not in ids(after)
    assert not {"i1", "i7"} & set(ids(again))
    if anyone.engine.model.config.algorithm != "popular":  # which is the same for all, but for what they have
        assert (before.strategy, after.strategy) == ("cold", "personal")
        assert ids(before) != ids(after) != ids(again)


def test_an_item_out_of_stock_is_gone_from_the_next_answer_and_returns(tastes):
    best = ids(tastes.ask("for_user", user_id="u0"))[0]
    stored = tastes.catalogue.get(best)
    tastes.catalogue.put([msgspec.structs.replace(stored, availability="out_of_stock")])
    assert best not in ids(tastes.ask("for_user", user_id="u0", n=1000))
    tastes.catalogue.put([stored])
    assert ids(tastes.ask("for_user", user_id="u0"))[0] == best
    tastes.catalogue.remove([best])
    assert best not in ids(tastes.ask("for_user", user_id="u0", n=1000))
    tastes.catalogue.put([stored])


def test_a_filter_keeps_only_what_passes(anyone):
    answer = anyone.ask("for_user", user_id="u1", n=1000, filter={"category": ["Home > 2"], "exclude": ["i2"]})
    assert answer.items and all(int(name[1:]) % 4 == 2 and name != "i2" for name in ids(answer))
    assert ids(anyone.ask("for_user", user_id="u1", n=5, filter={"include": ["i39"]}, exclude_seen=False)) == ["i39"]
    assert ids(anyone.ask("for_user", user_id="u1", filter={"category": ["Nowhere"]})) == []


def test_a_dismissed_item_never_comes_back():
    data = two_tastes()
    trained = train(data, shrinkage=1.0)
    for fields in ({}, {"exclude_seen": False}):
        answer = trained.ask("for_user", user_id="u0", n=1000, events=[*past((missing(0), "dismiss")), *data.of("u0")], **fields)
        assert missing(0) not in ids(answer)
    data.full.append(("u0", missing(0), NOW, "dismiss", None, None))
    assert missing(0) not in ids(train(data).ask("for_user", user_id="u0", n=1000, events=[], exclude_seen=False))


def test_dismissing_counts_against_its_like(tastes):
    liked = tastes.ask("for_user", user_id="x", events=past(("i0", "view"), ("i1", "view")), n=20)
    warned = tastes.ask("for_user", user_id="x", events=past(("i0", "view"), ("i1", "dismiss")), n=20)
    odd = [name for name in ids(liked) if int(name[1:]) % 2]
    assert [one.score for one in warned.items if one.item_id in odd] < [one.score for one in liked.items if one.item_id in odd]


def test_a_refund_takes_the_purchase_back(tastes):
    kept = tastes.ask("for_user", user_id="x", events=past(("i0", "purchase")))
    returned = tastes.ask("for_user", user_id="x", events=past(("i0", "refund"), ("i0", "purchase")))
    assert (kept.strategy, returned.strategy) == ("personal", "cold")
    viewed = tastes.ask("for_user", user_id="x", events=past(("i0", "refund"), ("i0", "purchase"), ("i0", "view")))
    assert viewed.strategy == "personal"


@pytest.mark.parametrize(("rule", "exclude", "shown"), [
    ("as_seen", True, False), ("as_seen", False, True), ("never", True, False), ("never", False, False), ("again", True, True),
])  # fmt: skip
def test_bought_items_follow_the_rule(rule, exclude, shown):
    trained = train(two_tastes(), shrinkage=1.0, bought=rule, again_after_days=5)
    answer = trained.ask("for_user", user_id="u0", n=1000, exclude_seen=exclude)
    assert ("i4" in ids(answer)) is shown
    forgotten = trained.ask("for_user", user_id="u0", n=1000, exclude_seen=exclude, events=past(("i2", "view")))
    assert ("i4" in ids(forgotten)) is shown


def test_bought_again_waits_its_days():
    trained = train(two_tastes(), shrinkage=1.0, bought="again", again_after_days=5)
    fresh = [*past(("i4", "purchase")), *trained.data.of("u0")]
    assert "i4" not in ids(trained.ask("for_user", user_id="u0", n=1000, events=fresh))


def test_without_personalisation_all_users_get_the_same_bytes(anyone):
    answers = [
        anyone.ask("for_user", user_id=user, n=15, personalize=False, session=[{"item_id": "i3"}] if user == "u1" else None)
        for user in ("u1", "u2", "nobody")
    ]
    first, *others = [msgspec.json.encode(answer) for answer in answers]
    assert others == [first, first]
    assert answers[0].strategy == "popular" and len(answers[0].items) == 15


def test_the_strategy_says_what_was_known(tastes):
    assert tastes.ask("for_user", user_id="u0").strategy == "personal"
    assert tastes.ask("for_user", user_id="stranger").strategy == "cold"
    assert tastes.ask("for_user", user_id="stranger", session=[{"item_id": "i0"}]).strategy == "session"
    assert tastes.ask("for_user", user_id="stranger", context={"item_id": "i0"}).strategy == "session"
    assert tastes.ask("for_user", user_id="stranger", session=[{"item_id": "not in the shop"}]).strategy == "cold"


def test_a_session_is_answered_like_the_same_stored_events(tastes):
    session = tastes.ask("for_user", user_id="x", session=[{"item_id": "i1"}, {"item_id": "i3", "type": "purchase"}])
    stored = tastes.ask("for_user", user_id="x", events=past(("i3", "purchase"), ("i1", "view"), now=NOW + 0))
    assert ids(session) == ids(stored)
    assert all(int(name[1:]) % 2 for name in ids(session)[:4])


def test_the_page_s_own_item_is_not_recommended_and_its_category_comes_first(tastes):
    assert "i0" not in ids(tastes.ask("for_user", user_id="x", n=1000, context={"item_id": "i0"}, exclude_seen=False))
    first = ids(tastes.ask("for_user", user_id="x", n=6, context={"category": "Shop > 1"}))
    assert all(int(name[1:]) % 2 for name in first)


def test_a_cold_user_gets_what_is_popular():
    data = shop(
        [item(name) for name in "abc"],
        [("1", "b", 1, "view"), ("2", "b", 1, "view"), ("3", "b", 2, "view"), ("1", "c", 3, "view"), ("2", "c", 3, "view")],
    )
    answer = train(data).ask("for_user", user_id="nobody")
    assert ids(answer) == ["b", "c", "a"]
    assert answer.strategy == "cold"


def test_a_large_n_gets_every_item_once(anyone):
    answer = anyone.ask("for_user", user_id="u2", n=1000, exclude_seen=False)
    dismissed = {event.item_id for event in anyone.data.of("u2") if event.type == 9}
    assert sorted(ids(answer)) == sorted({one.item_id for one in anyone.data.catalogue} - dismissed)


def test_scores_never_rise_down_the_list_and_are_the_sums_of_their_reasons(anyone):
    for user in range(30):
        for how in ("brief", "full"):
            answer = anyone.ask("for_user", user_id=f"u{user}", n=25, explain=how)
            scores = [one.score for one in answer.items]
            assert scores == sorted(scores, reverse=True)
            assert adds_up(answer)
        assert all(one.reasons == [] for one in anyone.ask("for_user", user_id=f"u{user}", explain="none").items)


def test_full_reasons_name_all_and_brief_ones_at_most_two_and_a_rest(anyone):
    full = anyone.ask("for_user", user_id="u4", explain="full")
    brief = anyone.ask("for_user", user_id="u4", explain="brief")
    assert ids(full) == ids(brief)
    for one, short in zip(full.items, brief.items, strict=True):
        assert not any(reason.kind == "other" for reason in one.reasons)
        assert len(short.reasons) == min(len(one.reasons), 3) or len(short.reasons) == 2
        assert short.reasons[0] == one.reasons[0]
        assert [reason.kind for reason in short.reasons].count("other") == (
            len(short.reasons) < len(one.reasons) or len(short.reasons) == 3
        )


def test_reasons_are_about_the_user_s_own_items_in_plain_words(tastes):
    (best, *_) = tastes.ask("for_user", user_id="u0", explain="full").items
    mine = {event.item_id for event in tastes.data.of("u0")}
    assert {reason.item_id for reason in best.reasons} <= mine
    assert best.reasons[0].text == "because you bought even article"


def test_titles_in_reasons_follow_the_catalogue(tastes):
    stored = [tastes.catalogue.get(f"i{k}") for k in range(0, 12, 2)]
    tastes.catalogue.put(msgspec.structs.replace(one, title="Renamed") for one in stored)
    (best, *_) = tastes.ask("for_user", user_id="u0").items
    assert best.reasons[0].text == "because you bought Renamed"
    tastes.catalogue.put(stored)


def test_other_shoppers_are_counted_and_never_named():
    few = train(two_tastes(), algorithm="user_neighbours")
    many = train(two_tastes(users=40), algorithm="user_neighbours")
    for trained, said in ((few, "a few shoppers"), (many, " shoppers")):
        (best, *_) = trained.ask("for_user", user_id="u0", explain="full").items
        (reason,) = best.reasons
        assert reason.kind == "similar_users" and said in reason.text and reason.item_id is None
    assert many.ask("for_user", user_id="u0").items[0].reasons[0].text.split()[0].isdigit()
    written = msgspec.json.encode(few.ask("for_user", user_id="u0")).decode()
    assert not any(f'u{user}"' in written for user in range(12))


def test_a_batch_answers_exactly_like_single_requests(anyone):
    requests = [
        {"user_id": f"u{k}" if k % 7 else "nobody", "n": (10, 3, 40)[k % 3], "explain": ("brief", "full", "none")[k % 3],
         "exclude_seen": k % 4 > 0, "personalize": k % 5 > 0, "session": [{"item_id": f"i{k}"}] if k % 3 == 0 else None,
         "filter": {"category": ["Home > 1"]} if k % 6 == 0 else None}
        for k in range(30)
    ]  # fmt: skip
    assert anyone.batch("for_user", requests) == [anyone.ask("for_user", **fields) for fields in requests]


def test_items_that_only_events_know_are_never_recommended():
    data = two_tastes()
    data.full += [(f"u{k}", "ghost", NOW, "purchase", None, None) for k in range(12)]
    trained = train(data, shrinkage=1.0)
    assert "ghost" not in ids(trained.ask("for_user", user_id="stranger", n=1000))
    assert "ghost" not in ids(trained.ask("for_user", user_id="u0", n=1000))
    assert ids(trained.ask("for_user", user_id="u0"))[0] == missing(0)
    assert trained.scores["events_without_item"] == pytest.approx(12 / len(data.full))


@pytest.mark.parametrize("algorithm", PERSONAL)
def test_an_item_added_after_training_is_found_through_its_text(algorithm):
    trained = train(two_tastes(), algorithm=algorithm, shrinkage=1.0)
    trained.catalogue.put([item("new", "even article", "Shop > 0"), item("plain", "something else", "Elsewhere")])
    answer = trained.ask("for_user", user_id="u0", n=3)
    assert "new" in ids(answer)
    (reason, *_) = next(one.reasons for one in answer.items if one.item_id == "new")
    assert reason.kind == "content" and "even article" in reason.text
    assert "new" not in ids(trained.ask("for_user", user_id="u1", n=1))
    viewed = trained.ask("for_user", user_id="x", events=past(("new", "view")), n=4)
    assert viewed.strategy == "personal" and all(int(name[1:]) % 2 == 0 for name in ids(viewed))
    assert adds_up(trained.ask("for_user", user_id="u0", n=1000, explain="full"))


def test_an_item_without_events_at_training_is_found_through_its_text():
    data = two_tastes()
    data.catalogue.append(item("quiet", "odd article", "Shop > 1"))
    trained = train(data, shrinkage=1.0)
    assert "quiet" in ids(trained.ask("for_user", user_id="u1", n=2))
    assert "quiet" not in ids(trained.ask("for_user", user_id="u0", n=1))


def test_old_events_count_less_than_new_ones(tastes):
    old, new = past(("i0", "view"), now=NOW - 90 * 86_400_000_000), past(("i1", "view"))
    assert int(ids(tastes.ask("for_user", user_id="x", events=[*new, *old]))[0][1:]) % 2 == 1
    swapped = [*past(("i0", "view")), *past(("i1", "view"), now=NOW - 90 * 86_400_000_000)]
    assert int(ids(tastes.ask("for_user", user_id="x", events=swapped))[0][1:]) % 2 == 0


def test_a_bad_rating_counts_against_and_a_new_rating_replaces_the_old():
    trained = train(two_tastes(), shrinkage=1.0)
    good, bad = past(("i0", "rate"))[0]._replace(value=5.0), past(("i0", "rate"))[0]._replace(value=1.0)
    assert int(ids(trained.ask("for_user", user_id="x", events=[good]))[0][1:]) % 2 == 0
    changed = trained.ask("for_user", user_id="x", events=[bad, good, *past(("i1", "view"))], explain="full", n=20)
    assert not any(reason.item_id == "i0" and reason.contribution > 0 for one in changed.items for reason in one.reasons)


def test_availability_may_be_asked_for(tastes):
    available: Availability = "preorder"
    stored: Item = tastes.catalogue.get("i5")
    tastes.catalogue.put([msgspec.structs.replace(stored, availability=available)])
    assert ids(tastes.ask("for_user", user_id="x", filter={"availability": ["preorder"]})) == ["i5"]
    tastes.catalogue.put([stored])


@pytest.mark.parametrize(
    "broken", [{"n": 0}, {"n": 1001}, {"user_id": ""}, {"session": [{"item_id": "a"}] * 201}, {"explain": "lots"}, {"x": 1}]
)
def test_impossible_requests_are_refused(broken):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"user_id": "u", **broken}, ForUser)


def test_items_that_come_one_by_one_are_found_like_items_that_come_together():
    fresh = [item(f"new{k}", f"{'even' if k % 2 == 0 else 'odd'} article", f"Shop > {k % 2}") for k in range(6)]
    together, single = (train(two_tastes(), shrinkage=1.0) for _ in range(2))
    together.catalogue.put(fresh)
    for one in fresh:
        single.catalogue.put([one])
        assert one.item_id in ids(single.ask("for_user", user_id="x", events=past((f"i{one.item_id[3:]}", "view")), n=12))
    for user in ("u0", "u1"):
        assert sorted(ids(single.ask("for_user", user_id=user, n=4))) == sorted(ids(together.ask("for_user", user_id=user, n=4)))
    near = ids(single.ask("similar_items", item_id="new1", by="text", n=8))
    assert {"new3", "new5"} <= set(near) and all(int(name.lstrip("newi")) % 2 for name in near)
