"""The page of rules: what is set counts in the list beside it, and is gone when it is removed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .world import Served, enter

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("console")]


def listed(page: Page) -> list[str]:
    seen = page.get_by_role("region", name="What a shopper sees now")
    expect(seen.locator("ol.lines > li").first).to_be_visible()
    return seen.locator("a.item-link").evaluate_all("links => links.map(link => link.hash)")


def test_a_rule_is_set_counts_at_once_and_is_removed(page: Page, served: Served) -> None:
    enter(page, served, "rules")
    expect(page.get_by_text("No rules")).to_be_visible()
    last = listed(page)[-1].rpartition("/")[2]
    form = page.get_by_role("region", name="A new rule")
    form.get_by_label("What should happen").select_option("pin")
    form.get_by_role("combobox", name="Items").fill(last)
    options = form.get_by_role("listbox").get_by_role("option")
    expect(options).to_have_count(1)  # the catalogue was searched
    options.click()
    form.get_by_label("Why (said in the reasons)").fill("new in")
    form.get_by_role("button", name="Set the rule").click()
    force = page.get_by_role("list", name="Rules in force")
    expect(force).to_contain_text("at position 1")
    seen = page.get_by_role("region", name="What a shopper sees now")
    expect(seen.locator("ol.lines > li").first).to_contain_text("placed by the shop: new in")
    assert listed(page)[0].endswith(last)
    force.get_by_role("button", name=re.compile("^Remove new-in")).click()
    expect(page.get_by_text("No rules")).to_be_visible()


def test_a_rule_for_some_searches_says_so_and_holds_for_them(page: Page, served: Served) -> None:
    enter(page, served, "rules")
    form = page.get_by_role("region", name="A new rule")
    form.get_by_label("What should happen").select_option("pin")
    form.get_by_role("combobox", name="Items").fill("item-0007")
    options = form.get_by_role("listbox").get_by_role("option")
    expect(options).to_have_count(1)
    options.click()
    form.get_by_label("Only for searches with these words").fill("red lamp, toy")
    form.get_by_label("Why (said in the reasons)").fill("spring")
    form.get_by_role("button", name="Set the rule").click()
    force = page.get_by_role("list", name="Rules in force")
    expect(force).to_contain_text("when somebody searches for “red lamp” or “toy”")
    page.goto(f"{served.address}/#/search")
    page.get_by_label("What a shopper types").fill("lamp red")
    found = page.get_by_role("region", name="What is found")
    expect(found.locator(".ranked > li").first).to_contain_text("Placed by the shop: spring")
    page.goto(f"{served.address}/#/rules")
    force.get_by_role("button", name=re.compile("^Remove spring")).click()
    expect(page.get_by_text("No rules")).to_be_visible()


def test_what_cannot_be_is_said_and_the_form_keeps_what_was_typed(page: Page, served: Served) -> None:
    enter(page, served, "rules")
    form = page.get_by_role("region", name="A new rule")
    form.get_by_label("What should happen").select_option("pin")
    form.get_by_label("Why (said in the reasons)").fill("nothing chosen")
    form.get_by_role("button", name="Set the rule").click()
    expect(form.get_by_role("alert")).to_contain_text("pins nothing")
    expect(form.get_by_label("Why (said in the reasons)")).to_have_value("nothing chosen")


def test_a_reader_sees_rules_and_cannot_change_them(narrow: Page, served: Served) -> None:
    narrow.goto(f"{served.address}/#key={served.read_key}")
    narrow.goto(f"{served.address}/#/rules")
    expect(narrow.get_by_role("heading", level=1)).to_have_text("Rules")
    expect(narrow.get_by_text("No rules")).to_be_visible()
    expect(narrow.get_by_role("button", name="Set the rule")).to_have_count(0)
