"""Every declared operation is an endpoint; the answers are the engine's."""

import gzip
import json

from tests.api.conftest import Served


def test_every_operation_of_every_task_answers_its_example_over_http(shop: Served) -> None:
    for task in shop.app.registry:
        if shop.app.models.live(1, task.name) is None:
            continue
        for name, operation in task.operations.items():
            reply = shop.ask("POST", f"/v1/{task.name}/{name}", json=dict(operation.example))
            assert reply.status_code == 200, (name, reply.text)
            answer = reply.json()
            assert answer["answer_id"].startswith("ans_")
            assert answer["model"] == f"{task.name}@1"
            assert answer["usage"]["cpu_ms"] > 0


def test_two_answers_have_two_ids(shop: Served) -> None:
    answers = [shop.ask("POST", "/v1/recommend/popular", json={"n": 3}).json()["answer_id"] for _ in range(2)]
    assert len(set(answers)) == 2


def test_a_purchase_posted_over_http_changes_the_next_answer(shop: Served) -> None:
    asked = {"user_id": "user-0002", "n": 1}
    first = shop.ask("POST", "/v1/recommend/for_user", json=asked).json()["items"][0]["item_id"]
    bought = {"events": [{"user_id": "user-0002", "item_id": first, "type": "purchase", "event_id": "changes-the-answer"}]}
    assert shop.ask("POST", "/v1/events", json=bought).json()["accepted"] == 1
    again = shop.ask("POST", "/v1/recommend/for_user", json=asked).json()["items"]
    assert first not in [item["item_id"] for item in again]


def test_a_body_may_come_gzipped(shop: Served) -> None:
    body = gzip.compress(json.dumps({"n": 2}).encode())
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    reply = shop.ask("POST", "/v1/recommend/popular", content=body, headers=headers)
    assert len(reply.json()["items"]) == 2


def test_what_curl_d_sends_without_a_content_type_is_read_as_json(shop: Served) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert shop.ask("POST", "/v1/recommend/popular", content=b'{"n":2}', headers=headers).status_code == 200


def test_a_body_of_another_format_is_refused_by_name(shop: Served) -> None:
    reply = shop.ask("POST", "/v1/recommend/popular", content=b"<n>2</n>", headers={"content-type": "text/xml"})
    assert reply.status_code == 415
    assert "text/xml" in reply.json()["detail"]


def test_a_task_without_a_model_says_which_command_makes_one(fresh: Served) -> None:
    reply = fresh.ask("POST", "/v1/recommend/popular", json={})
    assert reply.status_code == 404
    assert reply.json()["error"]["code"] == "model_not_found"
    assert "aisle train recommend" in reply.json()["detail"]


def test_an_impossible_deadline_is_refused(shop: Served) -> None:
    for wrong in ("0", "-1", "soon", "9" * 40):
        reply = shop.ask("POST", "/v1/recommend/popular", json={}, headers={"x-aisle-timeout-ms": wrong})
        assert reply.status_code == 422, wrong
    assert shop.ask("POST", "/v1/recommend/popular", json={}, headers={"x-aisle-timeout-ms": "5000"}).status_code == 200
