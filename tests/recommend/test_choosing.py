"""What auto asks, and how it halves: the questions fit the data, nobody good is dropped, time is kept to."""

import numpy as np
import pytest
from msgspec.structs import replace as changed
from tests.recommend.worlds import item, random_shop, shop, two_tastes

from aisle.tasks.recommend import content
from aisle.tasks.recommend.choosing import CANDIDATES, Clock, Entrant, keep, race, rungs, settings_of, surely_better
from aisle.tasks.recommend.questions import HISTORY, exam
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.trial import Marks
from aisle.tasks.recommend.weights import Weights
from aisle.tasks.recommend.world import read

CONFIG = Config()


def asked(data, aim="next", most=1000):
    return exam(read(data), Weights.of(CONFIG), aim, most)


def test_what_is_asked_next_came_later_than_all_that_is_known():
    found = asked(random_shop(1, users=60, events=1500))
    newest = found.past.until
    assert found.kind == "next" and len(found.asked) > 20
    for one in found.asked:
        assert one.moment > newest and all(event.time < one.moment for event in one.history)
        assert not {found.past.names[column] for column in one.wanted} & {
            event.item_id for event in one.history if event.type < 3
        }


def test_later_asks_for_all_that_is_new_and_again_for_what_was_had_too():
    data = random_shop(2, users=60, events=1500)
    later, again = asked(data, "later"), asked(data, "again")
    had = {user: set() for user in later.past.users}
    for user, column in zip(later.past.user, later.past.item, strict=True):
        had[later.past.users[user]].add(int(column))
    assert later.kind == "later" and later.asked and all(one.moment == later.past.until for one in later.asked)
    assert all(not had[one.user_id] & set(one.wanted.tolist()) for one in later.asked)
    assert any(had[one.user_id] & set(one.wanted.tolist()) for one in again.asked)


@pytest.mark.parametrize(
    "events",
    [
        [(f"u{u}", f"i{i}", 1, "view") for u in range(9) for i in range(8)],  # all at one moment
        [(f"u{u}", f"i{i}", i, "rate", 5.0) for u in range(9) for i in range(8)],  # ratings
    ],
)
def test_events_without_an_order_that_means_something_are_hidden_at_random(events):
    found = asked(shop([item(f"i{k}") for k in range(8)], events), "later")
    assert found.kind == "hidden" and len(found.asked) == 9
    for one in found.asked:
        names = {found.past.names[column] for column in one.wanted}
        assert len(names) == 2 and len(one.history) == 6 and not names & {event.item_id for event in one.history}


def test_baskets_have_an_order_among_each_other():
    baskets = [(f"u{u}", f"i{(u + i) % 9}", 1 + i // 3 + u / 100, "purchase") for u in range(9) for i in range(6)]
    assert asked(shop([item(f"i{k}") for k in range(9)], baskets)).kind == "next"


def visits(steps, days=0):
    """Sixty visits, a minute between two steps and an hour between visits; `days` between two steps makes them people."""
    events = [
        (f"v{v:02d}", f"i{(v + i) % 9}", 1 + v / 24 + at * (days or 1 / 1440), "view")
        for v in range(60)
        for at, i in enumerate(steps)
    ]
    return shop([item(f"i{k}") for k in range(9)], events)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (visits([0, 1, 0, 2, 1]), "next_again"),  # they lead back
        (visits([0, 1, 2, 3, 4]), "next"),  # they do not
        (visits([0, 0, 1, 1, 2]), "next"),  # twice in a row is one step
        (visits([0, 1, 0, 2, 1], days=1), "next"),  # people, who come back
    ],
)
def test_visits_that_lead_back_are_asked_for_their_next_step_whatever_it_is(data, kind):
    assert asked(data, "auto").kind == kind


def test_the_next_step_may_be_something_known_and_the_same_once_more():
    found = asked(visits([0, 1, 1, 0, 0, 2, 2, 1]), "next_again")
    back, same = 0, 0
    for one in found.asked:
        names = [found.past.names[column] for column in one.wanted]
        same += one.history[0].item_id in names
        back += any(event.item_id in names for event in one.history)
    assert found.kind == "next_again" and back > same > 0


def test_an_item_looked_at_and_then_bought_is_one_step():
    events = [
        (f"v{v}", name, 1 + v / 24 + at / 1440, kind)
        for v in range(60)
        for at, (name, kind) in enumerate([("a", "view"), ("b", "view"), ("b", "purchase"), ("a", "view")])
    ]
    for one in asked(shop([item("a"), item("b")], events), "next_again").asked:
        assert len(one.wanted) == 1 and len(one.history) in (1, 3)


def test_at_most_so_many_are_asked_always_the_same_ones_with_their_newest_events():
    data = random_shop(3, users=80, events=9000)
    one, two = asked(data, most=20), asked(data, most=20)
    assert [q.user_id for q in one.asked] == [q.user_id for q in two.asked] and len(one.asked) == 20
    assert max(len(q.history) for q in one.asked) == HISTORY


def marks(values):
    return Marks(np.array(values), np.array(values), 1.0, 0.0)


def entrant(name, values, **settings):
    return Entrant(changed(CONFIG, algorithm=name, **settings), marks(values))


def test_who_is_surely_worse_is_dropped_and_chance_is_not():
    rng = np.random.default_rng(0)
    good = rng.random(400)
    entrants = [
        entrant("ease", good),
        entrant("als", good - 0.2 + 0.01 * rng.random(400)),
        entrant("sequence_neighbours", good + rng.normal(-0.001, 0.3, 400)),
        entrant("item_neighbours", good - 0.5),
        entrant("popular", good - 0.6),
    ]
    kept = [config.algorithm for config in keep(entrants)]
    assert "als" not in kept and {"ease", "sequence_neighbours"} <= set(kept[:2])
    assert set(kept[2:]) == {"item_neighbours", "popular"}, "the default and popularity are asked to the end"
    assert surely_better(good, good - 0.1) and not surely_better(good, good)


def test_every_algorithm_keeps_its_best_settings_before_a_second_of_any():
    close = [entrant("ease", [0.5 - k / 1e6, 0.1 * k], ease_regularisation=k + 1.0) for k in range(9)]
    kept = keep([*close, entrant("als", [0.5, 0.4]), entrant("popular", [0.1, 0.1]), entrant("item_neighbours", [0.0, 0.0])])
    assert sorted(config.algorithm for config in kept[:2]) == ["als", "ease"]


def test_large_shops_are_climbed_in_steps_and_small_ones_seen_whole():
    assert rungs(1000) == [1000]
    assert rungs(20_000_000) == [250_000, 1_000_000, 4_000_000, 20_000_000]


def test_no_try_begins_that_would_end_too_late():
    clock = Clock(100.0)
    assert clock.allows("ease", 10**9)
    clock.saw("ease", 1000, 1.0)
    assert clock.allows("ease", 50_000) and not clock.allows("ease", 200_000)
    assert not Clock(0.0).allows("als", 1)


def test_settings_that_the_shop_chose_stay_and_what_was_found_is_told():
    data = two_tastes(users=40)
    world = read(data)
    texts = content.read(world.items)
    near = content.learn(texts, 50, lambda done, total: None)
    given = changed(CONFIG, algorithm="auto", sequence_fade=0.33)
    run = race(exam(world, Weights.of(given), "next", 1000), given, texts, near, lambda done, said: None)
    assert {one.name for one in run.finalists} == set(CANDIDATES) - {"sequence"}  # too few events for it
    assert all(one.config.sequence_fade == 0.33 for one in run.finalists)
    assert any(settings_of(one.config, given) for one in run.finalists)
    assert [one.marks.mean for one in run.finalists] == sorted((one.marks.mean for one in run.finalists), reverse=True)
