"""Texts as vectors: what is alike is near, in any script, however it is spelt."""

import base64
import unicodedata

import msgspec
import numpy as np
import pytest

from aisle.errors import BadInput
from aisle.kit.words import item_text, plain
from aisle.task import Context, discover
from aisle.tasks.text import static
from aisle.tasks.text.schema import Embed
from aisle.testing.shop import tiny_shop

TASK = discover()["text"]
ENGINE = TASK.load(TASK.starter)


def vectors(*texts: str) -> np.ndarray:
    prepared = ENGINE.prepare("embed", Embed(text=list(texts)), Context())
    (result,) = ENGINE.run("embed", [prepared])
    return np.array(ENGINE.finish("embed", Embed(text=list(texts)), result).embeddings)


def alike(first: str, second: str) -> float:
    pair = vectors(first, second)
    return float(pair[0] @ pair[1])


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("running shoes", "sneakers", "table lamp"),
        ("sofa", "couch", "phone charger"),
        ("laptop bag", "notebook case", "garden hose"),
        ("卧室台灯", "台灯 卧室用", "苹果手机"),
        ("кроссовки мужские", "мужская кроссовка", "настольная лампа"),
        ("ノートパソコン", "パソコン", "台所のランプ"),
    ],
)
def test_what_means_alike_is_near(text: str, near: str, far: str) -> None:
    assert alike(text, near) > alike(text, far) + 0.15


def test_every_vector_has_length_one() -> None:
    assert np.linalg.norm(vectors("lamp", "灯", "лампа", "😀", "!?", "x" * 30_000), axis=1) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("text", ["café crème", "Ünïcödé", "ガラス"])
def test_one_text_spelt_two_ways_has_one_vector(text: str) -> None:
    assert alike(unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)) == pytest.approx(1.0, abs=1e-5)


def test_packed_vectors_are_the_numbers_and_base64_in_json() -> None:
    texts = ["lamp", "卧室台灯", "sofa"]
    requests = [Embed(text=texts, encoding="base64"), Embed(text=texts[1:], encoding="base64")]
    results = ENGINE.run("embed", [ENGINE.prepare("embed", one, Context()) for one in requests])
    whole, part = (ENGINE.finish("embed", one, result) for one, result in zip(requests, results, strict=True))
    assert [len(vectors) for vectors in (whole.embeddings, part.embeddings)] == [3, 2] and part.embeddings == whole.embeddings[1:]
    assert np.allclose([np.frombuffer(one, "<f4") for one in whole.embeddings], vectors(*texts), atol=1e-6)
    (first, *_) = msgspec.json.decode(msgspec.json.encode(whole))["embeddings"]
    assert base64.b64decode(first) == whole.embeddings[0]


def test_what_cannot_be_seen_changes_nothing() -> None:
    assert alike("red\u202e lamp\x00", "red lamp") == pytest.approx(1.0, abs=1e-5)
    assert plain("a\ud800b\x00\u202ec") == "abc"


@pytest.mark.parametrize("text", ["", "   ", "\u200b\x00"])
def test_an_empty_text_is_refused_and_named(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        ENGINE.prepare("embed", Embed(text=["lamp", text]), Context())
    assert refused.value.param == "/text/1"


def test_a_megabyte_is_cut_and_said() -> None:
    request = Embed(text=["lamp", "lamp " * 200_000])
    (result,) = ENGINE.run("embed", [ENGINE.prepare("embed", request, Context())])
    answer = ENGINE.finish("embed", request, result)
    assert answer.truncated == [1]
    assert answer.tokens == 1 + static.LONGEST // 5


def test_training_leaves_a_vector_of_every_item(tmp_path) -> None:
    shop = tiny_shop()
    TASK.fit(shop, TASK.config(), tmp_path, lambda done, total, message: None)
    left = {name: np.frombuffer(row, "<f4") for name, row in shop.vectors("text")}
    assert left.keys() == {item.item_id for item in shop.catalogue}
    asked = vectors(item_text(shop.catalogue[0]))[0]
    assert left[shop.catalogue[0].item_id] == pytest.approx(asked, abs=1e-5)


def test_items_of_a_kind_are_near() -> None:
    (row,) = TASK.evaluate(tiny_shop(), TASK.config(), "neighbours", lambda done, total, message: None)
    assert row["same_category@10"] > row["chance"] + 0.3
