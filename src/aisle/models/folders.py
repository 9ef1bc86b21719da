"""A model's folder on disk: its checksums, what may not be in it, and writing that survives a power cut."""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from aisle.errors import Misconfigured

CARD, CONFIG = "card.json", "config.json"
PICKLES = frozenset({".pkl", ".pickle", ".pt", ".pth", ".joblib", ".dill", ".ckpt"})
BLOCK = 1024 * 1024  # bytes read at a time
NPY_MAGIC, ZIP_MAGIC = b"\x93NUMPY", b"PK\x03\x04"
OBJECT_DTYPE = re.compile(rb"'[|<>=]?O\d*'")  # NumPy stores arrays of objects as pickles
HEADER = 64 * 1024  # bytes of an .npy file in which its header lies (NumPy refuses longer ones, too)


def files_of(folder: Path) -> dict[str, Path]:
    """Every file by its relative name. Raises Misconfigured for links, pickles and anything that is no plain file."""
    found = {}
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file():
            raise Misconfigured(f"{path} is not a plain file: a model's folder may hold plain files only, remove it")
        if path.suffix.lower() in PICKLES or _holds_pickle(path):
            raise Misconfigured(f"{path} is a pickle, which could run any code: save ONNX, .npy, .npz or JSON instead")
        found[name] = path
    return found


def digest(path: Path) -> dict[str, Any]:
    """{"sha256", "bytes"} of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
        return {"sha256": digest.hexdigest(), "bytes": file.tell()}


def differences(folder: Path, expected: dict[str, dict[str, Any]]) -> list[str]:
    """What is not as the card says, one short sentence each."""
    found = files_of(folder)
    found.pop(CARD, None)
    wrong = [f"{name} is missing" for name in expected if name not in found]
    wrong += [f"{name} does not belong to it" for name in found if name not in expected]
    return wrong + [f"{name} is damaged" for name, path in found.items() if name in expected and digest(path) != expected[name]]


def write_json(path: Path, content: Any) -> bytes:
    """Readable JSON on disk; returns its bytes."""
    text = msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"
    path.write_bytes(text)
    return text


def sync(path: Path) -> None:
    """Make a file's content, or a folder's list of names, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(folder: Path) -> None:
    """`sync` for every file and folder below, and the folder itself."""
    for path in _walk(folder):
        sync(path)
    for below in folder.rglob("*"):
        if below.is_dir():
            sync(below)
    sync(folder)


def newest_change(folder: Path) -> float:
    """When anything in the folder last changed, in seconds since 1970."""
    times = [folder.lstat().st_mtime]
    for path in folder.rglob("*"):
        times.append(path.lstat().st_mtime)  # noqa: PERF401 (a file may vanish between the two)
    return max(times)


def _walk(folder: Path) -> Iterator[Path]:
    """Everything but real folders, in name order; links are not followed."""
    for base, folders, names in os.walk(folder):
        folders.sort()
        links = [name for name in folders if (Path(base) / name).is_symlink()]
        yield from (Path(base) / name for name in sorted([*names, *links]))


def _holds_pickle(path: Path) -> bool:
    """Whether it is a NumPy file with objects in it, or an archive with a pickle in it (torch.save), whatever its name."""
    with path.open("rb") as file:
        start = file.read(len(NPY_MAGIC))
        if start == NPY_MAGIC:
            return bool(OBJECT_DTYPE.search(file.read(HEADER).split(b"\n", 1)[0]))
    if not start.startswith(ZIP_MAGIC):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if Path(name).suffix.lower() in PICKLES:
                    return True
                with archive.open(name) as member:
                    head = member.read(HEADER).split(b"\n", 1)[0]
                    if head.startswith(NPY_MAGIC) and OBJECT_DTYPE.search(head):
                        return True
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise Misconfigured(f"{path} is not a readable archive ({error}): train the model again") from None
    return False
