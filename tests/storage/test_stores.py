"""Items and events: idempotent, tenant by tenant, and whole after a kill -9."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from aisle.storage.database import Database
from aisle.storage.events import Events
from aisle.storage.items import Items
from aisle.types import EVENT_CODE, Event, Item, Money

T = 10**15


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'aisle.db'}")


def view(user: str, item: str, at: int = T, **more: object) -> Event:
    return Event(user_id=user, item_id=item, type="view", time=at, **more)  # type: ignore[arg-type]


def test_an_item_comes_back_as_it_was_put(db: Database) -> None:
    item = Item(
        item_id="长衫/1", title="Linen <b>Shirt</b>", price=Money(3900, "EUR"), category="Clothing > Shirts",
        attributes={"colour": ["white", "blue"], "size": 38}, availability="backorder",
    )  # fmt: skip
    Items(db).put(1, [item])
    assert Items(db).get(1, "长衫/1") == item


def test_items_page_in_id_order_and_say_whether_there_are_more(db: Database) -> None:
    items = Items(db)
    items.put(1, [Item(item_id=f"i{n}", title="t") for n in range(5)])
    first, more = items.page(1, 3)
    rest, end = items.page(1, 3, first[-1].item_id)
    assert [item.item_id for item in first + rest] == ["i0", "i1", "i2", "i3", "i4"]
    assert (more, end) == (True, False)


def test_a_removed_item_is_told_to_those_who_follow(db: Database) -> None:
    items = Items(db)
    items.put(1, [Item(item_id="a", title="t"), Item(item_id="b", title="t")])
    seen = items.changed_since(1, 0)
    assert items.remove(1, ["a", "never there"]) == 1
    later = items.changed_since(1, seen.until)
    assert (later.changed, later.removed) == ([], ["a"])
    assert later.until == items.revision(1) > seen.until
    assert items.get(1, "a") is None
    assert items.ids(1) == {"b"}


def test_the_same_event_id_counts_once_even_with_another_content(db: Database) -> None:
    events = Events(db)
    assert events.add(1, [view("u", "a", event_id="e1")]) == (1, 0)
    assert events.add(1, [view("u", "b", T + 5, event_id="e1"), view("u", "c", T + 1, event_id="e2")]) == (1, 1)
    assert [event.item_id for event in events.of_user(1, "u")] == ["a", "c"]


def test_an_event_without_an_id_is_known_by_its_content(db: Database) -> None:
    events = Events(db)
    assert events.add(1, [view("u", "a"), view("u", "a"), view("u", "a", T + 1), view("u", "a", value=2.0)]) == (3, 1)
    assert events.add(1, [view("u", "a")]) == (0, 1)


def test_tenants_see_nothing_of_each_other(db: Database) -> None:
    events, items = Events(db), Items(db)
    events.add(1, [view("u", "a", event_id="same")])
    events.add(2, [view("u", "b", event_id="same")])
    items.put(1, [Item(item_id="a", title="t")])
    assert [e.item_id for e in events.recent(2, "u", 10)] == ["b"]
    assert items.get(2, "a") is None
    assert events.erase(2, "u") == 1
    assert events.count(1) == 1


def test_recent_events_come_newest_first_and_bounded(db: Database) -> None:
    events = Events(db)
    events.add(1, [view("u", f"i{n}", T + n) for n in range(20)] + [view("other", "x", T + 99)])
    assert [event.item_id for event in events.recent(1, "u", 3)] == ["i19", "i18", "i17"]


def test_columns_hold_every_event_sorted_by_user_and_time(db: Database) -> None:
    events = Events(db)
    events.add(1, [view("b", "x", T + 2, session_id="s"), view("a", "y", T + 1), view("b", "y", T, value=4.5, quantity=3)])
    columns = events.columns(1)
    rows = [(columns.users[u], columns.items[i]) for u, i in zip(columns.user, columns.item, strict=True)]
    assert rows == [("a", "y"), ("b", "y"), ("b", "x")]
    assert columns.time.tolist() == [T + 1, T, T + 2]
    assert np.isnan(columns.value).tolist() == [True, False, True]
    assert columns.quantity.tolist() == [1, 3, 1]
    assert columns.session is not None
    assert (columns.session >= 0).tolist() == [False, False, True]
    assert set(columns.type.tolist()) == {EVENT_CODE["view"]}


def test_no_events_are_columns_of_length_zero(db: Database) -> None:
    columns = Events(db).columns(1)
    assert len(columns.user) == len(columns.time) == 0


WRITER = """
import sys
from aisle.storage.database import Database
from aisle.storage.events import Events
from aisle.types import Event
events = Events(Database(sys.argv[1]))
n = int(sys.argv[2])
while True:
    batch = [Event(user_id=f"u{k % 7}", item_id="i", type="view", time=10**15 + k, event_id=str(k)) for k in range(n, n + 50)]
    events.add(1, batch)
    n += 50
    print(n, flush=True)
"""


def test_kill_9_while_ingesting_loses_no_acknowledged_event_and_repeats_none(tmp_path: Path) -> None:
    url, acknowledged = f"sqlite:///{tmp_path / 'aisle.db'}", 0
    for pause in (0.3, 0.05, 0.1, 0.2, 0.15):
        child = subprocess.Popen([sys.executable, "-c", WRITER, url, str(acknowledged)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        child.stdout.readline()  # it writes
        time.sleep(pause)
        os.kill(child.pid, signal.SIGKILL)
        lines = child.stdout.read().split()
        child.wait()
        child.stdout.close()
        acknowledged = int(lines[-1]) if lines else acknowledged + 50
        stored = Events(Database(url))
        assert stored.count(1) >= acknowledged
        times = [int(event.time or 0) - 10**15 for u in range(7) for event in stored.of_user(1, f"u{u}")]
        assert sorted(times) == list(range(len(times)))  # every one of them exactly once
    assert acknowledged > 500


def test_remembered_events_are_exact_whoever_writes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'aisle.db'}"
    mine, other = Events(Database(url)), Events(Database(url))  # two processes
    for n in range(30):
        writer = (mine, other, mine)[n % 3]
        writer.add(1, [view(f"u{n % 2}", f"i{n}", T + n)])
        for reader in (mine, other, mine):
            for user in range(2):
                expected = [f"i{k}" for k in range(n, -1, -1) if k % 2 == user][:5]
                assert [event.item_id for event in reader.recent(1, f"u{user}", 5)] == expected
    mine.erase(1, "u0")
    assert (len(mine.recent(1, "u0", 5)), len(other.recent(1, "u0", 5))) == (0, 0)


ROUNDS = 200  # writes that a reader races with, however quick either is


def test_readers_never_see_less_than_was_acknowledged_before_they_asked(db: Database) -> None:
    events, acknowledged, behind = Events(db), [0], []

    def read() -> None:
        while acknowledged[0] < ROUNDS:
            floor = acknowledged[0]
            if len(events.recent(1, "u", 1000)) < floor:
                behind.append(floor)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(ROUNDS):
        events.add(1, [view("u" if acknowledged[0] % 2 else "v", "i", T + acknowledged[0]), view("u", "j", T + acknowledged[0])])
        acknowledged[0] += 1
    reader.join()
    assert behind == []
