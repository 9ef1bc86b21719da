"""What importing costs."""

import pytest

from aisle.testing.imports import HEAVY, loaded_by


@pytest.mark.parametrize("module", ["aisle", "aisle.task", "aisle.types", "aisle.errors", "aisle.settings"])
def test_importing_the_contract_loads_no_numbers_and_no_server(module):
    assert loaded_by(module) == []


def test_a_heavy_import_would_be_noticed():
    assert "numpy" in loaded_by("aisle.kit.catalogue")
    assert {"numpy", "torch", "starlette"} <= set(HEAVY)
