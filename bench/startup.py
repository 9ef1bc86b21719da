"""How soon a server answers, and what it holds while idle: `aisle serve` on the demo shop; and what `import aisle.task` loads.

    python -m bench.startup [--rounds 5] [--home FOLDER] [--idle 3] [--json]

Seconds are from starting the process to the first 200 of `/readyz`: Python's own start, the model and its checksums included.
Memory is resident (VmRSS) of the server and of its worker some seconds after that, beside the proportional share (Pss), which
counts a page that both have only once. Without --home a demo shop is built first, which is not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

TARGETS = {"seconds": 3.0, "mib": 250.0}
HEAVY = ("numpy", "scipy", "torch", "onnxruntime", "starlette", "uvicorn", "PIL", "pyarrow")
PATIENCE = 60.0  # seconds until a server that does not answer is given up
LISTED = "import sys, json; before = set(sys.modules); import aisle.task; print(json.dumps(sorted(set(sys.modules) - before)))"


def serve(home: str, idle: float) -> dict[str, float]:
    """Start a server, wait until it is ready and then idle, weigh it, stop it."""
    port = _free_port()
    command = [sys.executable, "-m", "aisle", "--home", home, "serve", "--port", str(port)]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _ready(port):
            if process.poll() is not None or time.perf_counter() - began > PATIENCE:
                raise SystemExit(f"`{' '.join(command)}` does not answer; run it to see why")
            time.sleep(0.01)
        seconds = time.perf_counter() - began
        time.sleep(idle)
        worker = _children(process.pid)
        if len(worker) != 1:
            raise SystemExit(f"expected one worker beside the server, found {len(worker)}")
        return {"seconds": seconds} | _weigh("server", process.pid) | _weigh("worker", worker[0])
    finally:
        process.terminate()
        process.wait(30)


def _ready(port: int) -> bool:
    with contextlib.suppress(OSError, urllib.error.URLError):
        return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).status == 200)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _weigh(name: str, pid: int) -> dict[str, float]:
    """MiB: resident, and the proportional share of what is shared with other processes."""
    resident = _kib(Path(f"/proc/{pid}/status"), "VmRSS:")
    proportional = _kib(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")
    return {f"{name}_rss": resident / 1024, f"{name}_pss": proportional / 1024}


def _kib(path: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(name))


def contract() -> dict[str, Any]:
    """Modules that `import aisle.task` loads, and the heavy ones among them."""
    found = subprocess.run([sys.executable, "-c", LISTED], check=True, capture_output=True, text=True).stdout
    names = json.loads(found)
    return {"modules": len(names), "heavy": sorted({name.partition(".")[0] for name in names} & set(HEAVY))}


def measure(home: str, rounds: int, idle: float) -> dict[str, Any]:
    served = [serve(home, idle) for _ in range(rounds)]
    ready = sorted(each["seconds"] for each in served)
    memory = {name: statistics.median(each[name] for each in served) for name in served[0] if name != "seconds"}
    seconds = {"best": ready[0], "median": statistics.median(ready), "worst": ready[-1]}
    return {"ready_seconds": seconds, "mib": memory, "import aisle.task": contract()}


def show(found: dict[str, Any]) -> None:
    ready, mib, task = found["ready_seconds"], found["mib"], found["import aisle.task"]
    print(f"/readyz after {ready['median']:.2f} s (best {ready['best']:.2f}, worst {ready['worst']:.2f}; ", end="")
    print(f"target {TARGETS['seconds']:.0f})")
    for name in ("server", "worker"):
        print(f"idle {name}: {mib[name + '_rss']:.0f} MiB resident, {mib[name + '_pss']:.0f} MiB proportional")
    rss, pss = (mib["server_" + kind] + mib["worker_" + kind] for kind in ("rss", "pss"))
    print(f"together: {rss:.0f} MiB resident, {pss:.0f} MiB proportional (target {TARGETS['mib']:.0f})")
    print(f"import aisle.task: {task['modules']} modules, heavy ones among them: {', '.join(task['heavy']) or 'none'}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--home", help="a shop that exists already (default: a demo shop is built)")
    options.add_argument("--idle", type=float, default=3.0, help="seconds between ready and weighing")
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="aisle-startup-") as folder:
        home = given.home or str(Path(folder) / "shop")
        if not given.home:
            building = [sys.executable, "-m", "aisle", "--home", home, "demo", "--build-only"]
            subprocess.run(building, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = measure(home, given.rounds, given.idle)
    print(json.dumps(found)) if given.json else show(found)


if __name__ == "__main__":
    main()
