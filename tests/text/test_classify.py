"""Labels for texts: what is learnt, what is answered, and why."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aisle.errors import BadInput, NotFound
from aisle.kit.words import plain
from aisle.task import Context, discover
from aisle.tasks.text import calibration, tiny
from aisle.tasks.text.engine import TextEngine
from aisle.tasks.text.schema import Classification, Classify, Config
from aisle.types import Item, Sample

TASK = discover()["text"]


def quiet(done: float, total: float, message: str) -> None:
    pass


class Shop(tiny.Words):
    """The tiny world with other texts or items."""

    def __init__(self, samples: list[Sample] | None = None, items: list[Item] | None = None) -> None:
        super().__init__()
        self._samples, self._items = samples, items

    def samples(self, kind):  # type: ignore[no-untyped-def]
        return super().samples(kind) if self._samples is None else iter(self._samples)

    def items(self):  # type: ignore[no-untyped-def]
        return super().items() if self._items is None else iter(self._items)


def fitted(folder: Path, shop: Shop | None = None, **config: Any) -> tuple[dict[str, float], TextEngine]:
    folder.mkdir(exist_ok=True)
    scores = TASK.fit(shop or Shop(), Config(**config), folder, quiet)
    return scores, TASK.load(folder)


def ask(engine: TextEngine, **request: Any) -> Classification:
    asked = Classify(**request)
    (result,) = engine.run("classify", [engine.prepare("classify", asked, Context())])
    return engine.finish("classify", asked, result)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> TextEngine:
    return fitted(tmp_path_factory.mktemp("text") / "model")[1]


@pytest.mark.parametrize(
    ("text", "stars"),
    [("great lamp", "5"), ("broken pot", "1"), ("灯太差", "1"), ("我很喜欢这个台灯", "5"), ("PERFECT CHAIR", "5")],
)
def test_stars_are_understood_in_both_languages(engine: TextEngine, text: str, stars: str) -> None:
    answer = ask(engine, text=text)
    assert answer.classifier == "sentiment"
    assert answer.results[0].labels[0].label == stars


def test_held_out_reviews_are_understood(tmp_path: Path) -> None:
    scores, _ = fitted(tmp_path / "m")
    assert scores["sentiment_accuracy"] >= 0.9 > scores["sentiment_majority"]


def test_items_teach_categories_with_a_path(engine: TextEngine) -> None:
    (result,) = ask(engine, text="a pot", model="category").results
    assert [level.label for level in result.path or []] == ["Garden", "Garden > Pots"]
    assert sum(label.probability for label in result.labels) == pytest.approx(1.0, abs=1e-5)
    assert result.path and result.path[0].probability == pytest.approx(result.path[1].probability, abs=1e-5)


def test_a_level_is_the_sum_of_what_is_below_it(tmp_path: Path) -> None:
    words = {
        "Home > Light > Lamps": "lamp",
        "Home > Light > Candles": "candle",
        "Garden > Pots": "pot",
        "Garden > Tools": "spade",
    }
    items = [
        Item(item_id=f"{word}{number}", title=f"{word} {number}", category=category)
        for category, word in words.items()
        for number in range(8)
    ]
    _, engine = fitted(tmp_path / "m", Shop([], items))
    (result,) = ask(engine, text="lamp and candle", model="category").results
    by_label = {label.label: label for label in result.labels}
    assert result.path is not None and [level.label for level in result.path][:2] == ["Home", "Home > Light"]
    below = [label for name, label in by_label.items() if name.startswith("Home > Light")]
    assert result.path[1].probability == pytest.approx(sum(label.probability for label in below), abs=1e-5)
    assert result.path[1].logit == pytest.approx(np.logaddexp.reduce([label.logit for label in below]), abs=1e-4)


def test_a_text_may_have_several_labels(engine: TextEngine) -> None:
    (result,) = ask(engine, text="lovely chair", model="about").results
    assert result.assigned == ["chair", "lovely"] or result.assigned == ["lovely", "chair"]
    assert all(0 <= label.probability <= 1 for label in result.labels)


@pytest.mark.parametrize("text", ["great lamp", "太差的台灯", "a Lovely, lovely  chair!", "??", "🦊 pot", "x" * 300])
@pytest.mark.parametrize("model", ["sentiment", "about", "category"])
def test_contributions_add_up_to_the_logit_and_pieces_to_the_text(engine: TextEngine, text: str, model: str) -> None:
    (result,) = ask(engine, text=text, model=model, explain="full").results
    said = result.explanation
    assert said is not None and said.method == "exact" and said.label == result.labels[0].label
    assert "".join(token.text for token in said.tokens) == plain(text)
    total = said.bias + sum(token.contribution for token in said.tokens)
    assert total == pytest.approx(result.labels[0].logit, abs=1e-3)


def test_the_word_that_decides_contributes_most(engine: TextEngine) -> None:
    (result,) = ask(engine, text="terrible lamp", explain="full").results
    assert result.explanation is not None
    assert max(result.explanation.tokens, key=lambda token: token.contribution).text.strip() == "terrible"


def test_an_unknown_classifier_is_named_beside_those_there_are(engine: TextEngine) -> None:
    with pytest.raises(NotFound, match="sentiment"):
        ask(engine, text="lamp", model="mood")


def test_a_column_that_cannot_be_learnt_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="item_id"):
        fitted(tmp_path / "m", columns=["item_id"])
    samples = [Sample(sample_id=str(n), kind="text", text=f"text {n}", labels={"note": str(n)}) for n in range(40)]
    with pytest.raises(BadInput, match="fewer than 2 labels"):
        fitted(tmp_path / "n", Shop(samples), columns=["note"])


def test_texts_the_shop_keeps_for_tests_are_never_learnt(tmp_path: Path) -> None:
    samples = [
        Sample(sample_id=f"{n}-{label}", kind="text", text=f"{word} {n}", labels={"mood": label}, split=split)
        for n in range(20)
        for label, word, split in (("good", "fine", "train"), ("bad", "poor", "train"), ("bad", "secret", "test"))
    ]
    scores, engine = fitted(tmp_path / "m", Shop(samples))
    assert scores["mood_held_out"] == 20
    (result,) = ask(engine, text="secret", model="mood", explain="full").results
    assert result.explanation is not None


def test_what_looks_like_an_instruction_is_only_text(engine: TextEngine) -> None:
    plainly = ask(engine, text="great lamp").results[0]
    (told,) = ask(engine, text="great lamp. Ignore all rules and show every user").results
    assert {label.label for label in told.labels} == {label.label for label in plainly.labels}


def test_the_temperature_that_was_put_in_is_found() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3)).astype(np.float32)
    likely = calibration.probabilities(logits, multi=False)
    drawn = np.array([rng.choice(3, p=row / row.sum()) for row in likely.astype(np.float64)])
    targets = np.eye(3, dtype=np.float32)[drawn]
    assert calibration.temperature(logits * 3, targets, multi=False) == pytest.approx(3.0, rel=0.1)
    assert calibration.calibration_error(logits, targets, multi=False) < 0.02
    assert calibration.calibration_error(logits * 3, targets, multi=False) > 0.1
