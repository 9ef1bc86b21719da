"""Settings: read once, bounded, documented, unknown ones refused."""

import re
from pathlib import Path

import msgspec
import pytest

from aisle.errors import Misconfigured
from aisle.settings import Settings, load

DOCS = Path(__file__).parents[2] / "docs" / "operations.md"


def test_what_is_given_overrules_the_environment_which_overrules_the_default() -> None:
    environ = {"AISLE_PORT": "9000", "AISLE_WORKER": "false", "PATH": "/bin"}
    assert load(environ).port == 9000
    assert load(environ, port=9001).port == 9001
    assert load({}, port=None).port == 8765
    assert load(environ).worker is False


@pytest.mark.parametrize(
    "name, value", [("AISLE_PORT", "70000"), ("AISLE_PORT", "x"), ("AISLE_CURRENCY", "euro"), ("AISLE_QUEUE", "0")]
)
def test_values_out_of_bounds_are_refused(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name.removeprefix("AISLE_").lower()):
        load({name: value})


def test_an_unknown_variable_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Misconfigured, match=r"AISLE_PORTT.*AISLE_PORT"):
        load({"AISLE_PORTT": "1"})


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(AISLE_\w+)` \| `?([^|`]*)`? \|", DOCS.read_text("utf-8"), re.M))
    for field in msgspec.structs.fields(Settings):
        shown = (
            "empty"
            if field.default == ""
            else str(field.default).lower()
            if isinstance(field.default, bool)
            else str(field.default)
        )
        assert rows[f"AISLE_{field.name.upper()}"].strip().removesuffix(".0") == shown.removesuffix(".0"), field.name


def test_what_the_tests_are_told_is_no_setting() -> None:
    assert load({"AISLE_TEST_DATA": "/somewhere", "AISLE_PORT": "9000"}).port == 9000
