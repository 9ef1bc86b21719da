"""A fifth task is one new folder and no edit anywhere else."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

import aisle
from aisle.__main__ import main
from aisle.access import DEFAULT_TENANT
from aisle.api import create
from aisle.app import App
from aisle.errors import BadInput, NoModel
from aisle.jobs.worker import work
from aisle.testing.contract import CHECKS, Case
from aisle.testing.shop import tiny_shop


def test_the_folder_alone_makes_it_known(fifth):
    assert fifth().name == "shelves"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_passes_every_check_of_the_contract(check, fifth, tmp_path):
    check(Case.of(fifth(), tmp_path))


@asynccontextmanager
async def served(settings, scopes=("admin",)) -> AsyncIterator[tuple[App, httpx.AsyncClient]]:
    """The whole service over the tiny shop, asked as a stranger would: with a key, over HTTP."""
    app = App(settings)
    await app.start()
    app.items.put(DEFAULT_TENANT, tiny_shop().catalogue)
    _, secret = app.access.create(DEFAULT_TENANT, "test", list(scopes))
    transport = httpx.ASGITransport(app=create(app))
    headers = {"authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://shop", headers=headers) as client:
        yield app, client
    await app.close()


async def trained(app: App) -> None:
    app.learning.train(DEFAULT_TENANT, "shelves", {"smoothing": 0.5})
    await app.work(lambda: work(app.jobs, app.handlers, once=True))
    await app.refresh()


def test_it_answers_over_http_and_stands_in_the_openapi_document(fifth, settings):
    fifth()

    async def ask():
        async with served(settings) as (app, client):
            before = await client.post("/v1/shelves/guess", json={"text": "red lamp"})
            await trained(app)
            after = await client.post("/v1/shelves/guess", json={"text": "red lamp"})
            wrong = [await client.post("/v1/shelves/guess", json=body) for body in ({"text": " "}, {"text": 7}, {"txt": "lamp"})]
            document = (await client.get("/openapi.json")).json()
            versions = (await client.get("/v1/models/shelves/versions")).json()
        return before, after, wrong, document, versions

    before, after, wrong, document, versions = asyncio.run(ask())
    assert before.status_code == 404 and before.json()["error"]["code"] == "model_not_found"
    assert after.status_code == 200
    assert after.json()["category"] == "Home > Lamps"
    assert after.json()["model"] == "shelves@1"
    assert after.json()["reasons"][0]["kind"] == "token"
    assert {answer.status_code for answer in wrong} == {422}
    described = document["paths"]["/v1/shelves/guess"]["post"]
    assert described["summary"] == "The category a text belongs to"
    assert {"Guess", "Shelf"} <= document["components"]["schemas"].keys()
    assert versions["data"][0]["scores"] == {"categories": 2.0}


def test_its_answers_are_metered_like_all_others(fifth, settings):
    fifth()

    async def ask():
        async with served(settings) as (app, client):
            await trained(app)
            for _ in range(3):
                await client.post("/v1/shelves/guess", json={"text": "blue pot"})
            app.usage.flush()
            return (await client.get("/v1/usage?group_by=task")).json()

    assert "shelves" in json.dumps(asyncio.run(ask()))


def test_it_answers_in_python_and_says_what_to_do_before_it_is_trained(fifth, settings):
    fifth()
    with aisle.open(settings.home, worker=False) as shop:
        shop.put_items(tiny_shop().catalogue)
        with pytest.raises(NoModel, match="aisle train shelves"):
            shop.shelves.guess(text="green pot")
        assert shop.train("shelves")["version"] == 1
        assert shop.shelves.guess(text="green pot").category == "Garden > Pots"
        with pytest.raises(BadInput, match="smoothing"):
            shop.train("shelves", smoothing=-1.0)


def test_it_can_be_trained_and_asked_from_the_command_line(fifth, settings, capsys):
    fifth()
    with aisle.open(settings.home, worker=False) as shop:
        shop.put_items(tiny_shop().catalogue)
    assert not main(["train", "shelves", "--home", settings.home, "--json", "--set", "smoothing=2"])
    capsys.readouterr()
    assert not main(["ask", "shelves.guess", '{"text": "white lamp"}', "--home", settings.home, "--json"])
    assert json.loads(capsys.readouterr().out)["category"] == "Home > Lamps"
