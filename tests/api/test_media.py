"""Operations that take a file: JSON with base64, forms, and starters that answer before anything was trained."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from aisle.access import DEFAULT_TENANT, OWNER
from aisle.app import App
from aisle.jobs.worker import work
from aisle.settings import Settings
from aisle.task import Answer, Context, Data, Operation, Prepared, Progress, Registry, Scores
from aisle.types import Picture
from api.conftest import Served, serve


class Look(Struct, frozen=True, forbid_unknown_fields=True):
    """A picture to measure."""

    image: Picture
    times: int = 1
    tags: list[str] = []


class Size(Answer, kw_only=True):
    """How long its file is."""

    bytes: int
    tags: list[str]


class Engine:
    def prepare(self, op: str, request: Look, context: Context) -> Prepared:
        return Prepared(len(context.media) * request.times)

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        return [one.data for one in batch]

    def finish(self, op: str, request: Look, result: int) -> Size:
        return Size(bytes=result, tags=request.tags)


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Task:
    name = "gauge"
    config = Config
    operations = {
        "size": Operation(Look, Size, {"image": {"base64": "aGVsbG8="}}, "Its size.", frozenset({"picture"}), heavy=True)
    }

    def __init__(self, starter: Path) -> None:
        self.starter = starter

    def fit(self, data: Data, config: Config, folder: Path, progress: Progress) -> Scores:
        (folder / "x.txt").write_text("x")
        return {"n": 1.0}

    def adopt(self, source: str, folder: Path, progress: Progress) -> Scores:
        (folder / "from.txt").write_text(source)
        return {"difference": 0.0}

    def load(self, folder: Path) -> Engine:
        return Engine()

    def evaluate(self, data: Data, config: Config, protocol: str, progress: Progress) -> list[dict[str, Any]]:
        return [{"model": "gauge"}]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    starter = tmp_path / "starter"
    starter.mkdir()
    (starter / "card.json").write_text('{"task":"gauge","version":0,"scores":{}}')
    settings = Settings(home=str(tmp_path / "shop"), worker=False, rate_limit=10**6, max_body=200_000)
    yield from serve(settings, Registry({"gauge": Task(starter)}))


PATH = "/v1/gauge/size"


def test_the_starter_answers_as_version_0_before_anything_was_trained(served: Served) -> None:
    answer = served.ask("POST", PATH, json={"image": {"base64": "aGVsbG8="}}).json()
    assert (answer["bytes"], answer["model"]) == (5, "gauge@0")


def test_a_file_may_come_as_a_form_with_the_other_fields_as_text(served: Served) -> None:
    form = {"files": {"image": ("a.jpg", b"12345678", "image/jpeg")}, "data": {"times": "2", "tags": '["a","b"]'}}
    answer = served.ask("POST", PATH, **form).json()
    assert (answer["bytes"], answer["tags"]) == (16, ["a", "b"])


def test_an_items_picture_may_be_named(served: Served) -> None:
    pictures = served.app.settings.folder / "pictures"
    pictures.mkdir()
    (pictures / "i.png").write_bytes(b"123")
    item = {"item_id": "i", "title": "I", "image_urls": ["/pictures/i.png"]}
    assert served.ask("PUT", "/v1/items", json={"items": [item]}).status_code == 200
    assert served.ask("POST", PATH, json={"image": {"item_id": "i"}}).json()["bytes"] == 3
    assert served.ask("POST", PATH, json={"image": {"item_id": "j"}}).status_code == 404
    assert served.ask("POST", PATH, json={"image": {"url": "http://127.0.0.1/"}}).status_code == 403


BOUNDARY = "multipart/form-data; boundary=b"
HEAD = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nx\r\n'
BROKEN = [
    (b"", BOUNDARY), (b"nonsense", BOUNDARY), (HEAD, BOUNDARY), (HEAD * 2 + b"--b--\r\n", BOUNDARY),
    (HEAD + b"--b--\r\n", "multipart/form-data"), (b"--b\r\n\r\nx\r\n--b--\r\n", BOUNDARY),
    (HEAD + b'--b\r\nContent-Disposition: form-data; name="times"\r\n\r\n\xff\r\n--b--\r\n', BOUNDARY),
    (b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n1\r\n' * 60 + b"--b--\r\n", BOUNDARY),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind"), BROKEN)
def test_a_broken_form_is_refused_with_what_is_wrong(served: Served, body: bytes, kind: str) -> None:
    answer = served.ask("POST", PATH, content=body, headers={"content-type": kind})
    assert answer.status_code in (400, 413, 422), answer.text
    assert answer.json()["detail"]


def test_forms_are_only_taken_where_a_file_is_needed_and_documented_there(served: Served) -> None:
    document = served.client.get("/openapi.json").json()
    content = document["paths"][PATH]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "multipart/form-data"}
    assert served.ask("POST", "/v1/events", files={"a": b"x"}).status_code == 415


def test_a_model_made_elsewhere_is_adopted_published_and_answers(tmp_path: Path) -> None:
    app = App(Settings(home=str(tmp_path / "shop"), worker=False), Registry({"gauge": Task(tmp_path)}))
    app.learning.adopt(DEFAULT_TENANT, "gauge", str(tmp_path / "elsewhere"))
    work(app.jobs, app.handlers, once=True)

    async def ask() -> Answer:
        await app.start()
        try:
            return await app.ask(OWNER, "gauge", "size", Look(image=Picture(base64=b"hello")))
        finally:
            await app.close()

    assert app.learning.again(DEFAULT_TENANT)[1] == []  # it learnt from nobody here
    assert asyncio.run(ask()).model == "gauge@1"
