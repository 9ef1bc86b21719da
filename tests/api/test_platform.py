"""Items, events, people, jobs, models, keys, usage, audit: the platform's routes."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.api.conftest import Served

from aisle.jobs.worker import run_job

ITEM = {"item_id": "lamp", "title": "A lamp", "price": {"amount": 3900, "currency": "EUR"}, "availability": "in_stock"}
EVENT = {"user_id": "u", "item_id": "lamp", "type": "purchase", "time": "2026-01-02T03:04:05Z", "event_id": "e1"}


def put(fresh: Served, *ids: str) -> None:
    items = [{"item_id": item_id, "title": item_id} for item_id in ids]
    assert fresh.ask("PUT", "/v1/items", json={"items": items}).json() == {"accepted": len(ids), "rejected": []}


# ---- items ---------------------------------------------------------------------------------------------------------


def test_an_item_comes_back_as_it_was_put(fresh: Served) -> None:
    fresh.ask("PUT", "/v1/items", json={"items": [ITEM]})
    assert fresh.ask("GET", "/v1/items/lamp", "read").json() == ITEM


def test_putting_an_item_again_replaces_it(fresh: Served) -> None:
    fresh.ask("PUT", "/v1/items", json={"items": [ITEM]})
    fresh.ask("PUT", "/v1/items", json={"items": [{**ITEM, "title": "Another lamp"}]})
    assert fresh.ask("GET", "/v1/items/lamp").json()["title"] == "Another lamp"
    assert fresh.app.items.count(1) == 1


def test_items_come_as_lines_of_json_too(fresh: Served) -> None:
    lines = "\n".join(['{"item_id":"a","title":"A"}', "", "not json", '{"item_id":"b","title":"B"}', ""])
    said = fresh.ask("PUT", "/v1/items", content=lines, headers={"content-type": "application/x-ndjson"}).json()
    assert said["accepted"] == 2
    assert [row["index"] for row in said["rejected"]] == [1]


def test_pages_of_items_hold_every_item_once_in_the_order_of_ids(fresh: Served) -> None:
    ids = [f"item-{number:02}" for number in range(7)]
    put(fresh, *ids)
    found, after = [], ""
    for _ in range(3):
        page = fresh.ask("GET", f"/v1/items?limit=3&after={after}").json()
        found += [item["item_id"] for item in page["data"]]
        assert page["object"] == "list"
        assert (page["first_id"], page["last_id"]) == (page["data"][0]["item_id"], page["data"][-1]["item_id"])
        after = page["last_id"]
    assert found == ids
    assert page["has_more"] is False


def test_an_empty_catalogue_is_an_empty_page(fresh: Served) -> None:
    page = fresh.ask("GET", "/v1/items").json()
    assert page == {"data": [], "has_more": False, "first_id": None, "last_id": None, "object": "list"}


def test_when_an_item_was_made_is_stored_in_microseconds_however_it_was_said(fresh: Served) -> None:
    times = [
        {"item_id": str(n), "title": "t", "created_at": said} for n, said in enumerate(["2026-01-01", 1767225600, 1767225600000])
    ]
    fresh.ask("PUT", "/v1/items", json={"items": times})
    assert {fresh.ask("GET", f"/v1/items/{n}").json()["created_at"] for n in range(3)} == {1767225600000000}


# ---- events --------------------------------------------------------------------------------------------------------


def test_an_event_sent_twice_is_stored_once(fresh: Served) -> None:
    said = [fresh.ask("POST", "/v1/events", "write", json={"events": [EVENT]}).json() for _ in range(2)]
    assert [(row["accepted"], row["duplicates"]) for row in said] == [(1, 0), (0, 1)]


def test_a_hundred_senders_of_the_same_ids_at_once_store_each_event_once(fresh: Served) -> None:
    batch = {"events": [{**EVENT, "event_id": f"e{number}"} for number in range(20)]}

    def send(_: int) -> int:
        accepted: int = fresh.ask("POST", "/v1/events", "write", json=batch).json()["accepted"]
        return accepted

    with ThreadPoolExecutor(16) as pool:
        accepted = sum(pool.map(send, range(100)))
    assert accepted == 20 == fresh.app.events.count(1)


def test_events_come_as_lines_of_json_too(fresh: Served) -> None:
    lines = "".join(json.dumps({**EVENT, "event_id": f"e{number}"}) + "\r\n" for number in range(3))
    said = fresh.ask("POST", "/v1/events", content=lines, headers={"content-type": "application/jsonl; charset=utf-8"})
    assert said.json() == {"accepted": 3, "duplicates": 0, "rejected": []}


def test_times_of_events_may_be_said_in_any_way(fresh: Served) -> None:
    moments = ["2026-01-02T03:04:05Z", 1767323045, 1767323045.0, 1767323045000, 1767323045000000]
    events = [{**EVENT, "event_id": f"e{number}", "time": moment} for number, moment in enumerate(moments)]
    assert fresh.ask("POST", "/v1/events", json={"events": events}).json()["accepted"] == len(moments)
    assert {event["time"] for event in fresh.ask("GET", "/v1/users/u/export").json()["events"]} == {1767323045000000}


def test_a_large_batch_is_decoded_beside_the_event_loop_with_the_same_result(shop: Served) -> None:
    events = [{**EVENT, "user_id": "large", "event_id": f"large-{number}", "session_id": "s" * 250} for number in range(900)]
    events[5] = {"user_id": 5}
    said = shop.ask("POST", "/v1/events", json={"events": events}).json()
    assert (said["accepted"], [row["index"] for row in said["rejected"]]) == (899, [5])


def test_a_batch_of_a_hundred_events_costs_less_than_ten_milliseconds_of_processor_time(fresh: Served) -> None:
    batches = [[{**EVENT, "event_id": f"{b}-{number}", "user_id": f"u{number}"} for number in range(100)] for b in range(20)]
    bodies = [json.dumps({"events": rows}) for rows in batches]
    started = time.process_time()
    for body in bodies:
        fresh.ask("POST", "/v1/events", content=body)
    assert (time.process_time() - started) / len(bodies) < 0.010


# ---- people --------------------------------------------------------------------------------------------------------


def test_a_user_can_be_taken_away_and_then_erased_with_a_receipt(fresh: Served) -> None:
    fresh.ask("POST", "/v1/events", json={"events": [EVENT, {**EVENT, "user_id": "other", "event_id": "e2"}]})
    export = fresh.ask("GET", "/v1/users/u/export").json()
    assert [event["item_id"] for event in export["events"]] == ["lamp"]
    receipt = fresh.ask("DELETE", "/v1/users/u").json()["receipt"]
    assert receipt["events_deleted"] == 1
    assert '"u"' not in json.dumps(receipt), "the receipt does not name the person"
    assert fresh.ask("GET", "/v1/users/u/export").json()["events"] == []
    assert fresh.ask("DELETE", "/v1/users/u").json()["receipt"]["events_deleted"] == 0
    assert fresh.app.events.count(1) == 1
    assert "user.erased" in [line["type"] for line in fresh.ask("GET", "/v1/audit").json()["data"]]


# ---- jobs ----------------------------------------------------------------------------------------------------------


def test_a_job_is_queued_seen_and_stopped(fresh: Served) -> None:
    made = fresh.ask("POST", "/v1/jobs", json={"kind": "train", "task": "recommend", "config": {"algorithm": "popular"}})
    assert made.status_code == 201
    job = made.json()
    assert (job["object"], job["status"], job["params"]["config"]) == ("job", "queued", {"algorithm": "popular"})
    assert fresh.ask("GET", made.headers["location"]).json() == job
    assert fresh.ask("GET", "/v1/jobs").json()["data"] == [job]
    assert fresh.ask("POST", f"/v1/jobs/{job['id']}/cancel").json()["status"] == "cancelled"
    again = fresh.ask("POST", f"/v1/jobs/{job['id']}/cancel")
    assert again.status_code == 409
    assert again.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    "body, status, pointer",
    [
        ({"task": "nonsense"}, 404, None),
        ({"task": "recommend", "kind": "dig"}, 422, "#/kind"),
        ({"task": "recommend", "config": {"no_such": 1}}, 422, "#/config"),
        ({"task": "recommend", "config": {"algorithm": "magic"}}, 422, "#/config"),
        ({"task": "recommend", "tenant": 2}, 422, "#/tenant"),
    ],
)
def test_a_job_that_cannot_run_is_refused_when_it_is_asked_for(
    fresh: Served, body: Any, status: int, pointer: str | None
) -> None:
    reply = fresh.ask("POST", "/v1/jobs", json=body)
    assert reply.status_code == status
    if pointer:
        assert reply.json()["errors"][0]["pointer"].startswith(pointer)
    assert fresh.ask("GET", "/v1/jobs").json()["data"] == []


def test_a_jobs_progress_is_a_list_and_a_stream_that_ends_with_the_job(fresh: Served) -> None:
    job = fresh.ask("POST", "/v1/jobs", json={"task": "recommend"}).json()

    def dig(job: Any, progress: Any) -> dict[str, Any]:
        progress(1, 2, "half")
        progress(2, 2, "whole")
        return {"dug": True}

    def work() -> None:
        time.sleep(0.2)
        claimed = fresh.app.jobs.claim("test", job["id"])
        assert claimed is not None
        run_job(fresh.app.jobs, claimed, {"train": dig}, None)

    worker = threading.Thread(target=work)
    worker.start()
    stream = fresh.ask("GET", f"/v1/jobs/{job['id']}/events?stream=true")
    worker.join()
    assert stream.headers["content-type"] == "text/event-stream"
    told = [part.split("\n") for part in stream.text.strip().split("\n\n")]
    assert told[-1][0] == "event: job"
    assert json.loads(told[-1][1].removeprefix("data: "))["result"] == {"dug": True}
    listed = fresh.ask("GET", f"/v1/jobs/{job['id']}/events").json()["data"]
    assert [part[1] for part in told if part[0] == "event: job.event"] == [f"id: {event['id']}" for event in listed]
    assert "whole" in [event["message"] for event in listed]
    later = fresh.ask("GET", f"/v1/jobs/{job['id']}/events?after={listed[0]['id']}").json()["data"]
    assert later == listed[1:]


def test_the_stream_of_a_job_goes_on_where_the_last_one_broke_off(fresh: Served) -> None:
    job = fresh.ask("POST", "/v1/jobs", json={"task": "recommend"}).json()
    fresh.ask("POST", f"/v1/jobs/{job['id']}/cancel")
    first = fresh.ask("GET", f"/v1/jobs/{job['id']}/events", headers={"accept": "text/event-stream"}).text
    assert first.count("event: job.event") == 1
    resumed = {"accept": "text/event-stream", "last-event-id": f"{job['id']}-0"}
    assert "event: job.event" not in fresh.ask("GET", f"/v1/jobs/{job['id']}/events", headers=resumed).text


def test_an_unknown_job_is_404(fresh: Served) -> None:
    for path in ("/v1/jobs/job_1", "/v1/jobs/job_1/events", "/v1/jobs/job_1/events?stream=true"):
        assert fresh.ask("GET", path).status_code == 404


# ---- models --------------------------------------------------------------------------------------------------------


def test_the_live_models_are_listed_as_openai_lists_them(shop: Served) -> None:
    models = shop.ask("GET", "/v1/models", "read").json()
    assert models["object"] == "list"
    assert models["data"][0] | {"created": 0} == {"id": "recommend@1", "object": "model", "created": 0, "owned_by": "aisle"}
    assert shop.ask("GET", "/v1/models/recommend", "read").json() == models["data"][0]
    assert shop.ask("GET", "/v1/models/recommend@1", "read").json() == models["data"][0]
    assert shop.ask("GET", "/v1/models/gpt-4", "read").status_code == 404


def test_versions_carry_their_scores_and_what_they_learnt_from(shop: Served) -> None:
    (version,) = shop.ask("GET", "/v1/models/recommend/versions").json()["data"]
    assert version["live"] is True
    assert version["data"]["items"] == 24
    assert version["config"]["algorithm"] == "auto"
    assert version["scores"]


def test_the_ways_of_versions_end_in_words(fresh: Served) -> None:
    assert fresh.ask("POST", "/v1/models/recommend/versions/7/promote").status_code == 404
    assert fresh.ask("POST", "/v1/models/recommend/versions/x/promote").status_code == 422
    assert fresh.ask("POST", "/v1/models/nonsense/versions/1/promote").status_code == 404
    assert fresh.ask("POST", "/v1/models/recommend/versions/rollback").json()["error"]["code"] == "model_not_found"


def test_promoting_and_rolling_back_change_who_answers(trained: Any, tmp_path: Any) -> None:
    import shutil

    from tests.api.conftest import serve

    from aisle.embedded import Shop
    from aisle.settings import Settings

    home = tmp_path / "shop"
    shutil.copytree(trained, home)
    with Shop(str(home), worker=False) as two:
        two.train("recommend", algorithm="popular")
    for served in serve(Settings(home=str(home), worker=False)):

        def model(served: Served = served) -> str:
            answer: str = served.ask("POST", "/v1/recommend/popular", json={"n": 1}).json()["model"]
            return answer

        assert model() == "recommend@2"
        assert served.ask("POST", "/v1/models/recommend/versions/rollback").json()["id"] == "recommend@1"
        assert model() == "recommend@1"
        assert served.ask("POST", "/v1/models/recommend/versions/2/promote").json()["live"] is True
        assert model() == "recommend@2"
        assert {"model.promoted", "model.rolled_back"} <= {line["type"] for line in served.ask("GET", "/v1/audit").json()["data"]}


# ---- keys, tenants, usage, audit, ranking ----------------------------------------------------------------------------


def test_a_keys_secret_is_shown_once(fresh: Served) -> None:
    made = fresh.ask("POST", "/v1/keys", json={"name": "web", "scopes": ["read"]})
    assert made.status_code == 201
    secret = made.json()["value"]
    assert secret.startswith("sk-aisle-")
    for path in ("/v1/keys", f"/v1/keys/{made.json()['id']}", "/v1/audit"):
        assert secret not in fresh.ask("GET", path).text
    assert fresh.ask("GET", f"/v1/keys/{made.json()['id']}").json()["scopes"] == ["read"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "scopes": ["read"]}, {"name": "x", "scopes": []}, {"name": "x", "scopes": ["root"]},
        {"name": "x", "scopes": ["read"], "expires_at": 1}, {"name": "x", "scopes": ["read"], "tenant": 2},
        {"name": "x", "scopes": ["read"], "expires_at": 10**18}, {"scopes": ["read"]},
    ],
)  # fmt: skip
def test_a_key_that_makes_no_sense_is_refused(fresh: Served, body: Any) -> None:
    assert fresh.ask("POST", "/v1/keys", json=body).status_code == 422


def test_keys_are_paged(fresh: Served) -> None:
    first = fresh.ask("GET", "/v1/keys?limit=2").json()
    assert first["has_more"] is True
    rest = fresh.ask("GET", f"/v1/keys?limit=2&after={first['last_id']}").json()
    assert len(first["data"] + rest["data"]) == 3
    assert rest["has_more"] is False


def test_the_tenant_is_the_keys_own(fresh: Served) -> None:
    (tenant,) = fresh.ask("GET", "/v1/tenants", "read").json()["data"]
    assert (tenant["id"], tenant["name"]) == ("1", "default")


def test_usage_counts_what_was_asked_by_whom(shop: Served) -> None:
    before = _requests(shop)
    for _ in range(3):
        shop.ask("POST", "/v1/recommend/similar_items", "read", json={"item_id": "item-0001", "n": 1})
    assert _requests(shop) == before + 3


def _requests(shop: Served) -> int:
    page = shop.ask("GET", "/v1/usage?bucket_width=1d&group_by=operation&group_by[]=key_id").json()
    results = [result for bucket in page["data"] for result in bucket["results"] if result["operation"] == "similar_items"]
    assert all(result["key_id"] and result["energy_joules"] >= 0 for result in results)
    return sum(result["num_model_requests"] for result in results)


@pytest.mark.parametrize(
    "query",
    [
        "bucket_width=1y",
        "group_by=colour",
        "start_time=x",
        "start_time=5&end_time=5",
        "bucket_width=1m&start_time=0&end_time=1700000000",
    ],
)
def test_usage_that_cannot_be_told_is_refused(fresh: Served, query: str) -> None:
    assert fresh.ask("GET", f"/v1/usage?{query}").status_code == 422


def test_the_ranking_is_explained_in_words_from_the_settings_that_are_live(shop: Served) -> None:
    (ranking,) = shop.ask("GET", "/v1/ranking-parameters", "read").json()["data"]
    version = shop.app.models.live(1, "recommend")
    assert version is not None
    assert {parameter["name"]: parameter["value"] for parameter in ranking["parameters"]} == version.card["config"]
    for parameter in ranking["parameters"]:
        assert parameter["description"], parameter["name"]
        assert f"- {parameter['name']} = " in ranking["text"]
    assert "recommend@1" in ranking["text"]


# ---- once ------------------------------------------------------------------------------------------------------------


def test_the_same_idempotency_key_a_hundred_times_at_once_has_one_effect_and_one_answer(fresh: Served) -> None:
    headers = {"idempotency-key": "nightly-2026-01-01"}

    def send(_: int) -> Any:
        return fresh.ask("POST", "/v1/jobs", json={"task": "recommend"}, headers=headers)

    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(send, range(100)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert len(fresh.ask("GET", "/v1/jobs").json()["data"]) == 1
    assert sum("idempotent-replayed" in reply.headers for reply in replies) == 99
    assert len({reply.headers["x-request-id"] for reply in replies}) == 100


def test_an_idempotency_key_with_another_body_or_path_is_refused(fresh: Served) -> None:
    headers = {"idempotency-key": "k"}
    fresh.ask("POST", "/v1/jobs", json={"task": "recommend"}, headers=headers)
    other = fresh.ask("POST", "/v1/jobs", json={"task": "recommend", "config": {"algorithm": "popular"}}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert fresh.ask("POST", "/v1/keys", json={"name": "x", "scopes": ["read"]}, headers=headers).status_code == 422


def test_an_idempotency_key_belongs_to_its_caller(fresh: Served) -> None:
    headers = {"idempotency-key": "k"}
    for scope in ("write", "admin"):
        body = {"events": [{**EVENT, "event_id": scope}]}
        assert fresh.ask("POST", "/v1/events", scope, json=body, headers=headers).json()["accepted"] == 1


def test_a_request_that_failed_may_be_tried_again_with_the_same_key(fresh: Served) -> None:
    headers = {"idempotency-key": "k"}
    assert fresh.ask("POST", "/v1/jobs", json={"task": "nonsense"}, headers=headers).status_code == 404
    assert fresh.ask("POST", "/v1/jobs", json={"task": "recommend"}, headers=headers).status_code == 201
