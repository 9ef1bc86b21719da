"""/v1/rules: what merchandisers want of every answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from aisle.api.catalogue import Deleted
from aisle.api.decode import converted, reader, require_json
from aisle.api.reply import Page, Reply, json, page
from aisle.api.routing import Call, Route
from aisle.app import App
from aisle.errors import NotFound
from aisle.types import Id, Rule

TOLD = (
    "pin: named items at a position. boost, bury: scores times a factor, said in the reasons. hide: never shown. cap: at most so"
    " many of one category, brand or group in an answer. again: bought items come back after `days`, or never."
    " They hold for recommendations and searches; a rule with `queries` for searches with all of these words alone."
)
EXAMPLE = {
    "rules": [
        {"rule_id": "winter-sale", "action": "boost", "factor": 1.5, "items": {"category": ["Home"]}, "note": "winter sale"},
        {"rule_id": "one-per-brand", "action": "cap", "most": 2, "per": "brand"},
        {"rule_id": "tea-comes-back", "action": "again", "days": 21, "items": {"category": ["Food"]}},
    ]
}


class RulesIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Rules to insert or replace by `rule_id`, all or none."""

    rules: Annotated[list[Rule], Meta(min_length=1, max_length=200)]


class RulesTaken(Struct, frozen=True):
    """How many were stored; they count from the next answer on."""

    accepted: int


class RulePath(Struct, frozen=True):
    """A rule's id in the path, percent-encoded."""

    rule_id: Id


class RuleHandlers:
    """The handlers of rules."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._read = reader(RulesIn)

    async def put(self, call: Call) -> Reply:
        require_json(call.headers.get(b"content-type"))
        rules = self._read(call.body).rules
        await self._app.put_rules(call.who, rules)
        return json(RulesTaken(len(rules)))

    async def list(self, call: Call) -> Reply:
        rules = self._app.live.rules(call.who.tenant).rules
        return page(list(rules), len(rules), "rule_id")

    async def remove(self, call: Call) -> Reply:
        rule_id = converted(call.params, RulePath).rule_id
        if not await self._app.remove_rule(call.who, rule_id):
            raise NotFound(f"there is no rule {rule_id!r}: GET /v1/rules lists those there are")
        return json(Deleted(rule_id))

    def routes(self) -> Iterator[Route]:
        yield Route(
            "PUT", "/v1/rules", self.put, "Set rules: pin, boost, bury, hide, cap, again", "rules", "admin", RulesIn,
            answer=RulesTaken, example=EXAMPLE, errors=(413, 415), description=TOLD,
        )  # fmt: skip
        yield Route("GET", "/v1/rules", self.list, "The rules", "rules", answer=Page[Rule])
        yield Route("DELETE", "/v1/rules/{rule_id}", self.remove, "Remove a rule", "rules", "admin", params=RulePath,
                    answer=Deleted, errors=(404,))  # fmt: skip
