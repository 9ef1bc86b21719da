from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

def ridge(
    starts: Array, columns: Array, counts: Array | None, fixed: Array, shared: Array, own: Array, found: Array, steps: int, /
) -> None: ...
def best(scores: Array, least: float, k: int, indices: Array, values: Array, /) -> None: ...
def sums(
    starts: Array, columns: Array, values: Array | None, chosen: Array, weights: Array, sums: Array, met: Array | None, /
) -> None: ...
def sound(starts: Array, columns: Array, width: int, /) -> None: ...
def neighbours(
    starts: Array,
    columns: Array,
    values: Array | None,
    column_starts: Array,
    column_rows: Array,
    column_values: Array | None,
    bits: Array | None,
    words: int,
    scale: Array | None,
    lengths: Array | None,
    shrinkage: float,
    wide: bool,
    listed: bool,
    k: int,
    start: int,
    stop: int,
    indices: Array,
    similarity: Array,
    /,
) -> None: ...
def counts_bits() -> bool: ...
