"""What the console reads beside the rest of the API, and the files it is made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from aisle import console
from aisle.access import DEFAULT_TENANT
from aisle.api import create
from aisle.api.routing import Router
from aisle.api.shell import Shell
from aisle.app import App
from aisle.console.files import POLICY, Files
from aisle.settings import Settings
from aisle.types import Event, Item

DAY = 86_400_000_000  # microseconds
NOON = 20_000 * DAY + DAY // 2
Ask = Callable[[httpx.AsyncClient], Coroutine[Any, Any, None]]
ITEMS = [
    Item(item_id="tea", title="Grüner Tee, 100 g", category="Food > Tea", image_urls=["/pictures/tea.png"], brand="Beanloft"),
    Item(item_id="pot", title="Teapot, red", category="Home > Teapots", description="It pours."),
    Item(item_id="sock", title="Wool socks", category="Clothing > Socks"),
]


@asynccontextmanager
async def client(settings: Settings, scope: str = "admin", app: App | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of a shop that has three items, and what three users did on two days."""
    app = app or App(settings)
    await app.start()
    app.items.put(DEFAULT_TENANT, ITEMS)
    app.live.put(DEFAULT_TENANT, ITEMS)
    app.events.add(DEFAULT_TENANT, [event("anna", "tea", "view", k) for k in range(5)])
    app.events.add(DEFAULT_TENANT, [event("anna", "tea", "purchase", 5), event("annika", "pot", "view", -30 * 60)])
    app.events.add(DEFAULT_TENANT, [event("bert%_", "gone", "view", 0), event("bert%_", "sock", "rate", 1)])
    key = app.access.create(DEFAULT_TENANT, "test", [scope])[1]
    transport = httpx.ASGITransport(create(app, console.routes(app)))
    try:
        async with httpx.AsyncClient(
            transport=transport, base_url="http://shop", headers={"authorization": f"Bearer {key}"}
        ) as found:
            yield found
    finally:
        await app.close()


def event(user: str, item: str, kind: str, minute: int) -> Event:
    return Event(user_id=user, item_id=item, type=kind, time=NOON + minute * 60_000_000)  # type: ignore[arg-type]


def run(settings: Settings, path: str, scope: str = "admin", **more: Any) -> httpx.Response:
    """One answer of that shop; `json` makes it a POST."""

    async def ask() -> httpx.Response:
        async with client(settings, scope) as shop:
            return await shop.request("POST" if "json" in more else "GET", path, **more)

    return asyncio.run(ask())


def test_the_overview_counts_what_there_is(settings: Settings) -> None:
    found = run(settings, "/v1/overview", "read").json()
    assert (found["items"], found["users"], found["events"], found["matched_events"]) == (3, 3, 9, 8)
    assert (found["first_event"], found["last_event"]) == (NOON - 1800 * 60_000_000, NOON + 5 * 60_000_000)
    assert (found["warm_users"], found["warm_at"]) == (1, 3)
    assert [(bar["least"], bar["most"], bar["users"]) for bar in found["activity"]] == [
        (1, 1, 1),
        (2, 2, 1),
        (3, 5, 0),
        (6, 10, 1),
    ]
    assert found["completeness"] == {"picture": 1, "description": 1, "category": 3, "brand": 1, "price": 0}
    assert found["days"] == {"day": [19_999 * DAY, 20_000 * DAY], "types": {"view": [1, 6], "purchase": [0, 1], "rate": [0, 1]}}


def test_a_key_is_told_what_it_may_do(settings: Settings) -> None:
    found = run(settings, "/v1/me", "read").json()
    assert (found["scopes"], "recommend" in found["tasks"]) == (["read"], True)


def test_an_empty_shop_has_an_overview_of_nothing(settings: Settings) -> None:
    async def ask() -> dict[str, Any]:
        app = App(settings)
        await app.start()
        key = app.access.create(DEFAULT_TENANT, "test", ["read"])[1]
        transport = httpx.ASGITransport(create(app, console.routes(app)))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as shop:
            answer = await shop.get("/v1/overview", headers={"authorization": f"Bearer {key}"})
        await app.close()
        return dict(answer.json())

    found = asyncio.run(ask())
    assert (found["items"], found["users"], found["events"], found["last_event"]) == (0, 0, 0, None)
    assert found["activity"] == []
    assert found["days"] == {"day": [], "types": {}}


def test_the_overview_is_counted_again_after_a_moment_and_not_for_every_caller(settings: Settings) -> None:
    async def ask() -> list[int]:
        app = App(settings)
        async with client(settings, app=app) as shop:
            seen = [(await shop.get("/v1/overview")).json()["events"]]
            app.events.add(DEFAULT_TENANT, [event("carla", "pot", "view", 9)])
            seen.append((await shop.get("/v1/overview")).json()["events"])
            await asyncio.sleep(1.2)
            return [*seen, (await shop.get("/v1/overview")).json()["events"]]

    assert asyncio.run(ask()) == [9, 9, 10]


def test_many_who_ask_at_once_are_answered_from_one_count(settings: Settings) -> None:
    async def ask() -> set[int]:
        async with client(settings) as shop:
            answers = await asyncio.gather(*(shop.get("/v1/overview") for _ in range(5)))
        return {answer.json()["as_of"] for answer in answers}

    assert len(asyncio.run(ask())) == 1


def test_users_are_found_by_the_beginning_of_their_id_page_by_page(settings: Settings) -> None:
    first = run(settings, "/v1/users?prefix=ann&limit=1").json()
    assert [user["user_id"] for user in first["data"]] == ["anna"]
    assert first["data"][0]["events"] == 6
    assert (first["has_more"], first["last_id"]) == (True, "anna")
    rest = run(settings, "/v1/users?prefix=ann&after=anna").json()
    assert [user["user_id"] for user in rest["data"]] == ["annika"]
    assert not rest["has_more"]
    assert [user["user_id"] for user in run(settings, "/v1/users?prefix=bert%25_").json()["data"]] == ["bert%_"]
    assert run(settings, "/v1/users?prefix=%25").json()["data"] == []


def test_a_history_comes_newest_first_and_every_event_once(settings: Settings) -> None:
    async def ask() -> list[dict[str, Any]]:
        pages: list[dict[str, Any]] = []
        async with client(settings) as shop:
            after = ""
            while not pages or pages[-1]["has_more"]:
                pages.append((await shop.get("/v1/users/anna/events", params={"limit": 2, "after": after})).json())
                after = pages[-1]["last_id"]
        return pages

    pages = asyncio.run(ask())
    events = [event for page in pages for event in page["data"]]
    assert [event["time"] for event in events] == [NOON + k * 60_000_000 for k in (5, 4, 3, 2, 1, 0)]
    assert len({event["id"] for event in events}) == 6
    assert pages[0]["counts"] == {"view": 5, "purchase": 1}


def test_a_history_of_nobody_is_empty_and_a_strange_place_in_it_is_refused(settings: Settings) -> None:
    assert run(settings, "/v1/users/nobody/events").json()["data"] == []
    for place in ("1-zz", "-5-aa", "x", f"{'9' * 30}-aa"):
        assert run(settings, "/v1/users/anna/events", params={"after": place}).status_code == 422, place
    assert run(settings, "/v1/users/anna/events?limit=0").status_code == 422


@pytest.mark.parametrize(
    ("query", "found"),
    [("", ["tea", "sock", "pot"]), ("GRUNER tee", ["tea"]), ("tea", ["tea", "pot"]), ("wool tea", []), ("clothing >", ["sock"])],
)
def test_items_are_found_by_words_the_busiest_first(settings: Settings, query: str, found: list[str]) -> None:
    page = run(settings, "/v1/catalogue", "read", params={"query": query}).json()
    assert sorted(row["item"]["item_id"] for row in page["data"]) == sorted(found)
    assert [row["item"]["item_id"] for row in page["data"]][:1] == found[:1]
    assert page["total"] == len(found)


def test_items_are_paged_and_looked_up_with_what_happened_to_them(settings: Settings) -> None:
    first = run(settings, "/v1/catalogue?limit=2").json()
    assert first["has_more"]
    rest = run(settings, "/v1/catalogue", params={"limit": 2, "after": first["last_id"]}).json()
    assert not rest["has_more"]
    assert {row["item"]["item_id"] for row in first["data"] + rest["data"]} == {"tea", "pot", "sock"}
    found = run(settings, "/v1/catalogue/lookup", json={"item_ids": ["gone", "tea", "tea"]}).json()["data"]
    assert [(row["item"]["item_id"], row["events"], row["rank"]) for row in found] == [("tea", {"view": 5, "purchase": 1}, 1)]


@pytest.mark.parametrize("path", ["/v1/users", "/v1/users/anna/events"])
def test_what_people_did_needs_an_administrator(settings: Settings, path: str) -> None:
    assert run(settings, path, "read").status_code == 403


@pytest.mark.parametrize(
    "path", ["/v1/me", "/v1/overview", "/v1/users", "/v1/users/anna/events", "/v1/catalogue", "/pictures/tea.png"]
)
def test_nothing_but_the_page_and_its_files_answers_without_a_key(settings: Settings, path: str) -> None:
    assert run(settings, path, headers={"authorization": ""}).status_code == 401


def test_pictures_come_from_the_shops_folder_alone(settings: Settings) -> None:
    folder = settings.folder / "pictures"
    folder.mkdir(parents=True)
    (folder / "a & b.PNG").write_bytes(b"picture")
    (folder / "script.svg").write_bytes(b"<svg/>")
    (settings.folder / "secret.png").write_bytes(b"secret")
    good = run(settings, "/pictures/a%20%26%20b.PNG", "read")
    assert (good.content, good.headers["content-type"]) == (b"picture", "image/png")
    assert good.headers["cache-control"].startswith("private")
    for path in (
        "script.svg",
        "%2e%2e%2fsecret.png",
        "..%5csecret.png",
        "%2fetc%2fpasswd",
        ".hidden.png",
        "none.png",
        "x%00.png",
        f"{'x' * 300}.png",
    ):
        assert run(settings, f"/pictures/{path}").status_code in (404, 422), path


def built(settings: Settings, static: Path, path: str) -> httpx.Response:
    """An answer of a console whose built files are in `static`, without a key."""

    async def ask() -> httpx.Response:
        app = App(settings)
        await app.start()
        shell = Shell(app, Router(Files(app, static).routes()))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(shell), base_url="http://shop") as shop:
            answer = await shop.get(path)
        await app.close()
        return answer

    return asyncio.run(ask())


def test_the_page_is_strict_and_its_files_are_kept_for_ever(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "assets" / "index-1a2b.js").write_text("1")
    page = built(settings, tmp_path, "/")
    assert page.status_code == 200
    assert page.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-cache", "no-referrer")
    script = built(settings, tmp_path, "/assets/index-1a2b.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["x-content-type-options"] == "nosniff"
    for path in ("/assets/none.js", "/assets/..%2findex.html", "/assets/%2e%2e", "/assets/index-1a2b.exe"):
        assert built(settings, tmp_path, path).status_code == 404, path


def test_a_console_that_is_not_built_says_how(settings: Settings, tmp_path: Path) -> None:
    page = built(settings, tmp_path / "nothing", "/")
    assert page.status_code == 503
    assert "make console" in page.text
