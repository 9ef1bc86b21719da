"""kill -9 while publishing: at every single line that is run, the old model stays live and whole, or the new one is."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.models.conftest import Store

import aisle.models
import aisle.storage.database
from aisle.storage.database import Database

CODE = (str(Path(aisle.models.__file__).parent), aisle.storage.database.__file__)


def publish_and_die(database_url: str, folder: Path, line: int) -> bool:
    """Publish in a child that kills itself before its `line`-th line in the code of models and database; True if it lived."""
    child = os.fork()
    if child == 0:
        seen = 0

        def trace(frame, event, argument):
            nonlocal seen
            if not frame.f_code.co_filename.startswith(CODE) or frame.f_code.co_name == "<genexpr>":
                return None  # generators step once per version there is: the lines would grow with every round
            if event == "line":
                seen += 1
                if seen == line:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        try:
            store = Store(Database(database_url), folder)
            sys.settrace(trace)
            store.make(content=b"new weights")
            sys.settrace(None)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: a kill is no power cut, and thousands of fsyncs on a busy disk take minutes."""
    home = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=home if os.access(home, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


def test_killed_at_any_line_the_old_version_stays_live_or_the_new_one_is_and_both_are_whole(memory):
    url, folder = f"sqlite:///{memory / 'aisle.db'}", memory / "models"
    database = Database(url)
    models = Store(database, folder)
    before = models.make()
    line = 1
    while not publish_and_die(url, folder, line):
        live = models.live(1, "shop")
        assert live.version >= before.version
        models.verify(live)
        known = [version.folder for version in models.list(1)]
        models.sweep(older_seconds=0)
        assert set((folder / "1" / "shop").iterdir()) == set(known)
        assert list((folder / ".scratch").iterdir()) == []
        before, line = live, line + 1
    assert line > 150
    for version in models.list(1):
        models.verify(version)
    assert models.make().live
    database.close()
