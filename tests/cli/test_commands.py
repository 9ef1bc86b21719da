"""The command line as a shop engineer meets it: real files in, a trained model, answers, keys, people's data."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import aisle
from aisle.cli import main

USERS, ITEMS = 40, 24


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Even users like even items: a catalogue and its orders as plain CSV."""
    folder = tmp_path_factory.mktemp("files")
    with (folder / "products.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sku", "name", "category", "price"])
        for n in range(ITEMS):
            kind = ("Shirt", "Mug")[n % 2]
            writer.writerow([f"sku-{n}", f"{kind} number {n}", ("Clothing > Shirts", "Kitchen > Mugs")[n % 2], f"{n + 1}.50"])
    with (folder / "orders.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["customer", "sku", "when"])
        for user in range(USERS):
            for k in range(6):
                item = (user % 2) + 2 * ((user // 2 + k * 2) % (ITEMS // 2))
                writer.writerow([f"c-{user}", f"sku-{item}", f"2026-10-{k + 1:02d}T12:00:{user:02d}Z"])
        writer.writerow(["", "sku-1", "2026-10-01"])
    return folder


@pytest.fixture(scope="module")
def shop(files: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A shop into which the files were imported, and which has been trained."""
    home = str(tmp_path_factory.mktemp("home") / "shop")
    assert main(["--home", home, "import", "items", str(files / "products.csv"), "--map", "item_id=sku,title=name"]) == 0
    orders = [str(files / "orders.csv"), "--map", "user_id=customer,item_id=sku,time=when", "--default", "type=purchase"]
    assert main(["--home", home, "import", "events", *orders]) == 0
    assert main(["--home", home, "train", "recommend"]) == 0
    return home


def told(capsys: pytest.CaptureFixture[str], home: str, *arguments: str) -> Any:
    """What a command answers in JSON."""
    assert main(["--home", home, "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_an_import_reconciles_and_names_its_rejects(shop: str, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = [
        "import",
        "events",
        str(files / "orders.csv"),
        "--map",
        "user_id=customer,item_id=sku,time=when",
        "--default",
        "type=purchase",
    ]
    (report,) = told(capsys, shop, *again)
    assert report["rows"] == report["accepted"] + report["duplicates"] + report["rejected"] == USERS * 6 + 1
    assert (report["accepted"], report["rejected"], report["match_rate"]) == (0, 1, 1.0)
    assert "user_id" in Path(report["rejects_file"]).read_text()


def test_asking_recommends_what_similar_shoppers_bought_and_says_why(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = told(capsys, shop, "ask", "recommend.for_user", '{"user_id": "c-4", "n": 5}')
    assert len(answer["items"]) == 5
    assert all(int(item["item_id"].split("-")[1]) % 2 == 0 for item in answer["items"])
    assert all(item["reasons"] for item in answer["items"])
    assert answer["model"] == "recommend@1"


def test_a_request_may_come_from_a_file(shop: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "request.json").write_text('{"n": 3}')
    assert len(told(capsys, shop, "ask", "recommend.popular", f"@{tmp_path / 'request.json'}")["items"]) == 3


def test_training_again_publishes_a_version_that_can_be_rolled_back(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = told(capsys, shop, "train", "recommend", "--set", "algorithm=popular")
    assert result["version"] == 2
    assert told(capsys, shop, "models", "show", "recommend")["config"]["algorithm"] == "popular"
    assert main(["--home", shop, "models", "rollback", "recommend"]) == 0
    capsys.readouterr()
    rows = told(capsys, shop, "models", "list", "recommend")
    assert {row["model"]: row["live"] for row in rows} == {"recommend@1": "live", "recommend@2": ""}


def test_evaluation_compares_with_popularity(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = told(capsys, shop, "evaluate", "recommend")
    assert any(row["model"] == "popular" for row in rows)
    assert len(rows) >= 3


def test_a_key_is_printed_once_and_alone(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", shop, "keys", "create", "--name", "web", "--scopes", "read,write"]) == 0
    secret = capsys.readouterr().out
    assert secret.startswith("sk-aisle-")
    assert secret.count("\n") == 1
    (key,) = [row for row in told(capsys, shop, "keys", "list") if row["name"] == "web"]
    assert secret.strip() not in json.dumps(key)
    assert main(["--home", shop, "keys", "revoke", key["id"]]) == 0


def test_a_person_can_be_exported_and_erased(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(told(capsys, shop, "users", "export", "c-7")["events"]) == 6
    receipt = told(capsys, shop, "users", "erase", "c-7")["receipt"]
    assert receipt["events_deleted"] == 6
    assert "c-7" not in json.dumps(receipt)
    assert told(capsys, shop, "users", "export", "c-7")["events"] == []
    assert main(["--home", shop, "worker", "--once"]) == 0
    assert not any("c-7" in path.read_text(errors="ignore") for path in newest_model(shop).rglob("*") if path.is_file())


def newest_model(home: str) -> Path:
    folder = Path(home) / "models" / "1" / "recommend"
    return folder / str(max(int(path.name) for path in folder.iterdir() if path.name.isdigit()))


def test_a_backup_is_a_shop_of_its_own(shop: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = str(tmp_path / "copy")
    assert told(capsys, shop, "backup", to)["bytes"] > 10_000
    states = {row["what"]: row["state"] for row in told(capsys, to, "doctor", "--deep")}
    assert {states["catalogue"], states["model recommend"], states["database pages"]} == {"ok"}
    question = ("ask", "recommend.for_user", '{"user_id": "ana"}')
    assert told(capsys, to, *question)["items"] == told(capsys, shop, *question)["items"]
    assert main(["--home", shop, "backup", to]) == 1
    assert "is there already" in capsys.readouterr().err


def test_doctor_says_what_is_there(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    states = {row["what"]: row["state"] for row in told(capsys, shop, "doctor", "--deep")}
    assert states["catalogue"] == states["events"] == states["model recommend"] == states["database pages"] == "ok"


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["ask", "recommend.for_user", '{"user_id": "a"}'], "aisle train recommend"),
        (["train", "recommend"], "aisle import items"),
        (["train", "recommend", "--set", "colour=red"], "no setting colour"),
        (["train", "nonsense"], "recommend"),
        (["ask", "recommend.nonsense", "{}"], "for_user"),
        (["ask", "recommend.for_user", "{"], "not JSON"),
        (["ask", "recommend.for_user", "[]"], "JSON object"),
        (["models", "promote", "recommend@x"], "a version is a number"),
        (["import", "items", "/does/not/exist.csv"], "/does/not/exist.csv"),
        (["keys", "create", "--scopes", "root"], "admin, write and read"),
        (["keys", "revoke", "nope"], "aisle keys list"),
        (["users", "export"], "USER"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    tmp_path: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    aisle.open(str(tmp_path / "empty")).close()
    assert main(["--home", str(tmp_path / "empty"), *arguments]) == 1
    captured = capsys.readouterr()
    last = captured.err.strip().splitlines()[-1]
    assert last.startswith("aisle: ")
    assert says in last
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    "command", [["ask", "recommend.popular"], ["train", "recommend"], ["users", "list"], ["models"], ["usage"]]
)
def test_a_mistyped_folder_is_said_and_not_made(tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path / "shpo"), *command]) == 1
    assert "there is no shop in" in capsys.readouterr().err
    assert not (tmp_path / "shpo").exists()


def test_a_closed_pipe_is_no_error(shop: str) -> None:
    command = f"{sys.executable} -m aisle --home {shop} --json users list | head -c 5"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "recommend", "--set", "neighbours"], "'neighbours' is no setting: write NAME=VALUE"),
        (["models", "show", "recomend"], "there is no task 'recomend'"),
        (["train", "recomend"], "there is no task 'recomend'"),
    ],
)
def test_a_slip_on_the_command_line_is_named(
    shop: str, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["--home", shop, *arguments]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"aisle: {said}")


def test_of_several_files_the_unusable_one_is_named(tmp_path: Path, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "nothing.csv").write_bytes(b"")
    good = str(files / "products.csv")
    mapped = ["--map", "item_id=sku,title=name"]
    assert main(["--home", str(tmp_path / "shop"), "import", "items", good, str(tmp_path / "nothing.csv"), *mapped]) == 1
    assert "aisle: nothing.csv: the file is empty" in capsys.readouterr().err


def test_in_a_log_file_a_progress_bar_leaves_no_control_characters(
    tmp_path: Path, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["import", "items", str(files / "products.csv"), "--map", "item_id=sku,title=name"]
    assert main(["--home", str(tmp_path / "shop"), *given]) == 0
    assert "\r" not in capsys.readouterr().err
