"""Labelled recordings from a manifest (JSON lines, CSV: path, text, speaker, split), beside its files or in one zip with them.

NeMo's names (audio_filepath, duration, text) are accepted. Paths are relative to the manifest, and never lead out of its folder.
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from aisle.errors import BadInput
from aisle.feeds.columns import key_of
from aisle.feeds.jsontext import as_text
from aisle.feeds.rows import Reject
from aisle.feeds.samples import Labelled
from aisle.feeds.source import Source
from aisle.feeds.texts import SPLITS, table_of
from aisle.types import Sample

SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".webm", ".m4a", ".mp4"})
MOST_BYTES = 25 * 1024 * 1024
MANIFESTS = (".jsonl", ".json", ".csv", ".tsv")
FIELDS: dict[str, tuple[str, ...]] = {
    "path": ("audio_filepath", "audio", "file", "filename", "wav", "audio_path"),
    "text": ("sentence", "transcript", "transcription", "words", "label"),
    "speaker": ("speaker_id", "client_id"),
    "split": ("set", "fold"),
    "sample_id": ("id", "utterance_id"),
    "user_id": ("customer_id",),
}
DROPPED = frozenset({"duration", "offset"})  # of NeMo: told from the sound itself


class Recordings:
    """A manifest and the files that it names."""

    format = "recordings"

    def __init__(self, path: Path, mapping: Mapping[str, str], defaults: Mapping[str, str]) -> None:
        self._manifest = _manifest_in(path) if path.is_dir() else path
        self._zip = path if path.suffix.lower() == ".zip" else None
        self._defaults, self._mapping = dict(defaults), mapping
        self._rows = self._read_rows()
        self.total = max(len(self._rows), 1)
        self.done = 0

    def samples(self) -> Iterator[Labelled | Reject]:
        archive = zipfile.ZipFile(self._zip) if self._zip else None
        try:
            for number, row in self._rows:
                self.done += 1
                yield row if isinstance(row, Reject) else self._sample(number, row, archive)
        finally:
            if archive is not None:
                archive.close()

    def _read_rows(self) -> list[tuple[int, dict[str, Any] | Reject]]:
        """Every row by our names. Raises BadInput where the manifest has no path or text."""
        if self._zip is None:
            return self._table(self._manifest)
        with zipfile.ZipFile(self._zip) as archive, tempfile.TemporaryDirectory() as folder:
            names = [name for name in archive.namelist() if name.lower().endswith(MANIFESTS) and "__MACOSX" not in name]
            if len(names) != 1:
                raise BadInput(f"{self._zip.name} should hold one manifest (.jsonl or .csv); it holds {len(names)}")
            inside = PurePosixPath(names[0])
            self._inside = inside.parent
            copy = Path(folder) / inside.name
            copy.write_bytes(archive.read(names[0]))
            return self._table(copy)

    def _table(self, path: Path) -> list[tuple[int, dict[str, Any] | Reject]]:
        found: list[tuple[int, dict[str, Any] | Reject]] = []
        with Source(path) as source:
            _, table = table_of(source)
            places = _places(table.names, self._mapping)
            for chunk in table.chunks(source):
                found += [(reject.row, reject) for reject in chunk.rejects]
                for number, row in zip(chunk.numbers, chunk.rows, strict=True):
                    cells = {name: row[place] for name, place in places.items() if row[place] not in (None, "")}
                    found.append((number, {**self._defaults, **cells}))
        return found

    def _sample(self, number: int, fields: dict[str, Any], archive: zipfile.ZipFile | None) -> Labelled | Reject:
        fields = dict(fields)
        path, text = as_text(fields.pop("path", "")).strip(), as_text(fields.pop("text", "")).strip()
        if not path or not text:
            return Reject(number, "no path" if not path else "no text", path[:100])
        split = as_text(fields.pop("split", "")).strip().lower()
        if split not in SPLITS:
            return Reject(number, f"the split {split[:40]!r} is none of train, validation, test", path[:100])
        content = self._content(path, archive)
        if isinstance(content, str):
            return Reject(number, content, path[:100])
        named: dict[str, Any] = {"sample_id": hashlib.sha256(content).hexdigest()[:32]}
        named |= {name: as_text(fields.pop(name)) for name in ("sample_id", "speaker", "user_id") if name in fields}
        try:
            sample = msgspec.convert(
                {
                    **named,
                    "kind": "recording",
                    "text": text,
                    "split": SPLITS[split],
                    "labels": {name: as_text(value) for name, value in fields.items()},
                },
                Sample,
            )
        except msgspec.ValidationError as error:
            return Reject(number, str(error), path[:100])
        return Labelled(number, sample, content, PurePosixPath(path).suffix.lower())

    def _content(self, path: str, archive: zipfile.ZipFile | None) -> bytes | str:
        """The bytes of a file, or why there are none."""
        if PurePosixPath(path).suffix.lower() not in SUFFIXES:
            return f"a file of this kind is not read: {', '.join(sorted(SUFFIXES))} are"
        if archive is not None:
            return self._zipped(path, archive)
        folder = self._manifest.parent.resolve()
        whole = (folder / path).resolve()
        if not whole.is_relative_to(folder):
            return "the path leads out of the manifest's folder"
        if not whole.is_file():
            return "there is no such file"
        return whole.read_bytes() if whole.stat().st_size <= MOST_BYTES else f"larger than {MOST_BYTES // 2**20} MB"

    def _zipped(self, path: str, archive: zipfile.ZipFile) -> bytes | str:
        try:
            info = archive.getinfo((self._inside / path).as_posix())
        except KeyError:
            return "there is no such file in the zip"
        return archive.read(info) if info.file_size <= MOST_BYTES else f"larger than {MOST_BYTES // 2**20} MB"


def open_recordings(path: Path, mapping: Mapping[str, str], defaults: Mapping[str, str]) -> Recordings:
    """The reader of a manifest, of the folder that holds one, or of a zip of both. Raises BadInput."""
    return Recordings(path, mapping, defaults)


def _manifest_in(folder: Path) -> Path:
    found = sorted(file for file in folder.iterdir() if file.suffix.lower() in MANIFESTS)
    if len(found) != 1:
        raise BadInput(f"{folder} should hold one manifest (.jsonl or .csv); it holds {len(found)}: name the file")
    return found[0]


def _places(names: list[str], mapping: Mapping[str, str]) -> dict[str, int]:
    """Our fields, then every other column as a label."""
    by_key = {key_of(name): place for place, name in reversed(list(enumerate(names)))}
    found: dict[str, int] = {}
    for ours, others in FIELDS.items():
        wanted = (mapping[ours],) if ours in mapping else (ours, *others)
        place = next((by_key[key] for name in wanted if (key := key_of(name)) in by_key), None)
        if place is not None:
            found[ours] = place
    missing = [name for name in ("path", "text") if name not in found]
    if missing:
        raise BadInput(f"no column is known as {missing[0]}; the file has {', '.join(names[:30])}: say --map {missing[0]}=COLUMN")
    used = set(found.values())
    for place, name in enumerate(names):
        if place not in used and key_of(name) not in DROPPED:
            found.setdefault(name, place)
    return found
