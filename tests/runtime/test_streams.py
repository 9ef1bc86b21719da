"""Streams: parts in order, failures alone, slow models refused, versions kept, everything metered through the door."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.runtime import engines
from tests.runtime.talking import Said, Talk, Talking

from aisle.access import DEFAULT_TENANT, OWNER, Who
from aisle.app import App
from aisle.errors import BadInput, EngineFailed, Forbidden, Misconfigured, NoModel, Overloaded
from aisle.runtime import streams
from aisle.runtime.local import LocalRuntime
from aisle.settings import Settings
from aisle.task import Answer, Context, Operation, Registry


class Task:
    name = "talk"
    config = Talk
    operations = {"chat": Operation(Talk, Said, {}, "Says it again.", stream=Talk), "whole": Operation(Talk, Said, {}, "Whole.")}


def play(test):
    """Run a coroutine with a runtime that has one talking model."""

    async def run():
        runtime, engine = LocalRuntime(streams=3), Talking()
        await runtime.swap(1, "talk", 1, engine)
        try:
            await test(runtime, engine)
        finally:
            engine.free.set()
            await runtime.close()

    asyncio.run(run())


def opened(runtime, greeting=""):
    return runtime.stream(1, "talk", "chat", Talk(greeting), Context())


def test_parts_come_in_order_and_an_answer_ends_what_was_said():
    async def test(runtime, engine):
        stream = await opened(runtime, "o")
        assert [await stream.push(letter) for letter in "ne"] == [["on"], ["one"]]
        (answer,) = await stream.push(" ")
        assert (answer.text, answer.model) == ("ONE", "talk@1") and answer.usage.cpu_ms >= 0
        await stream.push("2")
        assert (await stream.finish()).text == "2"
        stream.close()

    play(test)


def test_streams_are_heard_side_by_side_and_a_broken_one_breaks_alone():
    async def test(runtime, engine):
        good, bad = await opened(runtime), await opened(runtime)
        results = await asyncio.gather(good.push("a"), bad.push("!"), return_exceptions=True)
        assert results[0] == ["a"] and isinstance(results[1], EngineFailed)
        with pytest.raises(BadInput, match="no letter"):
            await bad.push("?")
        assert await bad.push("b") == ["b"]

    play(test)


def test_only_so_many_are_open_and_a_closed_one_makes_room():
    async def test(runtime, engine):
        some = [await opened(runtime) for _ in range(3)]
        with pytest.raises(Overloaded, match="AISLE_STREAMS"):
            await opened(runtime)
        some[0].close()
        some[0].close()  # twice is once
        assert runtime.open_streams == 2
        with pytest.raises(BadInput, match="not so"):
            await opened(runtime, "bad")
        assert runtime.open_streams == 2, "a stream that was refused holds no place"

    play(test)


def test_a_model_that_does_not_keep_up_says_so_instead_of_lagging(monkeypatch):
    monkeypatch.setattr(streams, "PATIENCE", 0.1)

    async def test(runtime, engine):
        stream = await opened(runtime)
        counted = []
        stream.count = lambda answer, cpu_ms, began, requests: counted.append(answer)
        engine.free.clear()
        with pytest.raises(Overloaded, match="does not keep up"):
            await stream.push("a")
        assert counted == [None]

    play(test)


def test_a_long_request_delays_no_stream():
    async def test(runtime, engine):
        stream = await opened(runtime)
        await stream.push("a")
        slow = engines.Doubling(seconds=0.5)
        engine.run = lambda op, batch: slow.run("double", [type(one)(1.0) for one in batch])
        whole = asyncio.create_task(runtime.call(1, "talk", "whole", Talk(), Context()))
        await asyncio.sleep(0.05)
        began = asyncio.get_running_loop().time()
        assert await stream.push("b") == ["ab"]
        assert asyncio.get_running_loop().time() - began < 0.3
        await whole

    play(test)


def test_a_stream_keeps_its_version_and_learns_that_there_is_a_newer_one():
    async def test(runtime, engine):
        stream = await opened(runtime)
        await stream.push("a")
        swap = asyncio.create_task(runtime.swap(1, "talk", 2, Talking()))
        await asyncio.sleep(0.05)
        assert stream.stale and not swap.done()
        assert (await stream.finish()).model == "talk@1"
        stream.close()
        await asyncio.wait_for(swap, 5)
        assert not (await opened(runtime)).stale

    play(test)


def test_an_engine_without_streams_is_said():
    async def test(runtime, engine):
        await runtime.swap(1, "other", 1, engines.Doubling())
        with pytest.raises(Misconfigured, match="does not answer streams"):
            await runtime.stream(1, "other", "double", 1, Context())
        with pytest.raises(NoModel):
            await runtime.stream(1, "none", "chat", Talk(), Context())

    play(test)


def test_the_door_asks_for_scopes_stamps_answers_and_meters_them(tmp_path: Path):
    async def run():
        app = App(Settings(home=str(tmp_path / "shop"), worker=False), Registry({"talk": Task()}))  # type: ignore[dict-item]
        try:
            with pytest.raises(NoModel, match="aisle train talk"):
                async with app.stream(OWNER, "talk", "chat", Talk()):
                    pass
            await app.runtime.swap(DEFAULT_TENANT, "talk", 4, Talking())
            with pytest.raises(Forbidden):
                async with app.stream(Who(DEFAULT_TENANT, "k", frozenset()), "talk", "chat", Talk()):
                    pass
            with pytest.raises(BadInput, match="takes no streams"):
                async with app.stream(OWNER, "talk", "whole", Talk()):
                    pass
            async with app.stream(OWNER, "talk", "chat", Talk()) as stream:
                answers = [one for letter in "a b c" for one in await stream.push(letter) if isinstance(one, Answer)]
                with pytest.raises(EngineFailed):
                    await stream.push("!")
            assert len({answer.answer_id for answer in answers}) == 2 and all(answer.answer_id for answer in answers)
            assert app.runtime.open_streams == 0
            (bucket,) = app.usage.report(DEFAULT_TENANT, group_by=("operation", "model"))
            (used,) = bucket.results
            assert (used.operation, used.model, used.num_model_requests, used.num_errors) == ("chat", "talk@4", 3, 1)
        finally:
            await app.runtime.close()

    asyncio.run(run())
