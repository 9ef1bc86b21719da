"""Which way of running a network is fastest on this machine: measured once by `aisle doctor --tune`, kept, used by engines.

Every way that is installed (ONNX Runtime and OpenVINO, each in fp32, bf16, int8 where it can) runs the same inputs, in turns, so
that what else the machine does falls on all alike. The fastest that loses at most LOSS against ONNX Runtime in fp32 is
chosen. Networks are known by their SHA-256: a model trained anew on the same network goes on in the chosen way, another
network runs in the usual one until it is measured.
"""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from aisle.errors import AisleError
from aisle.kit import int8
from aisle.kit.sessions import USUAL, Array, Session, Way, installed, open_session
from aisle.task import Engine, Probe, Task, Tunable

FILE = "tuning.json"
LOSS = 0.01  # most relative loss of a way that is chosen
ROUNDS = 5  # of which the fastest counts: the others were disturbed
CALLS = 16  # inputs in a round


class Measured(Struct, frozen=True):
    """One way of running one network."""

    task: str
    file: str
    way: Way
    cpu_ms: float  # processor time of one call
    loss: float
    chosen: bool = False
    trouble: str = ""  # why it could not be measured


class Choices(Struct, frozen=True):
    """tuning.json"""

    machine: str = ""
    ways: dict[str, Way] = {}  # by the network's SHA-256
    measured: list[Measured] = []


class Tuning:
    """What was chosen for the networks of a shop's models, in its folder."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def choices(self) -> Choices:
        """What was measured on this machine; nothing where the folder came from another, or the file cannot be read."""
        try:
            found = msgspec.json.decode((self._home / FILE).read_bytes(), type=Choices)
        except (OSError, msgspec.DecodeError):
            return Choices()
        return found if found.machine == machine() else Choices()

    def load(self, task: Task, folder: Path) -> Engine:
        """Open a model with its networks in the chosen ways."""
        ways = self.choices().ways if isinstance(task, Tunable) else {}
        if not isinstance(task, Tunable) or not ways:
            return task.load(folder)
        chosen = {path.name: ways[key] for path in folder.glob("*.onnx") if (key := digest(path)) in ways}
        return task.load_tuned(folder, chosen) if chosen else task.load(folder)

    def tune(self, models: Sequence[tuple[str, Path, Sequence[Probe]]]) -> list[Measured]:
        """Measure the networks of (task, folder, probes), keep what is fastest. Other networks' choices are dropped."""
        rewritten = self._home / "tuned"
        rewritten.mkdir(parents=True, exist_ok=True)
        ways, rows = dict[str, Way](), list[Measured]()
        for task, folder, probes in models:
            for probe in probes:
                key = digest(folder / probe.file)
                found = measure(task, folder / probe.file, probe, rewritten / f"{key[:16]}-int8.onnx")
                rows += found
                ways[key] = next(row.way for row in found if row.chosen)
        kept = {Path(way.file).name for way in ways.values()}
        for path in rewritten.iterdir():
            if path.name not in kept:
                path.unlink()
        part = self._home / f"{FILE}.part"
        part.write_bytes(msgspec.json.format(msgspec.json.encode(Choices(machine(), ways, rows)), indent=1))
        part.replace(self._home / FILE)
        return rows


def measure(task: str, path: Path, probe: Probe, rewritten: Path) -> list[Measured]:
    """Every way of running a network that is installed, the chosen one marked."""
    opened, rows = dict[Way, Session](), list[Measured]()
    for way in candidates(path, probe, rewritten):
        try:
            opened[way] = open_session(path, way)
            opened[way].run(probe.outputs, probe.inputs[0])
        except (AisleError, RuntimeError) as error:
            opened.pop(way, None)
            rows.append(Measured(task, probe.file, way, 0.0, 1.0, trouble=str(error)[:200]))
    spent = timed(opened, probe)
    true = answers(opened[USUAL], probe, probe.inputs)
    loss = {way: probe.loss(true, answers(session, probe, probe.inputs)) for way, session in opened.items() if way != USUAL}
    loss[USUAL] = 0.0  # it is what others are compared with
    best = min((way for way in opened if loss[way] <= LOSS), key=lambda way: spent[way])
    return [Measured(task, probe.file, way, 1000 * spent[way], loss[way], way == best) for way in opened] + rows


def candidates(path: Path, probe: Probe, rewritten: Path) -> list[Way]:
    """What can be run here: the plain way first, which is what the others are compared with."""
    found = [USUAL]
    if installed("openvino"):
        found += [Way("openvino", "fp32"), Way("openvino", "bf16")]
    if int8.possible() and probe.examples:
        int8.quantise(path, rewritten, probe.examples)
        found.append(Way("onnxruntime", "int8", str(rewritten)))
        if installed("openvino"):
            found.append(Way("openvino", "int8", str(rewritten)))
    return found


def timed(opened: Mapping[Way, Session], probe: Probe) -> dict[Way, float]:
    """Processor seconds of one call, each way's best round; ways take turns."""
    best, inputs = dict.fromkeys(opened, float("inf")), probe.inputs[:CALLS]
    for _ in range(ROUNDS):
        for way, session in opened.items():
            began = time.process_time()
            answers(session, probe, inputs)
            best[way] = min(best[way], (time.process_time() - began) / len(inputs))
    return best


def answers(session: Session, probe: Probe, inputs: Sequence[Mapping[str, Array]]) -> list[list[Array]]:
    return [session.run(probe.outputs, one) for one in inputs]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def machine() -> str:
    """What the measurements hold for: the processor, and what runs on it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        name = ""
    return f"{name or platform.processor() or platform.machine()}, {'with' if installed('openvino') else 'without'} OpenVINO"


__all__ = ["FILE", "LOSS", "Choices", "Measured", "Tuning", "machine", "measure"]
