"""What a package imports: read from its source, and seen in a fresh process."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

HEAVY = (
    "numpy", "scipy", "torch", "onnxruntime", "onnx", "openvino", "PIL", "av", "transformers", "tokenizers",
    "starlette", "uvicorn", "httptools", "ray", "psycopg", "pyarrow",
)  # fmt: skip
ALLOWED = ("task", "explain", "kit", "errors", "types", "times", "version")  # of ours, for a task


def sources(package: str) -> list[Path]:
    """Every Python file of an importable package or module."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"there is no package {package}")
    places = [Path(place) for place in spec.submodule_search_locations or []]
    return sorted(file for place in places for file in place.rglob("*.py")) or [Path(spec.origin)]


def imported(file: Path, package: str) -> Iterator[str]:
    """The full names of the modules that a file of `package` imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def strangers(package: str) -> list[str]:
    """Imports of ours that a task may not make, as "file: module"."""
    own = f"{package}."
    found = []
    for file in sources(package):
        for name in imported(file, package):
            parts = name.split(".")
            if parts[0] == "aisle" and not f"{name}.".startswith(own) and (len(parts) < 2 or parts[1] not in ALLOWED):
                found.append(f"{file.name}: {name}")
    return found


def loaded_by(module: str, tasks: Iterable[str] = ()) -> list[str]:
    """Heavy packages that `import module` loads in a fresh interpreter. `tasks`: folders added to those `aisle.tasks` is
    looked for in."""
    extend = f"import aisle.tasks; aisle.tasks.__path__ = {list(tasks)!r}; " if tasks else ""
    program = f"{extend}import json, sys, {module}; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
    if run.returncode:
        raise ImportError(f"import {module} failed:\n{run.stderr}")
    return [name for name in json.loads(run.stdout) if name in HEAVY]


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
    return f"{base}.{node.module}" if node.module else base
