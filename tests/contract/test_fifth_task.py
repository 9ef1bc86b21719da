"""A fifth task is one new folder and no edit anywhere else."""

import pytest

from aisle.testing.contract import CHECKS, Case


def test_the_folder_alone_makes_it_known(fifth):
    assert fifth().name == "shelves"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_passes_every_check_of_the_contract(check, fifth, tmp_path):
    check(Case.of(fifth(), tmp_path))
