"""`aisle demo --check`: asks every operation of a running demo shop once over HTTP, and says which answered well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import msgspec

from aisle.flows import discover as discover_flows
from aisle.task import Registry, discover

PATIENCE = 30.0  # seconds for one answer
ITEM, USER = "item-0001", "user-0001"
STRANGER = "item-of-another-shop"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing asked and how it was answered."""

    what: str
    status: int  # of HTTP; 0 where no answer came
    ms: float
    verdict: str  # "ok", or what is wrong
    note: str = ""

    @property
    def ok(self) -> bool:
        return self.verdict == "ok"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: `body` is the decoded JSON, or None."""

    status: int
    headers: dict[str, str]
    body: Any
    ms: float


Judge = Callable[[Reply], tuple[str, str]]  # -> (verdict, note)


class Client:
    """Asks one server with one key, one connection a question."""

    def __init__(self, address: str, key: str) -> None:
        parts = urlsplit(address)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self.key = key

    def ask(self, method: str, path: str, body: Any = None, raw: bytes | None = None, key: str | None = None) -> Reply:
        """One request; status 0 where no answer came."""
        said = self.key if key is None else key
        headers = {"Authorization": f"Bearer {said}"} if said else {}
        content = raw if raw is not None else msgspec.json.encode(body) if body is not None else None
        if content is not None:
            headers["Content-Type"] = "application/json"
        connection = HTTPConnection(self.host, self.port, timeout=PATIENCE)
        started = time.perf_counter()
        try:
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, HTTPException) as error:
            return Reply(0, {}, {"detail": str(error)}, _since(started))
        finally:
            connection.close()
        return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, _decoded(text), _since(started))


def check(address: str, key: str, registry: Registry | None = None) -> list[Row]:
    """Ask everything once: platform, items, events, every operation's own example, and what must be refused."""
    client = Client(address, key)
    tasks = registry or discover()
    return [*_platform(client), *_operations(client, tasks), *_items(client), *_events(client), *_refusals(client)]


def print_table(rows: list[Row]) -> None:
    """The rows as a table on standard output, with a last line that counts."""
    wide = max(len(row.what) for row in rows)
    for row in rows:
        print(f"{'ok ' if row.ok else 'BAD'}  {row.what:{wide}}  {row.status:3}  {row.ms:7.1f} ms  {_remark(row)}".rstrip())
    bad = sum(not row.ok for row in rows)
    print(f"\n{len(rows)} asked, {len(rows) - bad} answered well" + (f", {bad} did not" if bad else ""))


def _remark(row: Row) -> str:
    return row.note if row.ok else f"{row.verdict}  {row.note}".strip()


# ---- what is asked ---------------------------------------------------------------------------------------------


def _platform(client: Client) -> Iterator[Row]:
    for path in ("/healthz", "/readyz", "/openapi.json", "/docs"):
        yield _row(f"GET {path}", client.ask("GET", path, key=""), _is(200))
    for path in ("/metrics", "/v1/models", "/v1/jobs", "/v1/keys", "/v1/tenants", "/v1/usage", "/v1/audit"):
        yield _row(f"GET {path}", client.ask("GET", path), _is(200))


def _operations(client: Client, registry: Registry) -> Iterator[Row]:
    """Every operation that a task declares, and every flow, with its declared example."""
    known = client.ask("GET", "/openapi.json").body
    paths = known.get("paths", {}) if isinstance(known, dict) else {}
    for task in registry:
        for name, operation in task.operations.items():
            path = f"/v1/{task.name}/{name}"
            reply = client.ask("POST", path, dict(operation.example))
            yield _row(f"POST {path}", reply, _answered if path in paths else _undocumented)
    for flow in discover_flows(registry):
        reply = client.ask("POST", flow.path, dict(flow.example))
        yield _row(f"POST {flow.path}", reply, _answered if flow.path in paths else _undocumented)


def _items(client: Client) -> Iterator[Row]:
    """An item in, read, and out again."""
    new = {"item_id": "check-item", "title": "An item that only the check knows", "price": {"amount": 100, "currency": "EUR"}}
    yield _row("GET /v1/items", client.ask("GET", "/v1/items?limit=2"), _page_of(2))
    yield _row(f"GET /v1/items/{ITEM}", client.ask("GET", f"/v1/items/{ITEM}"), _has("item_id", ITEM))
    yield _row("PUT /v1/items", client.ask("PUT", "/v1/items", {"items": [new]}), _has("accepted", 1))
    yield _row("GET /v1/items (the new one)", client.ask("GET", "/v1/items/check-item"), _has("title", new["title"]))
    yield _row("DELETE /v1/items", client.ask("DELETE", "/v1/items/check-item"), _fine)
    yield _row("GET /v1/items (deleted)", client.ask("GET", "/v1/items/check-item"), _problem(404))


def _events(client: Client) -> Iterator[Row]:
    """A purchase by somebody new changes the next answer; the same purchase again is known; then they are erased."""
    user = f"check-{time.time_ns()}"
    asked: dict[str, Any] = {"user_id": user, "n": 10}
    before = client.ask("POST", "/v1/recommend/for_user", asked)
    yield _row("POST /v1/recommend/for_user (nobody yet)", before, _answered)
    event = {"user_id": user, "item_id": ITEM, "type": "purchase", "event_id": f"{user}-1", "quantity": 1}
    yield _row("POST /v1/events", client.ask("POST", "/v1/events", {"events": [event]}), _has("accepted", 1))
    yield _row("POST /v1/events (the same again)", client.ask("POST", "/v1/events", {"events": [event]}), _has("duplicates", 1))
    after = client.ask("POST", "/v1/recommend/for_user", asked)
    yield _row("POST /v1/recommend/for_user (after it)", after, _changed(before))
    yield _row("GET /v1/users/{user_id}/export", client.ask("GET", f"/v1/users/{user}/export"), _is(200))
    erased = client.ask("DELETE", f"/v1/users/{user}")
    yield _row("DELETE /v1/users/{user_id}", erased, _is(200))
    receipt = erased.body.get("receipt", {}) if isinstance(erased.body, dict) else {}
    for job_id in receipt.get("retraining_jobs", ()):
        yield _row("GET /v1/jobs/{job_id} (the retraining)", _finished(client, job_id), _has("status", "succeeded"))


def _finished(client: Client, job_id: str) -> Reply:
    """A job once it is over, or as it stands when patience ends."""
    until = time.monotonic() + PATIENCE
    while True:
        reply = client.ask("GET", f"/v1/jobs/{job_id}")
        status = reply.body.get("status") if isinstance(reply.body, dict) else None
        if reply.status != 200 or status in ("succeeded", "failed", "cancelled") or time.monotonic() > until:
            return reply
        time.sleep(0.2)


def _refusals(client: Client) -> Iterator[Row]:
    """What must be refused, and how."""
    path = "/v1/recommend/for_user"
    yield _row("no key", client.ask("POST", path, {"user_id": USER}, key=""), _problem(401))
    yield _row("a wrong key", client.ask("POST", path, {"user_id": USER}, key="sk-aisle-wrong"), _problem(401))
    yield _row("broken JSON", client.ask("POST", path, raw=b'{"user_id": "user-0001"'), _problem(400))
    yield _row("a wrong type", client.ask("POST", path, {"user_id": 7}), _problem(422))
    yield _row("an unknown item", client.ask("POST", "/v1/recommend/similar_items", {"item_id": STRANGER}), _problem(404))
    yield _row("an unknown operation", client.ask("POST", "/v1/recommend/the_future", {}), _problem(404))
    yield _row("an unknown method", client.ask("PATCH", "/v1/items", {}), _problem(405))


# ---- how it is judged ------------------------------------------------------------------------------------------


def _row(what: str, reply: Reply, judge: Judge) -> Row:
    verdict, note = judge(reply)
    return Row(what, reply.status, reply.ms, verdict, note)


def _is(status: int) -> Judge:
    def judge(reply: Reply) -> tuple[str, str]:
        return ("ok", "") if reply.status == status else (f"expected {status}", _detail(reply))

    return judge


def _fine(reply: Reply) -> tuple[str, str]:
    return ("ok", "") if reply.status in (200, 202, 204) else ("expected success", _detail(reply))


def _has(name: str, value: object) -> Judge:
    """Success, and this member with this value."""

    def judge(reply: Reply) -> tuple[str, str]:
        if reply.status not in (200, 201):
            return "expected 200", _detail(reply)
        found = reply.body.get(name) if isinstance(reply.body, dict) else None
        return ("ok", f"{name}: {value}") if found == value else (f"{name} is {found!r}, not {value!r}", "")

    return judge


def _page_of(count: int) -> Judge:
    def judge(reply: Reply) -> tuple[str, str]:
        rows = reply.body.get("data") if isinstance(reply.body, dict) else None
        return ("ok", f"{count} of them") if rows and len(rows) == count else ("not a page", _detail(reply))

    return judge


def _answered(reply: Reply) -> tuple[str, str]:
    """200 with an answer id, a model, something in it, and reasons where items are recommended."""
    if reply.status != 200 or not isinstance(reply.body, dict):
        return "expected 200", _detail(reply)
    missing = [name for name in ("answer_id", "model") if not reply.body.get(name)]
    lists = [value for value in reply.body.values() if isinstance(value, list)]
    if missing or (lists and not any(lists) and "next" not in reply.body):  # the last page of a list may be empty
        return f"without {', '.join(missing) or 'content'}", ""
    silent = [row for row in reply.body.get("items", ()) if "score" in row and not row.get("reasons")]
    if silent:
        return f"{len(silent)} items without a reason", ""
    return "ok", " ".join(str(reply.body[name]) for name in ("model", "strategy") if name in reply.body)


def _undocumented(reply: Reply) -> tuple[str, str]:
    return "not in /openapi.json", _answered(reply)[0]


def _changed(before: Reply) -> Judge:
    """Answered, and not as before."""

    def judge(reply: Reply) -> tuple[str, str]:
        verdict, note = _answered(reply)
        if verdict != "ok":
            return verdict, note
        same = _ids(before) == _ids(reply)
        return ("the purchase did not change the answer", note) if same else ("ok", note)

    return judge


def _problem(status: int) -> Judge:
    """This status, as problem+json that says what happened."""

    def judge(reply: Reply) -> tuple[str, str]:
        if reply.status != status:
            return f"expected {status}", _detail(reply)
        if not reply.headers.get("content-type", "").startswith("application/problem+json") or not _detail(reply):
            return "not problem+json with a detail", ""
        return "ok", _detail(reply)

    return judge


def _ids(reply: Reply) -> list[str]:
    rows = reply.body.get("items", []) if isinstance(reply.body, dict) else []
    return [row["item_id"] for row in rows]


def _detail(reply: Reply) -> str:
    return str(reply.body.get("detail", ""))[:100] if isinstance(reply.body, dict) else ""


def _decoded(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text) if text else None
    except msgspec.DecodeError:
        return None  # a page or metrics, not JSON


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
