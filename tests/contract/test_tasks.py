"""Every task there is keeps the contract, because it exists."""

import pytest

from aisle.task import discover
from aisle.testing.contract import CHECKS, Case

TASKS = discover()


@pytest.fixture(scope="module", params=[task.name for task in TASKS])
def case(request, tmp_path_factory):
    return Case.of(TASKS[request.param], tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check, case):
    check(case)


def test_there_are_tasks():
    assert "recommend" in TASKS.tasks
