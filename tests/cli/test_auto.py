"""`algorithm=auto` from the command line: who serves, and why, is told and kept."""

import json
from pathlib import Path

import pytest

from aisle.cli import main


def test_training_with_auto_says_who_serves_and_why_and_the_card_keeps_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Walks round a ring of items: what comes next is what comes after."""
    items = ["item_id,title", *(f"i{k},thing {k}" for k in range(30))]
    events = ["user_id,item_id,time,type"]
    for user in range(60):
        events += [f"u{user},i{(user * 7 + step) % 30},2026-10-{step + 1:02d}T12:{user:02d}:00Z,view" for step in range(8)]
    (tmp_path / "items.csv").write_text("\n".join(items))
    (tmp_path / "events.csv").write_text("\n".join(events))
    home = ["--home", str(tmp_path / "shop"), "--json"]
    assert main([*home, "import", "items", str(tmp_path / "items.csv")]) == 0
    assert main([*home, "import", "events", str(tmp_path / "events.csv")]) == 0
    capsys.readouterr()
    assert main([*home, "train", "recommend", "--set", "algorithm=auto"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["algorithm"] == "sequence_neighbours"
    assert told["chosen"].startswith("best of 9 by nDCG@10 for ") and "popular 0." in told["chosen"]
    assert main([*home, "models", "show", "recommend"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert (card["config"]["algorithm"], card["data"]["algorithm"]) == ("auto", "sequence_neighbours")
    assert card["scores"]["sequence_neighbours ndcg@10"] > card["scores"]["popular ndcg@10"]
