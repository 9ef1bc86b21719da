"""The page for people: all that was found is in it, nothing comes from elsewhere, and what is uncertain is said."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from aisle.cli import main
from aisle.tasks.recommend import TASK
from aisle.tasks.recommend.plots import Line, Mark, dots, ticks
from aisle.tasks.recommend.schema import Config, Single
from aisle.testing.shop import tiny_shop


@pytest.fixture(scope="module")
def rows():
    return TASK.evaluate(tiny_shop(), Config(), "", lambda *step: None)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_needs_nothing_else(rows):
    text = TASK.page(rows)
    page = Page(text)
    assert not page.open and "script" not in page.tags and "link" not in page.tags
    assert not [name for name, _ in page.attributes if name in ("src", "href", "style") or name.startswith("on")]
    sheet = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text and "prefers-color-scheme:dark" in sheet


def test_every_algorithm_and_every_measure_is_on_the_page(rows):
    text = TASK.page(rows)
    for name in ("Sequence neighbours", "EASE", "ALS", "Popular", "Content"):
        assert text.count(f">{name}</text>") == 5, "three measures, short histories, items that few had"
    for word in ("Coverage", "Novelty", "Popularity bias", "Gini", "1 event", "5 events", "Learning", "One answer"):
        assert word in text
    assert f"{rows[0]['coverage']:.1%}" in text


def test_names_cannot_break_the_page(rows):
    evil = [{**row, "model": '<b onload="x">', "why": "a & b <i>"} for row in rows]
    page = Page(TASK.page(evil))
    assert "b" not in page.tags and "i" not in page.tags


def test_few_users_and_overlapping_intervals_are_said(rows):
    said = TASK.remarks(rows)
    assert said[0].startswith("this rests on 20 users")
    row = {"model": "a", "users": 900, "ndcg@10": 0.5, "ci_low": 0.49, "ci_high": 0.51}
    near, far = (
        {**row, "model": "b", "ndcg@10": 0.485, "ci_high": 0.495},
        {**row, "model": "popular", "ci_high": 0.1, "ndcg@10": 0.1},
    )
    assert TASK.remarks([row, near, far]) == ["a leads, but its interval overlaps with b"]
    assert "not better than showing what is popular: c" in TASK.remarks([row, far, {**far, "model": "c"}])


def test_the_table_fits_a_terminal(rows, capsys):
    from aisle.cli import show

    show.table(TASK.summary(rows))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100 and len(lines) == 1 + len(Single.__args__)


def test_short_histories_and_seldom_items_are_measured(rows):
    for row in rows:
        assert set(row["short_histories"]) == {"1", "2", "5"}
        assert all(0 <= one["low"] <= one["ndcg@10"] <= one["high"] <= 1 for one in row["short_histories"].values())
        assert sum(group["wanted"] for group in row["seldom_seen"]) == row["users"]
    by = {row["model"]: row for row in rows}
    assert by["item_neighbours"]["short_histories"]["5"]["ndcg@10"] > by["popular"]["short_histories"]["5"]["ndcg@10"]


def test_ticks_are_round_and_reach_the_end():
    assert ticks(0.31) == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert ticks(0.0) == [0.0, 1.0]
    for most in (0.007, 0.09, 1.0, 3.4, 47.0):
        found = ticks(most)
        assert found[-1] >= most and 3 <= len(found) <= 6


def test_marks_stand_where_their_values_are():
    svg = dots([Line("x", [Mark(0.0, "none", "a"), Mark(0.4, "most", "b")])], "t", said=str)
    places = [float(x) for x in re.findall(r'cx="([\d.]+)"', svg)]
    assert places == [184.0, 664.0]


def test_the_command_writes_the_page_and_says_where(tmp_path, capsys):
    (tmp_path / "items.csv").write_text("item_id,title\n" + "\n".join(f"i{k},thing {k}" for k in range(12)))
    rows = [f"u{u},i{(u * 5 + s) % 12},2026-10-{s + 1:02d}T12:{u:02d}:00Z,view" for u in range(20) for s in range(5)]
    (tmp_path / "events.csv").write_text("user_id,item_id,time,type\n" + "\n".join(rows))
    home = ["--home", str(tmp_path / "shop")]
    assert main([*home, "import", "items", str(tmp_path / "items.csv")]) == 0
    assert main([*home, "import", "events", str(tmp_path / "events.csv")]) == 0
    capsys.readouterr()
    assert main([*home, "evaluate", "recommend"]) == 0
    out = capsys.readouterr().out
    page = tmp_path / "shop" / "reports" / "recommend-default.html"
    assert str(page) in out and "rests on" in out and page.read_text().startswith("<!doctype html>")
    assert main([*home, "evaluate", "recommend", "--report", str(tmp_path)]) == 1
    assert "--report" in capsys.readouterr().err
