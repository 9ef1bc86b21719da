"""The one door: access, context, model, metering; and what other processes do shows in the next answer."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from aisle.access import DEFAULT_TENANT, OWNER, Who
from aisle.app import App
from aisle.errors import BadInput, Forbidden, NoModel, NotFound
from aisle.jobs.worker import work
from aisle.settings import Settings
from aisle.storage.journal import Journal
from aisle.types import Event, Item
from app.echo import REGISTRY, Ask

READER = Who(DEFAULT_TENANT, "reader", frozenset({"read"}))


@asynccontextmanager
async def running(settings: Settings, *, train: bool = True) -> AsyncIterator[App]:
    app = App(settings, REGISTRY)
    if train:
        app.learning.train(DEFAULT_TENANT, "echo", {})
        work(app.jobs, app.handlers, once=True)
    await app.start()
    try:
        yield app
    finally:
        await app.close()


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


async def until(true: Callable[[], Coroutine[Any, Any, bool]], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not await true():
            await asyncio.sleep(0.05)


def test_without_a_model_the_next_step_is_said(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings, train=False) as app:
            with pytest.raises(NoModel, match="aisle train echo"):
                await app.ask(READER, "echo", "say", Ask())
            assert app.ready() == []

    run(check)


def test_an_answer_says_who_gave_it_and_what_it_cost(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings) as app:
            answer = await app.ask(READER, "echo", "say", Ask(text="hi"))
            again = await app.ask(READER, "echo", "say", Ask(text="hi"))
            assert (answer.text, answer.model) == ("hi", "echo@1")  # type: ignore[attr-defined]
            assert answer.answer_id.startswith("ans_")
            assert answer.answer_id != again.answer_id
            assert answer.usage is not None
            assert answer.usage.cpu_ms > 0

    run(check)


def test_unknown_tasks_and_operations_are_named(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings) as app:
            with pytest.raises(NotFound, match="echo"):
                await app.ask(READER, "nope", "say", Ask())
            with pytest.raises(NotFound, match="say, secret"):
                await app.ask(READER, "echo", "nope", Ask())

    run(check)


def test_scopes_are_asked_for_at_the_door(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings) as app:
            with pytest.raises(Forbidden):
                await app.ask(READER, "echo", "secret", Ask())
            await app.ask(OWNER, "echo", "secret", Ask())

    run(check)


def test_good_and_bad_requests_are_metered(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings) as app:
            await app.ask(READER, "echo", "say", Ask())
            with pytest.raises(BadInput):
                await app.ask(READER, "echo", "say", Ask(text="bad"))
            results = [result for bucket in app.usage.report(DEFAULT_TENANT, group_by=("key_id",)) for result in bucket.results]
            assert [(r.key_id, r.num_model_requests, r.num_errors) for r in results] == [("reader", 2, 1)]
            assert b'aisle_answers_total{operation="say",outcome="error",task="echo"} 1.0' in app.metrics.text()

    run(check)


def test_an_event_that_was_posted_is_in_the_next_context(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings) as app:
            assert (await app.ask(READER, "echo", "say", Ask("u"))).seen == []  # type: ignore[attr-defined]
            added = await app.add_events(OWNER, [Event(user_id="u", item_id="a", type="purchase")])
            assert added == (1, 0)
            assert (await app.ask(READER, "echo", "say", Ask("u"))).seen == ["a"]  # type: ignore[attr-defined]

    run(check)


def test_items_put_and_removed_show_in_the_next_answer(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings) as app:
            await app.put_items(OWNER, [Item(item_id="a", title="A"), Item(item_id="b", title="B")])
            assert (await app.ask(READER, "echo", "say", Ask())).shown == 2  # type: ignore[attr-defined]
            assert await app.remove_item(OWNER, "a")
            assert not await app.remove_item(OWNER, "a")
            assert (await app.ask(READER, "echo", "say", Ask())).shown == 1  # type: ignore[attr-defined]

    run(check)


def test_what_another_process_changes_shows_within_a_second(settings: Settings) -> None:
    async def check() -> None:
        other = App(settings, REGISTRY)  # as `aisle import` beside a server
        async with running(settings) as app:
            other.items.put(DEFAULT_TENANT, [Item(item_id="a", title="A")])

            async def shown() -> bool:
                return (await app.ask(READER, "echo", "say", Ask())).shown == 1  # type: ignore[attr-defined]

            await until(shown, 1.5)
        other.database.close()

    run(check)


def test_a_model_published_by_another_process_replaces_the_old_one_without_one_failure(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings) as app:
            app.learning.train(DEFAULT_TENANT, "echo", {"word": "bye"})
            trainer = threading.Thread(target=work, args=(app.jobs, app.handlers), kwargs={"once": True})
            trainer.start()
            words = []

            async def replaced() -> bool:
                answers = await asyncio.gather(*(app.ask(READER, "echo", "say", Ask()) for _ in range(50)))
                words.extend(answer.word for answer in answers)  # type: ignore[attr-defined]
                return words[-1] == "bye"

            await until(replaced)
            trainer.join()
            assert set(words) == {"hello", "bye"}

    run(check)


def test_a_damaged_model_is_refused_and_the_old_one_goes_on(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings) as app:
            app.learning.train(DEFAULT_TENANT, "echo", {"word": "bye"})
            beat = app._beat
            assert beat is not None
            beat.cancel()  # so that the damage is done before the server looks
            work(app.jobs, app.handlers, once=True)
            folder = app.models.show(DEFAULT_TENANT, "echo", 2).folder
            (folder / "word.txt").write_text("evil")
            await app.refresh()
            assert (await app.ask(READER, "echo", "say", Ask())).word == "hello"  # type: ignore[attr-defined]
            assert any("echo version 2" in line for line in app.ready())

    run(check)


def test_rollback_brings_the_old_answers_back(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings) as app:
            app.learning.train(DEFAULT_TENANT, "echo", {"word": "bye"})
            work(app.jobs, app.handlers, once=True)
            await app.refresh()
            assert (await app.ask(READER, "echo", "say", Ask())).model == "echo@2"
            app.models.rollback(DEFAULT_TENANT, "echo")
            await app.refresh()
            assert (await app.ask(READER, "echo", "say", Ask())).model == "echo@1"

    run(check)


def test_wrong_settings_are_refused_before_a_job_is_queued(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings) as app:
            for config in ({"wort": "x"}, {"word": 3}):
                with pytest.raises(BadInput, match="word"):
                    app.learning.train(DEFAULT_TENANT, "echo", config)
            assert len(app.jobs.list(DEFAULT_TENANT)) == 1

    run(check)


def test_erasing_a_user_deletes_the_rows_gives_a_receipt_and_retrains(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings) as app:
            await app.add_events(
                OWNER, [Event(user_id="u", item_id="a", type="view"), Event(user_id="v", item_id="a", type="view")]
            )
            receipt = await app.erase_user(OWNER, "u")
            assert receipt.events_deleted == 1
            assert receipt.models == ["echo@1"]
            assert app.privacy.export(DEFAULT_TENANT, "u")["events"] == []
            assert len(app.privacy.export(DEFAULT_TENANT, "v")["events"]) == 1
            work(app.jobs, app.handlers, once=True)
            live = app.models.live(DEFAULT_TENANT, "echo")
            assert live is not None
            assert (live.version, live.card["scores"]["events"]) == (2, 1.0)
            assert [version.name for version in app.models.list(DEFAULT_TENANT)] == ["echo@2"]  # none that remembers the person
            assert [folder.name for folder in live.folder.parent.iterdir()] == ["2"]
            assert any(line[3] == "user.erased" for line in app.audit(DEFAULT_TENANT))

    run(check)


def test_a_closing_server_is_not_ready(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings) as app:
            app.draining = True
            assert app.ready() == ["the server is shutting down"]

    run(check)


def test_after_an_erasure_the_database_files_hold_nothing_of_the_person(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings) as app:
            name = "ana-4711-example"
            await app.add_events(OWNER, [Event(user_id=name, item_id=f"i{n}", type="view", time=10**15 + n) for n in range(500)])
            await app.add_events(OWNER, [Event(user_id=f"u{n}", item_id="i", type="view", time=10**15) for n in range(500)])
            await app.ask(READER, "echo", "say", Ask(name))
            await app.erase_user(OWNER, name)
            files = [path for path in settings.folder.iterdir() if path.name.startswith("aisle.db")]
            assert len(files) >= 2
            assert not [path.name for path in files if name.encode() in path.read_bytes()]

    run(check)


def test_a_restored_backup_forgets_again_whoever_was_erased_after_it_was_taken(settings: Settings, tmp_path: Path) -> None:
    async def check() -> None:
        async with running(settings) as app:
            views = [Event(user_id=user, item_id="a", type="view") for user in ("u", "v", "w")]
            await app.add_events(OWNER, views)
            await app.erase_user(OWNER, "w")
            app.database.copy(tmp_path / "copy.db")
            receipt = await app.erase_user(OWNER, "u")
        for path in settings.folder.glob("aisle.db*"):
            path.unlink()
        (tmp_path / "copy.db").rename(settings.folder / "aisle.db")
        async with running(settings) as app:
            assert [user for user, _, _ in app.events.users(DEFAULT_TENANT, 10)] == ["v"]
            assert [line[4] for line in app.audit(DEFAULT_TENANT) if line[3] == "user.erased"][-1] == receipt.receipt_id
            assert [job.params.get("forget") for job in app.jobs.list(DEFAULT_TENANT)].count(True) == 2
            assert app.privacy.again() == []  # once is enough

    run(check)


def test_an_erasure_that_a_crash_interrupted_is_finished_at_the_next_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check() -> None:
        async with running(settings) as app:
            await app.add_events(OWNER, [Event(user_id="u", item_id="a", type="view")])
            with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
                broken.setattr(app.events, "erase", interrupted)
                app.privacy.erase(DEFAULT_TENANT, "u")
            assert app.events.count(DEFAULT_TENANT) == 1
        async with running(settings) as app:
            assert app.events.count(DEFAULT_TENANT) == 0

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    run(check)


def test_the_journal_of_erasures_names_nobody_and_survives_a_torn_line(settings: Settings) -> None:
    async def check() -> None:
        async with running(settings) as app:
            await app.add_events(OWNER, [Event(user_id="ana-4711", item_id="a", type="view")])
            await app.erase_user(OWNER, "ana-4711")
            path = settings.folder / "erasures.jsonl"
            assert b"ana-4711" not in path.read_bytes()
            with path.open("ab") as file:
                file.write(b'\n{"receipt_id":"erase_')
            assert app.privacy.again() == []
            await app.erase_user(OWNER, "somebody")
            assert len(list(Journal(settings.folder))) == 2

    run(check)
