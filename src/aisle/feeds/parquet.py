"""Parquet by row groups, a few columns at a time, as the text cells a CSV would hold."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from aisle.errors import BadInput, Malformed, Misconfigured
from aisle.feeds.rows import Chunk
from aisle.feeds.source import Source

PER_CHUNK = 20_000


class ParquetTable:
    """A Parquet file: `names`, then chunks of rows."""

    open_ended = False
    textual = False

    def __init__(self, source: Source) -> None:
        self.names: list[str] = list(_file(source).schema_arrow.names)
        self.wanted: list[str] | None = None  # read only these columns; the cells of the others are empty

    def chunks(self, source: Source) -> Iterator[Chunk]:
        """Cells in the order of `names`: numbers and times as text, lists and structs as they are, nulls as ""."""
        number = 1
        for batch in self._batches(source):
            columns = {name: _cells(batch.column(k)) for k, name in enumerate(batch.schema.names)}
            empty = [""] * batch.num_rows
            rows = [list(row) for row in zip(*(columns.get(name, empty) for name in self.names), strict=True)]
            yield Chunk(rows, range(number, number + len(rows)), [])
            number += len(rows)

    def records(self, source: Source) -> Iterator[Chunk]:
        """Rows as dicts of Python values, for nested tables such as the BigQuery export."""
        number = 1
        for batch in self._batches(source):
            rows = batch.to_pylist()
            yield Chunk(rows, range(number, number + len(rows)), [])
            number += len(rows)

    def _batches(self, source: Source) -> Iterator[Any]:
        file, read = _file(source), 0
        try:
            for batch in file.iter_batches(batch_size=PER_CHUNK, columns=self.wanted):
                read += batch.num_rows
                source.share = read / file.metadata.num_rows
                yield batch
        except (_arrow().ArrowException, OSError) as error:
            raise Malformed(f"{source.path.name} is damaged: {str(error)[:200]}") from error


def _arrow() -> ModuleType:
    try:
        import pyarrow
    except ImportError:
        raise Misconfigured("reading Parquet needs pyarrow: pip install aisle[parquet]") from None
    return pyarrow  # type: ignore[no-any-return]


def _file(source: Source) -> Any:
    arrow = _arrow()
    import pyarrow.parquet

    if source.packed:
        raise BadInput(f"{source.path.name} is Parquet inside an archive: unpack it first (Parquet is packed already)")
    try:
        return pyarrow.parquet.ParquetFile(source.file)
    except (arrow.ArrowException, OSError) as error:
        raise Malformed(f"{source.path.name} is not readable Parquet: {str(error)[:200]}") from error


def _cells(column: Any) -> list[Any]:
    """One column as text where it is plain."""
    arrow = _arrow()
    import pyarrow.compute as compute

    kind = column.type
    if arrow.types.is_nested(kind):
        return ["" if value is None else value for value in column.to_pylist()]
    if arrow.types.is_date(kind) or arrow.types.is_timestamp(kind):
        column = column.cast(arrow.timestamp("us"), safe=False).cast(arrow.int64())
    elif arrow.types.is_floating(kind):
        column = compute.if_else(compute.is_finite(column), column, arrow.scalar(None, kind))
        whole = compute.all(compute.equal(column, compute.floor(column))).as_py()
        small = compute.max(compute.abs(column)).as_py()
        if whole and small is not None and small < 2**53:  # ids that became floats because some were missing
            column = column.cast(arrow.int64())
    elif arrow.types.is_boolean(kind):
        return ["" if value is None else "true" if value else "false" for value in column.to_pylist()]
    return compute.fill_null(column.cast(arrow.string()), "").to_pylist()  # type: ignore[no-any-return]
