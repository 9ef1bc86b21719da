"""A flow is asked like an operation: in Python, over HTTP, from the command line; counted, keyed, described."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from aisle.access import DEFAULT_TENANT
from aisle.api import create
from aisle.app import App
from aisle.cli import main
from aisle.embedded import Shop
from aisle.errors import BadInput, Forbidden
from aisle.flows import discover
from aisle.settings import Settings
from aisle.task import discover as registry
from aisle.testing.shop import tiny_shop
from aisle.types import Event


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("flows") / "shop"
    tiny = tiny_shop()
    with Shop(str(home)) as shop:
        shop.put_items(tiny.catalogue)
        shop.add_events(Event(user_id=user, item_id=item, type=kind, time=at) for user, item, at, kind in tiny.rows)
        shop.train("recommend")
    return home


@pytest.fixture(scope="module")
def shop(home: Path) -> Iterator[Shop]:
    with Shop(str(home)) as shop:
        yield shop


def test_every_flow_has_a_path_below_v1_and_says_what_it_asks() -> None:
    flows = list(discover(registry()))
    assert flows
    for flow in flows:
        assert flow.path.startswith("/v1/") and flow.summary.endswith(".") and flow.asks and flow.request.__doc__


def test_search_works_in_python_before_anything_of_it_is_trained(shop: Shop) -> None:
    found = shop.search(query="red lamp", n=3)
    assert found.model == "text@0+search@0" and found.answer_id
    titles = [shop.app.live.catalogue(DEFAULT_TENANT).get(hit.item_id).title for hit in found.items]
    assert all("red lamp" in title for title in titles[:2])
    assert "search" not in dir(shop.recommend) and {"query", "suggest"} <= set(dir(shop.search))


def test_taste_is_asked_of_the_recommender_and_named(shop: Shop) -> None:
    plain = shop.search(query="red", n=8, explain="full")
    mine = shop.search(query="red", n=8, explain="full", user_id="user-0002", weights={"taste": 1.0})
    assert set(mine.model.split("+")) == {"text@0", "recommend@1", "search@0"}
    assert [hit.item_id for hit in plain.items] != [hit.item_id for hit in mine.items]
    assert any(reason.kind == "taste" for hit in mine.items for reason in hit.reasons)


def test_a_flow_is_metered_as_itself_and_its_cost_where_it_arose(shop: Shop) -> None:
    shop.search(query="pot")
    rows = shop.app.usage.report(DEFAULT_TENANT, width="1d", group_by=("task", "operation"))[-1].results
    by_name = {(row.task, row.operation): row for row in rows}
    assert by_name["search", "search"].num_model_requests >= 1
    assert by_name["search", "search"].cpu_seconds == 0 < by_name["search", "query"].cpu_seconds


def test_a_wrong_request_is_our_error(shop: Shop) -> None:
    with pytest.raises(BadInput):
        shop.search(query=7)
    with pytest.raises(AttributeError):
        shop.search.nothing(query="x")


def test_it_is_served_described_and_needs_its_scope(home: Path) -> None:
    app = App(Settings(home=str(home), worker=False))
    reader, writer = (app.access.create(DEFAULT_TENANT, scope, [scope])[1] for scope in ("read", "write"))
    with TestClient(create(app)) as client:
        refused = client.post("/v1/search", json={"query": "lamp"}, headers={"Authorization": f"Bearer {writer}"})
        answer = client.post("/v1/search", json={"query": "blue pot", "n": 2}, headers={"Authorization": f"Bearer {reader}"})
        described = client.get("/openapi.json").json()["paths"]["/v1/search"]["post"]["description"]
    assert refused.status_code == 403 and Forbidden.code in refused.text
    assert answer.status_code == 200 and len(answer.json()["items"]) == 2
    assert "search.query" in described


def test_the_command_line_asks_a_flow(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(home), "ask", "search", '{"query": "green lamp", "n": 1}']) == 0
    assert json.loads(capsys.readouterr().out)["items"][0]["reasons"]


@pytest.mark.parametrize("query", ["\ud800 lamp", "lamp\x00\u202e", "🦊", "x" * 2000, "lamp " * 400])
def test_odd_questions_are_answered_and_noted(shop: Shop, query: str) -> None:
    assert shop.search(query=query).items
    shop.app.searches.flush()


def test_a_megabyte_is_no_question(shop: Shop) -> None:
    with pytest.raises(BadInput, match="length"):
        shop.search(query="lamp " * 200_000)
