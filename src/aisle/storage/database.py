"""Runs named SQL: many readers, one writer, transactions, and forward-only schema."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from aisle.errors import Misconfigured
from aisle.storage.dialect import Connection, Dialect, dialect_of

NAME = re.compile(r"^-- name: (\w+)\s*$", re.M)
COMMENT = re.compile(r"--.*$", re.M)
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """One statement, for a dict of parameters and for tuples of them."""

    named: str
    positional: str


class Transaction:
    """Statements that happen together or not at all."""

    def __init__(self, connection: Connection, queries: Mapping[str, Query]) -> None:
        self._connection = connection
        self._queries = queries

    def run(self, name: str, /, **parameters: Any) -> int:
        """Rows touched."""
        return int(self._connection.execute(self._queries[name].named, parameters).rowcount)

    def rows(self, name: str, /, **parameters: Any) -> list[Row]:
        found: list[Row] = self._connection.execute(self._queries[name].named, parameters).fetchall()
        return found

    def many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> int:
        return int(self._connection.executemany(self._queries[name].named, rows).rowcount)

    def revise(self, tenant: int, name: str) -> int:
        """Number this transaction among those that write to `name` (items, events) of a tenant."""
        parameters = {"tenant": tenant, "name": name}
        return int(self._connection.execute(self._queries["revisions_next"].named, parameters).fetchall()[0][0])

    def bulk(self, name: str, rows: Iterable[Row]) -> int:
        """Like `many`, with tuples in the order in which the statement names its parameters."""
        return int(self._connection.executemany(self._queries[name].positional, rows).rowcount)


class Database:
    """The shop's database. Reads run on the calling thread's own connection; writes take turns on one."""

    def __init__(self, url: str) -> None:
        self.dialect: Dialect = dialect_of(url)
        self._queries = queries(self.dialect)
        self._lock = threading.RLock()
        self._local = threading.local()
        self._open: list[Connection] = []
        try:
            self._writer = self.dialect.connect(write=True)
            self._open.append(self._writer)
            self._migrate()
        except self.dialect.errors as error:
            raise self.dialect.translate(error) from error

    def rows(self, name: str, /, **parameters: Any) -> list[Row]:
        try:
            found: list[Row] = self._reader().execute(self._queries[name].named, parameters).fetchall()
        except self.dialect.errors as error:
            raise self.dialect.translate(error) from error
        return found

    def fetch(self, name: str, *parameters: Any) -> list[Row]:
        """`rows` with parameters in the statement's order: for hot reads."""
        try:
            found: list[Row] = self._reader().execute(self._queries[name].positional, parameters).fetchall()
        except self.dialect.errors as error:
            raise self.dialect.translate(error) from error
        return found

    def one(self, name: str, /, **parameters: Any) -> Row | None:
        found = self.rows(name, **parameters)
        return found[0] if found else None

    def stream(self, name: str, /, size: int = 50_000, **parameters: Any) -> Iterator[list[Row]]:
        """Rows in blocks, on a connection of their own, as one consistent snapshot."""
        connection = self.dialect.connect(write=False)
        try:
            cursor = connection.execute(self._queries[name].named, parameters)
            while block := cursor.fetchmany(size):
                yield block
        except self.dialect.errors as error:
            raise self.dialect.translate(error) from error
        finally:
            connection.close()

    def run(self, name: str, /, **parameters: Any) -> int:
        with self.transaction() as tx:
            return tx.run(name, **parameters)

    def many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> int:
        with self.transaction() as tx:
            return tx.many(name, rows)

    def bulk(self, name: str, rows: Iterable[Row]) -> int:
        with self.transaction() as tx:
            return tx.bulk(name, rows)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One write transaction; an exception rolls it back."""
        with self._lock:
            try:
                self._writer.execute(self.dialect.begin)
            except self.dialect.errors as error:
                raise self.dialect.translate(error) from error
            try:
                yield Transaction(self._writer, self._queries)
                self._writer.execute("commit")
            except self.dialect.errors as error:
                self._undo()
                raise self.dialect.translate(error) from error
            except BaseException:
                self._undo()
                raise

    def revision(self, tenant: int, name: str) -> int:
        """The number of the last transaction that wrote to `name` (items, events) of a tenant, by whatever process; 0: none."""
        found = self.fetch("revisions_get", tenant, name)
        return int(found[0][0]) if found else 0

    def settle(self) -> None:
        """After an erasure: let nothing of what was deleted stay in the database's files."""
        with self._lock:
            try:
                self.dialect.settle(self._writer)
            except self.dialect.errors as error:
                raise self.dialect.translate(error) from error

    def damage(self) -> str:
        """What is wrong with the stored pages; empty when nothing is. Reads the whole database."""
        try:
            return self.dialect.damage(self._reader())
        except self.dialect.errors as error:
            return self.dialect.translate(error).detail

    def copy(self, to: Path) -> None:
        """Write the database of this moment into a new file; nobody waits for it."""
        try:
            self.dialect.copy(self._reader(), to)
        except self.dialect.errors as error:
            raise self.dialect.translate(error) from error

    def close(self) -> None:
        with self._lock:
            while self._open:
                self._open.pop().close()
            self._local = threading.local()

    def _undo(self) -> None:
        with contextlib.suppress(*self.dialect.errors):  # SQLite rolls back by itself when the disk is full
            self._writer.execute("rollback")

    def _reader(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self.dialect.connect(write=False)
            with self._lock:
                self._open.append(connection)
        return connection

    def _migrate(self) -> None:
        files = schema_files()
        have = self.dialect.version(self._writer)
        if have > len(files):
            raise Misconfigured(f"the database has schema {have}, this Aisle knows {len(files)}: install the newer Aisle again")
        if have == len(files):
            return
        self._writer.execute(self.dialect.begin)
        try:
            for number in range(self.dialect.version(self._writer), len(files)):
                for statement in COMMENT.sub("", self.dialect.schema(files[number])).split(";"):
                    if statement.strip():
                        self._writer.execute(statement)
                self.dialect.set_version(self._writer, number + 1)
            self._writer.execute("commit")
        except BaseException:
            self._undo()
            raise


@cache
def schema_files() -> list[str]:
    """The schema's steps, oldest first."""
    folder = resources.files("aisle.storage") / "schema"
    return [
        file.read_text("utf-8") for file in sorted(folder.iterdir(), key=lambda file: file.name) if file.name.endswith(".sql")
    ]


def queries(dialect: Dialect) -> dict[str, Query]:
    """Every named statement of the folder `queries`."""
    found: dict[str, Query] = {}
    folder = resources.files("aisle.storage") / "queries"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        parts = NAME.split(file.read_text("utf-8")) if file.name.endswith(".sql") else [""]
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if name in found:
                raise Misconfigured(f"the statement {name} is written twice in storage/queries")
            sql = COMMENT.sub("", text).strip().rstrip(";")
            found[name] = Query(dialect.named(sql), dialect.positional(sql))
    return found
