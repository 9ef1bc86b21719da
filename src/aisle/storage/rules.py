"""The merchandisers' rules, of every tenant."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from aisle.errors import BadInput
from aisle.storage.database import Database
from aisle.times import to_micros
from aisle.types import Rule, RuleSet

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Rule).decode


class Rules:
    """Rows of rules; every change takes the next revision, so that other processes learn of it by one number."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, tenant: int, rules: Iterable[Rule]) -> None:
        """Insert or replace by `rule_id`, all or none."""
        with self._db.transaction() as tx:
            tx.revise(tenant, "rules")
            tx.bulk("rules_put", [(tenant, rule.rule_id, _encode(rule)) for rule in rules])

    def remove(self, tenant: int, rule_id: str) -> bool:
        """Whether it was there."""
        with self._db.transaction() as tx:
            tx.revise(tenant, "rules")
            return tx.run("rules_remove", tenant=tenant, rule_id=rule_id) > 0

    def all(self, tenant: int) -> RuleSet:
        """The rules as they are now, in the order of their ids."""
        version = self.revision(tenant)  # read first: a change in between is seen again, never missed
        return RuleSet(version, tuple(_decode(row[0]) for row in self._db.rows("rules_all", tenant=tenant)))

    def revision(self, tenant: int) -> int:
        return self._db.revision(tenant, "rules")


def timed(rule: Rule) -> Rule:
    """The rule with its times in microseconds, and nothing in it that contradicts itself. Raises BadInput."""
    starts, ends = (to_micros(at) if at is not None else None for at in (rule.starts_at, rule.ends_at))
    if starts is not None and ends is not None and ends <= starts:
        raise BadInput(f"the rule {rule.rule_id!r} ends before it starts", param="/ends_at")
    if rule.action == "pin" and not rule.items.include:
        raise BadInput(f"the rule {rule.rule_id!r} pins nothing: name the items in items.include", param="/items/include")
    for place, words in enumerate(rule.queries):
        if not any(char.isalnum() for char in words):
            raise BadInput(f"the rule {rule.rule_id!r} is for a question without words", param=f"/queries/{place}")
    return msgspec.structs.replace(rule, starts_at=starts, ends_at=ends)
