"""What docs/demo.md says about the demo shop is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aisle.demo import generate

PAGE = Path(__file__).parents[2] / "docs" / "demo.md"


def test_the_example_of_the_page_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {})
    assert capsys.readouterr().out.strip() == code.strip().rsplit("# ", 1)[1]


def test_the_page_counts_events_as_they_are() -> None:
    shop = generate(7, 1_795_484_400_000_000)
    page = PAGE.read_text(encoding="utf-8")
    for count in (len(shop.items), len(shop.events), len(shop.reviews), sum(event.type == "purchase" for event in shop.events)):
        assert f"{count:,}" in page
