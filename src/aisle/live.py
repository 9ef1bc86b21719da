"""Each tenant's catalogue, item vectors and rules as live views over their rows, kept up with what other processes change."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aisle.kit.catalogue import Catalogue
from aisle.kit.vectors import Space
from aisle.storage.items import Changes, Items
from aisle.storage.rules import Rules
from aisle.storage.vectors import Vectors
from aisle.types import Item, RuleSet

SPACES = ("text", "image")  # of the vectors that answers may need
Key = tuple[int, str]  # tenant, space


@dataclass(frozen=True, slots=True)
class Found:
    """What changed in the rows since the last time."""

    items: dict[int, Changes] = field(default_factory=dict)
    vectors: dict[Key, tuple[int, list[tuple[str, bytes]]]] = field(default_factory=dict)  # the revision, the rows


class Live:
    """Catalogues, vectors and rules by tenant. All but `read` and `read_rules` are called from one thread (the event loop)."""

    def __init__(self, items: Items, vectors: Vectors, rules: Rules) -> None:
        self._items = items
        self._vectors = vectors
        self._rule_rows = rules
        self._rules: dict[int, RuleSet] = {}
        self._catalogues: dict[int, Catalogue] = {}
        self._until: dict[int, int] = {}
        self._spaces: dict[Key, Space] = {}
        self._seen: dict[Key, int] = {}

    def catalogue(self, tenant: int) -> Catalogue:
        """The view, read from the rows the first time it is asked for."""
        found = self._catalogues.get(tenant)
        if found is None:
            changes = self._items.changed_since(tenant, 0)
            found = self._catalogues[tenant] = Catalogue(changes.changed)
            self._until[tenant] = changes.until
        return found

    def spaces(self, tenant: int) -> Mapping[str, Space]:
        """The item vectors by space, read from the rows the first time they are asked for."""
        return {space: self._space(tenant, space) for space in SPACES}

    def rules(self, tenant: int) -> RuleSet:
        """The rules, read from the rows the first time they are asked for."""
        found = self._rules.get(tenant)
        if found is None:
            found = self._rules[tenant] = self._rule_rows.all(tenant)
        return found

    def reread_rules(self, tenant: int) -> None:
        """After a change made by this process."""
        self._rules[tenant] = self._rule_rows.all(tenant)

    def put(self, tenant: int, items: list[Item]) -> None:
        self.catalogue(tenant).put(items)

    def remove(self, tenant: int, item_ids: list[str]) -> None:
        self.catalogue(tenant).remove(item_ids)

    def read_rules(self) -> dict[int, RuleSet]:
        """Rules that other processes changed since the last time (any thread)."""
        seen = list(self._rules.items())
        return {tenant: self._rule_rows.all(tenant) for tenant, have in seen if self._rule_rows.revision(tenant) != have.version}

    def apply_rules(self, found: dict[int, RuleSet]) -> None:
        """Take what `read_rules` found, unless this process has changed them since."""
        for tenant, rules in found.items():
            if rules.version > self._rules[tenant].version:
                self._rules[tenant] = rules

    def read(self) -> Found:
        """What changed in the rows since the last time (any thread)."""
        items = {
            tenant: self._items.changed_since(tenant, until)
            for tenant, until in list(self._until.items())
            if self._items.revision(tenant) > until
        }
        vectors = {}
        for key, seen in list(self._seen.items()):
            revision = self._vectors.revision(*key)
            if revision > seen:
                vectors[key] = revision, self._vectors.changed_since(*key, seen)
        return Found(items, vectors)

    def apply(self, found: Found) -> None:
        """Bring the views up to date with what `read` found."""
        for tenant, changes in found.items.items():
            catalogue = self._catalogues[tenant]
            fresh = [item for item in changes.changed if catalogue.get(item.item_id) != item]
            gone = [item_id for item_id in changes.removed if item_id in catalogue]
            if fresh:
                catalogue.put(fresh)
            if gone:
                catalogue.remove(gone)
            self._until[tenant] = max(self._until[tenant], changes.until)
        for key, (revision, rows) in found.vectors.items():
            self._spaces[key].put(rows)
            self._seen[key] = revision

    def _space(self, tenant: int, space: str) -> Space:
        key = (tenant, space)
        found = self._spaces.get(key)
        if found is None:
            revision = self._vectors.revision(tenant, space)  # first: what is written meanwhile is read again
            found = self._spaces[key] = Space(self._vectors.all(tenant, space))
            self._seen[key] = revision
        return found
