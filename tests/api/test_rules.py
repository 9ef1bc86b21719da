"""Rules over HTTP: set, listed, removed, in the next answer, audited, and told to other processes."""

from aisle.app import App
from api.conftest import Served

HIDE = {"rule_id": "no-1", "action": "hide", "items": {"include": ["item-0001"]}}


def shown(served: Served) -> list[str]:
    answer = served.ask("POST", "/v1/recommend/popular", json={"n": 1000})
    return [one["item_id"] for one in answer.json()["items"]]


def test_a_rule_counts_in_the_next_answer_until_it_is_removed(shop: Served) -> None:
    assert "item-0001" in shown(shop)
    assert shop.ask("PUT", "/v1/rules", json={"rules": [HIDE]}).json() == {"accepted": 1}
    assert "item-0001" not in shown(shop)
    assert [rule["rule_id"] for rule in shop.ask("GET", "/v1/rules", "read").json()["data"]] == ["no-1"]
    assert shop.ask("DELETE", "/v1/rules/no-1").status_code == 200
    assert "item-0001" in shown(shop)
    assert shop.ask("DELETE", "/v1/rules/no-1").status_code == 404
    actions = [line["type"] for line in shop.ask("GET", "/v1/audit?limit=1000").json()["data"]]
    assert {"rule.put", "rule.removed"} <= set(actions)


def test_rules_that_contradict_themselves_are_refused_with_the_place(fresh: Served) -> None:
    for rule in (
        {**HIDE, "action": "explode"},
        {**HIDE, "starts_at": "2026-02-01", "ends_at": "2026-01-01"},
        {"rule_id": "p", "action": "pin"},
        {**HIDE, "starts_at": "soon"},
        {**HIDE, "factor": 0},
    ):
        answer = fresh.ask("PUT", "/v1/rules", json={"rules": [rule]})
        assert answer.status_code == 422, answer.text
    assert fresh.ask("PUT", "/v1/rules", "write", json={"rules": [HIDE]}).status_code == 403
    assert fresh.ask("GET", "/v1/rules").json()["data"] == []


def test_rules_set_by_another_process_arrive(fresh: Served) -> None:
    tenant = 1
    assert fresh.app.live.rules(tenant).rules == ()
    other = App(fresh.app.settings)
    other.rules.put(tenant, [])
    assert fresh.app.live.read_rules()[tenant].version == other.rules.revision(tenant)
    other.database.close()
