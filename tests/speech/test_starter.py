"""The starter as it is shipped: small, safe, honest, and it understands the example."""

from __future__ import annotations

import json

import msgspec
import pytest

from aisle.kit.tiny_data import TinyData
from aisle.task import Context, starter_of
from aisle.tasks.speech import TASK
from aisle.tasks.speech.engine import load
from aisle.tasks.speech.schema import Meant, Transcription
from aisle.types import Item

FOLDER = starter_of(TASK)
pytestmark = pytest.mark.skipif(FOLDER is None, reason="the starter is not in this installation")


def test_it_is_small_and_says_what_it_is_made_of() -> None:
    assert FOLDER is not None
    assert sum(file.stat().st_size for file in FOLDER.rglob("*")) <= 6_000_000
    card = json.loads((FOLDER / "card.json").read_text("utf-8"))
    assert {"made_of", "licence", "can", "cannot"} <= set(card["data"])


@pytest.mark.parametrize("name", TASK.operations)
def test_the_examples_are_understood(name: str) -> None:
    assert FOLDER is not None
    engine, operation = load(FOLDER), TASK.operations[name]
    request = msgspec.convert(operation.example, operation.request)
    (result,) = engine.run(name, [engine.prepare(name, request, Context(media=request.audio.base64))])
    answer = engine.finish(name, request, result)
    if isinstance(answer, Meant):
        assert (answer.intent, answer.slots) == ("add", {"quantity": "2", "product": "mugs"})
    else:
        assert isinstance(answer, Transcription)
        assert answer.text == "i want a large latte with some sugar" and answer.probability > 0.5


def test_a_shop_learns_its_language_without_torch(tmp_path) -> None:  # type: ignore[no-untyped-def]
    items = [
        Item(item_id=f"item-{k}", title=title) for k, title in enumerate(["Velloria desk lamp", "Two mugs", "Kettlewick teapot"])
    ]
    scores = TASK.fit(TinyData(catalogue=items), TASK.config(), tmp_path, lambda done, total, message: None)
    assert scores["phrases"] >= 3
    engine = load(tmp_path)
    assert engine.grammar is not None and "Two mugs" in engine.grammar.slots["product"]
