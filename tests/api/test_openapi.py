"""The OpenAPI document: valid, complete, true, and the source of who may do what."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from tests.api.conftest import Served
from tests.api.test_bad_input import check_problem

from aisle.access import DEFAULT_TENANT
from aisle.api import routes

OPEN = {"/healthz", "/readyz", "/openapi.json", "/docs", "/docs/docs.css", "/docs/docs.js"}
METHODS = ("get", "put", "post", "delete")
DOCS = Path(__file__).parents[2] / "docs" / "api.md"


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


@pytest.fixture(scope="session")
def document(shop: Served) -> Any:
    return shop.ask("GET", "/openapi.json", None).json()


def test_the_document_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_every_route_is_in_the_document_and_nothing_else(shop: Served, document: Any) -> None:
    declared = {(route.method, route.path) for route in routes(shop.app)}
    assert {(method, path) for method, path, _ in operations(document)} == declared


def test_every_operation_of_every_task_is_in_the_document_with_its_example(shop: Served, document: Any) -> None:
    for task in shop.app.registry:
        for name, operation in task.operations.items():
            body = document["paths"][f"/v1/{task.name}/{name}"]["post"]["requestBody"]["content"]["application/json"]
            assert body["example"] == dict(operation.example)


def test_everything_in_the_document_is_described(document: Any) -> None:
    seen = set()
    for method, path, operation in operations(document):
        assert operation["summary"], (method, path)
        assert operation["operationId"] not in seen
        seen.add(operation["operationId"])
        for parameter in operation["parameters"]:
            assert parameter["description"], (path, parameter["name"])
        for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
            assert name in [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
        assert any(status.startswith("2") for status in operation["responses"])
    for schema in document["components"]["schemas"].values():
        assert schema.get("description"), schema


def test_only_health_and_documents_are_open(document: Any) -> None:
    assert {path for _, path, operation in operations(document) if operation["security"] == []} == OPEN


def test_each_error_code_is_explained_where_a_problems_type_leads(document: Any) -> None:
    codes = {error["code"] for error in document["x-errors"]}
    assert {"invalid_request", "model_not_found", "unknown_path", "rate_limit_exceeded", "overloaded"} <= codes
    assert all(error["about"] and error["title"] for error in document["x-errors"])


def test_who_may_do_what_is_what_the_document_says(shop: Served, document: Any) -> None:
    """Every operation, with no key, a bad key, and a key of every scope that is not enough."""
    for method, path, operation in operations(document):
        if path in OPEN:
            continue
        needed = next(scope for scope in ("admin", "write", "read") if f"scope `{scope}`" in operation["description"])
        url = path.replace("{version}", "1").replace("{", "").replace("}", "")
        for headers in ({}, {"authorization": "Bearer sk-aisle-bad_key"}):
            refused = shop.ask(method, url, None, headers=headers)
            assert refused.status_code == 401, (method, path)
            check_problem(refused)
        for scope in {"admin": ("read", "write"), "write": ("read",), "read": ("write",)}[needed]:
            refused = shop.ask(method, url, scope)
            assert refused.status_code == 403, (method, path, scope)
            check_problem(refused)


def test_one_tenants_key_finds_nothing_of_another(fresh: Served) -> None:
    """Every GET and every change by id, with another tenant's key, on things that are there."""
    app = fresh.app
    app.database.run("tenants_add", tenant=2, name="other", secret=b"x" * 32, created_at=1)
    _, other = app.access.create(2, "other", ["admin"])
    fresh.ask("PUT", "/v1/items", json={"items": [{"item_id": "mine", "title": "secret lamp"}]})
    fresh.ask("POST", "/v1/events", json={"events": [{"user_id": "me", "item_id": "mine", "type": "view"}]})
    job = fresh.ask("POST", "/v1/jobs", json={"task": "recommend"}).json()["id"]
    key = app.access.list(DEFAULT_TENANT)[0][0].id
    headers = {"authorization": f"Bearer {other}"}
    for path in ("/v1/items", "/v1/jobs", "/v1/models", "/v1/audit", "/v1/usage", "/v1/models/recommend/versions"):
        page = fresh.client.get(path, headers=headers).json()
        assert page["data"] == [], path
    assert fresh.client.get("/v1/users/me/export", headers=headers).json()["events"] == []
    gone = [
        ("GET", "/v1/items/mine"),
        ("DELETE", "/v1/items/mine"),
        ("GET", f"/v1/jobs/{job}"),
        ("POST", f"/v1/jobs/{job}/cancel"),
        ("GET", f"/v1/jobs/{job}/events"),
        ("GET", f"/v1/keys/{key}"),
        ("DELETE", f"/v1/keys/{key}"),
    ]
    for method, path in gone:
        reply = fresh.client.request(method, path, headers=headers)
        assert reply.status_code == 404, path
        assert "secret lamp" not in reply.text
    assert fresh.client.delete("/v1/users/me", headers=headers).json()["receipt"]["events_deleted"] == 0
    assert [k["name"] for k in fresh.client.get("/v1/keys", headers=headers).json()["data"]] == ["other"]
    assert fresh.ask("GET", "/v1/items/mine").status_code == 200
    assert fresh.app.events.count(1) == 1


def test_every_route_stands_in_the_documentation(document: Any) -> None:
    text = DOCS.read_text("utf-8")
    missing = [f"{method} {path}" for method, path, _ in operations(document) if f"{method} {path}" not in text]
    assert not missing, missing
