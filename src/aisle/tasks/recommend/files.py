"""A model's files: numpy arrays without pickle, and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.errors import Misconfigured

T = TypeVar("T")
PARTS = ("data", "indices", "indptr")


def save(folder: Path, **arrays: NDArray[Any]) -> None:
    """Each array as <name>.npy."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def load(folder: Path, name: str, *, lazily: bool = False) -> NDArray[Any]:
    """One array; `lazily` leaves it on disk until it is touched. Raises Misconfigured where it is missing or damaged."""
    try:
        found: NDArray[Any] = np.load(folder / f"{name}.npy", allow_pickle=False, mmap_mode="r" if lazily else None)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the model file {name}.npy cannot be read ({error}): run `aisle train recommend`") from None
    return found


def save_sparse(folder: Path, name: str, matrix: Any) -> None:
    """A csr matrix as three arrays and its shape."""
    save(folder, **{f"{name}_{part}": getattr(matrix, part) for part in PARTS}, **{f"{name}_shape": np.array(matrix.shape)})


def load_sparse(folder: Path, name: str) -> Any:
    data, indices, indptr = (load(folder, f"{name}_{part}") for part in PARTS)
    return sp.csr_array((data, indices, indptr), shape=tuple(load(folder, f"{name}_shape").tolist()))


def save_json(folder: Path, name: str, value: Any) -> None:
    (folder / f"{name}.json").write_bytes(msgspec.json.encode(value))


def load_json(folder: Path, name: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise Misconfigured(f"the model file {name}.json cannot be read ({error}): run `aisle train recommend`") from None
