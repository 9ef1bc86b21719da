"""The compiled ranker answers what the plain way answers, to the bit, in every world we can think of."""

import gc
import itertools
import weakref

import msgspec
import numpy as np
import pytest
from tests.recommend.worlds import DAY, NOW, item, random_shop, shop, train

from aisle.task import Context
from aisle.tasks.recommend import personal
from aisle.tasks.recommend.compiled import ANSWERED, BUILT
from aisle.tasks.recommend.schema import ForUser
from aisle.types import EVENT_CODE, PastEvent

pytestmark = pytest.mark.skipif(not BUILT, reason="the ranker is not compiled here: `make install` compiles it where gcc is")
KINDS = list(EVENT_CODE)


def past_of(rng, items: int = 44) -> list[PastEvent]:
    """Newest first: any type, repeats, unknown items, one moment twice, the future, the far past."""
    events = []
    for _ in range(int(rng.integers(1, 45))):
        kind = KINDS[rng.integers(len(KINDS))]
        value = [None, float(rng.integers(0, 6)), 3][rng.integers(3)] if kind == "rate" else None
        at = NOW - int(rng.choice([0, 1, rng.integers(DAY), rng.integers(90 * DAY), 40_000 * DAY, -DAY]))
        events.append(PastEvent(f"i{rng.integers(items)}", EVENT_CODE[kind], at, value, 1))
    return sorted(events, key=lambda event: -event.time)


def requests_of(rng, users: int = 32) -> list[ForUser]:
    filters = [None, None, {"category": ["Home > 2"]}, {"exclude": ["i1", "i2"]}, {"include": ["i3", "i5", "i9"]}]
    session = [{"item_id": f"i{rng.integers(44)}", "type": KINDS[rng.integers(len(KINDS))]} for _ in range(rng.integers(3))]
    return [
        msgspec.convert(
            {
                "user_id": f"u{user}",
                "n": int(rng.choice([1, 3, 10, 1000])),
                "explain": ["brief", "brief", "none", "full"][rng.integers(4)],
                "filter": filters[rng.integers(len(filters))],
                "exclude_seen": bool(rng.integers(2)),
                "session": session,
                "context": {"item_id": f"i{rng.integers(44)}"} if rng.integers(2) else {},
            },
            ForUser,
        )
        for user in range(users)
    ]


def asked(trained, rng) -> list:
    requests = requests_of(rng)
    contexts = [Context(NOW, past_of(rng), trained.catalogue) for _ in requests]
    return [trained.engine.prepare("for_user", *pair).data for pair in zip(requests, contexts, strict=True)]


def same(batch, model) -> int:
    """How many answers the compiled ranker gave by itself; all are those of the plain way."""
    expected = personal.plain(batch, model)
    assert personal.answer(batch, model) == expected
    found = [personal.compiled_answer(ask) for ask in batch]
    assert all(one in (None, plain) for one, plain in zip(found, expected, strict=True))
    return sum(one is not None for one in found)


@pytest.mark.parametrize("algorithm", sorted(ANSWERED))
@pytest.mark.parametrize("bought", ["as_seen", "never", "again"])
def test_every_answer_is_that_of_the_plain_way(algorithm, bought):
    trained = train(random_shop(5), algorithm=algorithm, bought=bought, again_after_days=10, history=7, neighbours=12)
    rng = np.random.default_rng(len(algorithm) + len(bought))
    assert sum(same(asked(trained, rng), trained.engine.model) for _ in range(12)) > 40


@pytest.mark.parametrize("algorithm", sorted(ANSWERED))
def test_so_it_is_when_items_came_and_went_after_training(algorithm):
    trained = train(random_shop(6), algorithm=algorithm, neighbours=12, seen=["purchase", "rate"], rate_neutral=5.0)
    rng = np.random.default_rng(7)
    same(asked(trained, rng), trained.engine.model)
    trained.catalogue.put([item("i41", "red lamp 41", "Home > 1"), item("i42", "blue pot 42", "Home > 2")])
    trained.catalogue.remove(["i0", "i4"])
    same(asked(trained, rng), trained.engine.model)
    trained.catalogue.put([item("i43", "green rug 43", "Home > 3"), item("i0", "red lamp 0", "Home > 0")])
    assert sum(same(asked(trained, rng), trained.engine.model) for _ in range(8)) > 20


def test_users_are_compared_by_what_training_knew_and_what_came_since():
    """Known users: with all their events, with only those since training, with items that training did not know."""
    data = random_shop(5, users=60, events=1500)
    trained = train(data, algorithm="user_neighbours", neighbours=15, seen=["dismiss"])
    trained.catalogue.put([item("fresh", "red lamp", "Home > 1")])
    late = [
        PastEvent(name, EVENT_CODE["view"], NOW - k, None, 1) for k, name in enumerate(("fresh", "i3", "nowhere", "i3", "fresh"))
    ]
    asks = []
    for user in range(60):
        for events in (data.of(f"u{user}"), late + data.of(f"u{user}"), late, late[:2] + data.of(f"u{user}")[:3]):
            request = ForUser(user_id=f"u{user}", n=5, exclude_seen=False)
            asks.append(trained.engine.prepare("for_user", request, Context(NOW, events, trained.catalogue)).data)
    assert same(asks, trained.engine.model) > 200


def test_where_all_entries_are_alike_users_are_counted():
    rows = [
        (f"u{user}", f"i{(user * 7 + k * (1 + user % 3)) % 30}", k + user / 100, "view") for user in range(40) for k in range(8)
    ]
    data = shop([item(f"i{k}") for k in range(30)], dict.fromkeys(rows))
    trained = train(data, algorithm="user_neighbours", neighbours=10, held_out_users=0)
    rng = np.random.default_rng(2)
    asks = [
        trained.engine.prepare(
            "for_user",
            ForUser(user_id=f"u{user}", n=3),
            Context(
                NOW,
                [PastEvent(f"i{k}", EVENT_CODE["view"], NOW, None, 1) for k in rng.choice(30, 6, replace=False)],
                trained.catalogue,
            ),
        ).data
        for user in range(40)
    ]
    assert same(asks, trained.engine.model) > 20


def test_other_measures_and_damaged_users_are_not_the_compiled_rankers():
    pearson = train(random_shop(5), algorithm="user_neighbours", measure="pearson", held_out_users=0)
    assert pearson.engine.prepare("for_user", ForUser(user_id="u1"), Context(NOW, (), pearson.catalogue)).data.view.ranker is None
    trained = train(random_shop(5), algorithm="user_neighbours", held_out_users=0)
    trained.engine.model.crowd.wants.indices[0] = 10**6
    with pytest.raises(ValueError, match="do not fit"):
        trained.engine.prepare("for_user", ForUser(user_id="u1"), Context(NOW, (), trained.catalogue))


def test_ties_go_to_the_lower_place():
    trained = train(random_shop(8), algorithm="content")
    lists = trained.engine.model.texts
    lists.values[lists.values > 0] = 0.25
    rng = np.random.default_rng(9)
    assert sum(same(asked(trained, rng), trained.engine.model) for _ in range(5)) > 20


def test_a_long_history_of_many_items_is_cut_where_the_plain_way_cuts_it():
    trained = train(random_shop(10, items=300, events=3000), history=20)
    rng = np.random.default_rng(1)
    for size in (19, 20, 21, 22, 60, 200):
        events = [PastEvent(f"i{place}", int(rng.integers(10)), NOW - k * DAY // 9, None, 1) for k, place in
                  enumerate(rng.integers(0, 300, size).tolist())]  # fmt: skip
        ask = trained.engine.prepare("for_user", ForUser(user_id="u1"), Context(NOW, events, trained.catalogue)).data
        assert same([ask], trained.engine.model) == 1


def test_what_is_no_event_is_refused_and_the_next_request_is_answered():
    trained = train(random_shop(11))
    ask = trained.engine.prepare("for_user", ForUser(user_id="u1"), Context(NOW, trained.data.of("u1"), trained.catalogue)).data
    ranker, good = ask.view.ranker, (ask.events, ask.now, ask.row, None, True, 5, True)
    expected = ranker.answer(*good)
    wrong = [[("i1",)], [1], [("i1", 99, 0, None)], [("i1", -1, 0, None)], [("i1", "x", 0, None)], [("i1", 8, 0, "x")],
             [("i1", 0, 2**70, None)], None]  # fmt: skip
    for events in wrong:
        with pytest.raises((TypeError, IndexError, OverflowError)):
            ranker.answer(events, *good[1:])
    for mask in (np.ones(3, bool), "mask"):
        with pytest.raises((ValueError, TypeError)):
            ranker.answer(*good[:3], mask, *good[4:])
    with pytest.raises(TypeError):
        ranker.answer(*good[:6])
    assert ranker.answer(*good) == expected
    assert ranker.answer(*good[:5], -1, True) == ranker.answer(*good[:5], 0, True) == ([], [], [])
    assert ranker.answer((), *good[1:]) == ([], [], [])


def test_damaged_lists_break_nothing_else():
    """Checksums find them before; should one pass, what points outside is passed over."""
    trained = train(random_shop(12))
    lists = trained.engine.model.personal
    lists.indices[:, ::3] = itertools.cycle([-7, 10**6]).__next__()
    for user in range(30):
        ask = trained.engine.prepare(
            "for_user", ForUser(user_id=f"u{user}"), Context(NOW, past_of(np.random.default_rng(user)), trained.catalogue)
        ).data
        items, scores, _ = ask.view.ranker.answer(ask.events, ask.now, ask.row, None, True, 5, True)
        assert len(items) == len(scores) <= 5


def test_a_view_is_let_go_of_at_once_when_the_catalogue_changes():
    trained = train(random_shop(13))
    asked(trained, np.random.default_rng(1))
    old = weakref.ref(trained.engine._view)
    gc.disable()
    try:
        trained.catalogue.put([item("i1", "red lamp 1", "Home > 1")])
        asked(trained, np.random.default_rng(2))
        assert old() is None
    finally:
        gc.enable()
