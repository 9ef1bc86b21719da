"""A small shop that is really served, and a browser that looks at it and minds what goes wrong on the page."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from aisle.access import DEFAULT_TENANT
from aisle.console.files import STATIC
from aisle.embedded import Shop
from aisle.testing.shop import tiny_shop
from aisle.types import Event, Item

from .world import HOSTILE, Served

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
HOUR = 3_600_000_000  # microseconds
PATIENCE = 20.0  # seconds for a server to start


def lacking(what: str) -> None:
    """Skip where a developer's machine lacks something; in CI it must be there."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}: CI must have it")
    pytest.skip(what)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The tiny shop, moved to end an hour ago, with a picture, a hostile title and a trained model, behind `aisle serve`."""
    home = tmp_path_factory.mktemp("console") / "shop"
    key, read_key = fill(home)
    yield from serve(home, key, read_key)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A shop on its first day: nothing in it but a key."""
    home = tmp_path_factory.mktemp("console") / "empty"
    with Shop(str(home)) as shop:
        key = shop.app.access.create(DEFAULT_TENANT, "console", ["admin"])[1]
    yield from serve(home, key, key)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Playwright keeps an event loop running meanwhile, so it must be gone before another module's tests begin."""
    if not Path(CHROMIUM).exists():
        lacking(f"there is no {CHROMIUM} (apt-get install chromium)")
    if not (STATIC / "index.html").exists():
        lacking("the console is not built (make console)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A wide, light page of a fresh browser; the test fails when anything on it does."""
    yield from watched(browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-GB", reduced_motion="reduce"))


@pytest.fixture
def narrow(browser: Browser) -> Iterator[Page]:
    """The same on a telephone, dark."""
    yield from watched(
        browser.new_context(viewport={"width": 390, "height": 800}, locale="en-GB", reduced_motion="reduce", color_scheme="dark")
    )


def watched(context: BrowserContext) -> Iterator[Page]:
    """A page whose errors, policy violations and requests to other hosts make the test fail."""
    troubles: list[str] = []
    hosts: set[str] = set()
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("console", lambda message: troubles.append(message.text) if telling(message.type, message.text) else None)
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
    yield page
    context.close()
    assert not troubles
    assert hosts <= {"127.0.0.1", ""}, f"the page asked {hosts}"


def telling(kind: str, text: str) -> bool:
    """Whether a line of the browser's console is a fault: an answer of 4xx that a test provokes is none."""
    return kind in ("error", "warning") and not text.startswith(
        "Failed to load resource: the server responded with a status of 4"
    )


def fill(home: Path) -> tuple[str, str]:
    """Rows, pictures, a model; an admin's key and a reader's."""
    tiny = tiny_shop()
    shift = time.time_ns() // 1000 - HOUR - max(row[2] for row in tiny.rows)
    items = [pictured(item) for item in tiny.catalogue]
    items.append(
        Item(item_id="hostile", title=HOSTILE, description=HOSTILE, category="Home > Lamps", image_urls=["/pictures/none.png"])
    )
    draw(home / "pictures", [item.item_id for item in tiny.catalogue])
    with Shop(str(home)) as shop:
        shop.put_items(items)
        shop.add_events(Event(user_id=user, item_id=item, type=kind, time=at + shift) for user, item, at, kind in tiny.rows)
        shop.train("recommend", algorithm="item_neighbours")  # named, so that the tests do not hang on what auto chooses
        keys = shop.app.access
        return keys.create(DEFAULT_TENANT, "admin", ["admin"])[1], keys.create(DEFAULT_TENANT, "reader", ["read"])[1]


def pictured(item: Item) -> Item:
    return msgspec.structs.replace(item, image_urls=[f"/pictures/{item.item_id}.png"])


def draw(folder: Path, names: list[str]) -> None:
    """A plain square for each name."""
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        Image.new("RGB", (32, 32), (number * 9 % 256, 120, 200)).save(folder / f"{name}.png")


def serve(home: Path, key: str, read_key: str) -> Iterator[Served]:
    """`aisle serve` on a free port until the tests are over."""
    command = [sys.executable, "-m", "aisle", "serve", "--home", str(home), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
            until_ready(address)
            yield Served(address, key, read_key)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def until_ready(address: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while httpx.get(f"{address}/readyz").status_code != 200:
        assert time.monotonic() < deadline, "the server does not become ready"
        time.sleep(0.05)
