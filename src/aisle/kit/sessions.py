"""Open ONNX models: with OpenVINO where it is installed and asked for, else with ONNX Runtime; nothing else runs a model."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from aisle.errors import Misconfigured

Array = NDArray[Any]
Runtime = Literal["onnxruntime", "openvino"]
Precision = Literal["fp32", "bf16", "int8"]  # what it computes in
QUIET = 3  # errors only


class Way(Struct, frozen=True):
    """How a network is run on this machine (`aisle doctor --tune` measures which is fastest)."""

    runtime: Runtime = "onnxruntime"
    precision: Precision = "fp32"  # bf16: OpenVINO's; int8: of a rewritten network
    file: str = ""  # where the rewritten network lies; empty: the model's own

    @property
    def name(self) -> str:
        return f"{self.runtime} {self.precision}"


USUAL = Way()


class Session(Protocol):
    """An opened model: named arrays in, named arrays out; safe to call from several threads."""

    @property
    def inputs(self) -> list[str]:
        """Names of what it takes: an export drops what the network does not use."""

    def run(self, outputs: Sequence[str], inputs: Mapping[str, Array]) -> list[Array]: ...


class OnnxRuntime:
    """A model in ONNX Runtime on the processor."""

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = QUIET
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the processor to others
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise Misconfigured(
                f"{path.name} cannot be opened ({type(error).__name__}): train or pull the model again"
            ) from error

    @property
    def inputs(self) -> list[str]:
        return [one.name for one in self._session.get_inputs()]

    def run(self, outputs: Sequence[str], inputs: Mapping[str, Array]) -> list[Array]:
        found: list[Array] = self._session.run(list(outputs), dict(inputs))
        return found


class OpenVino:
    """A model in OpenVINO on the processor; bf16 where its instructions have it."""

    def __init__(self, path: Path, threads: int, precision: Precision) -> None:
        os.environ.setdefault("OPENVINO_TELEMETRY", "0")
        openvino: Any = importlib.import_module("openvino")
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32"}
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            self._model = openvino.Core().compile_model(str(path), "CPU", settings)
        except RuntimeError as error:
            raise Misconfigured(f"{path.name} cannot be opened in OpenVINO: train or pull the model again") from error

    @property
    def inputs(self) -> list[str]:
        return [str(one.any_name) for one in self._model.inputs]

    def run(self, outputs: Sequence[str], inputs: Mapping[str, Array]) -> list[Array]:
        request = self._model.create_infer_request()  # one per call: requests are not shared between threads
        results = request.infer(dict(inputs))
        return [np.asarray(results[self._model.output(name)]) for name in outputs]


def open_session(path: Path, way: Way = USUAL, *, threads: int = 0) -> Session:
    """The model in this file. `threads` 0: all the machine has.

    What is not there any more (OpenVINO, a rewritten network) is replaced by the model's own file in ONNX Runtime, which answers
    the same more slowly. Raises Misconfigured where the file is no model.
    """
    if not path.exists():
        raise Misconfigured(f"the model file {path.name} is missing: train or pull the model again")
    if way.file and Path(way.file).exists():
        path = Path(way.file)
    if way.runtime == "openvino" and installed("openvino"):
        return OpenVino(path, threads, way.precision)
    return OnnxRuntime(path, threads)


def installed(package: str) -> bool:
    """Whether a package could be imported, without importing it."""
    return importlib.util.find_spec(package) is not None
