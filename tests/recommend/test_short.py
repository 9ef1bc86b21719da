"""Newcomers: popularity beside a short history, its terms among the reasons, and when `auto` takes it."""

import numpy as np
import pytest
from tests.recommend.worlds import adds_up, ids, item, past, random_shop, shop, train

from aisle.tasks.recommend import TASK
from aisle.tasks.recommend.forgetting import found_in
from aisle.tasks.recommend.personal import Found
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.short import LEAST, mixed, share_of
from aisle.types import Reason


def found(**scores: float) -> Found:
    return Found(list(scores), list(scores.values()), [[Reason("other", v, n)] for n, v in scores.items()], "personal")


def test_what_is_popular_counts_half_after_so_many_events_and_nothing_once_it_is_little():
    assert share_of(3, 3.0) == 0.5 and share_of(6, 3.0) == 0.25 and share_of(1, 0.5) == 0.25
    assert share_of(0, 3.0) == share_of(3, 0.0) == 0.0
    assert share_of(12, 3.0) == 2.0**-4 > LEAST and share_of(13, 3.0) == 0.0


def test_a_score_is_the_mean_of_both_as_parts_of_their_highest():
    own, popular = found(a=8.0, b=4.0, c=2.0), found(d=1.0, b=0.9, a=0.1)
    one = mixed(own, popular, 0.25, 3, "full")
    assert one.items == ["a", "b", "d"]
    assert one.scores == pytest.approx([0.75 + 0.025, 0.375 + 0.225, 0.25])
    assert adds_up_all(one) and [len(why) for why in one.reasons] == [2, 2, 1]
    assert one.strategy == "personal"


def adds_up_all(one: Found) -> bool:
    pairs = zip(one.scores, one.reasons, strict=True)
    return all(abs(score - sum(reason.contribution for reason in why)) < 1e-9 for score, why in pairs)


@pytest.mark.parametrize(("share", "first"), [(0.99, ["d", "b", "a"]), (0.01, ["a", "b", "c"])])
def test_with_next_to_all_of_one_side_its_order_stands(share, first):
    assert mixed(found(a=8.0, b=4.0, c=2.0), found(d=1.0, b=0.9, a=0.1), share, 3, "none").items == first


@pytest.mark.parametrize("explain", ["none", "brief", "full"])
@pytest.mark.parametrize("algorithm", ["item_neighbours", "als", "user_neighbours", "session_neighbours", "blend"])
def test_answers_to_short_histories_say_both_and_add_up(algorithm, explain):
    trained = train(random_shop(4, users=40, items=60, events=1500), algorithm=algorithm, short_history=2.0, held_out_users=0)
    said = 0
    for first in range(20):
        events = past((f"i{first}", "view"), (f"i{first + 1}", "purchase"))
        answer = trained.ask("for_user", user_id="new", n=10, events=events, explain=explain)
        assert len(answer.items) == 10 == len(set(ids(answer)))
        assert [one.score for one in answer.items] == sorted((one.score for one in answer.items), reverse=True)
        assert not {f"i{first}", f"i{first + 1}"} & set(ids(answer))
        if explain == "none":
            assert not any(one.reasons for one in answer.items)
            continue
        assert adds_up(answer)
        said += any(reason.kind == "popular" for one in answer.items for reason in one.reasons)
    assert explain != "full" or said > 15  # where an event leads nowhere, likeness of texts answers


def test_a_long_history_is_answered_as_without_and_so_is_nobody():
    data = random_shop(4, users=40, items=60, events=1500)
    with_it, without = (train(data, short_history=kappa, held_out_users=0) for kappa in (1.0, 0.0))
    events = past(*((f"i{k}", "view") for k in range(8)))
    for known in (events, []):
        asked = {"user_id": "new", "n": 10, "events": known}
        assert with_it.ask("for_user", **asked) == without.ask("for_user", **asked)
    asked = {"user_id": "new", "n": 10, "events": events[:1]}
    assert ids(with_it.ask("for_user", **asked)) != ids(without.ask("for_user", **asked))


def test_a_batch_of_long_and_short_histories_answers_like_single_requests():
    trained = train(random_shop(4, users=40, items=60, events=1500), short_history=4.0, held_out_users=0)
    requests = [{"user_id": f"u{user}", "n": 4} for user in range(9)] + [{"user_id": "nobody"}]
    assert trained.batch("for_user", requests) == [trained.ask("for_user", **one) for one in requests]


def fashions(users: int = 400, items: int = 60, seed: int = 0):
    """Everybody goes on with what most take, whatever they had before: one event says nothing of who somebody is."""
    rng = np.random.default_rng(seed)
    chance = 1.0 / np.arange(1, items + 1) ** 1.2
    rows = [
        (f"u{user}", f"i{k}", place + user / 1000, "view")
        for user in range(users)
        for place, k in enumerate(rng.choice(items, 8, replace=False, p=chance / chance.sum()).tolist())
    ]
    return shop([item(f"i{k}") for k in range(items)], rows)


def test_auto_mixes_where_popularity_knows_newcomers_better_and_keeps_what_the_shop_set(tmp_path):
    """Neighbours of little-met items are chance here: for one or two events popularity is right, and auto finds so."""
    for name, settings in (("found", {}), ("set", {"short_history": 3.0})):
        (tmp_path / name).mkdir()
        TASK.fit(fashions(), Config(auto_seconds=0, **settings), tmp_path / name, lambda *step: None)
    chosen = found_in(tmp_path / "found")
    assert chosen.config.algorithm == "popular" or chosen.config.short_history > 0
    assert found_in(tmp_path / "set").config.short_history == 3.0
