from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

def ridge(
    starts: Array, columns: Array, counts: Array | None, fixed: Array, shared: Array, own: Array, found: Array, steps: int, /
) -> None: ...
def best(scores: Array, least: float, k: int, indices: Array, values: Array, /) -> None: ...
