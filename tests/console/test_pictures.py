"""The page of pictures in a real browser: choose or paste one, boxes as buttons, a heat map, products that look alike."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from .world import Served, enter

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("console")]


def photo() -> bytes:
    image = Image.new("RGB", (300, 200), (248, 248, 248))
    ImageDraw.Draw(image).ellipse((90, 40, 210, 160), fill=(30, 70, 180))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def give(page: Page) -> None:
    page.get_by_label("Choose or take a photo").set_input_files({"name": "blue.png", "mimeType": "image/png", "buffer": photo()})


def test_a_chosen_picture_shows_what_it_is_where_and_what_looks_alike(page: Page, served: Served) -> None:
    enter(page, served, "pictures")
    give(page)
    found = page.locator(".stage .found")
    expect(found).to_have_count(1)
    box, stage = found.bounding_box(), page.locator(".stage").bounding_box()
    assert box and stage and abs((box["x"] - stage["x"]) / stage["width"] - 0.3) < 0.05
    shop = re.compile(r"^(?!product)[^,]+, [\d.]+\s?% \(found as product, ")  # the shop's word for it before the detector's
    expect(found).to_have_attribute("aria-label", shop)
    seen = page.get_by_role("region", name="What it is")
    expect(seen).to_contain_text("vision@0")
    expect(seen.locator(".bars").first.locator("li")).to_have_count(5)
    expect(seen).to_contain_text(re.compile("of the picture speaks"))
    expect(seen.locator(".attributes")).to_contain_text("colour")
    expect(page.get_by_role("region", name="Products that look like it")).to_be_visible()


def test_a_box_is_a_button_that_looks_at_that_part_alone(page: Page, served: Served) -> None:
    enter(page, served, "pictures")
    give(page)
    found = page.locator(".stage .found")
    found.click()
    expect(found).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("region", name="What is in the box")).to_contain_text("vision@0")
    page.get_by_role("button", name="Look at the whole picture").click()
    expect(found).to_have_attribute("aria-pressed", "false")


def test_a_heat_map_lies_over_the_picture_when_it_is_asked_for(page: Page, served: Served) -> None:
    enter(page, served, "pictures")
    give(page)
    choice = page.get_by_label("Heat map")
    expect(choice.locator("option")).not_to_have_count(1)
    expect(page.locator(".stage .heat")).to_have_count(0)
    choice.select_option(index=1)
    heat = page.locator(".stage .heat")
    expect(heat).to_have_attribute("src", re.compile("^blob:"))
    page.wait_for_function("document.querySelector('.stage .heat').naturalWidth === 112")


def test_a_pasted_picture_is_looked_at(page: Page, served: Served) -> None:
    enter(page, served, "pictures")
    page.evaluate(
        """bytes => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "pasted.png", {type: "image/png"}));
          dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
        }""",
        list(photo()),
    )
    expect(page.locator(".stage .found")).to_have_count(1)


def test_what_is_no_picture_is_refused_on_the_page(page: Page, served: Served) -> None:
    enter(page, served, "pictures")
    page.get_by_label("Choose or take a photo").set_input_files(
        {"name": "x.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"}
    )
    expect(page.get_by_role("alert")).to_contain_text("Only JPEG")


def test_an_items_own_picture_can_be_looked_at(narrow: Page, served: Served) -> None:
    enter(narrow, served, "pictures/item-0003")
    expect(narrow.locator(".stage img").first).to_have_attribute("src", re.compile("^blob:"))
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 390
