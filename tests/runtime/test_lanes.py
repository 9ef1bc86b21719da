"""Which waiting requests go into the next batch."""

from __future__ import annotations

import asyncio

from hypothesis import example, given, settings
from hypothesis import strategies as st

from aisle.errors import DeadlineExceeded
from aisle.runtime.lanes import Entry, Lanes

LOOP = asyncio.new_event_loop()


def add(lanes: Lanes, lane: str, name: str, cost: float = 1.0, deadline: float = 100.0) -> Entry:
    entry = Entry(LOOP.create_future(), name, cost, deadline, 0.0, False)
    queue = getattr(lanes, lane)
    queue.waiting.append(entry)
    queue.cost += cost
    return entry


def names(batch: list[Entry]) -> list[str]:
    return [entry.payload for entry in batch]


def test_what_does_not_fit_stays_at_the_front():
    lanes = Lanes(10)
    for name, cost in [("a", 6), ("b", 6), ("c", 2)]:
        add(lanes, "interactive", name, cost)
    assert names(lanes.take(0)) == ["a"]
    assert names(lanes.take(0)) == ["b", "c"]
    assert lanes.interactive.cost == 0


def test_bulk_gets_what_interactive_leaves():
    lanes = Lanes(4)
    for name in "abc":
        add(lanes, "interactive", name)
    for name in "xyz":
        add(lanes, "bulk", name)
    assert names(lanes.take(0)) == ["a", "b", "c", "x"]
    assert names(lanes.take(0)) == ["y", "z"]


def share_of_bulk(interactive_cost: float, bulk_cost: float, batches: int = 200) -> float:
    """What part of all cost goes to bulk when both lanes always have somebody waiting."""
    lanes = Lanes(10)
    spent = {"interactive": 0.0, "bulk": 0.0}
    for _ in range(batches):
        for lane, cost in (("interactive", interactive_cost), ("bulk", bulk_cost)):
            while getattr(lanes, lane).cost < 20:
                add(lanes, lane, lane, cost)
        for entry in lanes.take(0):
            spent[entry.payload] += entry.cost
    return spent["bulk"] / sum(spent.values())


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 10), st.floats(0.1, 10))
@example(10, 0.1)
@example(0.1, 10)
def test_neither_lane_starves_whatever_their_requests_cost(interactive_cost, bulk_cost):
    share = share_of_bulk(interactive_cost, bulk_cost)
    assert 0.045 <= share <= 0.2  # a tenth of the budget; requests of awkward sizes fill a batch only by half


def test_bulk_gets_a_tenth_when_requests_are_small():
    assert 0.09 <= share_of_bulk(0.5, 0.5) <= 0.11


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["interactive", "bulk"]), st.floats(0.01, 10)), max_size=60))
def test_each_lane_keeps_its_order_no_batch_is_over_budget_and_everybody_gets_a_turn(requests):
    lanes = Lanes(10)
    for place, (lane, cost) in enumerate(requests):
        add(lanes, lane, f"{lane}-{place:03}", cost)
    seen: list[str] = []
    while len(lanes):
        batch = lanes.take(0)
        assert batch
        assert sum(entry.cost for entry in batch) <= 10 + 1e-6
        seen += names(batch)
    for lane in ("interactive", "bulk"):
        assert [name for name in seen if name.startswith(lane)] == [
            f"{kind}-{place:03}" for place, (kind, _) in enumerate(requests) if kind == lane
        ]


def test_callers_that_left_and_requests_too_late_take_no_room_and_are_counted():
    lanes = Lanes(2)
    gone, late = add(lanes, "interactive", "gone"), add(lanes, "interactive", "late", deadline=5)
    for name in "ab":
        add(lanes, "interactive", name)
    gone.future.cancel()
    assert names(lanes.take(6)) == ["a", "b"]
    assert isinstance(late.future.exception(), DeadlineExceeded)
    assert (lanes.cancelled, lanes.expired) == (1, 1)
