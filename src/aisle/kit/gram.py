"""Dot products of every row with every row, a block of rows at a time, by whichever way is cheapest.

Shops' matrices have a short head of columns that very many rows share and a long tail that few do. The head is multiplied dense
(small whole numbers as int8 by ONNX Runtime where it is installed, anything else by BLAS), the tail sparse, and the two are
added. Small whole numbers give exact results either way.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Multiply = Callable[[Any], NDArray[Any]]  # a sparse block (rows, head columns) → its dense product (rows, n)
SPARSE_RATE = 1e8  # multiply-adds a second of one core, multiplying sparse and adding it into a dense block
LISTED_COST, DENSE_COST = 2e-8, 1e-8  # seconds to turn one pair into a neighbour or not, listed or in a dense block
RATES = {"int8": 1e12, "float32": 6e10, "float64": 3e10}  # multiply-adds a second of one core, dense
SMALL = 127  # the largest whole number that goes into int8
HEAD_BYTES = 1 << 29  # the head's dense copy may take this much
EXACT = 1 << 24  # float32 holds every whole number up to here


@dataclass(frozen=True, slots=True, eq=False)
class Gram:
    """left @ right.T, by blocks of rows of the left one."""

    head: Any  # (m, head columns) csr
    multiply: Multiply | None  # the head's product; None where the head is empty
    tail_left: Any  # (m, tail columns) csr
    tail_right: Any  # (tail columns, n) csr

    @staticmethod
    def of(left: Any, right: Any, *, exact: bool, wide: bool = False, listed: bool = False) -> Gram:
        """Prepare left @ right.T. `exact` says that all values and results are small non-negative whole numbers (see
        `is_exact`); `wide` asks for float64 where they are not; `listed` keeps every column in the tail, for `listing`."""
        kind = "int8" if exact and importlib.util.find_spec("onnxruntime") else "float64" if wide and not exact else "float32"
        dense = np.zeros(left.shape[1], bool) if listed else _head_columns(left, right, kind)
        multiply = None
        if dense.any():
            b = right[:, dense].T
            multiply = _int8(b) if kind == "int8" else _blas(b, np.dtype(kind))
        dtype = np.int32 if kind == "int8" else np.dtype(kind)
        head = sp.csr_array(left[:, dense], dtype=np.uint8 if kind == "int8" else dtype)
        tail = sp.csr_array(left[:, ~dense], dtype=dtype)
        return Gram(head, multiply, tail, sp.csr_array(right[:, ~dense].T, dtype=dtype))

    def block(self, start: int, stop: int) -> NDArray[Any]:
        """(stop − start, n) dense products of the left rows start … stop−1 with every right row: int32 or a float dtype."""
        tail = self.listing(start, stop)
        if self.multiply is None:
            return np.asarray(tail.toarray())
        out = self.multiply(self.head[start:stop])
        rows = np.repeat(np.arange(stop - start) * tail.shape[1], np.diff(tail.indptr))
        out.reshape(-1)[rows + tail.indices] += tail.data
        return out

    def listing(self, start: int, stop: int) -> Any:
        """(stop − start, n) csr of the tail's products, which are all of them where the gram was prepared `listed`. Rows that
        share no column are not stored; the order of what is stored depends only on which columns rows have."""
        return self.tail_left[start:stop] @ self.tail_right


def is_sparse(matrix: Any) -> bool:
    """Whether so few pairs of rows share a column that it is cheaper to list them than to look at all pairs."""
    met = float((np.bincount(matrix.indices).astype(np.float64) ** 2).sum()) if matrix.nnz else 0.0
    every = float(matrix.shape[0]) ** 2
    pairs = every * -np.expm1(-met / max(every, 1.0))  # as many as chance would have
    return bool(met / SPARSE_RATE + pairs * LISTED_COST < every * DENSE_COST)


def is_exact(matrix: Any) -> bool:
    """Whether all values are whole numbers from 0 to 127 and every product of two rows stays below 2²⁴."""
    data = matrix.data
    if len(data) == 0 or data.min() < 0 or data.max() > SMALL or not bool((data == np.floor(data)).all()):
        return False
    return float(np.max(matrix.multiply(matrix).sum(axis=1))) < EXACT


def _head_columns(left: Any, right: Any, kind: str) -> NDArray[np.bool_]:
    """(columns,) True where the dense product is the cheaper one, the fullest first as far as memory goes."""
    width = left.shape[1]
    met = np.bincount(left.indices, minlength=width).astype(np.float64) * np.bincount(right.indices, minlength=width)
    dense = np.asarray(met / SPARSE_RATE > left.shape[0] * right.shape[0] / RATES[kind])
    room = HEAD_BYTES // (max(right.shape[0], 1) * (1 if kind == "int8" else np.dtype(kind).itemsize))
    if dense.sum() > room:
        dense &= met > np.partition(met, width - room - 1)[width - room - 1]
    return dense


def _blas(right: Any, dtype: np.dtype[Any]) -> Multiply:
    b = right.toarray().astype(dtype, copy=False)
    return lambda left: np.asarray(left.toarray() @ b)


def _int8(right: Any) -> Multiply:
    """The product by ONNX Runtime's MatMulInteger: int8 times uint8, added up in int32, the right side packed once."""
    import onnxruntime  # an optional dependency, and 50 ms to import

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # callers run blocks side by side
    options.log_severity_level = 3
    model = _matmul_integer(sp.csr_array(right, dtype=np.int8).toarray())
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda left: np.asarray(session.run(None, {"a": left.toarray()})[0])


def _matmul_integer(right: NDArray[np.int8]) -> bytes:
    """A one-node ONNX model a (m, columns) uint8 → y (m, n) int32 = a @ right, in protobuf's wire format
    (field numbers from onnx.proto3: ModelProto, GraphProto, NodeProto, TensorProto)."""
    uint8, int8, int32 = 2, 3, 6
    tensor = b"".join(_number(1, size) for size in right.shape) + _number(2, int8) + _bytes(8, b"b") + _bytes(9, right.tobytes())
    node = _bytes(1, b"a") + _bytes(1, b"b") + _bytes(2, b"y") + _bytes(4, b"MatMulInteger")
    names = _bytes(1, node) + _bytes(2, b"gram") + _bytes(5, tensor)
    graph = names + _bytes(11, _value(b"a", uint8, right.shape[0])) + _bytes(12, _value(b"y", int32, right.shape[1]))
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _number(2, 13))  # IR version 8, operator set 13


def _value(name: bytes, kind: int, width: int) -> bytes:
    shape = _bytes(1, _bytes(2, b"m")) + _bytes(1, _number(1, width))
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, shape)))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value
