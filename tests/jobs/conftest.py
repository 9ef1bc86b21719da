"""A queue in a database of its own."""

from pathlib import Path

import pytest

from aisle.jobs.queue import Jobs
from aisle.storage.database import Database


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'aisle.db'}"


@pytest.fixture
def database(url: str):
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database)
