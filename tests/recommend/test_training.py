"""Training: from rows to a folder and back, the same each time, with numbers beside popularity's."""

import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from tests.recommend.worlds import Shop, ids, item, missing, random_shop, shop, train, two_tastes

from aisle.errors import BadInput, Misconfigured
from aisle.tasks.recommend import TASK
from aisle.tasks.recommend.schema import Config, Single
from aisle.tasks.recommend.weights import Weights
from aisle.tasks.recommend.world import read


def quiet(done, total, message):
    pass


def fit(data, folder, **settings):
    return TASK.fit(data, msgspec.convert(settings, Config), folder, quiet)


def test_an_empty_catalogue_says_what_to_do(tmp_path):
    with pytest.raises(BadInput, match="aisle import items"):
        fit(Shop(), tmp_path)


def test_a_shop_without_events_shows_its_newest_items_and_knows_likeness_by_text():
    trained = train(
        shop(
            [item("old", "red lamp", created_at=1_000), item("new", "red lamp", created_at=2_000), item("pot", "pot", "Garden")],
            [],
        )
    )
    assert ids(trained.ask("for_user", user_id="anyone"))[:2] == ["new", "old"]
    assert ids(trained.ask("popular")) == ["new", "old", "pot"]
    assert ids(trained.ask("similar_items", item_id="old", n=1)) == ["new"]
    assert ids(trained.ask("bought_together", item_ids=["old"], n=1)) == ["new"]
    assert ids(trained.ask("for_user", user_id="x", session=[{"item_id": "old"}], n=1)) == ["new"]
    assert trained.ask("similar_users", user_id="x").users == []


def test_one_item_and_one_event_are_enough():
    trained = train(shop([item("only")], [("u", "only", 1, "view")]))
    assert ids(trained.ask("for_user", user_id="other")) == ["only"]
    assert ids(trained.ask("for_user", user_id="u")) == []
    assert ids(trained.ask("similar_items", item_id="only")) == []


def test_the_same_rows_give_the_same_files():
    digests = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            fit(random_shop(1), Path(folder))
            digests.append({file.name: file.read_bytes() for file in Path(folder).iterdir()})
    assert digests[0] == digests[1]


@pytest.mark.parametrize("algorithm", Single.__args__)
def test_what_is_loaded_answers_like_what_was_saved(tmp_path, algorithm):
    fit(random_shop(2), tmp_path, algorithm=algorithm)
    first, second = (replace(train(random_shop(2), algorithm=algorithm), engine=TASK.load(tmp_path)) for _ in range(2))
    for op, fields in (
        ("for_user", {"user_id": "u1"}),
        ("similar_items", {"item_id": "i1"}),
        ("bought_together", {"item_ids": ["i1"]}),
        ("popular", {}),
    ):
        assert first.ask(op, **fields) == second.ask(op, **fields) == train(random_shop(2), algorithm=algorithm).ask(op, **fields)


def test_a_damaged_model_says_to_train_again(tmp_path):
    fit(two_tastes(), tmp_path)
    (tmp_path / "personal_values.npy").write_bytes(b"not an array")
    with pytest.raises(Misconfigured, match="aisle train recommend"):
        TASK.load(tmp_path)


def test_scores_stand_beside_those_of_popularity():
    scores = train(two_tastes(users=60), shrinkage=1.0).scores
    assert scores["ndcg@10"] > scores["popularity_ndcg@10"] > 0
    assert 0 < scores["coverage@10"] <= 1


def test_held_out_numbers_of_noise_are_those_of_chance():
    scores = train(random_shop(9, users=200, items=60, events=4000)).scores
    assert scores["recall@10"] < 0.45 and scores["ndcg@10"] < 0.35  # popular items are more often right: never near 1


def test_progress_never_goes_back_and_ends_at_the_end():
    progress = train(two_tastes(users=30)).progress
    done = [step[0] for step in progress]
    assert done == sorted(done) and done[-1] == progress[-1][1] and len(done) > 10


@pytest.mark.parametrize(
    "broken", [{"algorithm": "magic"}, {"neighbours": 0}, {"half_life_days": 0}, {"unknown": 1}, {"purchase": 1e9}]
)
def test_impossible_settings_are_refused(broken):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(broken, Config)


def test_every_setting_is_described():
    (_, parts) = msgspec.json.schema_components([Config])
    assert all(setting.get("description") for setting in parts["Config"]["properties"].values())


def test_the_weights_of_events_are_those_of_the_settings():
    data = shop(
        [item("a")],
        [
            ("u", "a", 1, "view"),
            ("u", "a", 2, "add_to_cart"),
            ("u", "a", 3, "rate", 5.0),
            ("u", "a", 4, "rate", 1.0),
            ("u", "a", 5, "rate"),
        ],
    )
    world = read(data)
    weights = Weights.of(Config())
    assert weights.interest(world.type, world.value).tolist() == pytest.approx([1, 3, 5, -3, 0])
    assert weights.taste(world.type, world.value).tolist() == pytest.approx([1, 3, 5, 1, 0])


def test_changed_settings_change_the_answer():
    data = two_tastes()
    data.full += [("u0", "i1", data.full[0][2], "favourite", None, None)]
    strong = train(data, favourite=100, shrinkage=1.0).ask("for_user", user_id="u0", n=2)
    weak = train(data, favourite=0, shrinkage=1.0).ask("for_user", user_id="u0", n=2)
    assert ids(weak)[0] == missing(0) != ids(strong)[0]
