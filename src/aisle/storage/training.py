"""What a task may read while it learns, over one tenant's rows (see `task.Data`)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aisle.storage.events import Events
from aisle.storage.items import Items
from aisle.storage.vectors import Vectors
from aisle.types import EventColumns, Item


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A tenant's items, events and vectors."""

    tenant: int
    item_rows: Items
    event_rows: Events
    vector_rows: Vectors

    def items(self) -> Iterator[Item]:
        return self.item_rows.all(self.tenant)

    def events(self) -> EventColumns:
        return self.event_rows.columns(self.tenant)

    def vectors(self, space: str) -> Iterator[tuple[str, bytes]]:
        return self.vector_rows.all(self.tenant, space)

    def write_vectors(self, space: str, rows: Iterable[tuple[str, bytes]]) -> None:
        self.vector_rows.put(self.tenant, space, rows)
