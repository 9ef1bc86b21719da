"""When models are trained again by themselves: by schedule, by growth, once, and never over one made elsewhere."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.app.echo import REGISTRY

from aisle.access import DEFAULT_TENANT
from aisle.app import App
from aisle.jobs.worker import work
from aisle.settings import Settings
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
