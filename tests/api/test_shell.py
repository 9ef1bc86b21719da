"""What surrounds every answer: ids, keys, limits, headers, metrics, and the end."""

import asyncio
import logging
from typing import Any

import pytest
from tests.api.conftest import Served, serve
from tests.api.test_bad_input import check_problem

from aisle.access import DEFAULT_TENANT
from aisle.api.reply import Reply
from aisle.api.routing import Call, Route, Router
from aisle.api.shell import Shell
from aisle.settings import Settings


def test_a_safe_request_id_comes_back_and_an_unsafe_one_is_replaced(fresh: Served) -> None:
    assert fresh.ask("GET", "/healthz", headers={"x-request-id": "shop-42.a:b"}).headers["x-request-id"] == "shop-42.a:b"
    for unsafe in ("a b", "x" * 129, "<script>", ""):
        assert fresh.ask("GET", "/healthz", headers={"x-request-id": unsafe}).headers["x-request-id"].startswith("req_")


def test_two_requests_have_two_ids(fresh: Served) -> None:
    assert len({fresh.ask("GET", "/healthz").headers["x-request-id"] for _ in range(5)}) == 5


def test_an_unknown_path_is_404_and_a_wrong_method_405_with_what_is_allowed(fresh: Served) -> None:
    unknown = fresh.ask("GET", "/v1/nothing")
    assert unknown.status_code == 404
    check_problem(unknown)
    wrong = fresh.ask("PATCH", "/v1/items")
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "GET, PUT"
    check_problem(wrong)


def test_an_id_may_hold_slashes_and_anything_else(fresh: Served) -> None:
    item_id = "a/b c%2F?#ä"
    assert fresh.ask("PUT", "/v1/items", json={"items": [{"item_id": item_id, "title": "t"}]}).json()["accepted"] == 1
    path = "/v1/items/a%2Fb%20c%252F%3F%23%C3%A4"
    assert fresh.ask("GET", path).json()["item_id"] == item_id
    assert fresh.ask("DELETE", path).json() == {"id": item_id, "deleted": True}
    assert fresh.ask("GET", path).status_code == 404


def test_head_is_get_without_a_body_to_those_who_watch(fresh: Served) -> None:
    assert fresh.ask("HEAD", "/healthz").status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer sk-aisle-nonsense",
        "Basic dTpw",
        "Bearer sk-aisle-\xff",
        "bearer sk-aisle-a_b",
        "x" * 5000,
    ],
)
def test_a_key_that_is_none_is_401(fresh: Served, authorization: str) -> None:
    reply = fresh.ask("GET", "/v1/items", None, headers={"authorization": authorization.encode("latin-1")})
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"].startswith("Bearer")
    check_problem(reply)


def test_a_revoked_and_an_expired_key_are_401(fresh: Served) -> None:
    made = fresh.ask("POST", "/v1/keys", json={"name": "x", "scopes": ["read"]}).json()
    headers = {"authorization": f"Bearer {made['value']}"}
    assert fresh.client.get("/v1/items", headers=headers).status_code == 200
    assert fresh.ask("DELETE", f"/v1/keys/{made['id']}").json()["revoked_at"] is not None
    assert fresh.client.get("/v1/items", headers=headers).status_code == 401
    _, expired = fresh.app.access.create(DEFAULT_TENANT, "old", ["read"], expires_at=1)
    assert fresh.client.get("/v1/items", headers={"authorization": f"Bearer {expired}"}).status_code == 401


def test_a_key_in_the_url_is_refused_even_when_it_is_good_and_never_repeated(fresh: Served) -> None:
    good = fresh.keys["admin"]
    for path in (f"/v1/items?api_key={good}", f"/v1/items/{good}", f"/healthz?key={good}"):
        reply = fresh.ask("GET", path)
        assert reply.status_code == 401
        assert good not in reply.text + str(reply.headers)


def test_the_scheme_is_read_without_regard_to_case(fresh: Served) -> None:
    headers = {"authorization": f"bEaReR {fresh.keys['read']}"}
    assert fresh.client.get("/v1/items", headers=headers).status_code == 200


def test_the_rate_limit_counts_down_and_then_refuses_with_when_to_come_back(settings: Settings) -> None:
    for served in serve(Settings(home=settings.home, worker=False, rate_limit=3)):
        seen = [served.ask("GET", "/v1/items", "read") for _ in range(4)]
        assert [reply.status_code for reply in seen] == [200, 200, 200, 429]
        assert [reply.headers["ratelimit"].split(";")[1] for reply in seen] == ["r=2", "r=1", "r=0", "r=0"]
        assert seen[0].headers["ratelimit-policy"] == '"default";q=3;w=60'
        assert seen[0].headers["ratelimit"].startswith('"default";r=2;t=')
        assert 1 <= int(seen[3].headers["retry-after"]) <= 60
        assert seen[3].json()["error"]["type"] == "rate_limit_error"
        assert served.ask("GET", "/v1/items", "admin").status_code == 200, "another key has its own limit"


def test_answers_carry_headers_that_keep_browsers_from_guessing_and_storing(fresh: Served) -> None:
    headers = fresh.ask("GET", "/v1/items").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers
    page = fresh.ask("GET", "/docs", None).headers
    assert page["x-frame-options"] == "DENY"
    assert "script-src 'self'" in page["content-security-policy"]
    assert "unsafe" not in page["content-security-policy"]


def test_the_time_it_took_is_in_the_answer_and_in_the_metrics(fresh: Served) -> None:
    assert fresh.ask("GET", "/v1/items").headers["server-timing"].startswith("total;dur=")
    fresh.ask("GET", "/v1/items/secret-item-name")
    text = fresh.ask("GET", "/metrics").text
    assert 'aisle_http_request_duration_seconds_count{method="GET",route="/v1/items",status="200"} 1.0' in text
    assert 'route="/v1/items/{item_id}",status="404"' in text
    assert "secret-item-name" not in text


def test_metrics_do_not_grow_with_the_paths_that_strangers_try(fresh: Served) -> None:
    for number in range(50):
        fresh.ask("GET", f"/nothing/{number}", None)
    lines = [line for line in fresh.ask("GET", "/metrics").text.splitlines() if "_seconds_count" in line]
    assert lines == ['aisle_http_request_duration_seconds_count{method="other",route="unknown",status="404"} 50.0']


def test_a_fault_of_ours_is_a_500_that_tells_nothing_but_the_request_id(fresh: Served, caplog: Any) -> None:
    async def broken(call: Call) -> Reply:
        raise ZeroDivisionError("the password is swordfish")

    shell = Shell(fresh.app, Router([Route("GET", "/broken", broken, "", "", None)]))
    with caplog.at_level(logging.ERROR, "aisle"):
        status, headers, body = asyncio.run(ask(shell, "/broken"))
    assert status == 500
    assert b"swordfish" not in body
    assert headers[b"x-request-id"] in body
    assert "swordfish" in caplog.text, "the log has what the caller must not see"


def test_while_it_shuts_down_it_is_alive_but_not_ready(fresh: Served) -> None:
    assert fresh.ask("GET", "/readyz", None).status_code == 200
    fresh.app.draining = True
    ready = fresh.ask("GET", "/readyz", None)
    assert ready.status_code == 503
    assert "shutting down" in ready.json()["detail"]
    assert fresh.ask("GET", "/healthz", None).status_code == 200
    fresh.app.draining = False


async def ask(shell: Shell, path: str) -> tuple[int, dict[bytes, bytes], bytes]:
    """One GET without a client library."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": []}
    await shell(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]
