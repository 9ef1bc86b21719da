"""Building the demo folder: once, to the end, never into a real shop; and the check that asks it everything."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from aisle import demo
from aisle.demo.assortment import KINDS
from aisle.demo.build import BLOCK, MARKER, Marker
from aisle.demo.reviews import Review
from aisle.embedded import Shop
from aisle.errors import Conflict
from aisle.settings import load
from aisle.types import Item


def _quiet(done: float, total: float, message: str) -> None:
    """Progress that nobody watches."""


def _with_pictures(home: Path) -> Path:
    """A folder whose pictures are there already, so that the build is quick."""
    (home / "pictures").mkdir(parents=True)
    for number in range(sum(kind.count for kind in KINDS)):
        _plain(number).save(home / "pictures" / f"item-{number + 1:04d}.png")
    return home


def _plain(number: int) -> Image.Image:
    """A square of two colours: a picture, but not one that the demo draws."""
    picture = Image.new("RGB", (48, 48), (number * 53 % 256, number * 101 % 256, 120))
    picture.paste((255 - number % 256, 200, number * 7 % 256), (12, 12, 36, 36))
    return picture


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo folder, interrupted while it was built and built again."""
    folder = _with_pictures(tmp_path_factory.mktemp("demo") / "shop")

    def pulled_plug(done: float, total: float, message: str) -> None:
        if message == "writing events" and done >= 2 * BLOCK:
            raise KeyboardInterrupt

    with Shop(str(folder)) as shop:
        with pytest.raises(KeyboardInterrupt):
            demo.build(shop, pulled_plug)
        assert 0 < shop.app.events.count(1) < 50_000
    with Shop(str(folder)) as shop:
        assert demo.build(shop, _quiet)
    return folder


def test_an_interrupted_build_ends_as_if_it_had_not_been(home: Path) -> None:
    marker = msgspec.json.decode((home / MARKER).read_bytes(), type=Marker)
    assert marker.ready
    made = demo.generate(marker.seed, marker.now)
    with Shop(str(home)) as shop:
        assert shop.app.events.count(1) == len(made.events)
        assert list(shop.app.items.all(1)) == made.items
        assert shop.app.events.of_user(1, "user-0001")
    lines = (home / "reviews.jsonl").read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=Review) for line in lines] == made.reviews


def test_a_built_shop_is_left_alone(home: Path) -> None:
    said: list[str] = []
    with Shop(str(home)) as shop:
        before = shop.app.models.live(1, "recommend")
        assert not demo.build(shop, lambda done, total, message: said.append(message))
        assert shop.app.models.live(1, "recommend") == before
    assert said == ["already built"]


def test_a_real_shop_is_never_mixed_with_the_demo(tmp_path: Path) -> None:
    with Shop(str(tmp_path)) as shop:
        shop.put_items([Item(item_id="mine", title="A real thing")])
        with pytest.raises(Conflict, match="a shop of its own"):
            demo.build(shop, _quiet)
        assert shop.app.items.count(1) == 1
    assert not (tmp_path / MARKER).exists()


def test_the_key_is_made_once_and_only_its_owner_can_read_it(home: Path) -> None:
    settings = load(environ={}, home=str(home))
    key = demo.key(settings)
    assert key.startswith("sk-aisle-")
    assert demo.key(settings) == key
    assert stat.S_IMODE((home / "demo.key").stat().st_mode) == 0o600


def test_a_revoked_key_is_replaced(home: Path) -> None:
    settings = load(environ={}, home=str(home))
    key = demo.key(settings)
    with Shop(str(home)) as shop:
        shop.app.access.revoke(1, shop.app.access.identify(key).key_id)
    assert demo.key(settings) != key


def test_the_check_finds_everything_well_and_leaves_nobody_behind(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load(environ={}, home=str(home))
    with Shop(str(home)) as shop:
        before = shop.app.events.count(1), shop.app.items.count(1)
        operations = [f"POST /v1/{task.name}/{name}" for task in shop.app.registry for name in task.operations]
    with demo.server(settings) as address:
        rows = demo.check(address, demo.key(settings))
        wrong = demo.check(address, "sk-aisle-wrong")
    assert [row for row in rows if not row.ok] == []
    assert "GET /v1/jobs/{job_id} (the retraining)" in {row.what for row in rows}
    assert set(operations) <= {row.what for row in rows}
    assert any(row.what.startswith("POST /v1/recommend") and not row.ok and row.status == 401 for row in wrong)
    with Shop(str(home)) as shop:
        assert (shop.app.events.count(1), shop.app.items.count(1)) == before
    demo.print_table(rows)
    assert f"{len(rows)} asked, {len(rows)} answered well" in capsys.readouterr().out


def test_the_check_says_so_when_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    rows = demo.check("http://127.0.0.1:9", "sk-aisle-any")
    assert rows and not any(row.ok for row in rows)
    demo.print_table(rows)
    assert "BAD" in capsys.readouterr().out


def test_reviews_are_plain_json_lines(home: Path) -> None:
    first = json.loads((home / "reviews.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert set(first) == {"text", "label", "item_id", "user_id", "time", "language"}
