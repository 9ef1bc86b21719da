"""The measurements: `python -m bench` lists them and runs the quick ones, `python -m bench NAME …` runs one.

python -m bench                 the list, then the quick ones, one after another (about two minutes on two cores)
python -m bench --list          only the list
python -m bench quality beauty  one of them, with its own arguments
"""

from __future__ import annotations

import ast
import runpy
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
QUICK: dict[str, list[str]] = {  # each with the arguments that keep it short
    "startup": ["--rounds", "3"],
    "ingest": ["--rows", "400000"],
    "batcher": ["--seconds", "1"],
    "recommend_engine": ["--rounds", "3"],
    "neighbours": ["--rounds", "3"],
    "quality": ["ml-100k"],
    "over_http": ["--rounds", "3", "--seconds", "2"],
}
NEED_DATA = {"neighbours", "quality"}  # the public data sets, see shared_data.py


def benches() -> dict[str, str]:
    """Every measurement and the first line of what it says about itself; parts of another are none."""
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        runs = any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)
        if runs and not path.stem.startswith(("_", "over_http_")):
            found[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def run(name: str, arguments: list[str]) -> int:
    """One measurement in a process of its own, so that no other's memory or threads disturb it."""
    return subprocess.run([sys.executable, "-m", "bench", name, *arguments], cwd=FOLDER.parent, check=False).returncode


def run_quick() -> int:
    from bench.shared_data import REC

    failed = []
    for name, arguments in QUICK.items():
        said = f"python -m bench {' '.join([name, *arguments])}"
        if name in NEED_DATA and not REC.exists():
            print(f"\n== {said}: left out, there are no data sets in {REC} (AISLE_TEST_DATA names another folder)", flush=True)
            continue
        print(f"\n== {said}", flush=True)
        began = time.perf_counter()
        if run(name, arguments):
            failed.append(name)
        print(f"-- {time.perf_counter() - began:.0f} s", flush=True)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return len(failed)


def main(arguments: list[str]) -> int:
    known = benches()
    if not arguments or arguments == ["--list"]:
        wide = max(map(len, known))
        for name, says in known.items():
            print(f"{name:{wide}}  {says}")
        return run_quick() if not arguments else 0
    name, *rest = arguments
    if name not in known:
        print(f"there is no measurement {name!r}: choose one of {', '.join(known)}", file=sys.stderr)
        return 2
    sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]
    sys.argv = [f"python -m bench.{name}", *rest]
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
