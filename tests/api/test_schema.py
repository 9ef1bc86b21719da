"""Requests made up from the OpenAPI document: none breaks the server, and every answer is what the document says."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.api.test_server import Running, running

EXAMPLES = 12  # a route
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
LEFT_OUT = {"get_metrics"}  # text in a format of its own


@pytest.fixture(scope="module")
def server(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("schema") / "shop"
    shutil.copytree(trained, home)
    with running(home) as found:
        yield found


def test_no_made_up_request_breaks_the_server_or_the_promise(server: Running) -> None:
    address = f"http://127.0.0.1:{server.port}"
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    asked = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        name = operation.definition.raw["operationId"]
        if name not in LEFT_OUT:
            asked[name] = make_up(operation, server)
    assert len(asked) > 25
    assert sum(asked.values()) > 150
    assert server.get("/readyz")[0] == 200


def make_up(operation: Any, server: Running) -> int:
    """Send requests of one operation; how many."""
    count = 0
    headers = {"authorization": f"Bearer {server.key}"}

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy())
    def check(case: Any) -> None:
        nonlocal count
        count += 1
        case.validate_response(case.call(headers=headers), checks=CHECKS)

    check()
    return count
