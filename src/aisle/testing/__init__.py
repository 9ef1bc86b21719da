"""For people who add tasks: a tiny shop with the obvious answer, and the checks that every task must pass.

from aisle.testing.contract import CHECKS, Case

@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_my_task(check, tmp_path):
    check(Case.of(TASK, tmp_path))
"""
