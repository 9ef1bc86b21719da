"""Labelled samples from a shop's files: pictures, recordings or texts one by one, each accepted or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from aisle.errors import BadInput
from aisle.feeds.rows import Reject
from aisle.types import Sample, SampleKind

KINDS: Mapping[str, SampleKind] = {"pictures": "picture", "recordings": "recording", "texts": "text"}  # as the command line says


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sample that was read; its file, where it has one, is not stored yet."""

    row: int  # counts from 1
    sample: Sample
    content: bytes | None = None
    suffix: str = ""  # of the file: ".jpg"


class SampleReader(Protocol):
    """One file or folder of samples. `done` of `total` (bytes or files) tell how far reading is."""

    format: str
    total: int

    @property
    def done(self) -> int: ...
    def samples(self) -> Iterator[Labelled | Reject]:
        """Every row once. Raises BadInput where the whole cannot be read."""


Open = Callable[[Path, Mapping[str, str], Mapping[str, str]], SampleReader]


def open_samples(path: Path, kind: str, mapping: Mapping[str, str], defaults: Mapping[str, str]) -> SampleReader:
    """The reader of a path. `mapping`: our field -> their column; `defaults`: values for fields the file lacks.

    Each kind's reader is the function `open_<kind>` of the module of that name.
    """
    if not path.exists():
        raise BadInput(f"{path} cannot be read: there is no such file or folder")
    reader: Open = getattr(import_module(f"aisle.feeds.{kind}"), f"open_{kind}")
    return reader(path, mapping, defaults)
