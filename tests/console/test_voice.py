"""The voice page, in a real browser whose microphone is a file: held, tapped, refused; what was heard is searched for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bench.voice_sound import babble, silence
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright
from tests.speech.counting import Task
from tests.speech.serving import serving

from aisle import console
from aisle.access import DEFAULT_TENANT
from aisle.console.files import STATIC
from aisle.kit import audio
from aisle.task import Registry, discover
from aisle.testing.shop import tiny_shop

from .conftest import CHROMIUM, FLAGS, lacking, watched
from .world import Served, enter

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("console")]
MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The tiny shop with the counting recogniser."""
    registry = Registry({**discover().tasks, "speech": Task()})  # type: ignore[dict-item]
    with serving(tmp_path_factory.mktemp("voice") / "shop", registry, console.routes) as (app, url):
        app.items.put(DEFAULT_TENANT, tiny_shop().catalogue)
        key = app.access.create(DEFAULT_TENANT, "admin", ["admin"])[1]
        yield Served(url, key, key)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    if not Path(CHROMIUM).exists():
        lacking(f"there is no {CHROMIUM} (apt-get install chromium)")
    if not (STATIC / "index.html").exists():
        lacking("the console is not built (make console)")
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium that hears a file over and over: a second of silence, two of a voice, two of silence."""
    file = tmp_path_factory.mktemp("microphone") / "voice.wav"
    file.write_bytes(audio.to_wav(np.concatenate([silence(1, 0.001), babble(2), silence(2, 0.001)])))
    flags = [*FLAGS, *MICROPHONE, f"--use-file-for-fake-audio-capture={file}"]
    with playwright.chromium.launch(executable_path=CHROMIUM, args=flags) as browser:
        yield browser


@pytest.fixture
def refused(playwright: Playwright) -> Iterator[Page]:
    """A telephone, dark, whose owner allows no microphone."""
    with playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, "--deny-permission-prompts"]) as browser:
        yield from watched(browser.new_context(viewport={"width": 390, "height": 800}, color_scheme="dark", locale="en-GB"))


@pytest.fixture
def page(browser: Browser, talking: Served) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1400, "height": 900}, locale="en-GB", reduced_motion="reduce", permissions=["microphone"]
    )
    yield from watched(context)


def test_what_is_said_while_the_button_is_held_is_written_down_and_searched_for(page: Page, talking: Served) -> None:
    enter(page, talking, "voice")
    button = page.get_by_role("button", name="Talk")
    box = button.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    expect(page.get_by_role("status").first).to_have_text("Listening …")
    expect(page.locator(".live")).to_contain_text("one two three")  # while it is being said
    expect(page.locator(".meter .lit").first).to_be_visible()
    page.mouse.up()
    said = page.get_by_label("What was said")
    expect(said).not_to_have_value("")
    expect(page.get_by_role("list", name="Words and how sure").locator("li").first).to_contain_text("one")
    expect(page.get_by_role("list", name="Words and how sure").locator("li").first).to_contain_text("90%")
    expect(page.get_by_role("region", name="What the shop finds")).to_contain_text("“one two three")
    expect(page.get_by_role("status").first).to_have_text("Hold to talk, or tap and speak")


def test_after_a_tap_the_silence_ends_what_is_said(page: Page, talking: Served) -> None:
    enter(page, talking, "voice")
    page.get_by_role("button", name="Talk").click()
    expect(page.get_by_label("What was said")).not_to_have_value("")
    expect(page.get_by_role("list", name="Words and how sure").locator("li")).not_to_have_count(0)
    expect(page.get_by_role("status").first).to_have_text("Hold to talk, or tap and speak")
    assert page.locator(".talk-button.listening").count() == 0, "the microphone is let go of"


def test_the_keyboard_holds_the_button_too(page: Page, talking: Served) -> None:
    enter(page, talking, "voice")
    page.get_by_role("button", name="Talk").focus()
    page.keyboard.down("Space")
    expect(page.locator(".live")).to_contain_text("one two")
    page.keyboard.up("Space")
    expect(page.get_by_label("What was said")).not_to_have_value("")


def test_words_can_be_corrected_and_alternatives_taken_and_searched_again(page: Page, talking: Served) -> None:
    enter(page, talking, "voice")
    page.get_by_role("button", name="Talk").click()
    page.get_by_role("button", name="many").click()
    found = page.get_by_role("region", name="What the shop finds")
    expect(found).to_contain_text("“many”")
    page.get_by_label("What was said").fill("something else")
    page.keyboard.press("Enter")
    expect(found).to_contain_text("“something else”")


def test_without_a_microphone_one_is_told_and_can_type(refused: Page, talking: Served) -> None:
    enter(refused, talking, "voice")
    refused.get_by_role("button", name="Talk").click()
    expect(refused.get_by_role("alert")).to_contain_text("Type what you would say", ignore_case=True)
    refused.get_by_label("What was said").fill("lamp")
    refused.get_by_role("button", name="Search").click()
    expect(refused.get_by_role("region", name="What the shop finds")).to_contain_text("“lamp”")
    assert refused.evaluate("document.documentElement.scrollWidth") <= 390


def test_nothing_that_was_recorded_is_kept(page: Page, talking: Served, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = next(Path(tmp_path_factory.getbasetemp()).glob("voice*/shop"))
    before = {path for path in home.rglob("*") if path.is_file()}
    enter(page, talking, "voice")
    page.get_by_role("button", name="Talk").click()
    expect(page.get_by_label("What was said")).not_to_have_value("")
    assert {path for path in home.rglob("*") if path.is_file()} <= before | {home / "aisle.db-wal", home / "aisle.db-shm"}
