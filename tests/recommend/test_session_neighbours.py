"""Visits like this one: the formula pair by pair, what each of its parts is for, and how it is served."""

import math

import numpy as np
import pytest
from tests.recommend.worlds import adds_up, ids, item, past, shop, train

from aisle.tasks.recommend.session_neighbours import Nearness, Visits, distinct
from aisle.tasks.recommend.session_neighbours import ask as asked

EVEN = Nearness(rarity=0.0, ageing=0.0, after=1.0, before=1.0, backward=1.0, own=1.0, popularity=0.0)


def of(rows: list[list[int]], items: int = 9) -> Visits:
    visit = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    return Visits.of(visit, np.concatenate([np.array(row) for row in rows]), visit, items)


def weighed(visit: list[int], fade: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Items and weights of a visit, the newest last; fades a little, so that the newest counts most."""
    items = list(dict.fromkeys(reversed(visit)))
    return np.array(items, np.int64), np.array([(fade - 1e-9) ** age for age in range(len(items))])


def scores(rows: list[list[int]], visit: list[int], given: Nearness = EVEN, items: int = 9) -> np.ndarray:
    return asked(of(rows, items), *weighed(visit), given).scores(items)


def plain(rows: list[list[int]], items: np.ndarray, weight: np.ndarray, given: Nearness, size: int) -> np.ndarray:
    """(entries, items) the formula, visit by visit."""
    count = np.bincount(np.concatenate([np.array(row) for row in rows]), minlength=size)
    found = np.zeros((len(items), size))
    for number, row in enumerate(rows):
        shared = [(float(w), entry) for entry, (one, w) in enumerate(zip(items.tolist(), weight, strict=True)) if one in row]
        if not shared:
            continue
        at = row.index(items[max(shared)[1]])
        for w, entry in shared:
            one = items[entry]
            alike = row.count(one) * w * math.log(max(len(rows) / count[one], 1)) ** given.rarity
            alike *= len(row) ** -0.5 * math.exp(-given.ageing * (len(rows) - number) / len(rows))
            for place, other in enumerate(row):
                far = abs(place - at) - 1
                near = given.own if place == at else given.after**far if place > at else given.backward * given.before**far
                found[entry, other] += alike * near / max(count[other], 1) ** given.popularity
    return found


@pytest.mark.parametrize("seed", range(5))
def test_scores_and_what_each_item_gave_are_the_formula_visit_by_visit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [rng.integers(0, 9, rng.integers(1, 7)).tolist() for _ in range(20)]
    items, weight = weighed(rng.integers(0, 9, 4).tolist(), 0.6)
    found, expected = asked(of(rows), items, weight, Nearness()), plain(rows, items, weight, Nearness(), 9)
    np.testing.assert_allclose(found.given(np.arange(9), 9), expected, rtol=1e-12)
    np.testing.assert_allclose(found.scores(9), expected.sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("total", [40, 400, 400_000])
def test_distinct_numbers_are_found_with_a_table_as_by_sorting(total) -> None:
    rng = np.random.default_rng(total)
    for size in (0, 1, 300):
        visit = rng.integers(0, total, size).astype(np.int32)
        for mine, theirs in zip(distinct(visit, total), np.unique(visit, return_index=True, return_inverse=True), strict=True):
            assert mine.tolist() == theirs.tolist()


def test_a_visit_that_shares_more_counts_more() -> None:
    found = scores([[0, 1, 2], [0, 3, 4]], [0, 1])
    assert found[2] > found[4] > 0


def test_what_came_after_the_newest_shared_item_is_nearer_than_what_came_before() -> None:
    found = scores([[1, 2, 0, 3, 4]], [0], Nearness(rarity=0.0))
    assert found[3] > found[4] > 0 and found[3] > found[2]


def test_newer_visits_count_more_and_only_the_nearest_count() -> None:
    rows = [[0, 1], [0, 2]]
    found = scores(rows, [0], Nearness(rarity=0.0))
    assert found[2] > found[1] > 0
    assert scores(rows, [0], Nearness(rarity=0.0, nearest=1))[1] == 0


@pytest.mark.parametrize("visit", [[], [8]])
def test_a_visit_like_no_other_finds_nothing(visit: list[int]) -> None:
    assert not scores([[0, 1], [1, 2]], visit).any()


def test_of_long_visits_only_what_is_near_is_looked_at() -> None:
    long = [list(range(100))]
    found = scores(long, [50], Nearness(rarity=0.0), items=100)
    assert np.flatnonzero(found).tolist() == list(range(20, 81))


def test_visits_stand_in_the_order_in_which_they_ended_and_the_oldest_are_let_go(monkeypatch) -> None:
    rows = (np.array([0, 0, 1, 2]), np.array([3, 4, 5, 6]), np.array([1, 9, 4, 7]))
    found = Visits.of(*rows, 9)
    assert found.item.tolist() == [5, 6, 3, 4] and found.start.tolist() == [0, 1, 2, 4]
    monkeypatch.setattr("aisle.tasks.recommend.session_neighbours.MOST", 3)
    assert Visits.of(*rows, 9).item.tolist() == [6, 3, 4]


# ---- served ----------------------------------------------------------------------------------------------------


def clicks(sessions: list[str], **settings):
    """Each word a visit of its own person, a letter an item; a day between visits."""
    rows = [
        (f"s{number}", letter, number + place / 1000, "view")
        for number, word in enumerate(sessions)
        for place, letter in enumerate(word)
    ]
    things = [item(letter) for letter in sorted(set("".join(sessions)))]
    return train(shop(things, rows), algorithm="session_neighbours", held_out_users=0, content_share=0, **settings)


VISITS = ["abc", "abd", "abd", "xyz", "xyw", "xyw"]


def test_a_visit_is_answered_by_what_others_like_it_held_and_every_answer_adds_up() -> None:
    found = clicks(VISITS).ask("for_user", user_id="new", n=3, events=past(("b", "view"), ("a", "view")), explain="full")
    assert ids(found)[0] == "d" and set(ids(found)[:2]) == {"c", "d"}
    assert adds_up(found) and {reason.item_id for reason in found.items[0].reasons} == {"a", "b"}
    assert found.strategy == "session" or found.strategy == "personal"


def test_one_click_more_counts_at_once() -> None:
    trained = clicks(VISITS)
    before = ids(trained.ask("for_user", user_id="new", n=1, events=past(("b", "view"))))
    after = ids(trained.ask("for_user", user_id="new", n=1, events=past(("y", "view"), ("b", "view"))))
    assert before == ["d"] and after == ["w"]


def test_a_batch_answers_like_single_requests_and_like_the_formula() -> None:
    trained = clicks(VISITS)
    events = past(("b", "view"), ("a", "view"))
    fields = {"user_id": "new", "n": 4, "exclude_seen": False}
    alone = trained.ask("for_user", events=events, **fields)
    assert alone.items == trained.batch("for_user", [fields, fields], events=events)[1].items
    letters = sorted(set("".join(VISITS)))
    rows = [[letters.index(letter) for letter in word] for word in VISITS]
    entries = np.array([letters.index("a"), letters.index("b")])
    expected = plain(rows, entries, np.array([0.6, 1.0]) / 1.6, Nearness(), len(letters)).sum(axis=0)
    for one in alone.items:
        assert one.score == pytest.approx(expected[letters.index(one.item_id)], rel=1e-9)


def test_long_pauses_and_session_ids_part_the_visits_of_one_person() -> None:
    rows = [("u", "a", 0, "view"), ("u", "b", 0.1, "view"), ("u", "c", 3, "view"), ("u", "d", 3.1, "view")]
    named = [("v", name, day, "view", None, session) for name, day, session in (("a", 5, "1"), ("b", 5.1, "2"), ("c", 9, "2"))]
    data = shop([item(name) for name in "abcd"], [*rows, *named])
    found = train(data, algorithm="session_neighbours", held_out_users=0).engine.model.visits
    assert [found.item[start:stop].tolist() for start, stop in zip(found.start, found.start[1:], strict=False)] == [
        [0, 1], [2, 3], [0], [1, 2]
    ]  # fmt: skip


def test_where_most_events_stand_alone_a_persons_history_is_the_visit() -> None:
    data = shop([item(name) for name in "abc"], [("u", "a", 0, "view"), ("u", "b", 5, "view"), ("v", "c", 9, "view")])
    found = train(data, algorithm="session_neighbours", held_out_users=0).engine.model.visits
    assert found.start.tolist() == [0, 2, 3]


def test_a_blend_may_ask_the_visits_and_says_why() -> None:
    rng = np.random.default_rng(0)
    words = [list(rng.permutation(list("abcdef" if number % 2 else "uvwxyz"))[:4]) for number in range(60)]
    rows = [
        (f"s{number}", letter, number + place / 1000, "view")
        for number, word in enumerate(words)
        for place, letter in enumerate(word)
    ]
    data = shop([item(letter) for letter in "abcdefuvwxyz"], rows)
    trained = train(data, algorithm="blend", held_out_users=0)
    assert "session_neighbours" in [part.config.algorithm for part in trained.engine.model.blend.parts]
    found = trained.ask("for_user", user_id="new", n=4, events=past(("a", "view"), ("b", "view")), explain="full")
    assert set(ids(found)) <= set("cdef") and adds_up(found)
