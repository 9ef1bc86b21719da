"""Every check of the contract can fail: a task broken in one place is caught by the check made for it."""

import pytest

from aisle.testing import contract
from aisle.testing.contract import CHECKS, Case
from contract.fifth import INIT, WORDS

BREAKS = [
    (
        "unknown_setting_is_refused",
        "init",
        'frozen=True, forbid_unknown_fields=True):\n    """What may',
        'frozen=True):\n    """What may',
    ),
    (
        "unknown_request_field_is_refused",
        "init",
        'frozen=True, forbid_unknown_fields=True):\n    """Where',
        'frozen=True):\n    """Where',
    ),
    ("everything_is_described", "init", ', description="Added to every count."', ""),
    ("everything_is_described", "init", '"The category a text belongs to."', '""'),
    ("names_are_plain", "init", '"guess":', '"guess-it":'),
    ("config_survives_json", "init", "] = 1.0", '] = float("nan")'),
    ("examples_are_answered", "words", "weight, f", "weight * float('inf'), f"),
    ("bad_input_is_our_error", "words", 'raise BadInput("the text has no words", param="/text")', 'raise ValueError("no words")'),
    ("saved_is_loaded", "words", "log(counts.get(word, 0) + self.smoothing)", "float(id(self) % 9973)"),
    ("batch_is_like_single", "words", "self._best(one.data) for one", "self._best(one.data * len(batch)) for one"),
    ("an_empty_batch_is_no_answer", "words", "(one.data) for one in batch]", "(one.data) for one in batch] or [None]"),
    ("answers_have_reasons", "words", "reasons=reasons", "reasons=[]"),
    ("answers_have_reasons", "words", 'f"the word {word!r}"', '" "'),
    ("fit_reports_progress", "words", 'progress(1, 1, "counted")', ""),
    ("fit_stops_when_cancelled", "words", 'progress(0, 1, "counting words")', "progress = lambda *_: None"),
    ("scores_are_finite", "words", "float(len(counts))", "float('nan')"),
    ("same_data_same_files", "words", '{"smoothing": smoothing', '{"time": __import__("time").time_ns(), "smoothing": smoothing'),
    (
        "files_are_safe",
        "words",
        '    return {"categories"',
        '    (folder / "x.bin").write_bytes(__import__("pickle").dumps(1))\n    return {"categories"',
    ),
    (
        "names_of_the_platform_are_free",
        "words",
        '    return {"categories"',
        '    (folder / "config.json").write_bytes(b"{}")\n    return {"categories"',
    ),
    ("an_empty_shop_is_said_or_survived", "words", 'raise BadInput("shelves learns', 'raise KeyError("shelves learns'),
    ("evaluation_has_rows", "init", 'raise BadInput("shelves has no protocols")', "pass"),
    ("importing_is_cheap", "init", "from msgspec import Meta, Struct", "import numpy\nfrom msgspec import Meta, Struct"),
    (
        "siblings_are_unknown",
        "init",
        "from aisle.errors import BadInput",
        "from aisle.errors import BadInput; from aisle.tasks import recommend",
    ),
    (
        "siblings_are_unknown",
        "words",
        "from aisle.types import Reason",
        "from aisle.types import Reason; from ..recommend import TASK",
    ),
]


@pytest.mark.parametrize("name, file, old, new", BREAKS, ids=[f"{b[0]}-{n}" for n, b in enumerate(BREAKS)])
def test_a_broken_task_is_caught(name, file, old, new, fifth, tmp_path):
    text = {"init": INIT, "words": WORDS}[file]
    assert old in text
    case = Case.of(fifth(**{file: text.replace(old, new)}), tmp_path)
    with pytest.raises((AssertionError, ValueError, KeyError)):
        getattr(contract, name)(case)


def test_every_check_is_known_to_fail_somewhere():
    assert {check.__name__ for check in CHECKS} == {name for name, *_ in BREAKS}
