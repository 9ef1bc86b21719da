"""Vectors: what is near is found, what has none is named, and what came since is placed."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest

from aisle.access import DEFAULT_TENANT
from aisle.app import App
from aisle.embedded import Shop
from aisle.kit.vectors import Space, cosines
from aisle.settings import Settings
from aisle.tasks.search import engine
from aisle.tasks.search.model import Learnt, Model
from aisle.tasks.search.schema import Config, Weights
from aisle.types import Item

from .worlds import ITEMS, Asked


def packed(*numbers: float) -> bytes:
    return np.array(numbers, "<f4").tobytes()


@pytest.fixture
def shop() -> Asked:
    shop = Asked(list(ITEMS))
    shop.spaces["text"].put([(item.item_id, packed(number == 0, number == 1, 0.1)) for number, item in enumerate(ITEMS[:5])])
    shop.spaces["image"].put([("dress", packed(1, 0)), ("lamp", packed(0, 1))])
    return shop


def test_what_is_near_is_found_without_its_words(shop: Asked) -> None:
    found = shop.query("xyzzy", vector=[0, 1, 0.1])
    assert found.items[0].item_id == "dress" and found.fallback == "meaning"
    assert [reason.kind for reason in found.items[0].reasons] == ["meaning"]


def test_words_and_meaning_add_up(shop: Asked) -> None:
    hit = shop.query("lamp", vector=[1, 0, 0.1]).items[0]
    assert hit.item_id == "lamp" and {reason.kind for reason in hit.reasons} == {"words", "coverage", "meaning"}
    assert sum(reason.contribution for reason in hit.reasons) == pytest.approx(hit.score, rel=1e-4)


def test_a_picture_is_a_question_of_its_own(shop: Asked) -> None:
    assert shop.first(picture=[1, 0.1]) == "dress"
    assert shop.first("reading lamp", picture=[1, 0.1], weights=Weights(picture=0.0)) == "lamp"


def test_a_vector_of_another_length_says_nothing(shop: Asked) -> None:
    assert shop.first("lamp", vector=[1.0] * 7) == "lamp"


def test_items_without_a_vector_are_named_until_they_have_one(shop: Asked) -> None:
    assert shop.query("lamp").without_vector == 1
    (item,) = shop.missing(space="text").items
    assert item.item_id == "cafe" and "porcelain" in item.text
    shop.spaces["text"].put([("cafe", packed(0, 0, 1))])
    assert shop.query("lamp").without_vector == 0 and "cafe" in shop.ids("xyzzy", vector=[0, 0, 1])
    shop.catalogue.put([Item(item_id="new", title="New")])
    assert [item.item_id for item in shop.missing(space="text").items] == ["new"]


def test_a_batch_answers_like_single_questions(shop: Asked) -> None:
    from aisle.task import Context
    from aisle.tasks.search.schema import Query

    context = Context(catalogue=shop.catalogue, spaces=shop.spaces)
    asked = [
        Query(query="lamp", vector=[1, 0, 0]),
        Query(query="dress"),
        Query(picture=[0, 1]),
        Query(query="x", vector=[0, 1, 0]),
    ]
    together = shop.engine.run("query", [shop.engine.prepare("query", one, context) for one in asked])
    for one, answer in zip(asked, together, strict=True):
        (single,) = shop.engine.run("query", [shop.engine.prepare("query", one, context)])
        assert [hit.item_id for hit in single.items] == [hit.item_id for hit in answer.items]


def test_a_space_replaces_grows_and_starts_anew_with_another_length() -> None:
    space = Space([("a", packed(3, 4))])
    before = space.now()
    space.put([("b", packed(0, 2)), ("a", packed(1, 0)), ("c", packed(0, 0)), ("d", packed(np.nan, 1))])
    now = space.now()
    assert now.names[:4] == ["a", "b", "c", "d"] and len(before.matrix) == 1
    assert cosines(now, [[0, 5], [1, 2, 3]]).tolist() == [[0, 1, 0, 0], [0, 0, 0, 0]]
    space.put([("a", packed(1, 2, 3))])
    assert space.dimensions == 3 and len(space) == 1


def test_items_put_over_the_api_are_searchable_at_once_and_by_meaning_within_seconds(tmp_path: Path) -> None:
    with Shop(str(tmp_path / "shop"), worker=False) as shop:
        shop.put_items([Item(item_id=f"lamp-{n}", title=f"Desk lamp {n}") for n in range(3)])
        assert shop.search(query="lamp").items
        until = time.monotonic() + 10
        while shop.search(query="light for reading at night").without_vector and time.monotonic() < until:
            time.sleep(0.1)
        found = shop.search(query="light for reading at night")
        assert found.fallback == "meaning" and found.items[0].reasons[0].kind == "meaning"
        assert len(list(shop.app.vectors.all(DEFAULT_TENANT, "text"))) == 3
        shop.put_items([Item(item_id="pot", title="Clay flower pot")])
        assert shop.search(query="flower pots").items[0].item_id == "pot"


def test_what_another_process_changes_is_found_and_gone_within_a_second(tmp_path: Path) -> None:
    with Shop(str(tmp_path / "shop"), worker=False) as shop:
        shop.put_items([Item(item_id="lamp", title="Desk lamp")])
        assert shop.search(query="lamp").items
        other = App(Settings(home=str(tmp_path / "shop"), worker=False))
        began = time.monotonic()
        other.items.put(DEFAULT_TENANT, [Item(item_id="harp", title="Celtic harp")])
        other.items.remove(DEFAULT_TENANT, ["lamp"])
        other.database.close()
        while [hit.item_id for hit in shop.search(query="celtic harp").items] != ["harp"]:
            time.sleep(0.02)
            assert time.monotonic() - began < 1.0


def test_what_the_best_mean_moves_the_question() -> None:
    """Two of three lamps speak of reading: the third, which says nothing of it but is like them, comes before what is not."""
    items = [Item(item_id=f"lamp-{n}", title="Reading lamp") for n in range(3)]
    items += [Item(item_id="like", title="Lamp of oak"), Item(item_id="unlike", title="Lamp of iron")]
    vectors = [("like", packed(0, 1, 0.1)), ("unlike", packed(0.3, 0, 1)), *((f"lamp-{n}", packed(0, 1, 0)) for n in range(3))]
    moved, still = Asked(items), Asked(items, Model(Learnt(config=Config(feedback=0.0))))
    for shop in (moved, still):
        shop.spaces["text"].put(vectors)
    assert still.ids("reading lamp", vector=[1, 0, 0])[3:] == ["unlike", "like"]
    found = moved.query("reading lamp", vector=[1, 0, 0])
    assert [hit.item_id for hit in found.items][3:] == ["like", "unlike"]
    for hit in found.items:
        assert sum(reason.contribution for reason in hit.reasons) == pytest.approx(hit.score, rel=1e-4)


def test_comparing_few_vectors_gives_the_answer_of_comparing_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow obvious version beside the fast one."""
    numbers, rng = np.random.default_rng(5), random.Random(5)
    vocabulary = [f"{a}{b}" for a in ("bra", "clo", "dre", "flu", "gri") for b in ("mack", "nend", "sirt", "tozz")]
    items = [Item(item_id=f"i{n:04d}", title=" ".join(rng.choices(vocabulary, k=3))) for n in range(3000)]
    shop = Asked(items)
    shop.spaces["text"].put([(item.item_id, packed(*numbers.standard_normal(8))) for item in items])
    compared: list[int] = []
    monkeypatch.setattr(engine, "FEW", 0.2)
    gathered = engine.likeness_of
    monkeypatch.setattr(engine, "likeness_of", lambda *given: compared.append(len(given[3])) or gathered(*given))
    for query in ("bramack clonend", "fluto dresirt", "grimack", "clotozz bratozz flumack"):
        vector = numbers.standard_normal(8).tolist()
        fast = shop.query(query, n=20, vector=vector)
        with monkeypatch.context() as slow:
            slow.setattr(engine, "FEW", -1.0)
            whole = shop.query(query, n=20, vector=vector)
        assert [(hit.item_id, hit.score) for hit in fast.items] == [(hit.item_id, hit.score) for hit in whole.items]
    assert compared and max(compared) < 600
