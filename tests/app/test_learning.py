"""When models are trained again by themselves: by schedule, by growth, once, and never over one made elsewhere."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.app.echo import REGISTRY, Task

from aisle.access import DEFAULT_TENANT
from aisle.app import App
from aisle.jobs.worker import work
from aisle.settings import Settings
from aisle.task import Data, Progress, Registry
from aisle.times import DAY, to_micros
from aisle.types import Event, Item

HOUR = 3_600_000_000


def shop(tmp_path: Path, **settings: float) -> App:
    app = App(Settings(home=str(tmp_path / "shop"), worker=False, **settings), REGISTRY)
    app.items.put(DEFAULT_TENANT, [Item(item_id=f"i{k}", title="I") for k in range(10)])
    app.learning.train(DEFAULT_TENANT, "echo", {"word": "bye"})
    work(app.jobs, app.handlers, once=True)
    return app


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    app = shop(tmp_path, retrain_hours=24, retrain_growth=0.5)
    yield app
    app.database.close()


def age(app: App, hours: float) -> None:
    """Make the live model look so old."""
    at = time.time_ns() // 1000 - round(hours * HOUR)
    with app.database.transaction() as tx:
        tx._connection.execute("update models set created_at = ?", (at,))


def test_nothing_is_due_where_nothing_changed(app: App) -> None:
    age(app, 1000)
    assert app.learning.plan() == []


def test_growth_is_due_at_once_as_it_was_configured_and_only_once(app: App) -> None:
    app.items.put(DEFAULT_TENANT, [Item(item_id=f"n{k}", title="N") for k in range(5)])
    (job,) = app.learning.plan()
    assert job.params == {"task": "echo", "config": {"word": "bye"}}
    assert app.learning.plan() == []
    work(app.jobs, app.handlers, once=True)
    assert app.models.live(DEFAULT_TENANT, "echo").version == 2
    assert app.learning.plan() == []


def test_a_little_change_waits_for_the_schedule(app: App) -> None:
    app.events.add(DEFAULT_TENANT, [])
    app.items.put(DEFAULT_TENANT, [Item(item_id="new", title="N")])
    age(app, 23)
    assert app.learning.plan() == []
    age(app, 25)
    assert len(app.learning.plan()) == 1


def test_zero_means_never(tmp_path: Path) -> None:
    app = shop(tmp_path, retrain_hours=0, retrain_growth=0)
    app.events.add(DEFAULT_TENANT, [Event(user_id="u", item_id="i1", type="view", time=1_750_000_000_000_000)])
    age(app, 1000)
    assert app.learning.plan() == []
    app.database.close()


def test_a_worker_plans_now_and_then(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aisle.jobs.worker.PLANS", -1.0)
    app.items.put(DEFAULT_TENANT, [Item(item_id=f"n{k}", title="N") for k in range(5)])
    assert work(app.jobs, app.handlers, once=True, plan=app.learning.plan) == 1
    assert app.models.live(DEFAULT_TENANT, "echo").version == 2


class Keeps(Task):
    """An echo that forgets people: in part, like a network, or as a whole."""

    def __init__(self, whole: bool) -> None:
        self.whole = whole

    def forget(self, data: Data, old: Path, folder: Path, progress: Progress) -> bool:
        (folder / "word.txt").write_text((old / "word.txt").read_text() + " again")
        return self.whole


def erased(tmp_path: Path, *, whole: bool) -> App:
    """A shop in which somebody was erased after a training, and what that queued has been done."""
    app = App(
        Settings(home=str(tmp_path / "shop"), worker=False, retrain_hours=0, retrain_growth=0), Registry({"echo": Keeps(whole)})
    )
    app.items.put(DEFAULT_TENANT, [Item(item_id="i", title="I")])
    app.events.add(DEFAULT_TENANT, [Event(user_id=user, item_id="i", type="view", time=10**15) for user in ("u", "v")])
    app.learning.train(DEFAULT_TENANT, "echo", {"word": "bye"})
    work(app.jobs, app.handlers, once=True)
    app.privacy.erase(DEFAULT_TENANT, "u")
    work(app.jobs, app.handlers, once=True)
    return app


def test_an_erasure_keeps_the_settings_found_and_removes_every_version_before(tmp_path: Path) -> None:
    app = erased(tmp_path, whole=True)
    (version,) = app.models.list(DEFAULT_TENANT, "echo")
    assert version.live and (version.folder / "word.txt").read_text() == "bye again"
    assert version.card["scores"] == {"items": 1.0, "events": 2.0} and version.card["data"]["events"] == 1
    assert "retrain_by" not in version.card["data"]
    app.database.close()


def test_what_still_remembers_somebody_is_trained_again_by_its_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = erased(tmp_path, whole=False)
    first = app.models.live(DEFAULT_TENANT, "echo")
    deadline = to_micros(first.card["data"]["retrain_by"])
    assert 29 * DAY < deadline - time.time_ns() // 1000 < 31 * DAY
    assert app.learning.plan() == []
    app.privacy.erase(DEFAULT_TENANT, "v")
    work(app.jobs, app.handlers, once=True)
    second = app.models.live(DEFAULT_TENANT, "echo")
    assert second.version > first.version and second.card["data"]["retrain_by"] == first.card["data"]["retrain_by"]
    monkeypatch.setattr(time, "time_ns", lambda: (deadline - DAY) * 1000)
    (job,) = app.learning.plan()
    assert job.params["forget"] and "settled" not in job.params
    monkeypatch.undo()
    work(app.jobs, app.handlers, once=True)
    (version,) = app.models.list(DEFAULT_TENANT, "echo")
    assert (version.folder / "word.txt").read_text() == "bye" and "retrain_by" not in version.card["data"]
    app.database.close()


def test_a_damaged_model_is_trained_anew_when_somebody_is_erased(tmp_path: Path) -> None:
    app = erased(tmp_path, whole=True)
    live = app.models.live(DEFAULT_TENANT, "echo")
    (live.folder / "word.txt").write_text("damaged")
    app.privacy.erase(DEFAULT_TENANT, "v")
    work(app.jobs, app.handlers, once=True)
    assert (app.models.live(DEFAULT_TENANT, "echo").folder / "word.txt").read_text() == "bye"
    app.database.close()
