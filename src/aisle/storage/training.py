"""What a task may read while it learns, over one tenant's rows (see `task.Data`)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import get_args

from aisle.storage.events import Events
from aisle.storage.items import Items
from aisle.storage.media import Media
from aisle.storage.samples import Samples
from aisle.storage.searches import Searches
from aisle.storage.vectors import Vectors
from aisle.types import Choice, EventColumns, Item, Sample, SampleKind


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A tenant's items, events, vectors, samples and their files, and what was searched for."""

    tenant: int
    item_rows: Items
    event_rows: Events
    vector_rows: Vectors
    sample_rows: Samples
    files: Media
    search_rows: Searches

    def items(self) -> Iterator[Item]:
        return self.item_rows.all(self.tenant)

    def events(self) -> EventColumns:
        return self.event_rows.columns(self.tenant)

    def vectors(self, space: str) -> Iterator[tuple[str, bytes]]:
        return self.vector_rows.all(self.tenant, space)

    def write_vectors(self, space: str, rows: Iterable[tuple[str, bytes]]) -> None:
        self.vector_rows.put(self.tenant, space, rows)

    def choices(self) -> Iterator[Choice]:
        return self.search_rows.choices(self.tenant)

    def samples(self, kind: SampleKind) -> Iterator[Sample]:
        return self.sample_rows.all(self.tenant, kind)

    def media(self, address: str) -> bytes:
        return self.files.read(self.tenant, address)

    def picture(self, item: Item) -> bytes | None:
        return self.files.picture(item)

    def sizes(self) -> dict[str, int]:
        """How much there is to learn from, for a model's card."""
        samples = sum(self.sample_rows.count(self.tenant, kind) for kind in get_args(SampleKind))
        return {"items": self.item_rows.count(self.tenant), "events": self.event_rows.count(self.tenant), "samples": samples}
