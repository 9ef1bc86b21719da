"""The search page: what is found and why, weights to move, facets, and what was searched for in vain."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Page, expect

from .world import HOSTILE, USER, Served, enter

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("console")]


def ask(page: Page, words: str) -> None:
    page.get_by_label("What a shopper types").fill(words)
    expect(page.locator(".skeleton")).to_have_count(0)


def test_results_have_reasons_that_add_up(page: Page, served: Served) -> None:
    enter(page, served, "search")
    ask(page, "red lamp")
    found = page.get_by_role("region", name="What is found")
    expect(found.locator(".ranked > li").first).to_contain_text("red lamp")
    expect(found.locator(".reasons").first).to_contain_text("Matches “red” in")
    found.get_by_role("button", name="All reasons").first.click()
    expect(found.locator(".sum").first).to_contain_text("= the score")


def test_moving_a_weight_moves_the_results_and_says_so(page: Page, served: Served) -> None:
    enter(page, served, "search")
    ask(page, "red lamp")
    page.get_by_role("combobox", name="Find a user").fill(USER)
    page.get_by_role("option", name=USER).first.click()
    weights = page.get_by_role("region", name="Weights")
    expect(weights.get_by_role("button", name="As tuned")).to_be_disabled()
    weights.get_by_label("Taste").fill("2")
    found = page.get_by_role("region", name="What is found")
    expect(found.locator(".badge").first).to_be_visible()
    expect(found).to_contain_text("Fits what this shopper likes")
    weights.get_by_role("button", name="As tuned").click()
    expect(found.locator(".badge")).to_have_count(0)


def test_a_slip_is_suggested_and_taken(page: Page, served: Served) -> None:
    enter(page, served, "search")
    ask(page, "gren lamp")
    page.get_by_role("button", name="green lamp", exact=True).click()
    expect(page.get_by_label("What a shopper types")).to_have_value("green lamp")


def test_a_facet_narrows_and_is_given_up(page: Page, served: Served) -> None:
    enter(page, served, "search")
    ask(page, "red")
    narrow = page.get_by_role("region", name="Narrow down")
    narrow.get_by_role("button", name="Pots").first.click()
    found = page.get_by_role("region", name="What is found")
    expect(found.locator(".ranked > li").first).to_contain_text("pot")
    expect(found.locator(".ranked > li", has_text="lamp")).to_have_count(0)
    page.get_by_role("list", name="Kept").get_by_role("button").click()
    expect(found.locator(".ranked > li", has_text="lamp").first).to_be_visible()


def test_what_is_searched_in_vain_is_listed_but_not_what_was_typed_here(page: Page, served: Served) -> None:
    headers = {"authorization": f"Bearer {served.key}"}
    for _ in range(2):
        httpx.post(f"{served.address}/v1/search", json={"query": "Surfbrett for a@b.example"}, headers=headers).raise_for_status()
    enter(page, served, "search")
    ask(page, "qqqqzzzz")
    expect(page.get_by_role("region", name="What is found")).to_contain_text("No item has these words")
    page.reload()
    vain = page.get_by_role("region", name="Searched for in vain")
    row = vain.get_by_role("row", name="surfbrett for [email]")
    expect(row).to_contain_text("2")
    expect(vain).not_to_contain_text("qqqqzzzz")
    row.get_by_role("button").click()
    expect(page.get_by_label("What a shopper types")).to_have_value("surfbrett for [email]")


def test_markup_in_a_title_is_text(page: Page, served: Served) -> None:
    enter(page, served, "search")
    ask(page, "bold")
    expect(page.get_by_role("region", name="What is found").locator(".item-title").first).to_have_text(HOSTILE)
    expect(page).not_to_have_title("owned")


def test_a_reader_searches_but_does_not_see_what_others_asked(page: Page, served: Served) -> None:
    enter(page, Served(served.address, served.read_key, served.read_key), "search")
    ask(page, "red lamp")
    expect(page.get_by_role("region", name="What is found").locator(".ranked > li").first).to_contain_text("red lamp")
    expect(page.get_by_role("region", name="Searched for in vain")).to_contain_text("Not with this key")


def test_nothing_is_cut_off_on_a_telephone(narrow: Page, served: Served) -> None:
    enter(narrow, served, "search")
    ask(narrow, "red lamp")
    assert narrow.evaluate("document.documentElement.scrollWidth <= innerWidth")
