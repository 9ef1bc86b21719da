"""What an EngineHost promises of a batch."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.engines import Doubled, Doubling

from aisle.errors import AisleError, BadInput, EngineFailed, NotFound
from aisle.runtime.host import Call, EngineHost
from aisle.task import Answer, Context, Prepared


def ask(engine: Any, requests: list[Any], op: str = "double") -> list[Answer | Exception]:
    host = EngineHost(engine)
    return host.run(op, requests, [host.prepare(op, request, Context()) for request in requests])


def values(answers: list[Answer | Exception]) -> list[float | str]:
    return [answer.value if isinstance(answer, Doubled) else type(answer).__name__ for answer in answers]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.sets(st.integers(0, 50), max_size=6))
def test_a_batch_answers_like_single_requests_even_when_some_break_the_engine(requests, poison):
    together = values(ask(Doubling(poison=poison), requests))
    alone = [values(ask(Doubling(poison=poison), [request]))[0] for request in requests]
    assert together == alone
    assert together == ["EngineFailed" if request in poison else request * 2 for request in requests]


def test_one_poison_request_costs_its_neighbours_a_few_halvings_not_a_run_each():
    engine = Doubling(poison=[7])
    ask(engine, list(range(64)))
    assert len(engine.batches) <= 2 * 6 + 1


def test_an_error_of_aisle_passes_as_it_is_and_any_other_becomes_engine_failed_without_its_text():
    class Picky(Doubling):
        def finish(self, op, request, result):
            if request == 1:
                raise NotFound("there is no item 1")
            if request == 2:
                raise KeyError("secret@shop.example")
            return super().finish(op, request, result)

    first, second, third = ask(Picky(), [1, 2, 3])
    assert isinstance(first, NotFound)
    assert isinstance(second, EngineFailed)
    assert "KeyError" in second.detail
    assert "secret" not in second.detail
    assert isinstance(second.__cause__, KeyError)
    assert values([third]) == [6]


def test_the_log_of_a_broken_engine_says_where_it_broke_and_nothing_of_the_request(caplog):
    class Telling(Doubling):
        def run(self, op, batch):
            raise ValueError(f"cannot read {batch[0].data}")

    with caplog.at_level("WARNING", "aisle"):
        ask(Telling(), ["secret@shop.example"])
    (record,) = caplog.records
    assert record.getMessage() == "engine.failed"
    assert "test_host.py" in record.fields["at"][-1]
    assert "secret" not in str(record.__dict__)


def test_results_that_are_exceptions_belong_to_their_request_alone():
    class Refusing(Doubling):
        def run(self, op, batch):
            return [BadInput("too dark") if one.data == 1 else one.data for one in batch]

    assert values(ask(Refusing(), [0, 1, 2])) == [0, "BadInput", 2]


@pytest.mark.parametrize("wrong", [[], [1], [1, 2, 3, 4]])
def test_an_engine_that_answers_the_wrong_number_of_results_fails_instead_of_mixing_them_up(wrong):
    class Wrong(Doubling):
        def run(self, op, batch):
            return wrong if len(batch) == 3 else [] if len(batch) == 2 else [batch[0].data, None]

    assert values(ask(Wrong(), [1, 2, 3])) == ["EngineFailed"] * 3


def test_prepare_raises_errors_of_aisle_only():
    class Breaking(Doubling):
        def prepare(self, op, request, context):
            raise ZeroDivisionError

    with pytest.raises(BadInput):
        EngineHost(Doubling()).prepare("double", "unknown", Context())
    with pytest.raises(EngineFailed) as caught:
        EngineHost(Breaking()).prepare("double", 1, Context())
    assert isinstance(caught.value, AisleError)


def test_processor_time_is_shared_by_cost_and_its_sum_is_what_the_batch_took():
    class Busy(Doubling):
        def run(self, op, batch):
            until = time.thread_time() + 0.02
            while time.thread_time() < until:
                pass
            return super().run(op, batch)

    before = time.thread_time()
    answers = ask(Busy(), [(1, 1.0), (2, 3.0)])
    took_ms = (time.thread_time() - before) * 1000
    small, large = (answer.usage.cpu_ms for answer in answers)
    assert large == pytest.approx(3 * small)
    assert 20 <= small + large <= took_ms


def test_operations_mixed_in_one_batch_run_once_each_and_keep_their_places():
    engine = Doubling()
    calls = [Call(op, value, Prepared(value)) for op, value in [("double", 1), ("negate", 2), ("double", 3), ("negate", 4)]]
    assert values(EngineHost(engine).answer(calls)) == [2, -2, 6, -4]
    assert engine.batches == [("double", [1, 3]), ("negate", [2, 4])]
