"""Each tenant's catalogue as a live view over its rows, kept up with what other processes change."""

from aisle.kit.catalogue import Catalogue
from aisle.storage.items import Changes, Items
from aisle.types import Item


class Live:
    """Catalogues by tenant. `put`, `remove` and `apply` are called from one thread (the event loop)."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self._catalogues: dict[int, Catalogue] = {}
        self._until: dict[int, int] = {}

    def catalogue(self, tenant: int) -> Catalogue:
        """The view, read from the rows the first time it is asked for."""
        found = self._catalogues.get(tenant)
        if found is None:
            changes = self._items.changed_since(tenant, 0)
            found = self._catalogues[tenant] = Catalogue(changes.changed)
            self._until[tenant] = changes.until
        return found

    def put(self, tenant: int, items: list[Item]) -> None:
        self.catalogue(tenant).put(items)

    def remove(self, tenant: int, item_ids: list[str]) -> None:
        self.catalogue(tenant).remove(item_ids)

    def read(self) -> dict[int, Changes]:
        """What changed in the rows since the last time (any thread)."""
        seen = list(self._until.items())
        return {
            tenant: self._items.changed_since(tenant, until) for tenant, until in seen if self._items.revision(tenant) > until
        }

    def apply(self, found: dict[int, Changes]) -> None:
        """Bring the views up to date with what `read` found."""
        for tenant, changes in found.items():
            catalogue = self._catalogues[tenant]
            fresh = [item for item in changes.changed if catalogue.get(item.item_id) != item]
            gone = [item_id for item_id in changes.removed if item_id in catalogue]
            if fresh:
                catalogue.put(fresh)
            if gone:
                catalogue.remove(gone)
            self._until[tenant] = max(self._until[tenant], changes.until)
