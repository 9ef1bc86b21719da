"""Labelled texts from tables: every row a sample or a reject, and the same file again changes nothing."""

from pathlib import Path

import pytest

from aisle.access import DEFAULT_TENANT
from aisle.app import App
from aisle.cli import main
from aisle.errors import BadInput
from aisle.feeds.rows import Reject
from aisle.feeds.samples import open_samples
from aisle.feeds.texts import Texts
from aisle.settings import Settings


def read(path: Path, **mapping: str) -> tuple[list, list]:
    reader = open_samples(path, "texts", mapping, {})
    assert isinstance(reader, Texts)
    found = list(reader.samples())
    return [one.sample for one in found if not isinstance(one, Reject)], [one for one in found if isinstance(one, Reject)]


def test_text_label_and_split_are_known_by_name_and_other_columns_are_labels(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Review,Rating,split,Division\nGood,5,train,Tops\n,3,train,x\nBad,1,dev,\nOdd,2,nowhere,\n")
    samples, rejects = read(path)
    assert [(one.text, one.labels, one.split) for one in samples] == [
        ("Good", {"label": "5", "division": "Tops"}, "train"),
        ("Bad", {"label": "1"}, "validation"),
    ]
    assert [reject.reason for reject in rejects] == ["no text", "the split 'nowhere' is none of train, validation, test"]


def test_what_a_review_is_about_and_when_it_was_written_are_no_labels(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("review,stars,sku,date\nGood,5,tee,25/3/2026\nBad,1,tee,1/4/2026 8:30\nOdd,2,tee,soon\nPlain,3,,\n")
    samples, rejects = read(path)
    assert [(one.labels, one.item_id, one.time) for one in samples] == [
        ({"label": "5"}, "tee", 1_774_396_800_000_000),
        ({"label": "1"}, "tee", 1_775_032_200_000_000),
        ({"label": "3"}, None, None),
    ]
    assert [reject.reason for reject in rejects] == ["time cannot be read (send ISO 8601 or epoch numbers)"]


def test_a_mapping_takes_only_what_it_names_and_json_lists_are_several_labels(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"body":"x","tags":["a","b"],"secret":"s"}\n{"body":"y","tags":["a"]}\n')
    samples, _ = read(path, text="body", label="tags")
    assert [one.labels for one in samples] == [{"label": ["a", "b"]}, {"label": ["a"]}]


def test_a_file_without_texts_says_how_to_name_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match="--map text=COLUMN"):
        read(path)
    with pytest.raises(BadInput, match="no such file"):
        open_samples(tmp_path / "none.csv", "texts", {}, {})


def test_importing_twice_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    path.write_text("text,label,user_id\nGood,5,u\nGood,5,u\nBad,1,v\n,1,v\n")
    home = str(tmp_path / "shop")
    assert main(["--home", home, "import", "texts", str(path)]) == 0
    assert "4 rows = 2 accepted + 1 duplicates + 1 rejected" in capsys.readouterr().out
    assert main(["--home", home, "import", "texts", str(path)]) == 0
    assert "4 rows = 0 accepted + 3 duplicates + 1 rejected" in capsys.readouterr().out
    app = App(Settings(home=home))
    assert sorted((one.text, one.user_id) for one in app.samples.all(DEFAULT_TENANT, "text")) == [("Bad", "v"), ("Good", "u")]
    app.database.close()
