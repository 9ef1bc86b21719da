"""What the Batcher promises its callers, whatever the engine does."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aisle.errors import AisleError, DeadlineExceeded, EngineFailed, Overloaded, Unavailable
from aisle.runtime.batcher import LEARNT, SPARES, Batcher
from aisle.runtime.thread import EngineThread


class Model:
    """What a batcher runs: says which batches it got, in which threads, and can be held."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.threads: list[threading.Thread] = []
        self.seconds = 0.0  # that a batch takes
        self.free = threading.Event()
        self.free.set()
        self.hanging: set[Any] = set()
        self.unhang = threading.Event()

    def __call__(self, payloads: list[Any]) -> list[Any]:
        self.batches.append(payloads)
        self.threads.append(threading.current_thread())
        time.sleep(self.seconds)
        self.free.wait()
        if self.hanging & set(payloads):
            self.unhang.wait()
        if "exit" in payloads:
            raise SystemExit("a library called sys.exit")
        if "short" in payloads:
            return []
        return [EngineFailed("poison") if payload == "poison" else payload for payload in payloads]


def scene(play: Callable[[Model, Callable[..., Batcher]], Awaitable[None]]) -> None:
    """Run a coroutine with a model and a maker of batchers for it; everything is let go at the end."""

    async def stage() -> None:
        model, made, loop = Model(), [], asyncio.get_running_loop()

        def batcher(**options: Any) -> Batcher:
            made.append(Batcher("test@1", lambda: EngineThread("test", model, loop), **options))
            return made[-1]

        try:
            async with asyncio.timeout(10):
                await play(model, batcher)
        finally:
            model.free.set()
            model.unhang.set()
            for one in made:
                one.close()

    asyncio.run(stage())


async def held(model: Model, batcher: Batcher) -> asyncio.Future[Any]:
    """Let a first request occupy the model."""
    model.free.clear()
    first = batcher.submit("first")
    while not model.batches:
        await asyncio.sleep(0.001)
    return first


def test_an_idle_model_answers_at_once_and_a_busy_one_takes_what_gathered_in_order():
    async def play(model, new):
        batcher = new()
        first = await held(model, batcher)
        others = [batcher.submit(number) for number in range(20)]
        model.free.set()
        assert await first == "first"
        assert await asyncio.gather(*others) == list(range(20))
        assert model.batches == [["first"], list(range(20))]

    scene(play)


def test_requests_that_arrive_in_the_same_turn_of_the_loop_share_a_batch():
    async def play(model, new):
        batcher = new()

        async def ask(number):
            return await batcher.submit(number)

        assert await asyncio.gather(*(ask(number) for number in range(8))) == list(range(8))
        assert len(model.batches) == 1

    scene(play)


def test_a_request_that_is_being_read_when_another_wakes_the_model_joins_its_batch():
    async def play(model, new):
        batcher, loop = new(), asyncio.get_running_loop()
        second = loop.create_future()
        first = batcher.submit(1)
        loop.call_soon(lambda: second.set_result(batcher.submit(2)))  # a turn of the loop later
        assert [await first, await (await second)] == [1, 2]
        assert model.batches == [[1, 2]]

    scene(play)


def test_what_is_known_to_be_brief_is_computed_on_the_loop_and_what_is_slow_or_decodes_files_never():
    async def play(model: Model, batcher: Callable[..., Batcher]) -> None:
        one, loop = batcher(), threading.current_thread()
        for _ in range(LEARNT):
            await one.submit("quick")
        assert loop not in model.threads  # nothing was known of it yet
        await one.submit("quick")
        assert model.threads[-1] is loop
        await one.submit("a picture", heavy=True)
        assert model.threads[-1] is not loop
        model.seconds = 0.01  # it turns out slower than expected: that is learnt at once
        while model.threads[-1] is not loop:
            await one.submit("slow")
        for _ in range(20):
            await one.submit("slow")
        assert loop not in model.threads[-15:]

    scene(play)


def test_a_batch_costs_no_more_than_its_budget_and_an_item_beyond_it_goes_alone():
    async def play(model, new):
        batcher = new(budget=10)
        first = await held(model, batcher)
        costs = [4.0, 4.0, 4.0, 1000.0, float("inf"), float("nan"), -1.0, 1.0]
        futures = [batcher.submit(number, cost) for number, cost in enumerate(costs)]
        model.free.set()
        await asyncio.gather(first, *futures)
        assert model.batches == [["first"], [0, 1], [2], [3], [4], [5], [6], [7]]

    scene(play)


def test_a_failed_request_leaves_its_neighbours_alone():
    async def play(model, new):
        batcher = new()
        results = await asyncio.gather(*(batcher.submit(payload) for payload in [1, "poison", 3]), return_exceptions=True)
        assert results[0::2] == [1, 3]
        assert isinstance(results[1], EngineFailed)
        assert batcher.status().failures == 1

    scene(play)


def test_a_full_queue_says_so_at_once_and_when_to_come_back():
    async def play(model, new):
        batcher = new(limit=5)
        for number in range(3):
            await batcher.submit(number)
        model.batches.clear()
        first = await held(model, batcher)
        waiting = [batcher.submit(number) for number in range(5)]
        with pytest.raises(Overloaded) as caught:
            batcher.submit("one too many")
        assert 0.05 <= caught.value.retry_after <= 60
        assert batcher.submit("bulk has a queue of its own", lane="bulk")
        model.free.set()
        await asyncio.gather(first, *waiting)
        assert await batcher.submit("room again") == "room again"
        assert batcher.status().rejected == 1

    scene(play)


def test_a_deadline_that_the_backlog_cannot_meet_is_refused_at_once():
    async def play(model, new):
        batcher = new(budget=1)
        now = asyncio.get_running_loop().time
        for number in range(5):  # teaches it that a request takes about 20 ms
            model.free.clear()
            future = batcher.submit(number)
            await asyncio.sleep(0.02)
            model.free.set()
            await future
        model.batches.clear()
        await held(model, batcher)
        for number in range(100):
            batcher.submit(number)
        with pytest.raises(Overloaded) as caught:
            batcher.submit("in a hurry", deadline=now() + 0.1)
        assert 0.5 <= caught.value.retry_after <= 20
        batcher.submit("patient", deadline=now() + 60)

    scene(play)


def test_a_request_whose_deadline_passes_while_it_waits_is_never_computed():
    async def play(model, new):
        batcher = new()
        now = asyncio.get_running_loop().time()
        first = await held(model, batcher)
        late = batcher.submit("late", deadline=now + 0.05)
        later = batcher.submit("in time", deadline=now + 5)
        with pytest.raises(DeadlineExceeded):
            await late
        assert asyncio.get_running_loop().time() - now < 1
        model.free.set()
        await asyncio.gather(first, later)
        assert model.batches == [["first"], ["in time"]]
        assert batcher.status().expired == 1

    scene(play)


def test_a_request_whose_caller_went_away_is_never_computed():
    async def play(model, new):
        batcher = new()
        first = await held(model, batcher)
        caller = asyncio.ensure_future(_ask(batcher, "gone"))
        await asyncio.sleep(0)
        caller.cancel()
        stays = batcher.submit("stays")
        await asyncio.sleep(0)
        model.free.set()
        await asyncio.gather(first, stays)
        assert model.batches == [["first"], ["stays"]]
        assert batcher.status().cancelled == 1

    scene(play)


async def _ask(batcher: Batcher, payload: Any) -> Any:
    return await batcher.submit(payload)


def test_callers_that_leave_while_their_batch_is_computed_disturb_nobody():
    async def play(model, new):
        batcher = new()
        first = await held(model, batcher)
        first.cancel()
        model.free.set()
        assert await batcher.submit(2) == 2
        assert batcher.status().cancelled == 1

    scene(play)


def test_when_the_worker_dies_its_callers_hear_of_it_and_the_waiting_are_answered_by_a_new_one():
    async def play(model, new):
        batcher = new(budget=1)
        first = await held(model, batcher)
        dies, waits = batcher.submit("exit"), batcher.submit("waits")
        model.free.set()
        await first
        with pytest.raises(Unavailable, match="died"):
            await dies
        assert await waits == "waits"
        assert batcher.status().restarts == 1
        assert batcher.alive

    scene(play)


def test_when_no_thread_can_be_had_every_caller_hears_of_it_and_later_ones_are_answered():
    class NoThread:
        def start(self, payloads, done):
            raise RuntimeError("can't start new thread")

        def close(self):
            pass

    async def play(model, new):
        loop, without = asyncio.get_running_loop(), [NoThread() for _ in range(3)]
        batcher = Batcher("test@1", lambda: without.pop() if without else EngineThread("test", model, loop), budget=1)
        results = await asyncio.gather(*(batcher.submit(number) for number in range(4)), return_exceptions=True)
        assert [isinstance(result, Unavailable) for result in results] == [True, True, True, False]
        batcher.close()

    scene(play)


def test_a_model_that_answers_too_few_fails_its_callers_instead_of_leaving_them_waiting():
    async def play(model, new):
        with pytest.raises(EngineFailed):
            await new().submit("short")

    scene(play)


def test_callers_of_a_hanging_engine_are_freed_at_their_deadline_and_a_new_worker_goes_on():
    async def play(model, new):
        model.hanging = {"hangs"}
        batcher = new(patience=0.1)
        now = asyncio.get_running_loop().time()
        hangs, beside = batcher.submit("hangs", deadline=now + 0.1), batcher.submit("beside", deadline=now + 0.15)
        await asyncio.sleep(0.01)
        waits = batcher.submit("waits", deadline=now + 5)
        for future in (hangs, beside):
            with pytest.raises(DeadlineExceeded):
                await future
        assert asyncio.get_running_loop().time() - now < 1
        assert await waits == "waits"
        assert batcher.status().restarts == 1

    scene(play)


def test_an_engine_that_always_hangs_is_given_up_says_so_and_is_taken_back_when_it_wakes():
    async def play(model, new):
        before = threading.active_count()
        batcher = new(patience=0.02)
        clock = asyncio.get_running_loop().time
        for number in range(SPARES + 1):
            model.hanging.add(number)
            with pytest.raises(DeadlineExceeded):
                await batcher.submit(number, deadline=clock() + 0.03)
            await asyncio.sleep(0.05)
        assert not batcher.alive
        assert not batcher.status().alive
        began = clock()
        with pytest.raises(Unavailable, match="hangs"):
            batcher.submit("new")
        assert clock() - began < 0.1
        assert threading.active_count() - before < 20
        model.unhang.set()
        while not batcher.alive:
            await asyncio.sleep(0.001)
        assert await batcher.submit("new") == "new"

    scene(play)


def test_a_batch_that_somebody_waits_for_is_never_taken_for_hung():
    async def play(model, new):
        batcher = new(patience=0.02)
        now = asyncio.get_running_loop().time()
        model.free.clear()
        impatient = batcher.submit("impatient", deadline=now + 0.03)
        patient = batcher.submit("patient", deadline=now + 5)
        with pytest.raises(DeadlineExceeded):
            await impatient
        await asyncio.sleep(0.1)
        model.free.set()
        assert await patient == "patient"
        assert batcher.status().restarts == 0

    scene(play)


def test_closing_refuses_new_requests_fails_waiting_ones_and_answers_those_being_computed():
    async def play(model, new):
        batcher = new()
        first = await held(model, batcher)
        waits = batcher.submit("waits")
        batcher.close()
        with pytest.raises(Unavailable):
            batcher.submit("new")
        with pytest.raises(Unavailable):
            await waits
        model.free.set()
        assert await first == "first"

    scene(play)


def test_a_burst_of_ten_times_what_fits_is_refused_at_once_and_the_admitted_are_all_answered():
    async def play(model, new):
        batcher = new(limit=100, budget=8)
        refused, admitted = 0, []
        began = time.perf_counter()
        for number in range(1000):
            try:
                admitted.append(batcher.submit(number))
            except AisleError:
                refused += 1
        assert time.perf_counter() - began < 1
        assert await asyncio.gather(*admitted) == list(range(100))
        assert refused == 900
        assert batcher.status().depth == 0

    scene(play)


def test_status_counts_what_happened():
    async def play(model, new):
        batcher = new()
        await asyncio.gather(*(batcher.submit(number) for number in range(5)))
        status = batcher.status()
        assert (status.batches, status.answers, status.depth, status.running) == (1, 5, 0, 0)
        assert status.speed > 0
        assert status.wait_ms >= 0

    scene(play)
