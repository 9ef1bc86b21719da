"""kill -9 while a catalogue is imported and while a schema is moved, and a backup taken while events are written."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import aisle.storage.database as module
from aisle.feeds import open_feed
from aisle.jobs.imports import import_feed
from aisle.storage.database import Database
from aisle.storage.events import Events
from aisle.storage.items import Items

ITEMS, TOGETHER = 4000, 100  # products of the file, rows in one transaction
IMPORTER = """
import sys
from pathlib import Path
from aisle.feeds import open_feed
from aisle.jobs import imports
from aisle.storage.database import Database
from aisle.storage.events import Events
from aisle.storage.items import Items

path, url = Path(sys.argv[1]), sys.argv[2]
database = Database(url)
imports.BATCH = int(sys.argv[3])
feed = open_feed(path, "items", currency="EUR", pseudonym=str)
say = lambda done, total, text: print(text, flush=True)
imports.import_feed(feed, "items", 1, Items(database), Events(database), path.with_suffix(".rejects"), say)
"""


def title(number: int, edition: str) -> str:
    return f"Thing {number}, {edition} " + "x" * (1 + number % 90)


def catalogue(path: Path, edition: str) -> Path:
    rows = [f'sku-{number},"{title(number, edition)}",{number % 50}.50' for number in range(ITEMS)]
    path.write_text("\n".join(["item_id,title,price", *rows]))
    return path


def test_kill_9_while_a_catalogue_is_imported_leaves_whole_products_and_the_file_can_be_sent_again(tmp_path: Path) -> None:
    url, rng = f"sqlite:///{tmp_path / 'aisle.db'}", random.Random(5)
    for edition in ("first", "second", "third"):
        file = catalogue(tmp_path / "items.csv", edition)
        command = [sys.executable, "-c", IMPORTER, str(file), url, str(TOGETHER)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for _ in range(rng.randrange(1, ITEMS // TOGETHER)):
                child.stdout.readline()
            os.kill(child.pid, signal.SIGKILL)
        with closing(Database(url)) as database:
            stored = {item.item_id: item.title for item in Items(database).all(1)}
        fresh = [number for number in range(ITEMS) if stored.get(f"sku-{number}") == title(number, edition)]
        assert len(fresh) % TOGETHER == 0, "a transaction was cut"
        assert fresh == list(range(len(fresh))), "later rows were stored before earlier ones"
        editions = ("first", "second", "third")
        assert all(said in {title(int(name[4:]), one) for one in editions} for name, said in stored.items()), "half a product"
    with closing(Database(url)) as database:
        feed = open_feed(file, "items", currency="EUR", pseudonym=str)
        report = import_feed(feed, "items", 1, Items(database), Events(database), tmp_path / "rejects.csv", lambda *said: None)
        assert (report.accepted, report.rejected) == (ITEMS, 0)
        assert {item.item_id: item.title for item in Items(database).all(1)} == {
            f"sku-{number}": title(number, "third") for number in range(ITEMS)
        }


MOVE = (
    "create table extra (tenant {int}, note text); insert into extra values (1, 'kept'); "
    "alter table tenants add column colour text; create index extra_note on extra (note)"
)


def migrate_and_die(url: str, steps: list[str], line: int) -> bool:
    """Open the database in a child that kills itself before its `line`-th line of the database's code; True if it lived."""
    child = os.fork()
    if child == 0:
        seen = 0

        def trace(frame, event, argument):
            nonlocal seen
            if frame.f_code.co_filename != module.__file__:
                return None
            if event == "line":
                seen += 1
                if seen == line:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        try:
            module.schema_files = lambda: steps  # type: ignore[assignment]  # in the child only
            sys.settrace(trace)
            Database(url)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: a kill is no power cut, and a hundred fsyncs on a busy disk take a minute."""
    home = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=home if os.access(home, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


def test_killed_at_any_line_of_a_migration_the_schema_is_the_old_one_or_the_new_one(
    memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = memory / "aisle.db"
    url, steps = f"sqlite:///{path}", [*module.schema_files(), MOVE]
    Database(url).close()
    states, line = set(), 1
    while not migrate_and_die(url, steps, line):
        with closing(sqlite3.connect(path)) as raw:
            version = raw.execute("pragma user_version").fetchone()[0]
            made = {row[0] for row in raw.execute("select name from sqlite_master where name like 'extra%'")}
            colours = [row for row in raw.execute("pragma table_info(tenants)") if row[1] == "colour"]
            whole = version == len(steps)
            assert (made, len(colours)) == (({"extra", "extra_note"}, 1) if whole else (set(), 0))
            assert raw.execute("pragma integrity_check").fetchone() == ("ok",)
            states.add(whole)
        line += 1
    assert line > 30
    assert False in states
    monkeypatch.setattr(module, "schema_files", lambda: steps)
    with closing(Database(url)) as database:  # what was broken off is done at the next start
        assert database.dialect.version(database.dialect.connect(write=False)) == len(steps)


WRITER = """
import sys
from aisle.storage.database import Database
from aisle.storage.events import Events
from aisle.types import Event

events = Events(Database(sys.argv[1]))
for n in range(100_000):
    events.add(1, [Event(user_id=f"u{k}", item_id=f"i{n}", type="view", time=10**15 + n) for k in range(20)])
    print(n + 1, flush=True)
"""


def test_a_backup_taken_while_events_are_written_is_one_moment_and_opens_in_another_folder(tmp_path: Path) -> None:
    source = tmp_path / "aisle.db"
    with subprocess.Popen([sys.executable, "-c", WRITER, f"sqlite:///{source}"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for number in range(5):
            before = int(child.stdout.readline())
            copy = tmp_path / f"restored-{number}" / "aisle.db"
            copy.parent.mkdir()
            with closing(Database(f"sqlite:///{source}")) as live:
                live.copy(copy)  # what `aisle backup` calls
            for _ in range(20):
                child.stdout.readline()
            with closing(Database(f"sqlite:///{copy}")) as restored:
                count = Events(restored).count(1)
                assert restored.damage() == ""
                assert count % 20 == 0, "a transaction was cut"
                assert count >= 20 * before, "what was acknowledged before is missing"
                assert [len(Events(restored).of_user(1, f"u{k}")) for k in range(20)] == [count // 20] * 20
                assert Events(restored).add(1, []).accepted == 0
        child.kill()
