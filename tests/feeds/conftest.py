"""Files to read, and what a whole feed gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aisle.feeds import Feed, Reject, open_feed

Write = Callable[..., Path]


class Whole(NamedTuple):
    """Everything a feed gave, and that it added up."""

    format: str
    rows: list[Any]
    rejects: list[Reject]
    read: int
    fresh: int
    repeats: int

    @property
    def reasons(self) -> list[str]:
        return [reject.reason for reject in self.rejects]


def whole(feed: Feed) -> Whole:
    """Read a feed to its end; fails unless its rows add up."""
    batches = list(feed.batches(1000))
    rows = [row for batch in batches for row in batch.rows]
    rejects = [reject for batch in batches for reject in batch.rejects]
    read, fresh, repeats = (sum(getattr(batch, name) for batch in batches) for name in ("read", "fresh", "repeats"))
    if feed.kind == "items":
        assert read == fresh + repeats + len(rejects)
        assert len({item.item_id for item in rows}) == fresh
    else:
        assert read == len(rows) + len(rejects)
    assert len({reject.row for reject in rejects}) == len(rejects)
    assert feed.done == feed.total
    return Whole(feed.format, rows, rejects, read, fresh, repeats)


def pseudonym(subject: str) -> str:
    return f"p_{len(subject)}x{sum(subject.encode())}"


def read(path: Path, kind: str, **given: Any) -> Whole:
    """Open and read a file as a shop in euros would."""
    return whole(open_feed(path, kind, **{"currency": "EUR", "pseudonym": pseudonym} | given))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of text or bytes and return its path."""

    def make(content: str | bytes, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


@pytest.fixture(scope="session")
def data(real_data: Path) -> Path:
    """The real recommendation data sets."""
    return real_data / "rec"
