"""Every difference between the databases Aisle runs on; nothing else knows which one it is."""

import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aisle.errors import AisleError, Misconfigured, StorageFailed

PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")
PAGE_CACHE = 65_536  # KiB of pages a connection that writes may keep
READ_CACHE = 16_384
LOG_PAGES = 16_384  # of 4 KiB in the log before they are copied into the file: an import writes a page in batch after batch
MAPPED = 256 * 1024 * 1024  # bytes of the file read through the page cache of the system
SETTLE = 1000  # ms that overwriting what was erased may wait for readers
BUSY = 10_000  # ms a writer waits for another process's writer
SQLITE_PRAGMAS = (
    "journal_mode=wal",
    "synchronous=normal",
    f"mmap_size={MAPPED}",
    "temp_store=memory",
    "secure_delete=on",
    f"busy_timeout={BUSY}",
)


class Connection(Protocol):
    """The part of DB-API 2.0 that Aisle uses."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any: ...
    def executemany(self, sql: str, parameters: Any, /) -> Any: ...
    def close(self) -> None: ...


class Dialect(Protocol):
    """What differs between databases."""

    def connect(self, *, write: bool) -> Connection: ...
    def schema(self, text: str) -> str:
        """The schema with {int}, {real}, {bytes} and {clustered} filled in."""

    def positional(self, sql: str) -> str:
        """Named parameters as positional ones, in order of appearance."""

    def named(self, sql: str) -> str: ...
    def version(self, connection: Connection) -> int:
        """The number of the last schema file applied, 0 for an empty database."""

    def set_version(self, connection: Connection, number: int) -> None: ...
    def settle(self, connection: Connection) -> None:
        """Write what was deleted over the places where it stood, now rather than when the database comes to it."""

    def damage(self, connection: Connection) -> str:
        """What is wrong with the stored pages; empty when they all read well. Reads the whole database."""

    def copy(self, connection: Connection, to: Path) -> None:
        """The database of one moment as a file of its own, while others go on writing."""

    def translate(self, error: Exception) -> AisleError:
        """The driver's error as one of ours."""

    @property
    def begin(self) -> str:
        """The statement that starts a write transaction."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises."""


@dataclass(frozen=True)
class Sqlite:
    """SQLite in WAL mode: one file, one writer at a time, readers never wait."""

    path: Path
    begin: str = "begin immediate"
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def connect(self, *, write: bool) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, cached_statements=256)
        for pragma in SQLITE_PRAGMAS:
            connection.execute(f"pragma {pragma}")
        connection.execute(f"pragma cache_size=-{PAGE_CACHE if write else READ_CACHE}")
        connection.execute(f"pragma wal_autocheckpoint={LOG_PAGES}")
        return connection

    def schema(self, text: str) -> str:
        for token, word in (("{int}", "integer"), ("{real}", "real"), ("{bytes}", "blob"), ("{clustered}", " without rowid")):
            text = text.replace(token, word)
        return text

    def positional(self, sql: str) -> str:
        return PARAMETER.sub("?", sql)

    def named(self, sql: str) -> str:
        return sql

    def version(self, connection: Connection) -> int:
        return int(connection.execute("pragma user_version").fetchone()[0])

    def set_version(self, connection: Connection, number: int) -> None:
        connection.execute(f"pragma user_version={number}")

    def settle(self, connection: Connection) -> None:
        connection.execute(
            f"pragma busy_timeout={SETTLE}"
        )  # a long reader may hold on to the log: the next checkpoint does it then
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        connection.execute(f"pragma busy_timeout={BUSY}")

    def damage(self, connection: Connection) -> str:
        lines = [str(row[0]) for row in connection.execute("pragma quick_check").fetchall()]
        return "" if lines == ["ok"] else "; ".join(lines[:3])

    def copy(self, connection: Connection, to: Path) -> None:
        connection.execute("vacuum into ?", (str(to),))

    def translate(self, error: Exception) -> AisleError:
        text = str(error)
        if "malformed" in text or "not a database" in text:
            return Misconfigured(f"{self.path} is damaged ({text}): stop Aisle and put back your last backup of it")
        if "readonly" in text or "unable to open" in text:
            return StorageFailed(
                f"{self.path} cannot be written ({text}): check the folder's owner and permissions", retry_after=30
            )
        if "full" in text or "disk I/O" in text:
            return StorageFailed(f"the disk of {self.path} is full or failing ({text}): free some space", retry_after=30)
        if "locked" in text or "busy" in text:
            return StorageFailed(f"{self.path} is busy with another writer: try again", retry_after=1)
        return StorageFailed(f"the database refused a statement: {text}")


def dialect_of(url: str) -> Dialect:
    """The dialect for `sqlite:///path`; other databases are refused by name."""
    kind, _, rest = url.partition("://")
    if kind == "sqlite":
        return Sqlite(Path(rest.removeprefix("/")))  # three slashes: relative, four: absolute
    raise Misconfigured(f"the database {kind}://… is not supported by this version: leave AISLE_DATABASE empty to use SQLite")
