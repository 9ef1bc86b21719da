"""Who scores `for_user`: each algorithm weighs a history in its own way, and `auto` finds the one that a shop needs."""

import json
import tempfile
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.recommend.worlds import DAY, NOW, OPENED, adds_up, ids, item, missing, past, shop, train, two_tastes

from aisle.errors import BadInput
from aisle.kit.catalogue import Catalogue
from aisle.kit.tiny_data import columns
from aisle.task import Context
from aisle.tasks.recommend import TASK
from aisle.tasks.recommend.engine import RecommendEngine
from aisle.tasks.recommend.held_out import CANDIDATES
from aisle.tasks.recommend.history import gather
from aisle.tasks.recommend.schema import Config, ForUser, Single
from aisle.tasks.recommend.scoring import DENSE, explained
from aisle.tasks.recommend.world import arrange
from aisle.testing.shop import tiny_shop
from aisle.types import EVENT_CODE, PastEvent

NEW = ("sequence_neighbours", "session_neighbours", "ease", "als")
TRIED = [name for name in CANDIDATES if name != "sequence"]  # for which these worlds are too small


@pytest.mark.parametrize("algorithm", NEW)
def test_the_item_that_all_of_ones_kind_have_comes_first(algorithm):
    trained = train(two_tastes(users=40), algorithm=algorithm, ease_regularisation=5.0)
    for user in range(40):
        answer = trained.ask("for_user", user_id=f"u{user}", n=3, explain="full")
        assert ids(answer)[0] == missing(user)
        assert adds_up(answer)


@pytest.mark.parametrize("algorithm", NEW)
def test_the_hidden_item_of_the_tiny_shop_is_found(algorithm, tmp_path):
    data = tiny_shop()
    TASK.fit(data, Config(algorithm=algorithm), tmp_path, lambda *step: None)
    engine, catalogue, events = TASK.load(tmp_path), Catalogue(data.catalogue), data.events()
    for user, hidden in data.hidden.items():
        rows = np.flatnonzero(events.user == events.users.index(user))[::-1]
        mine = [PastEvent(events.items[events.item[r]], int(events.type[r]), int(events.time[r]), None, 1) for r in rows]
        asked = ForUser(user_id=user, n=3)
        (found,) = engine.run("for_user", [engine.prepare("for_user", asked, Context(NOW, mine, catalogue))])
        assert found.items[0] == hidden


def shares(trained, events):
    """What each item of a history counts."""
    engine: RecommendEngine = trained.engine
    asked = engine.prepare("for_user", ForUser(user_id="x"), Context(NOW, events, trained.catalogue)).data
    found = gather([asked], asked.view, engine.model)
    return {asked.view.items.names[place]: share for place, share in zip(found.item.tolist(), found.share.tolist(), strict=True)}


def at(item_id, minute, kind="view"):
    return PastEvent(item_id, EVENT_CODE[kind], NOW - minute * 60_000_000, None, 1)


@pytest.fixture(scope="module")
def steps():
    return train(two_tastes(), algorithm="sequence_neighbours", sequence_fade=0.5)


def test_every_step_back_counts_so_much_of_the_step_after_it_however_long_ago(steps):
    found = shares(steps, [at("i0", 1), at("i2", 5000), at("i4", 90_000)])
    assert found["i2"] / found["i0"] == pytest.approx(0.5) and found["i4"] / found["i0"] == pytest.approx(0.25)


def test_a_step_is_a_step_whatever_was_done(steps):
    found = shares(steps, [at("i0", 1, "purchase"), at("i2", 2, "view")])
    assert found["i2"] / found["i0"] == pytest.approx(0.5)


def test_a_basket_is_one_step_and_so_is_one_item_in_a_row(steps):
    found = shares(steps, [at("i0", 1), at("i2", 2, "purchase"), at("i4", 2, "purchase"), at("i6", 3)])
    assert found["i2"] == found["i4"] == pytest.approx(found["i0"] / 2) and found["i6"] == pytest.approx(found["i0"] / 4)
    row = shares(steps, [at("i0", 1), at("i2", 2, "purchase"), at("i2", 3), at("i4", 4)])
    assert row["i2"] == pytest.approx(row["i0"]) and row["i4"] == pytest.approx(row["i0"] / 4)


def test_impressions_and_dismissals_are_no_steps(steps):
    found = shares(steps, [at("i0", 1), at("i8", 2, "impression"), at("i10", 3, "dismiss"), at("i2", 4)])
    assert found["i2"] / found["i0"] == pytest.approx(0.5) and found["i10"] < 0 and "i8" not in found


def test_a_step_of_one_user_is_none_of_another(steps):
    engine = steps.engine
    contexts = [Context(NOW, events, steps.catalogue) for events in ([at("i0", 1), at("i2", 2)], [at("i1", 1), at("i3", 2)])]
    asks = [engine.prepare("for_user", ForUser(user_id="x"), context).data for context in contexts]
    found = gather(asks, asks[0].view, engine.model)
    assert found.share.tolist() == pytest.approx([2 / 3, 1 / 3] * 2)


def walks(users=150, items=40, each=10, seed=0):
    """Everybody walks round the same ring of items from somewhere: only order says which end of a walk comes next."""
    rng = np.random.default_rng(seed)
    events = []
    for user in range(users):
        start = int(rng.integers(items))
        events += [(f"u{user}", f"i{(start + step) % items}", step + user / 1000, "view") for step in range(each)]
    return shop([item(f"i{k}") for k in range(items)], events)


def kinds(users=80, each=6, seed=0):
    """Everybody keeps to a kind of item that nobody else has taken to yet: only its words tell it, which all
    fill up with, so that all are equal."""
    rng = np.random.default_rng(seed)
    events, items = [], [item(f"i{k}", f"word{k % users} thing", f"Shop > Word{k % users}") for k in range(users * 15)]
    for user in range(users):
        own = rng.permutation(np.arange(user, len(items), users))[:each]
        events += [(f"u{user}", f"i{k}", place + user / 1000, "view") for place, k in enumerate(own.tolist())]
    return shop(items, events)


def crowd(users=200, items=60, each=3, seed=0):
    """Everybody takes what is popular, and nothing else tells one item from another."""
    rng = np.random.default_rng(seed)
    worth = 0.8 ** rng.permutation(items) + 0.002
    events = []
    for user in range(users):
        own = rng.choice(items, each, replace=False, p=worth / worth.sum())
        events += [(f"u{user}", f"i{k}", place + user / 1000, "view") for place, k in enumerate(own.tolist())]
    return shop([item(f"i{k}", f"thing {k}", f"Shop > {k}") for k in range(items)], events)


@pytest.mark.parametrize(("world", "best"), [(walks, "sequence_neighbours"), (kinds, "item_neighbours"), (crowd, "popular")])
def test_auto_finds_the_algorithm_that_was_planted_and_of_equals_the_default(world, best):
    trained = train(world(), algorithm="auto")
    assert trained.engine.model.config.algorithm == best
    assert {f"{name} ndcg@10" for name in TRIED} <= set(trained.scores)
    assert trained.scores["ndcg@10"] == max(trained.scores[f"{name} ndcg@10"] for name in TRIED)
    assert trained.scores["popularity_ndcg@10"] == trained.scores["popular ndcg@10"]


def test_auto_serves_what_the_chosen_algorithm_would_have_served_alone():
    auto, alone = train(walks(), algorithm="auto"), train(walks(), algorithm="sequence_neighbours")
    for user in range(20):
        assert auto.ask("for_user", user_id=f"u{user}") == alone.ask("for_user", user_id=f"u{user}")


def test_auto_knows_all_algorithms():
    assert set(CANDIDATES) == set(Single.__args__)


def about(data, **settings):
    with tempfile.TemporaryDirectory() as folder:
        TASK.fit(data, msgspec.convert(settings, Config), Path(folder), lambda *step: None)
        return json.loads((Path(folder) / "about.json").read_text())


def test_the_model_says_who_was_chosen_and_why():
    said = about(walks(), algorithm="auto")
    assert said["algorithm"] == "sequence_neighbours"
    assert (
        said["chosen"].startswith("best of 9 by nDCG@10 for ")
        and ": sequence_neighbours 1.0" in said["chosen"]
        and "popular 0." in said["chosen"]
    )
    assert about(walks(), algorithm="ease") == {"algorithm": "ease", "chosen": "as set"}


def test_out_of_time_auto_says_what_it_did_not_try():
    said = about(walks(), algorithm="auto", auto_seconds=0)
    assert said["algorithm"] in ("item_neighbours", "popular")
    assert "not tried" in said["chosen"] and "sequence_neighbours" in said["chosen"]


@pytest.mark.parametrize(
    "data", [shop([item("a")], []), shop([item("a"), item("b")], [("u", "a", 1, "view"), ("u", "b", 2, "view")])]
)
def test_with_nobody_to_ask_auto_takes_the_default_and_says_so(data):
    said = about(data, algorithm="auto")
    assert said["algorithm"] == "item_neighbours" and said["chosen"].startswith("the default")


def test_ease_refuses_more_items_than_it_can_invert_and_says_what_to_do():
    names = [f"i{k}" for k in range(DENSE + 1)]
    world = arrange([item(name) for name in names], columns([("u", name, OPENED + DAY, "view") for name in names]))
    with pytest.raises(BadInput, match="sequence_neighbours"):
        explained(world, Config(), lambda done, total: None)


def test_what_begins_to_sell_is_raised_by_ease():
    """Two items go equally with a third; one of them was bought months ago, the other this week."""
    events = []
    for user in range(40):
        day = 100 if user % 2 else 10
        events += [(f"u{user}", "base", day, "purchase"), (f"u{user}", "new" if user % 2 else "old", day + 1, "purchase")]
    plain, rising = (
        train(
            shop([item(name) for name in ("base", "new", "old")], events),
            algorithm="ease",
            ease_trend=power,
            half_life_days=36500,
        )
        for power in (0, 1)
    )
    mine, now = past(("base", "purchase"), now=NOW + 80 * DAY), NOW + 80 * DAY
    equal, lifted = (trained.ask("for_user", user_id="x", events=mine, now=now, n=2).items for trained in (plain, rising))
    assert equal[0].score == pytest.approx(equal[1].score, rel=0.01)
    assert lifted[0].item_id == "new" and lifted[0].score > 1.5 * lifted[1].score


def test_what_was_had_comes_back_with_ease_where_it_may_be_shown_again():
    trained = {share: train(two_tastes(users=40), algorithm="ease", ease_repeats=share) for share in (0, 20)}
    mine = {event.item_id for event in trained[0].data.of("u0")}
    again, plain = (trained[share].ask("for_user", user_id="u0", n=3, exclude_seen=False, explain="full") for share in (20, 0))
    assert set(ids(again)) <= mine and not set(ids(plain)) <= mine
    assert again.items[0].reasons[0].item_id == again.items[0].item_id and adds_up(again)
    assert not mine & set(ids(trained[20].ask("for_user", user_id="u0", n=10)))


def test_the_regulariser_of_als_is_the_shops_own():
    assert train(two_tastes(), algorithm="als", als_regularisation=0.02).engine.model.factors.regularisation == 0.02
