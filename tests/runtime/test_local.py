"""Live models in threads: calls, swaps under load, closing."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref

import pytest
from tests.runtime.engines import Doubling

from aisle.errors import BadInput, DeadlineExceeded, NoModel, Overloaded, Unavailable
from aisle.runtime import Runtime
from aisle.runtime.local import LocalRuntime
from aisle.task import Context, Prepared


async def ask(runtime: Runtime, request, op="double", **options):
    answer, model = await runtime.call(1, "shop", op, request, Context(), **options)
    return answer.value, model


def test_a_call_is_answered_by_the_live_model_and_names_it():
    async def play():
        runtime: Runtime = LocalRuntime()
        await runtime.swap(1, "shop", 7, Doubling())
        assert await ask(runtime, 4) == (8, "shop@7")
        assert runtime.has(1, "shop")
        assert list(runtime.status()) == ["1/shop@7"]
        await runtime.close()

    asyncio.run(play())


def test_without_a_model_and_for_another_tenant_the_answer_says_what_to_do():
    async def play():
        runtime = LocalRuntime()
        await runtime.swap(2, "shop", 1, Doubling())
        with pytest.raises(NoModel, match="aisle train shop"):
            await ask(runtime, 4)
        await runtime.close()

    asyncio.run(play())


@pytest.mark.parametrize("heavy", [False, True])
def test_bad_input_is_refused_before_the_batch(heavy):
    async def play():
        runtime, engine = LocalRuntime(), Doubling()
        await runtime.swap(1, "shop", 1, engine)
        with pytest.raises(BadInput):
            await ask(runtime, "unknown", heavy=heavy)
        assert engine.batches == []
        await runtime.close()

    asyncio.run(play())


def test_heavy_requests_are_prepared_in_threads_and_the_loop_goes_on():
    class Slow(Doubling):
        def prepare(self, op, request, context):
            threads.add(threading.current_thread())
            time.sleep(0.1)
            return Prepared(request)

    threads = set()

    async def play():
        runtime = LocalRuntime()
        await runtime.swap(1, "shop", 1, Slow())
        longest = 0.0
        asking = asyncio.gather(*(ask(runtime, number, heavy=True) for number in range(4)))
        while not asking.done():
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - began)
        assert [value for value, _ in await asking] == [0, 2, 4, 6]
        assert longest < 0.3  # on the loop, one after the other, it would be 0.4
        assert threading.main_thread() not in threads
        with pytest.raises(DeadlineExceeded):
            await ask(runtime, 1, heavy=True, deadline=asyncio.get_running_loop().time() + 0.01)
        await runtime.close()

    asyncio.run(play())


def test_only_so_many_heavy_requests_are_prepared_at_a_time():
    class Held(Doubling):
        def prepare(self, op, request, context):
            gate.wait()
            return Prepared(request)

    gate = threading.Event()

    async def play():
        runtime = LocalRuntime(queue=3)
        await runtime.swap(1, "shop", 1, Held())
        asking = [asyncio.ensure_future(ask(runtime, number, heavy=True)) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await ask(runtime, 9, heavy=True)
        gate.set()
        await asyncio.gather(*asking)
        assert await ask(runtime, 9, heavy=True) == (18, "shop@1")
        await runtime.close()

    asyncio.run(play())


def test_usage_is_the_processor_time_of_prepare_and_of_the_share_of_the_batch():
    class Busy(Doubling):
        def prepare(self, op, request, context):
            until = time.thread_time() + 0.02
            while time.thread_time() < until:
                pass
            return Prepared(request)

    async def play():
        runtime = LocalRuntime()
        await runtime.swap(1, "shop", 1, Busy())
        answer, _ = await runtime.call(1, "shop", "double", 1, Context())
        assert 20 <= answer.usage.cpu_ms < 2000  # prepare is timed by the clock: a busy machine stretches it
        await runtime.close()

    asyncio.run(play())


def test_swapping_models_under_load_fails_no_request_and_no_answer_is_from_the_wrong_engine():
    answered: dict[str, int] = {}

    async def caller(runtime, stop):
        while not stop.is_set():
            answer, model = await runtime.call(1, "shop", "double", 21, Context())
            assert answer.value == 42
            assert model == f"shop@{answer.engine}"
            answered[model] = answered.get(model, 0) + 1

    async def play():
        runtime, stop = LocalRuntime(batch_cost=4), asyncio.Event()
        await runtime.swap(1, "shop", 1, Doubling("1", seconds=0.001))
        callers = [asyncio.ensure_future(caller(runtime, stop)) for _ in range(24)]
        for version in range(2, 12):
            await asyncio.sleep(0.01)
            await runtime.swap(1, "shop", version, Doubling(str(version), seconds=0.001))
        stop.set()
        await asyncio.gather(*callers)
        assert len(answered) == 11
        assert list(runtime.status()) == ["1/shop@11"]
        await runtime.close()

    asyncio.run(play())


def test_a_request_on_its_way_finishes_on_the_old_engine_and_the_old_engine_is_then_let_go():
    async def play():
        runtime, old, new = LocalRuntime(), Doubling("old"), Doubling("new")
        gone = weakref.ref(old)
        await runtime.swap(1, "shop", 1, old)
        old.free.clear()
        asking = asyncio.ensure_future(runtime.call(1, "shop", "double", 1, Context()))
        while not old.started.is_set():
            await asyncio.sleep(0.001)
        swapping = asyncio.ensure_future(runtime.swap(1, "shop", 2, new))
        await asyncio.sleep(0)
        assert await ask(runtime, 2) == (4, "shop@2")
        assert not swapping.done()
        old.free.set()
        answer, model = await asking
        assert (answer.engine, model) == ("old", "shop@1")
        await swapping
        del old, asking, answer, swapping
        for _ in range(100):  # its thread ends on its own time
            gc.collect()
            if gone() is None:
                break
            await asyncio.sleep(0.01)
        assert gone() is None
        await runtime.close()

    asyncio.run(play())


def test_a_swap_whose_caller_gives_up_still_lets_the_old_engine_go_and_closing_waits_for_it():
    async def play():
        runtime, old = LocalRuntime(), Doubling(seconds=0.05)
        await runtime.swap(1, "shop", 1, old)
        asking = asyncio.ensure_future(ask(runtime, 1))
        await asyncio.sleep(0.01)
        swapping = asyncio.ensure_future(runtime.swap(1, "shop", 2, Doubling()))
        await asyncio.sleep(0)
        swapping.cancel()
        await runtime.close()
        assert asking.done()
        assert await asking == (2, "shop@1")
        while any(thread.name == "engine shop@1" for thread in threading.enumerate()):
            await asyncio.sleep(0.001)

    asyncio.run(play())


def test_closing_answers_what_was_asked_and_refuses_what_comes_after():
    async def play():
        runtime = LocalRuntime(batch_cost=1)
        await runtime.swap(1, "shop", 1, Doubling(seconds=0.01))
        asking = [asyncio.ensure_future(ask(runtime, number)) for number in range(5)]
        await asyncio.sleep(0)
        await runtime.close()
        assert [value for value, _ in await asyncio.gather(*asking)] == [0, 2, 4, 6, 8]
        for attempt in (ask(runtime, 1), runtime.swap(1, "shop", 2, Doubling())):
            with pytest.raises(Unavailable):
                await attempt

    asyncio.run(play())


def test_a_hanging_model_leaves_other_models_alone():
    async def play():
        runtime, hangs = LocalRuntime(), Doubling()
        hangs.free.clear()
        await runtime.swap(1, "shop", 1, hangs)
        await runtime.swap(1, "other", 1, Doubling())
        deadline = asyncio.get_running_loop().time() + 0.1
        asking = [asyncio.ensure_future(ask(runtime, number, deadline=deadline)) for number in range(20)]
        answer, _ = await runtime.call(1, "other", "double", 3, Context())
        assert answer.value == 6
        assert {type(error) for error in await asyncio.gather(*asking, return_exceptions=True)} == {DeadlineExceeded}
        hangs.free.set()
        await runtime.close()

    asyncio.run(play())


def test_many_models_cost_no_thread_until_they_are_asked():
    async def play():
        runtime, before = LocalRuntime(), threading.active_count()
        for tenant in range(100):
            await runtime.swap(tenant, "shop", 1, Doubling())
        assert threading.active_count() == before
        answers = await asyncio.gather(*(runtime.call(tenant, "shop", "double", tenant, Context()) for tenant in range(100)))
        assert [answer.value for answer, _ in answers] == [2 * tenant for tenant in range(100)]
        await runtime.close()

    asyncio.run(play())
