"""The blend: what it is made of, that its reasons are its terms, and that the ranker learns what was planted."""

import numpy as np
import pytest
from tests.recommend.worlds import DAY, NOW, adds_up, ids, item, missing, past, random_shop, shop, train, two_tastes

from aisle.tasks.recommend import TASK
from aisle.tasks.recommend.blend import Lessons, climbed, fit, marks, worth_having
from aisle.tasks.recommend.blended import ITEM
from aisle.tasks.recommend.held_out import clearly_better
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.trial import Marks


@pytest.fixture(scope="module")
def blended():
    return train(two_tastes(users=40), algorithm="blend", ease_regularisation=5.0)


def test_the_item_that_all_of_ones_kind_have_comes_first_and_every_term_is_a_reason(blended):
    for user in range(40):
        answer = blended.ask("for_user", user_id=f"u{user}", n=3, explain="full")
        assert ids(answer)[0] == missing(user) and adds_up(answer)
        assert answer.strategy == "personal"
        assert [one.score for one in answer.items] == sorted((one.score for one in answer.items), reverse=True)


@pytest.mark.parametrize("explain", ["brief", "full"])
def test_reasons_add_up_on_shops_of_all_kinds_of_events(explain):
    trained = train(random_shop(4, users=40, items=60, events=1500), algorithm="blend")
    for user in range(40):
        answer = trained.ask("for_user", user_id=f"u{user}", n=20, explain=explain)
        assert adds_up(answer) and all(one.reasons for one in answer.items)


def test_a_batch_answers_like_single_requests_and_a_filter_is_kept(blended):
    requests = [{"user_id": f"u{user}", "n": 4} for user in range(9)] + [{"user_id": "nobody"}]
    assert blended.batch("for_user", requests) == [blended.ask("for_user", **one) for one in requests]
    odd = blended.ask("for_user", user_id="u0", n=5, filter={"category": ["Shop > 1"]})
    assert odd.items and all(int(one.item_id[1:]) % 2 for one in odd.items)


def test_what_is_loaded_is_what_was_saved(tmp_path):
    config = Config(algorithm="blend")
    TASK.fit(random_shop(5), config, tmp_path, lambda *step: None)
    first, second = TASK.load(tmp_path).model, TASK.load(tmp_path).model
    trained = train(random_shop(5), algorithm="blend").engine.model
    for one in (first, second):
        assert one.blend.weights.tolist() == trained.blend.weights.tolist()
        assert [part.config for part in one.blend.parts] == [part.config for part in trained.blend.parts]
        for mine, other in zip(one.blend.parts, trained.blend.parts, strict=True):
            assert (mine.personal.values == other.personal.values).all() and (mine.factors is None) == (other.factors is None)


def test_with_nobody_to_ask_a_blend_still_answers():
    trained = train(
        shop([item("a"), item("b")], [("u", "a", 1, "view"), ("v", "a", 2, "view"), ("v", "b", 2, "view")]), algorithm="blend"
    )
    assert ids(trained.ask("for_user", user_id="x", events=past(("a", "view")))) == ["b"]


def test_an_item_that_came_after_training_is_reached_by_its_text(blended):
    blended.catalogue.put([item("fresh", "even article", "Shop > 0", created_at=NOW - DAY)])
    answer = blended.ask("for_user", user_id="u0", n=12, explain="full")
    assert "fresh" in ids(answer) and adds_up(answer)
    blended.catalogue.remove(["fresh"])


def taught(weights, questions=300, candidates=20, seed=0):
    """Each user takes one candidate, drawn by the softmax of what the planted weights say."""
    rng = np.random.default_rng(seed)
    features = rng.random((questions * candidates, len(weights)))
    owner = np.repeat(np.arange(questions), candidates)
    score = (features @ np.array(weights)).reshape(questions, candidates) + rng.gumbel(size=(questions, candidates))
    taken = np.zeros((questions, candidates), bool)
    taken[np.arange(questions), score.argmax(axis=1)] = True
    place = np.tile(np.arange(candidates), questions)
    return Lessons(owner, place, features, taken.ravel(), np.ones(questions, np.int64))


def test_the_ranker_finds_planted_weights_and_none_where_a_term_speaks_against():
    assert fit(taught([6.0, 3.0, 0.0], questions=2000)) == pytest.approx([6.0, 3.0, 0.0], abs=0.5)
    assert fit(taught([6.0, 3.0, 0.0, -4.0]))[3] == 0.0


def test_where_nothing_that_was_taken_is_a_candidate_nothing_is_learnt():
    found = taught([1.0, 1.0])
    nothing = Lessons(found.owner, found.place, found.features, np.zeros(len(found.taken), bool), found.wanted)
    assert fit(nothing).tolist() == [0.0, 0.0]


def peaked(seed: int) -> Lessons:
    """A first model that is right about the head of a list and says as good as nothing below it, a second that is right about
    the rest and wrong about the head: smooth weights trust the second too much for a list of ten."""
    rng = np.random.default_rng(seed)
    questions, candidates = 300, 40
    owner = np.repeat(np.arange(questions), candidates)
    place = np.tile(np.arange(candidates), questions)
    head = rng.random((questions, candidates)) ** 12
    rest = rng.random((questions, candidates))
    taken = np.zeros((questions, candidates), bool)
    first = rng.random(questions) < 0.4
    taken[np.arange(questions), np.where(first, head.argmax(axis=1), rest.argmax(axis=1))] = True
    return Lessons(owner, place, np.column_stack([head.ravel(), rest.ravel()]), taken.ravel(), np.ones(questions, np.int64))


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_climbed_to_where_that_ranks_better(seed):
    lessons = peaked(seed)

    def quality(weights):
        return marks(lessons, lessons.features @ np.asarray(weights), 1).mean

    found = climbed(lessons, 2)
    assert quality(found) >= max(quality(fit(lessons)), quality([1.0, 0.0]), quality([0.0, 1.0]))
    assert (found >= 0).all()


def test_where_nothing_that_was_taken_is_a_candidate_nothing_is_climbed_to():
    found = taught([1.0, 1.0])
    nothing = Lessons(found.owner, found.place, found.features, np.zeros(len(found.taken), bool), found.wanted)
    assert climbed(nothing, 2).tolist() == [0.0, 0.0]


def test_marks_are_those_of_the_order_of_the_scores():
    lessons = Lessons(
        np.array([0, 0, 0, 1, 1]), np.array([4, 5, 6, 4, 5]), np.zeros((5, 1)), np.array([0, 1, 0, 1, 0], bool), np.array([1, 2])
    )
    found = marks(lessons, np.array([3.0, 2.0, 1.0, 9.0, 8.0]), 10)
    assert found.ndcg == pytest.approx([1 / np.log2(3), 1 / (1 + 1 / np.log2(3))])
    assert found.recall.tolist() == [1.0, 0.5] and found.coverage == 0.3


def test_models_with_next_to_no_weight_are_left_out():
    weights = np.array([5.0, 0.01, 3.0, 0.0, 2.0, 1.0, *np.zeros(len(ITEM))])
    assert worth_having(weights, 6) == [0, 2, 4, 5]


def test_a_blend_must_be_better_by_more_than_chance_to_be_worth_its_work():
    rng = np.random.default_rng(0)
    single = Marks(rng.random(500), np.ones(500), 1.0, 0.0)
    assert clearly_better(single._replace(ndcg=single.ndcg + 0.02), single)
    assert not clearly_better(single._replace(ndcg=single.ndcg + 0.001), single)
    assert not clearly_better(single._replace(ndcg=single.ndcg + rng.normal(0.006, 3, 500)), single)


def test_a_shop_may_say_what_its_blend_is_made_of():
    trained = train(random_shop(4, users=40, items=60, events=1500), algorithm="blend", blend_of=["als", "item_neighbours"])
    assert {part.config.algorithm for part in trained.engine.model.blend.parts} <= {"als", "item_neighbours"}
