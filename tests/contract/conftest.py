"""A fifth task, put beside the others without touching a file of theirs."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import aisle.tasks
from aisle.task import Task, discover
from contract.fifth import write


@pytest.fixture
def fifth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Task]]:
    """Writes the folder and finds its task the way the platform does."""

    def add(**changed: str) -> Task:
        place = write(tmp_path / "more_tasks", **changed)
        monkeypatch.setattr(aisle.tasks, "__path__", [*aisle.tasks.__path__, str(place)])
        return discover()["shelves"]

    yield add
    for name in [name for name in sys.modules if name.startswith("aisle.tasks.shelves")]:
        del sys.modules[name]
    if hasattr(aisle.tasks, "shelves"):
        del aisle.tasks.shelves
