"""The text page: labels and why, what else is known, what is said of an item; and the navigation of a telephone."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from aisle.access import DEFAULT_TENANT
from aisle.embedded import Shop
from aisle.types import Item, Sample

from .conftest import HOUR, serve
from .world import HOSTILE, Served, enter

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("console")]
GOOD, BAD = "lovely warm lamp, I adore it", "broken cheap rubbish, awful"


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A lamp that was liked until it was not, a classifier that has learnt its stars, and an item nobody wrote of."""
    home = tmp_path_factory.mktemp("console") / "reviewed"
    now = time.time_ns() // 1000
    with Shop(str(home)) as shop:
        shop.put_items([Item(item_id="lamp", title=HOSTILE, category="Home"), Item(item_id="quiet", title="Quiet vase")])
        shop.app.samples.put(
            DEFAULT_TENANT,
            [
                Sample(sample_id=f"r{n}", kind="text", text=f"{GOOD if n < 40 else BAD} {n}", item_id="lamp",
                       labels={"sentiment": "5" if n < 40 else "1"}, time=now - (60 - n) * 4 * 24 * HOUR)
                for n in range(60)
            ],
        )  # fmt: skip
        shop.train("text")
        key = shop.app.access.create(DEFAULT_TENANT, "admin", ["admin"])[1]
        read_key = shop.app.access.create(DEFAULT_TENANT, "reader", ["read"])[1]
    yield from serve(home, key, read_key)


def typed(page: Page, text: str) -> None:
    page.get_by_label("In any language").fill(text)
    expect(page.get_by_role("region", name="Why")).to_be_visible()


def test_a_text_is_labelled_and_its_words_say_why(page: Page, reviewed: Served) -> None:
    enter(page, reviewed, "text")
    typed(page, f"{GOOD}, though the cable is broken")
    expect(page.get_by_role("region", name="What it is").locator(".best-label")).to_have_text("5")
    why = page.get_by_role("region", name="Why")
    expect(why.locator(".tokens .token.for", has_text="lovely")).to_be_visible()
    expect(why.locator(".tokens .token.against", has_text="broken")).to_be_visible()
    line = "e => getComputedStyle(e).textDecorationStyle"
    styles = [why.locator(f".token-legend .{kind}").evaluate(line) for kind in ("for", "against")]
    assert styles == ["solid", "wavy"], "colour is not the only difference"
    expect(why.get_by_role("list", name="Legend")).to_contain_text("speaks for “5”")
    why.get_by_role("button", name="Table").click()
    expect(why.get_by_role("row", name=re.compile("broken"))).to_contain_text(re.compile(r"[-−]\d"))
    expect(why.get_by_role("row", name="Constant")).to_be_visible()


def test_language_rudeness_and_personal_data_are_told(page: Page, reviewed: Served) -> None:
    enter(page, reviewed, "text")
    page.get_by_role("button", name="An unhappy one").click()
    beside = page.get_by_role("region", name="Beside that")
    expect(beside).to_contain_text("English")
    expect(beside).to_contain_text("Harmless")
    expect(beside).to_contain_text("1 email")
    expect(beside.locator("mark")).to_have_text(["[email]", "[phone]"])
    expect(beside).not_to_contain_text("anna@example.org")


def test_another_classifier_can_be_asked(page: Page, reviewed: Served) -> None:
    enter(page, reviewed, "text")
    page.get_by_role("button", name="中文").click()
    page.get_by_label("Classifier").select_option("language")
    expect(page.get_by_role("region", name="What it is").locator(".best-label")).to_have_text("zh")


def test_what_is_said_of_an_item_is_drawn_over_time(page: Page, reviewed: Served) -> None:
    enter(page, reviewed, "text")
    page.get_by_role("combobox", name="Find an item").fill("bold")
    page.get_by_role("option", name="Bold").click()
    said = page.get_by_role("region", name="What is said of an item")
    expect(said.locator(".item-link .item-title")).to_have_text(HOSTILE)
    expect(said).to_contain_text("60 texts; all labels are the shop’s own")
    plot = said.get_by_role("figure", name="Mean label")
    plot.get_by_role("button", name="Table").click()
    expect(plot.get_by_role("row").nth(1)).to_contain_text("1")
    expect(plot.get_by_role("row").last).to_contain_text("5")
    said.get_by_role("combobox", name="By", exact=True).select_option("week")
    expect(said).to_contain_text("weeks")
    expect(page).not_to_have_title("owned")


def test_an_item_nobody_wrote_of_says_what_to_do(page: Page, reviewed: Served) -> None:
    enter(page, reviewed, "items/quiet")
    expect(page.get_by_role("region", name="What is said of it")).to_contain_text("Nobody has written of it")
    page.goto(f"{reviewed.address}/#/items/lamp")
    expect(page.get_by_role("region", name="What is said of it")).to_contain_text("60 texts")


def test_a_shop_on_its_first_day_reads_texts_too(page: Page, empty: Served) -> None:
    enter(page, empty, "text")
    typed(page, "Guten Tag, wo ist meine Bestellung?")
    expect(page.get_by_role("region", name="Beside that")).to_contain_text("German")


def test_markup_typed_is_text(page: Page, reviewed: Served) -> None:
    enter(page, reviewed, "text")
    typed(page, f"{HOSTILE} {GOOD}")
    expect(page.locator(".tokens").first).to_contain_text("<b>Bold</b>")
    expect(page).not_to_have_title("owned")


def test_a_telephone_has_every_page_within_reach(narrow: Page, reviewed: Served) -> None:
    enter(narrow, reviewed)
    pages = narrow.get_by_role("navigation", name="Pages")
    expect(pages.get_by_role("link")).to_have_count(4)
    more = pages.get_by_role("button", name="More")
    more.click()
    expect(more).to_have_attribute("aria-expanded", "true")
    assert pages.get_by_role("link").count() >= 9
    narrow.keyboard.press("Escape")
    expect(pages.get_by_role("link")).to_have_count(4)
    expect(more).to_be_focused()
    more.click()
    pages.get_by_role("link", name="Text").click()
    expect(narrow.get_by_role("heading", level=1)).to_have_text("Text")
    expect(pages.get_by_role("link")).to_have_count(4)
    for link in pages.get_by_role("link").all():
        box = link.bounding_box()
        assert box is not None and box["width"] >= 60 and box["height"] >= 44


def test_nothing_of_the_text_page_is_wider_than_a_telephone(narrow: Page, reviewed: Served) -> None:
    enter(narrow, reviewed, "text/lamp")
    typed(narrow, f"{GOOD} " + "w" * 200)
    expect(narrow.get_by_role("figure").first).to_be_visible()
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 390
