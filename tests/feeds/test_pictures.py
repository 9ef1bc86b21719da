"""Labelled pictures from folders, tables, COCO files and zips of these."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from aisle.errors import BadInput
from aisle.feeds.pictures import open_pictures
from aisle.feeds.rows import Reject
from aisle.feeds.samples import Labelled


def photo(shade: int = 0) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 10, 20)).save(file, "PNG")
    return file.getvalue()


def write(root: Path, files: dict[str, bytes | str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def zipped(root: Path, files: dict[str, bytes | str]) -> Path:
    path = root / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def read(where: Path, **mapping: str) -> tuple[list[Labelled], list[Reject]]:
    reader = open_pictures(where, mapping, {})
    rows = list(reader.samples())
    assert reader.done <= reader.total
    return [r for r in rows if isinstance(r, Labelled)], [r for r in rows if isinstance(r, Reject)]


FOLDERS = {
    "shop/train/mugs/a.png": photo(1),
    "shop/train/jars/b.png": photo(2),
    "shop/val/mugs/c.png": photo(3),
    "shop/note.txt": "x",
}
TABLE = {
    "list.csv": "path,label,colour,split\na.png,mug,red,train\nb/b.png,jar,,test\nmissing.png,jar,,\n",
    "a.png": photo(),
    "b/b.png": photo(5),
}
COCO = {
    "boxes.json": json.dumps(
        {
            "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png", "split": "test"}],
            "annotations": [
                {"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4], "area": 12},
                {"image_id": 1, "category_id": 7, "bbox": [1, 1, 0, 4]},
            ],
            "categories": [{"id": 7, "name": "mug"}],
        }
    ),
    "a.png": photo(),
    "b.png": photo(1),
}  # fmt: skip


@pytest.mark.parametrize("pack", [write, zipped])
def test_a_folder_is_a_class_and_train_and_val_are_splits(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    good, bad = read(pack(tmp_path, FOLDERS))
    assert not bad
    assert [(row.sample.labels["label"], row.sample.split) for row in good] == [
        ("jars", "train"), ("mugs", "train"), ("mugs", "validation"),
    ]  # fmt: skip
    assert good[0].content == photo(2) and good[0].suffix == ".png" and good[0].sample.kind == "picture"


@pytest.mark.parametrize("pack", [write, zipped])
def test_a_table_gives_label_attributes_and_split(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    good, bad = read(pack(tmp_path, TABLE))
    found = [(row.sample.labels, row.sample.split) for row in good]
    assert found == [
        ({"label": "mug", "colour": "red"}, "train"),
        ({"label": "jar"}, "test"),
    ]
    assert [row.reason for row in bad] == ["there is no such file"]


@pytest.mark.parametrize("pack", [write, zipped])
def test_coco_gives_boxes_in_pixels_and_empty_ones_are_dropped(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    good, bad = read(pack(tmp_path, COCO))
    assert not bad and [row.sample.split for row in good] == [None, "test"]
    (box,) = good[0].sample.boxes or []
    assert (box.label, box.x0, box.y0, box.x1, box.y1) == ("mug", 1, 2, 4, 6)
    assert good[1].sample.boxes == []


def test_a_table_may_be_named_itself_and_its_columns_said(tmp_path: Path) -> None:
    write(tmp_path, {"mine.csv": "foto;art\na.png;mug\n", "a.png": photo()})
    good, _ = read(tmp_path / "mine.csv", path="foto", label="art")
    assert good[0].sample.labels == {"label": "mug"}
    with pytest.raises(BadInput, match="--map path=COLUMN"):
        read(tmp_path / "mine.csv")


@pytest.mark.parametrize("pack", [write, zipped])
def test_what_is_no_picture_is_refused_alone(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    good, bad = read(pack(tmp_path, {"mug/a.png": photo(), "mug/b.png": "<svg/>", "mug/c.jpg": b""}))
    assert len(good) == 1 and {row.reason for row in bad} == {"not a JPEG, PNG, WebP or GIF"}


def test_paths_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(photo())
    inside = write(tmp_path / "inside", {"list.csv": f"path,label\n../secret.png,x\n{tmp_path}/secret.png,x\n"})
    good, bad = read(inside / "list.csv")
    assert not good and {row.reason for row in bad} == {"the path leads out of the folder"}


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(photo())
    inside = write(tmp_path / "inside", {"mug/a.png": photo()})
    (inside / "mug" / "b.png").symlink_to(tmp_path / "secret.png")
    good, bad = read(inside)
    assert len(good) == 1 and len(bad) == 1


@pytest.mark.parametrize("files", [{}, {"a.txt": "x"}, {"a.csv": "path,label\n", "b.csv": "path,label\n"}, {"a.json": "{}"}])
def test_a_collection_that_is_none_is_said_to_be_none(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        read(write(tmp_path, files))  # type: ignore[arg-type]


def test_the_same_name_in_two_collections_is_two_pictures(tmp_path: Path) -> None:
    first, _ = read(write(tmp_path / "one", {"mug/1.png": photo()}))
    second, _ = read(write(tmp_path / "two", {"mug/1.png": photo()}))
    assert first[0].sample.sample_id != second[0].sample.sample_id
