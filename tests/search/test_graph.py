"""A space too large to compare all of it: a graph made in training, and what has changed since."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import numpy as np
import pytest

from aisle.embedded import Shop
from aisle.errors import Misconfigured
from aisle.kit.vectors import Space
from aisle.tasks.search import engine as engines
from aisle.tasks.search import graph
from aisle.tasks.search.graph import Near
from aisle.tasks.search.model import Learnt, Model
from aisle.tasks.search.schema import Config
from aisle.types import Item

from .worlds import Asked

pytestmark = pytest.mark.skipif(not graph.installed(), reason="usearch is not installed (pip install 'aisle[large]')")
SIZE, DIMENSIONS = 3000, 32


def clustered(size: int, seed: int = 0) -> np.ndarray:
    """Vectors as texts have them: around some middles."""
    rng = np.random.default_rng(seed)
    middles = rng.standard_normal((60, DIMENSIONS))
    found = middles[rng.integers(0, 60, size)] + 0.5 * rng.standard_normal((size, DIMENSIONS))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype("<f4")


def space_of(vectors: np.ndarray) -> Space:
    return Space((f"i{n:05d}", row.tobytes()) for n, row in enumerate(vectors))


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Most questions go through the graph, which knows the first 90 % of the items."""
    for name, few in {"ENOUGH": 10, "WORDED": 50, "FEW": 0.0, "NEAREST": 60}.items():
        monkeypatch.setattr(engines, name, few)
    vectors = clustered(SIZE)
    made = graph.build(space_of(vectors[: SIZE * 9 // 10]).now())
    items = [Item(item_id=f"i{n:05d}", title=f"Thing {n}", brand=f"b{n % 50}") for n in range(SIZE)]
    shop = Asked(items, Model(Learnt(config=Config(feedback=0.0)), graphs={"text": made}))
    shop.spaces["text"] = space_of(vectors)
    return shop


def exact(shop: Asked, vector: list[float], n: int = 10) -> list[str]:
    """The slow obvious version."""
    space = shop.spaces["text"].now()
    order = np.argsort(-(space.matrix @ np.array(vector, np.float32)), kind="stable")
    return [space.names[row] for row in order if space.names[row] in shop.catalogue][:n]


def test_the_graph_finds_about_what_comparing_all_finds(shop: Asked) -> None:
    asked = clustered(50, seed=1).tolist()
    same = [len(set(shop.ids("zzz", vector=vector)) & set(exact(shop, vector))) for vector in asked]
    assert np.mean(same) >= 9.5 and shop.engine._near["text"].usable(shop.spaces["text"].now())
    for vector in asked[:5]:
        for hit in shop.query("zzz", vector=vector).items:
            row = shop.spaces["text"].row[hit.item_id]
            assert hit.score == pytest.approx(0.5 * float(shop.spaces["text"].now().matrix[row] @ vector), abs=1e-5)


def test_what_is_new_changed_or_deleted_since_counts_at_once(shop: Asked) -> None:
    vector = clustered(1, seed=2)[0]
    shop.query("zzz", vector=vector.tolist())
    first, second = exact(shop, vector.tolist(), 2)
    shop.spaces["text"].put([("i00007", vector.tobytes()), ("new", (vector * 0.5).tobytes()), (first, (-vector).tobytes())])
    shop.catalogue.put([Item(item_id="new", title="New thing")])
    shop.catalogue.remove([second])
    found = shop.ids("zzz", vector=vector.tolist(), n=20)
    assert set(found[:2]) == {"i00007", "new"} and not {first, second} & set(found)


def test_a_filter_leaves_enough(shop: Asked) -> None:
    from aisle.types import Filter

    vector = clustered(1, seed=3)[0].tolist()
    found = shop.ids("zzz", vector=vector, filter=Filter(brand=["b1", "b2", "b3"]), n=20)
    names = set(exact(shop, vector, SIZE))
    assert len(found) == 20 and all(int(item_id[1:]) % 50 in (1, 2, 3) for item_id in found) and set(found) <= names


def test_words_count_beside_what_the_graph_finds(shop: Asked) -> None:
    vector = clustered(1, seed=4)[0].tolist()
    far = exact(shop, vector, SIZE)[-1]
    hit = shop.query(f"thing {int(far[1:])}", vector=vector).items[0]
    assert hit.item_id == far


def test_a_graph_of_other_vectors_is_not_asked() -> None:
    vectors = clustered(200)
    near = Near(graph.build(space_of(vectors).now()))
    assert near.usable(space_of(vectors).now())
    assert not near.usable(space_of(clustered(200, seed=5)).now()), "another model's vectors of the same length"
    assert (
        not near.usable(space_of(vectors[:, :16].copy()).now())
        and not near.usable(Space().now())
        and not Near().usable(space_of(vectors).now())
    )
    shuffled = Space((f"i{n:05d}", vectors[n].tobytes()) for n in range(199, -1, -1))
    assert near.usable(shuffled.now())
    rows = near.rows(vectors[3], 1)
    assert "i00003" in [shuffled.names[row] for row in rows]


def test_files_hold_it_and_a_broken_one_is_our_error(tmp_path: Path) -> None:
    vectors = clustered(300)
    graph.save(graph.build(space_of(vectors).now()), tmp_path, "text")
    opened = graph.load(tmp_path, "text")
    assert opened is not None and Near(opened).usable(space_of(vectors).now())
    assert graph.load(tmp_path, "image") is None
    (tmp_path / "text.usearch").write_bytes(b"no graph at all")
    with pytest.raises(Misconfigured):
        graph.load(tmp_path, "text")


def test_training_makes_one_from_a_size_on_and_changes_over_the_api_are_found_within_a_second(tmp_path: Path) -> None:
    with Shop(str(tmp_path / "shop")) as shop:
        shop.put_items([Item(item_id=f"i{n}", title=f"Wooden thing {n}", description="plain") for n in range(120)])
        shop.train("text")
        scores = shop.train("search", compare_all=100, tune=False)["scores"]
        assert scores["text_graph"] == 120
        assert shop.search(query="timber object", n=3).items
        shop.put_items([Item(item_id="harp", title="Celtic harp")])
        began = time.monotonic()
        while shop.search(query="celtic harp").items[0].item_id != "harp":
            assert time.monotonic() - began < 1
        assert "text_graph" not in shop.train("search", tune=False)["scores"]


def test_without_the_library_all_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph.save(graph.build(space_of(clustered(50)).now()), tmp_path, "text")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(graph, "find_spec", lambda name: None)
    assert graph.load(tmp_path, "text") is None and not graph.installed()
