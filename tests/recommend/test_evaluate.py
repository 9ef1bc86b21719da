"""Offline evaluation: what is hidden stays hidden, the obvious answer is found, and noise is not."""

import msgspec
import numpy as np
import pytest

from aisle.errors import BadInput, Cancelled
from aisle.kit.tiny_data import TinyData, columns
from aisle.tasks.recommend import TASK, evaluate
from aisle.tasks.recommend.schema import Config, Single
from aisle.tasks.recommend.splits import PROTOCOLS, Split, leave_last_out, sampled, time_split
from aisle.testing.shop import HOUR, OPENED, tiny_shop
from aisle.types import Item

CONFIG = Config()


def quiet(done, total, message):
    pass


def rows(*events):
    """Events from (user, item, hour, type)."""
    return columns([(user, item, OPENED + hour * HOUR, kind) for user, item, hour, kind in events])


def pairs(events):
    return {(events.users[u], events.items[i], t) for u, i, t in zip(events.user, events.item, events.time.tolist(), strict=True)}


def test_leave_last_out_hides_the_newest_item_met_and_all_that_follows():
    events = rows(
        ("u", "a", 1, "view"), ("u", "b", 2, "view"), ("u", "c", 3, "view"), ("u", "a", 4, "purchase"), ("u", "c", 5, "purchase")
    )
    split = leave_last_out(events, CONFIG)
    assert (split.users, split.relevant, split.now) == (["u"], [["c"]], [OPENED + 3 * HOUR])
    assert {(item, (time - OPENED) // HOUR) for _, item, time in pairs(split.train)} == {("a", 1), ("b", 2)}


def test_leave_last_out_keeps_whom_it_cannot_ask():
    events = rows(("one", "a", 1, "view"), ("two", "a", 1, "view"), ("two", "b", 2, "view"))
    split = leave_last_out(events, CONFIG)
    assert split.users == ["two"]
    assert {(user, item) for user, item, _ in pairs(split.train)} == {("one", "a"), ("two", "a")}


def test_only_events_that_count_as_liking_are_targets():
    events = rows(("u", "a", 1, "view"), ("u", "b", 2, "view"), ("u", "x", 3, "impression"), ("u", "y", 4, "dismiss"))
    assert leave_last_out(events, CONFIG).relevant == [["b"]]


def test_time_split_asks_for_new_items_of_known_users():
    known = [("u", "a", 1, "view"), ("gone", "c", 2, "view")]
    events = rows(*known, ("u", "a", 11, "purchase"), ("u", "b", 12, "view"), ("new", "b", 13, "view"))
    split = time_split(events, CONFIG, cut=OPENED + 10 * HOUR)
    assert (split.users, split.relevant, split.exclude_seen) == (["u"], [["b"]], True)
    assert {item for _, item, _ in pairs(split.train)} == {"a", "c"}
    again = time_split(events, CONFIG, cut=OPENED + 10 * HOUR, repeats=True)
    assert (again.users, again.relevant, again.exclude_seen) == (["u"], [["a", "b"]], False)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_hidden_pair_is_learnt_from(protocol):
    rng = np.random.default_rng(3)
    events = rows(*((f"u{rng.integers(40)}", f"i{rng.integers(30)}", hour, "view") for hour in range(2000)))
    split = PROTOCOLS[protocol](events, CONFIG)
    known = {(user, item) for user, item, _ in pairs(split.train)}
    latest = {}
    for user, _, time in pairs(split.train):
        latest[user] = max(latest.get(user, 0), time)
    assert len(split.users) > 20
    for user, items, now in zip(split.users, split.relevant, split.now, strict=True):
        assert latest[user] < now
        if split.exclude_seen:
            assert not known & {(user, item) for item in items}


def test_a_sample_is_drawn_by_its_seed_and_keeps_the_training_part():
    split = leave_last_out(tiny_shop().events(), CONFIG)
    some = sampled(split, 5, seed=1)
    assert some.users == sampled(split, 5, seed=1).users != sampled(split, 5, seed=2).users
    assert some.train is split.train
    assert (
        dict(zip(some.users, some.relevant, strict=True)).items()
        <= dict(zip(split.users, map(list, split.relevant), strict=True)).items()
    )
    assert sampled(split, 100, seed=1) is split


@pytest.fixture(scope="module")
def table():
    return TASK.evaluate(tiny_shop(), CONFIG, "leave_last_out", quiet)


def test_every_algorithm_is_compared_best_first(table):
    assert {row["model"] for row in table} == {*Single.__args__, "blend"} - {"sequence"}  # too few events for it
    assert [row["ndcg@10"] for row in table] == sorted((row["ndcg@10"] for row in table), reverse=True)


def test_in_the_tiny_shop_neighbours_find_what_popularity_cannot(table):
    by = {row["model"]: row for row in table}
    assert by["item_neighbours"]["hr@10"] == by["user_neighbours"]["hr@10"] == 1.0
    assert by["item_neighbours"]["mrr"] > 0.6
    assert by["popular"]["ndcg@10"] < by["item_neighbours"]["ndcg@10"] / 1.2


def test_every_row_says_how_sure_and_how_dear_it_is(table):
    for row in table:
        assert row["users"] == 20
        assert 0 <= row["ci_low"] <= row["ndcg@10"] <= row["ci_high"] <= 1
        assert row["seconds_fit"] > 0 and row["ms_per_user"] > 0
        assert 0 < row["coverage"] <= 1 and 0 <= row["gini"] <= 1


def noise(users=150, items=120, each=12, seed=5):
    """Shoppers who take items at random: nothing can be known about the next one."""
    rng = np.random.default_rng(seed)
    events = [(f"u{u}", f"i{i}", h, "view") for u in range(users) for h, i in enumerate(rng.choice(items, each, replace=False))]
    return TinyData(
        [Item(item_id=f"i{n}", title=f"thing {n}") for n in range(items)], [(u, i, OPENED + h * HOUR, k) for u, i, h, k in events]
    )


def test_on_noise_nothing_is_better_than_chance():
    """The band that leakage would break: 10 of 109 unseen items, so 9 % by chance."""
    for row in TASK.evaluate(noise(), CONFIG, "leave_last_out", quiet):
        assert 0.02 < row["hr@10"] < 0.2, row


def test_evaluation_leaves_nothing_behind():
    shop = tiny_shop()
    shop.spaces["text"] = {"item-0001": b"1"}
    TASK.evaluate(shop, CONFIG, "", quiet)
    assert shop.spaces == {"text": {"item-0001": b"1"}}


def test_items_that_only_events_know_are_ranked_too():
    shop = tiny_shop()
    shop.catalogue = shop.catalogue[:4]
    assert all(row["users"] == 20 for row in TASK.evaluate(shop, CONFIG, "", quiet))


def test_an_unknown_protocol_and_an_empty_shop_are_bad_input():
    with pytest.raises(BadInput, match="leave_last_out"):
        TASK.evaluate(tiny_shop(), CONFIG, "guess", quiet)
    for protocol in PROTOCOLS:
        with pytest.raises(BadInput, match="nothing can be held out"):
            TASK.evaluate(TinyData([Item(item_id="a", title="a")]), CONFIG, protocol, quiet)


def test_evaluation_reports_progress_and_can_be_cancelled():
    seen = []
    TASK.evaluate(tiny_shop(), CONFIG, "", lambda done, total, message: seen.append((done, total)))
    assert seen[-1] == (len(Single.__args__),) * 2

    def stop(done, total, message):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        TASK.evaluate(tiny_shop(), CONFIG, "", stop)


def test_the_configuration_is_what_is_compared():
    events = tiny_shop().events()
    split = leave_last_out(events, CONFIG)
    only = msgspec.structs.replace(CONFIG, measure="jaccard")
    assert isinstance(split, Split)
    (row,) = evaluate.compare(tiny_shop(), split, only, quiet, algorithms=["user_neighbours"])
    assert row["model"] == "user_neighbours" and row["hr@10"] == 1.0
