"""The database: named SQL, transactions, forward-only schema, damage and full disks said plainly."""

import resource
import sqlite3
import threading
from pathlib import Path

import pytest

from aisle.errors import Misconfigured, StorageFailed
from aisle.storage import database as module
from aisle.storage.database import Database
from aisle.storage.dialect import Sqlite, dialect_of
from aisle.storage.events import Events
from aisle.storage.items import Items
from aisle.types import Event, Item


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "aisle.db"


@pytest.fixture
def db(path: Path) -> Database:
    return Database(f"sqlite:///{path}")


def test_a_transaction_that_raises_leaves_nothing(db: Database) -> None:
    items = Items(db)
    with pytest.raises(ZeroDivisionError), db.transaction() as tx:
        tx.bulk("items_put", [(1, "a", b"{}", 1)])
        raise ZeroDivisionError
    assert items.count(1) == 0


def test_every_table_has_its_tenant(path: Path, db: Database) -> None:
    with sqlite3.connect(path) as raw:
        tables = [row[0] for row in raw.execute("select name from sqlite_master where type = 'table'")]
        assert len(tables) >= 12
        for table in tables:
            assert "tenant" in {row[1] for row in raw.execute(f"pragma table_info({table})")}, table
    raw.close()


def test_the_database_is_in_wal_mode_with_synchronous_normal(db: Database) -> None:
    connection = db.dialect.connect(write=True)
    assert connection.execute("pragma journal_mode").fetchone()[0] == "wal"
    assert connection.execute("pragma synchronous").fetchone()[0] == 1
    connection.close()


def test_a_newer_schema_is_refused_with_the_next_step(path: Path, db: Database) -> None:
    db.close()
    with sqlite3.connect(path) as raw:
        raw.execute("pragma user_version = 999")
    raw.close()
    with pytest.raises(Misconfigured, match="install the newer Aisle"):
        Database(f"sqlite:///{path}")


def test_a_schema_step_that_fails_half_way_leaves_the_old_schema(
    path: Path, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.close()
    steps = [*module.schema_files(), "create table extra (tenant {int}); create table extra (tenant {int})"]
    monkeypatch.setattr(module, "schema_files", lambda: steps)
    with pytest.raises(StorageFailed):
        Database(f"sqlite:///{path}")
    with sqlite3.connect(path) as raw:
        assert raw.execute("pragma user_version").fetchone()[0] == len(steps) - 1
        assert not raw.execute("select 1 from sqlite_master where name = 'extra'").fetchall()
    raw.close()


def test_a_schema_step_is_applied_once_and_in_order(path: Path, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    Items(db).put(1, [Item(item_id="a", title="kept")])
    db.close()
    steps = [*module.schema_files(), "create table extra (tenant {int})"]
    monkeypatch.setattr(module, "schema_files", lambda: steps)
    for _ in range(2):
        again = Database(f"sqlite:///{path}")
        assert Items(again).count(1) == 1
        again.close()


def test_a_file_that_is_no_database_is_refused_naming_the_backup(path: Path) -> None:
    path.write_bytes(b"this is not a database at all, it is a text" * 100)
    with pytest.raises(Misconfigured, match="backup"):
        Database(f"sqlite:///{path}")


def test_a_flipped_page_is_found_by_the_deep_check(path: Path, db: Database) -> None:
    Items(db).put(1, [Item(item_id=f"item-{n}", title="x" * 500) for n in range(500)])
    assert db.damage() == ""
    db.close()
    raw = bytearray(path.read_bytes())
    raw[4096 * 50 : 4096 * 60] = b"\xff" * 40960  # inside the items
    path.write_bytes(raw)
    assert Database(f"sqlite:///{path}").damage() != ""


def test_other_databases_are_refused_by_name() -> None:
    with pytest.raises(Misconfigured, match="mysql"):
        dialect_of("mysql://x")


def test_relative_and_absolute_paths_are_understood() -> None:
    assert Sqlite(Path("shop/aisle.db")) == dialect_of("sqlite:///shop/aisle.db")
    assert Sqlite(Path("/shop/aisle.db")) == dialect_of("sqlite:////shop/aisle.db")


def test_a_full_disk_is_said_plainly_and_survived(db: Database) -> None:
    events = Events(db)
    many = [Event(user_id=f"u{n}", item_id="i", type="view", time=10**15 + n, session_id="s" * 200) for n in range(20_000)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))  # the file may not grow past this: as if the disk were full
    try:
        with pytest.raises(StorageFailed, match="free some space"):
            events.add(1, many)
        assert events.count(1) == 0
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert events.add(1, many).accepted == 20_000


def test_many_threads_write_and_read_without_losing_a_row(db: Database) -> None:
    events = Events(db)

    def write(number: int) -> None:
        for k in range(50):
            events.add(1, [Event(user_id=f"u{number}", item_id=f"i{k}", type="view", time=10**15 + k)])
            events.recent(1, f"u{number}", 10)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert events.count(1) == 400
