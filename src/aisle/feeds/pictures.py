"""Labelled pictures: a folder for each class, a table (path, label, attributes, split), COCO's JSON; or a zip of these."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

import msgspec

from aisle.errors import BadInput
from aisle.feeds.columns import key_of
from aisle.feeds.delimited import Delimited
from aisle.feeds.jsontext import as_text
from aisle.feeds.rows import Reject
from aisle.feeds.samples import Labelled
from aisle.feeds.source import HEAD
from aisle.feeds.texts import SPLITS
from aisle.types import Box, Sample

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif"})
TABLES, LISTS = frozenset({".csv", ".tsv"}), frozenset({".json"})
MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
MOST_BYTES = 10 * 1024 * 1024  # of one picture
MOST_OF_LIST = 512 * 1024 * 1024  # of a table or a COCO file
MOST_FILES = 1_000_000
LONGEST = 200  # characters of a sample's id
PATHS = ("path", "file", "filename", "file_name", "image", "image_path", "picture")
LABELS = ("label", "class", "category")


class Tree(Protocol):
    """Files by name, in a folder or in a zip."""

    names: list[str]  # below the root, with forward slashes, in order

    def read(self, name: str, most: int = MOST_BYTES) -> bytes | None:
        """A file; None where there is none. Raises BadInput where it is too big or damaged."""


class Folder:
    """A folder on disk; links that lead out of it are not followed."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        found = (path for path in self._root.rglob("*") if path.is_file() and not path.name.startswith("."))
        self.names = sorted(path.relative_to(self._root).as_posix() for path in found)[:MOST_FILES]

    def read(self, name: str, most: int = MOST_BYTES) -> bytes | None:
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root):
            raise BadInput("the path leads out of the folder")
        if not path.is_file():
            return None
        if path.stat().st_size > most:
            raise BadInput(f"more than {most:,} bytes")
        return path.read_bytes()


class Zip:
    """A zip, read in place: nothing is unpacked to disk."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise BadInput(f"{path.name} is no readable zip: {error}") from None
        self._sizes = {info.filename: info.file_size for info in self._zip.infolist() if not info.is_dir()}
        if len(self._sizes) > MOST_FILES:
            raise BadInput(f"{path.name} holds {len(self._sizes):,} files: at most {MOST_FILES:,} are read")
        self.names = sorted(name for name in self._sizes if not PurePosixPath(name).name.startswith((".", "__MACOSX")))

    def read(self, name: str, most: int = MOST_BYTES) -> bytes | None:
        if name not in self._sizes:
            return None
        if self._sizes[name] > most:
            raise BadInput(f"more than {most:,} bytes")
        try:
            with self._zip.open(name) as file:
                content = file.read(most + 1)  # what the directory says of sizes may be a lie
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as error:
            raise BadInput(f"damaged in the zip ({type(error).__name__})") from None
        if len(content) > most:
            raise BadInput(f"more than {most:,} bytes")
        return content


class Pictures:
    """One collection of labelled pictures."""

    def __init__(self, path: Path, mapping: Mapping[str, str], defaults: Mapping[str, str]) -> None:
        self.format, self._tree, self._list = _found(path)
        self._base = PurePosixPath(self._list).parent if self._list else PurePosixPath()
        self._where, self._mapping, self._defaults = path, mapping, dict(defaults)
        self._prefix = path.stem
        self.done = 0
        self.total = max(len(self._tree.names), 1)

    def samples(self) -> Iterator[Labelled | Reject]:
        ways: dict[str, Callable[[], Iterator[Row | Reject]]]
        ways = {"folders": self._folders, "table": self._table, "coco": self._coco}
        for row in ways[self.format]():
            self.done = min(self.done + 1, self.total)
            yield row if isinstance(row, Reject) else self._sample(*row)

    def _sample(self, number: int, name: str, labels: dict[str, str], split: str, boxes: list[Box] | None) -> Labelled | Reject:
        if split not in SPLITS:
            return Reject(number, f"the split {split[:40]!r} is none of train, validation, test", name)
        labels = {**{k: v for k, v in self._defaults.items() if k != "split"}, **labels}
        if not labels and boxes is None:
            return Reject(number, "no label", name)
        try:
            content = self._tree.read(str(self._base / name))
        except BadInput as error:
            return Reject(number, error.detail, name)
        if content is None:
            return Reject(number, "there is no such file", name)
        if not (content.startswith(MAGIC) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP")):
            return Reject(number, "not a JPEG, PNG, WebP or GIF", name)
        given = {
            "sample_id": _id(f"{self._prefix}/{name}"), "kind": "picture", "labels": labels, "boxes": boxes,
            "split": SPLITS[split] or self._defaults.get("split"),
        }  # fmt: skip
        try:
            sample = msgspec.convert(given, Sample)
        except msgspec.ValidationError as error:
            return Reject(number, str(error), name)
        return Labelled(number, sample, content, PurePosixPath(name).suffix)

    def _folders(self) -> Iterator[Row]:
        """`…/<class>/<file>`, and `<split>/…/<class>/<file>` where folders are called train, validation or test."""
        number = 0
        for name in self._tree.names:
            path = PurePosixPath(name)
            if path.suffix.lower() not in SUFFIXES:
                continue
            number += 1
            folders = [part for part in path.parts[:-1] if part.lower() not in SPLITS]
            split = next((part.lower() for part in path.parts[:-1] if part.lower() in SPLITS), "")
            yield number, name, {"label": folders[-1]} if folders else {}, split, None

    def _table(self) -> Iterator[Row | Reject]:
        """path, label, split, and every other column as an attribute."""
        content = self._tree.read(self._list, MOST_OF_LIST) or b""
        table = Delimited(content[:HEAD])
        places = _places(table.names, self._mapping)
        for chunk in table.of(content):
            yield from chunk.rejects
            for number, cells in zip(chunk.numbers, chunk.rows, strict=True):
                row = {ours: as_text(cells[place]).strip() for ours, place in places.items()}
                split, name = row.pop("split", "").lower(), row.pop("path", "")
                yield number, name, {key: value for key, value in row.items() if value}, split, None

    def _coco(self) -> Iterator[Row]:
        """COCO's object detection format; its boxes are x, y, width, height."""
        said = _decoded(self._tree.read(self._list, MOST_OF_LIST) or b"", self._where)
        kinds = {one.id: one.name for one in said.categories}
        boxes: dict[int | str, list[Box]] = {}
        for one in said.annotations:
            x, y, width, height = one.bbox
            if width > 0 and height > 0 and one.category_id in kinds:
                boxes.setdefault(one.image_id, []).append(Box(kinds[one.category_id], x, y, x + width, y + height))
        for number, image in enumerate(said.images, 1):
            yield number, image.file_name, {}, (image.split or "").lower(), boxes.get(image.id, [])


Row = tuple[int, str, dict[str, str], str, list[Box] | None]  # number, name, labels, split, boxes


class CocoImage(msgspec.Struct):
    """One picture of a COCO file; `split` is ours."""

    id: int | str
    file_name: str
    split: str | None = None


class CocoBox(msgspec.Struct):
    """One box."""

    image_id: int | str
    category_id: int
    bbox: tuple[float, float, float, float]


class CocoKind(msgspec.Struct):
    """One class."""

    id: int
    name: str


class Coco(msgspec.Struct):
    """What is read of a COCO file."""

    images: list[CocoImage]
    annotations: list[CocoBox]
    categories: list[CocoKind]


def open_pictures(path: Path, mapping: Mapping[str, str], defaults: Mapping[str, str]) -> Pictures:
    """The reader of a folder, a table, a COCO file or a zip. Raises BadInput."""
    return Pictures(path, mapping, defaults)


def _found(path: Path) -> tuple[str, Tree, str]:
    """(format, files, the name of the list among them)."""
    if path.is_file() and path.suffix.lower() in TABLES | LISTS:
        return "table" if path.suffix.lower() in TABLES else "coco", Folder(path.parent), path.name
    if path.is_file() and not zipfile.is_zipfile(path):
        raise BadInput(f"{path.name} is no collection of pictures: give a folder, a CSV, a COCO JSON, or a zip of these")
    tree: Tree = Folder(path) if path.is_dir() else Zip(path)
    lists = [name for name in tree.names if PurePosixPath(name).suffix.lower() in TABLES | LISTS]
    top = min((len(PurePosixPath(name).parts) for name in lists), default=0)
    lists = [name for name in lists if len(PurePosixPath(name).parts) == top]
    if len(lists) > 1:
        raise BadInput(f"{path.name} holds several lists ({', '.join(lists[:5])}): name one of them, or keep one")
    if lists:
        return "table" if PurePosixPath(lists[0]).suffix.lower() in TABLES else "coco", tree, lists[0]
    if not any(PurePosixPath(name).suffix.lower() in SUFFIXES for name in tree.names):
        raise BadInput(f"{path.name} holds no pictures: JPEG, PNG, WebP and GIF are read")
    return "folders", tree, ""


def _places(names: Sequence[str], mapping: Mapping[str, str]) -> dict[str, int]:
    """Our fields, then every other column under its own name."""
    by_key = {key_of(name): place for place, name in reversed(list(enumerate(names)))}
    found: dict[str, int] = {}
    for ours, column in mapping.items():
        if key_of(column) not in by_key:
            raise BadInput(f"there is no column {column!r}; the file has {', '.join(names[:30])}")
        found[ours] = by_key[key_of(column)]
    for ours, others in (("path", PATHS), ("label", LABELS), ("split", ("split", "set", "fold"))):
        place = next((by_key[name] for name in others if name in by_key and by_key[name] not in found.values()), None)
        if ours not in found and place is not None:
            found[ours] = place
    if "path" not in found:
        raise BadInput(f"no column is known as path; the file has {', '.join(names[:30])}. Say which: --map path=COLUMN")
    taken = set(found.values())
    return found | {key_of(name): place for place, name in enumerate(names) if place not in taken and key_of(name) not in found}


def _decoded(content: bytes, path: Path) -> Coco:
    try:
        return msgspec.json.decode(content, type=Coco)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name} is not COCO's JSON (images, annotations, categories): {error}") from None


def _id(name: str) -> str:
    """The name where it can be an id, else its digest."""
    plain = len(name) <= LONGEST and name.isprintable()
    return name if plain else hashlib.sha256(name.encode()).hexdigest()[:32]
