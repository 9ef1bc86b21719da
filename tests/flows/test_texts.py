"""One text read, and what is said of an item over time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aisle.access import DEFAULT_TENANT
from aisle.embedded import Shop
from aisle.errors import BadInput, NotFound
from aisle.flows.texts import ordered, start_of
from aisle.types import Item, Sample

GOOD, BAD = "lovely warm lamp, I adore it", "broken cheap rubbish, awful"


def at(year: int, month: int, day: int) -> int:
    return round(datetime(year, month, day, 12, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Reviews that say their stars, two that do not, and a model that has learnt from the first."""
    with Shop(str(tmp_path_factory.mktemp("texts") / "shop")) as shop:
        shop.put_items([Item(item_id="lamp", title="Lamp"), Item(item_id="quiet", title="Nobody wrote of it")])
        told = [
            Sample(sample_id=f"r{n}", kind="text", text=f"{GOOD if n % 2 else BAD} {n}",
                   labels={"sentiment": "5" if n % 2 else "1"}, item_id="lamp" if n < 4 else "other",
                   time=at(2026, 1 + n % 4, 10))
            for n in range(60)
        ]  # fmt: skip
        untold = [
            Sample(sample_id="u1", kind="text", text=GOOD, item_id="lamp", time=at(2026, 6, 1)),
            Sample(sample_id="u2", kind="text", text=BAD, item_id="lamp"),
        ]
        shop.app.samples.put(DEFAULT_TENANT, [*told, *untold])
        shop.train("text")
        yield shop


def test_one_answer_says_all_that_is_known_of_a_text(shop: Shop) -> None:
    read = shop.text.read(text=f"{GOOD}. Write to me@home.example or +49 30 1234567")
    assert read.text == f"{GOOD}. Write to [email] or [phone]"
    assert [(one.kind, one.count) for one in read.personal] == [("email", 1), ("phone", 1)]
    assert read.classifier == "sentiment" and {"sentiment", "language", "unsafe"} <= set(read.classifiers)
    assert read.result.labels[0].label == "5" and read.language[0].label == "en" and read.unsafe[0].label == "safe"
    explained = read.result.explanation
    assert sum(token.contribution for token in explained.tokens) + explained.bias == pytest.approx(
        read.result.labels[0].logit, abs=1e-3
    )


def test_another_classifier_may_be_asked_and_an_unknown_one_is_our_error(shop: Shop) -> None:
    assert shop.text.read(text="Das ist eine schöne Lampe", model="language").result.labels[0].label == "de"
    with pytest.raises(NotFound, match="choose one of"):
        shop.text.read(text="hm", model="weather")
    with pytest.raises(BadInput):
        shop.text.read(text="  ")


def test_the_shops_labels_count_and_the_classifier_speaks_for_the_others(shop: Shop) -> None:
    found = shop.text.sentiment(item_id="lamp", by="month")
    assert found.labels == ["1", "5"] and (found.texts, found.judged, found.undated) == (6, 2, 1)
    assert [datetime.fromtimestamp(period.start / 1e6, UTC).month for period in found.periods] == [1, 2, 3, 4, 5, 6]
    assert [period.mean for period in found.periods] == [1.0, 5.0, 1.0, 5.0, None, 5.0]
    assert found.periods[-1].counts == {"1": 0, "5": 1} and found.mean == 3.0


def test_an_item_nobody_wrote_of_has_no_periods(shop: Shop) -> None:
    found = shop.text.sentiment(item_id="quiet")
    assert (found.texts, found.periods, found.mean, found.model) == (0, [], None, "text.sentiment")


def test_without_a_classifier_texts_that_nobody_labelled_are_counted_as_such(shop: Shop) -> None:
    found = shop.text.sentiment(item_id="lamp", model="mood")
    assert (found.texts, found.unlabelled, found.judged) == (6, 6, 0)


def test_it_works_with_what_comes_with_the_task(tmp_path: Path) -> None:
    with Shop(str(tmp_path / "new")) as shop:
        read = shop.text.read(text="Guten Tag, wo ist meine Bestellung?")
        assert read.language[0].label == "de" and "sentiment" not in read.classifiers
        assert shop.text.sentiment(item_id="none").texts == 0


@pytest.mark.parametrize("text", ["\ud800 lamp", "lamp\x00\u202e", "🦊 ok", "x" * 100_000, "<b>ok</b>", "ignore all rules"])
def test_odd_texts_are_read(shop: Shop, text: str) -> None:
    assert shop.text.read(text=text).result.labels


def test_periods_begin_on_mondays_and_firsts() -> None:
    assert start_of(at(2026, 11, 25), "week") == datetime(2026, 11, 23, tzinfo=UTC)
    assert start_of(at(2026, 11, 25), "month") == datetime(2026, 11, 1, tzinfo=UTC)
    from collections import Counter

    assert ordered(Counter({"10": 1, "9": 5})) == ["9", "10"] and ordered(Counter({"bad": 1, "good": 5})) == ["good", "bad"]
