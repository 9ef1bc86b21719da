"""Newcomers: popularity beside a short history, its terms among the reasons, and when `auto` takes it."""

import numpy as np
import pytest
from tests.recommend.worlds import adds_up, ids, item, past, random_shop, shop, train

from aisle.tasks.recommend import TASK, content
from aisle.tasks.recommend.forgetting import found_in
from aisle.tasks.recommend.newcomers import short_history
from aisle.tasks.recommend.personal import Found
from aisle.tasks.recommend.questions import exam
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.short import LEAST, mixed, share_of
from aisle.tasks.recommend.trial import Trial
from aisle.tasks.recommend.weights import Weights
from aisle.tasks.recommend.world import read
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


def crowd(common: float, users: int = 300, seed: int = 0):
    """Users of two tastes; this share of what they take is what everybody takes, and says nothing of who they are."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        taken = []
        while len(taken) < 12:
            shared = rng.random() < common
            name = f"top{int(12 * rng.random() ** 2)}" if shared else f"{'ab'[user % 2]}{rng.integers(60)}"
            taken += [name] if name not in taken else []
        rows += [(f"u{user}", name, place + user / 1000, "view") for place, name in enumerate(taken)]
    return shop([item(name) for name in sorted({row[1] for row in rows})], rows)


def trial_of(data, config: Config) -> Trial:
    """What training would ask."""
    world = read(data)
    texts = content.read(world.items)
    near = content.learn(texts, config.content_neighbours, lambda *said: None)
    asked = exam(world, Weights.of(config), config.aim, config.held_out_users)
    return Trial.of(asked, config, texts, near, lambda *said: None)


@pytest.mark.parametrize(("common", "helps"), [(0.5, True), (0.0, False)])
def test_popularity_speaks_for_newcomers_where_it_knows_them_better(common, helps):
    config = Config(algorithm="item_neighbours", shrinkage=0.0)
    trial = trial_of(crowd(common), config)
    assert (short_history(trial, trial.learnt(config)) > 0) is helps


def test_auto_keeps_what_the_shop_set(tmp_path):
    TASK.fit(random_shop(4), Config(auto_seconds=0, short_history=3.0), tmp_path, lambda *step: None)
    assert found_in(tmp_path).config.short_history == 3.0
