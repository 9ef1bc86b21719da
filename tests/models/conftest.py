"""A models folder with its database."""

from pathlib import Path

import pytest

from aisle.models import Models, Version
from aisle.storage.database import Database


class Store(Models):
    """Models that can be published in one line."""

    def make(self, task: str = "shop", tenant: int = 1, content: bytes = b"weights") -> Version:
        fitted = self.scratch(task)
        (fitted / "net").mkdir()
        (fitted / "net" / "weights.bin").write_bytes(content)
        (fitted / "labels.json").write_text('["a", "b"]')
        return self.publish(tenant, task, fitted, config={"k": 50}, scores={"ndcg": 0.25}, facts={"events": 1000})


@pytest.fixture
def database(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path / 'aisle.db'}")
    yield database
    database.close()


@pytest.fixture
def models(tmp_path: Path, database: Database) -> Store:
    return Store(database, tmp_path / "models")
