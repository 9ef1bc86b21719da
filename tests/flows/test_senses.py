"""A picture and a voice are questions, too: the flows over tasks that see and hear."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from aisle.access import DEFAULT_TENANT, OWNER
from aisle.api import create
from aisle.app import App
from aisle.errors import BadInput
from aisle.settings import Settings
from aisle.task import Registry, discover
from aisle.types import Item

from .senses import senses

Ask = Callable[..., Any]
ITEMS = [
    Item(item_id="lamp", title="Red lamp", image_urls=["/pictures/lamp.png"]),
    Item(item_id="lamb", title="Red toy lamb", image_urls=["/pictures/lamb.png"]),
    Item(item_id="plain", title="Vase without a picture"),
]


@pytest.fixture
def app(tmp_path: Path) -> App:
    tasks = {task.name: task for task in discover() if task.name in ("search", "text")}
    app = App(Settings(home=str(tmp_path / "shop"), worker=False), Registry({**tasks, **senses(tmp_path / "starter")}))
    pictures = tmp_path / "shop" / "pictures"
    pictures.mkdir(parents=True)
    (pictures / "lamp.png").write_text("1 0.1")
    (pictures / "lamb.png").write_text("0.1 1")
    app.items.put(DEFAULT_TENANT, ITEMS)
    app.vectors.put(
        DEFAULT_TENANT, "image", [("lamp", b"\x00\x00\x80?\x00\x00\x00\x00"), ("lamb", b"\x00\x00\x00\x00\x00\x00\x80?")]
    )
    return app


@pytest.fixture
def ask(app: App) -> Iterator[Ask]:
    """Ask a flow by its operation, with a request in plain values."""
    runner = asyncio.Runner()
    runner.run(app.start())

    def one(operation: str, **request: Any) -> Any:
        return runner.run(app.ask(OWNER, "search", operation, app.typed("search", operation, request)))

    with runner:
        yield one
        runner.run(app.close())


def ids(answer: Any) -> list[str]:
    return [hit.item_id for hit in answer.items]


def test_what_looks_alike_comes_first_and_what_was_seen_is_said(ask: Ask) -> None:
    found = ask("image", image={"base64": b"0.2 1"})
    assert ids(found)[:2] == ["lamb", "lamp"] and found.seen[0].label == "thing"
    assert found.items[0].reasons[0].kind == "picture" and found.model.startswith("vision@0")


def test_where_no_item_has_such_a_vector_popular_items_stand_in_and_it_is_noted(app: App, ask: Ask) -> None:
    found = ask("image", query="zzzz", image={"base64": b"0.2 1 0.5"})  # of another recogniser than the items' vectors
    assert found.fallback == "popular" and len(found.items) == 3
    (noted,) = app.searches.asked(DEFAULT_TENANT, 0, 10, unanswered=True)
    assert (noted.query, noted.fallback) == ("zzzz", "popular")


def test_a_box_means_a_part_and_an_items_own_picture_finds_others(ask: Ask) -> None:
    assert ids(ask("image", image={"base64": b"0.2 1"}, box=[0, 0, 5, 5]))[0] == "lamp"
    assert ids(ask("image", image={"item_id": "lamp"}))[0] == "lamb"


def test_words_beside_a_picture_count(ask: Ask) -> None:
    assert ids(ask("image", image={"base64": b"0.6 0.65"}, query="lamp"))[0] == "lamp"


def test_a_picture_that_cannot_be_read_is_the_callers_matter(ask: Ask) -> None:
    with pytest.raises(BadInput):
        ask("image", image={"base64": b""})


def test_what_was_said_is_searched_with_its_alternatives(ask: Ask) -> None:
    found = ask("voice", audio={"base64": b"red lamp=0.5;red lamb=0.45"})
    assert ids(found) == ["lamp", "lamb"] and found.heard.text == "red lamp"
    kinds = {hit.item_id: {reason.text for reason in hit.reasons} for hit in found.items}
    assert "matches another way to understand the question" in kinds["lamb"]
    for hit in found.items:
        assert sum(reason.contribution for reason in hit.reasons) == pytest.approx(hit.score)
    mumbled = ask("voice", audio={"base64": b"bed clamp=0.4;red lamb=0.38"})
    assert ids(mumbled)[0] == "lamb" and mumbled.heard.alternatives[1].text == "red lamb"


def test_silence_finds_nothing_and_is_not_noted(ask: Ask, app: App) -> None:
    found = ask("voice", audio={"base64": b"=0.0"})
    assert found.items == [] and found.heard.text == ""
    ask("voice", audio={"base64": b"red lamp=0.5"})
    assert [one.query for one in app.searches.asked(DEFAULT_TENANT, 0, 10, unanswered=False)] == ["red lamp"]


def test_forms_are_taken_and_an_item_with_a_new_picture_is_placed(app: App) -> None:
    key = app.access.create(DEFAULT_TENANT, "reader", ["read"])[1]
    with TestClient(create(app), headers={"Authorization": f"Bearer {key}"}) as client:
        answer = client.post("/v1/search/image", files={"image": ("photo.png", b"1 0")}, data={"n": "2"})
        heard = client.post("/v1/search/voice", files={"audio": ("said.wav", b"toy lamb=0.9")})
    assert answer.status_code == 200, answer.text
    assert answer.json()["items"][0]["item_id"] == "lamp" and heard.json()["items"][0]["item_id"] == "lamb"
