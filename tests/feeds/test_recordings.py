"""Manifests of recordings: rows, files, zips, NeMo's names, and paths that lead astray."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from aisle.errors import BadInput
from aisle.feeds.rows import Reject
from aisle.feeds.samples import Labelled, open_samples

ROWS = [
    {"audio_filepath": "a/one.wav", "text": "one lamp", "duration": 1.2, "speaker": "s1", "split": "train"},
    {"audio_filepath": "two.ogg", "text": "two lamps", "split": "dev", "mood": "calm"},
    {"audio_filepath": "missing.wav", "text": "three"},
    {"audio_filepath": "../outside.wav", "text": "four"},
    {"audio_filepath": "/etc/passwd.wav", "text": "five"},
    {"audio_filepath": "notes.txt", "text": "six"},
    {"audio_filepath": "two.ogg", "text": ""},
    {"audio_filepath": "two.ogg", "text": "seven", "split": "never"},
]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "one.wav").write_bytes(b"first")
    (folder / "two.ogg").write_bytes(b"second")
    (folder / "notes.txt").write_text("no sound")
    (tmp_path / "outside.wav").write_bytes(b"secret")
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return folder


def read(path: Path) -> list[Labelled | Reject]:
    return list(open_samples(path, "recordings", {}, {}).samples())


def packed(shop: Path) -> Path:
    archive = shop.parent / "shop.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for file in sorted(shop.rglob("*")):
            if file.is_file():
                out.write(file, f"data/{file.relative_to(shop)}")
    return archive


@pytest.mark.parametrize("form", ["file", "folder", "zip"])
def test_rows_are_accepted_or_refused(shop: Path, form: str) -> None:
    rows = read({"file": shop / "manifest.jsonl", "folder": shop, "zip": packed(shop)}[form])
    good = [row for row in rows if isinstance(row, Labelled)]
    assert len(rows) == len(ROWS) and len(good) == 2
    first, second = good
    assert (first.sample.text, first.sample.speaker, first.sample.split, first.content, first.suffix) == (
        "one lamp",
        "s1",
        "train",
        b"first",
        ".wav",
    )
    assert (second.sample.split, second.sample.labels, second.content) == ("validation", {"mood": "calm"}, b"second")
    assert all(row.sample.kind == "recording" for row in good)


def test_nothing_outside_the_folder_is_read(shop: Path) -> None:
    reasons = [row.reason for row in read(shop) if isinstance(row, Reject)]
    assert sum("leads out" in reason for reason in reasons) == 2


def test_a_manifest_without_texts_is_told(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text('{"path": "a.wav", "duration": 1}\n')
    with pytest.raises(BadInput, match="text"):
        read(tmp_path / "m.jsonl")
    with pytest.raises(BadInput, match="one manifest"):
        read(packed_empty(tmp_path))


def packed_empty(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as out:
        out.writestr("readme.md", "x")
    return tmp_path / "empty.zip"
