"""The console as people use it, in a real browser on a really served shop."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from .world import HOSTILE, USER, Served, enter

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("console")]


def test_a_key_opens_the_console_and_a_wrong_one_is_told_why(page: Page, served: Served) -> None:
    page.goto(served.address)
    page.get_by_label("API key").fill("sk-aisle-wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not known")
    page.get_by_label("API key").fill(served.key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert served.key not in page.url
    assert page.evaluate("sessionStorage.length") == 1
    assert page.evaluate("localStorage.length") == 0
    assert page.evaluate("document.cookie") == ""


def test_a_key_in_the_fragment_signs_in_and_leaves_the_address_bar_and_the_history(page: Page, served: Served) -> None:
    page.goto(f"{served.address}/#key={served.key}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert page.url == f"{served.address}/#/"
    page.get_by_role("link", name="Items").click()
    page.go_back()
    assert served.key not in page.url


def test_signing_out_forgets_the_key(page: Page, served: Served) -> None:
    enter(page, served)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
    page.reload()
    expect(page.get_by_label("API key")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_the_overview_shows_figures_and_plots_that_agree_with_the_shop(page: Page, served: Served) -> None:
    enter(page, served)
    figures = page.locator(".figure")
    expect(figures.filter(has_text="Items")).to_contain_text("25")
    expect(figures.filter(has_text="Users")).to_contain_text("20")
    expect(figures.filter(has_text="Events")).to_contain_text("440")
    plot = page.get_by_role("figure", name="Events per day")
    expect(plot).to_contain_text("440 events")
    assert inked(plot.locator("canvas")) > 1000
    plot.get_by_role("button", name="Table").click()
    bought = plot.locator("tbody tr td:nth-child(2)").all_inner_texts()
    assert sum(int(number) for number in bought) == 220
    expect(page.get_by_text("20 of 20 users have 3 events or more")).to_be_visible()
    card = page.get_by_role("region", name="The recommending model")
    expect(card).to_contain_text("recommend@")
    expect(card).to_contain_text("Popularity")


def test_a_series_can_be_switched_off(page: Page, served: Served) -> None:
    enter(page, served)
    plot = page.get_by_role("figure", name="Events per day")
    plot.locator("canvas").wait_for()
    before = inked(plot.locator("canvas"))
    plot.get_by_role("button", name="Viewed").click()
    expect(plot.get_by_role("button", name="Viewed")).to_have_attribute("aria-pressed", "false")
    page.wait_for_timeout(150)
    assert inked(plot.locator("canvas")) != before


def test_a_user_has_a_history_beside_recommendations_with_reasons_that_add_up(page: Page, served: Served) -> None:
    enter(page, served, f"users/{USER}")
    history = page.get_by_role("region", name="What they did")
    expect(history.locator(".item-title").first).to_contain_text("no.")
    expect(history).to_contain_text("Bought 11")
    shown = page.get_by_role("region", name="What we would show")
    expect(shown).to_contain_text("Personal")
    first = shown.locator(".ranked > li").first
    assert first.locator(".reasons li").count() >= 1
    first.get_by_role("button", name=re.compile("^Explain fully")).click()
    expect(first.locator(".sum")).to_contain_text("= the score")
    parts = [float(text.replace("\u2212", "-")) for text in first.locator(".bar-text").all_inner_texts()]
    assert sum(parts) == pytest.approx(float(first.locator(".score").inner_text().split()[-1]), abs=0.0006 * (len(parts) + 1))


def test_pictures_come_with_the_key(page: Page, served: Served) -> None:
    enter(page, served, "items/item-0001")
    picture = page.locator(".picture.large img")
    expect(picture).to_have_attribute("src", re.compile("^blob:"))
    page.wait_for_function("document.querySelector('.picture.large img').naturalWidth === 32")


def test_a_posted_event_changes_the_list_without_training(page: Page, served: Served) -> None:
    user = "user-0002"
    enter(page, served, f"users/{user}")
    top = page.locator(".ranked > li").first.locator("a")
    href = top.get_attribute("href") or ""
    item = href.rpartition("/")[2]
    event = {"user_id": user, "item_id": item, "type": "purchase"}
    answer = httpx.post(
        f"{served.address}/v1/events", json={"events": [event]}, headers={"authorization": f"Bearer {served.key}"}
    )
    assert answer.json()["accepted"] == 1
    page.reload()
    expect(page.locator(".visit").first.locator(f'a[href="{href}"]')).to_be_visible()
    expect(page.locator(f'.ranked a[href="{href}"]')).to_have_count(0)
    page.get_by_role("switch", name="Hide what they have").click()
    expect(page.locator(f'.ranked a[href="{href}"]')).to_have_count(1)


def test_what_if_they_had_just_viewed_it_shows_how_the_list_moves(page: Page, served: Served) -> None:
    enter(page, served, f"users/{USER}")
    field = page.get_by_role("combobox", name="What if they had just viewed …")
    field.fill("item-0004")
    expect(page.get_by_role("listbox", name="What if they had").get_by_role("option").first).to_contain_text("no. 4")
    field.press("ArrowDown")
    field.press("ArrowUp")
    field.press("Enter")
    expect(page.get_by_role("list", name="Viewed in this what-if")).to_contain_text("no. 4")
    expect(page.locator(".ranked .badge").first).to_be_visible()
    page.get_by_role("button", name=re.compile("^Remove .*no. 4")).click()
    expect(page.locator(".ranked .badge")).to_have_count(0)


def test_without_personalisation_everybody_gets_the_same_list(page: Page, served: Served) -> None:
    lists = []
    for user in ("user-0003", "user-0004"):
        enter(page, served, f"users/{user}")
        page.get_by_role("switch", name="Personal").click()
        page.get_by_role("switch", name="Hide what they have").click()
        expect(page.get_by_role("region", name="What we would show")).to_contain_text("Popular")
        lists.append(page.locator(".ranked .item-title").all_inner_texts())
    assert lists[0] == lists[1]


def test_similar_users_share_the_taste_by_every_measure(page: Page, served: Served) -> None:
    enter(page, served, f"users/{USER}")
    card = page.get_by_role("region", name="Similar users")
    for measure in ("cosine", "jaccard", "euclidean"):
        card.get_by_label("Measure").select_option(measure)
        expect(card.locator("[aria-busy=true]")).to_have_count(0)
        nearest = card.locator("li a").first.inner_text()
        assert int(nearest[-4:]) % 2 == 1  # odd users are alike


def test_an_item_has_its_neighbours_by_behaviour_and_text_and_what_it_is_bought_with(page: Page, served: Served) -> None:
    enter(page, served, "items/item-0003")
    expect(page.get_by_role("heading", level=1)).to_contain_text("pot no. 3")
    for way in ("By behaviour", "By text", "Both together"):
        expect(page.get_by_role("region", name=way).locator("li").first).to_be_visible()
    numbers = [
        int(text.rpartition(" ")[2])
        for text in page.get_by_role("region", name="By behaviour").locator(".item-title").all_inner_texts()
    ]
    assert all(number % 2 == 1 for number in numbers)
    expect(page.get_by_role("region", name="How it fares")).to_contain_text("Bought")
    page.get_by_role("region", name="Both together").locator("a").first.click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("no. 3")


def test_the_catalogue_is_searched_as_one_types(page: Page, served: Served) -> None:
    enter(page, served, "items")
    expect(page.locator(".tile")).to_have_count(24)
    page.get_by_label("Search the catalogue").fill("AMBER lamp")
    expect(page.locator(".tile")).to_have_count(2)
    page.get_by_label("Search the catalogue").fill("nothing like it")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


def test_html_in_a_title_is_text(page: Page, served: Served) -> None:
    enter(page, served, "items/hostile")
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    enter(page, served, "items")
    page.get_by_label("Search the catalogue").fill("bold")
    expect(page.locator(".tile .item-title")).to_have_text([HOSTILE])
    assert page.locator("main img[src='x'], main b").count() == 0
    assert "owned" not in page.title()


def test_training_shows_its_progress_and_the_version_before_is_one_step_away(page: Page, served: Served) -> None:
    enter(page, served, "models")
    live = page.locator("tr", has=page.get_by_text("Live"))
    before = int(live.get_by_role("rowheader").inner_text().split()[0])
    page.get_by_role("button", name="Train recommend").click()
    expect(live.get_by_role("rowheader")).to_contain_text(str(before + 1), timeout=30_000)
    expect(page.get_by_role("region", name="Jobs").locator("li").first).to_contain_text("Succeeded")
    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(live.get_by_role("rowheader")).to_contain_text(f"{before} ")
    page.get_by_role("button", name=f"Promote version {before + 1}").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_empty_shop_says_what_to_do_next_on_every_page(page: Page, empty: Served) -> None:
    enter(page, empty)
    steps = page.get_by_role("region", name="Next steps")
    for command in ("aisle import items", "aisle import events", "aisle train recommend"):
        expect(steps).to_contain_text(command)
    for where, words in (("users", "Nobody yet"), ("items", "The catalogue is empty"), ("models", "Nothing trained yet")):
        page.goto(f"{empty.address}/#/{where}")
        expect(page.get_by_text(words).first).to_be_visible()
    page.goto(f"{empty.address}/#/users/somebody")
    expect(page.get_by_text("Nothing is known about this user")).to_be_visible()
    expect(page.get_by_text("No model yet").first).to_be_visible()


def test_a_reading_key_sees_what_it_may_and_is_told_what_it_may_not(page: Page, served: Served) -> None:
    page.goto(f"{served.address}/#key={served.read_key}")
    expect(page.locator(".figure")).to_have_count(5)
    page.goto(f"{served.address}/#/users")
    expect(page.get_by_text("Not with this key")).to_be_visible()
    page.goto(f"{served.address}/#/items/item-0001")
    expect(page.get_by_role("region", name="By text").locator("li").first).to_be_visible()


def test_a_page_that_is_not_there_leads_back(page: Page, served: Served) -> None:
    enter(page, served, "nowhere")
    page.get_by_role("link", name="To the overview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


@pytest.mark.parametrize("where", ["", "voice", "users", f"users/{USER}", "items", "items/item-0001", "items/hostile", "models"])
def test_nothing_is_wider_than_a_telephone(narrow: Page, served: Served, where: str) -> None:
    enter(narrow, served, where)
    narrow.wait_for_timeout(200)
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 390


def test_dark_and_light_follow_the_system_or_the_button(narrow: Page, page: Page, served: Served) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    enter(narrow, served)
    enter(page, served)
    dark, light = narrow.evaluate(ground), page.evaluate(ground)
    assert dark != light
    page.get_by_role("button", name=re.compile("colours")).click()  # light
    page.get_by_role("button", name=re.compile("colours")).click()  # dark
    assert page.evaluate(ground) == dark
    page.reload()
    assert page.evaluate(ground) == dark


def test_the_keyboard_reaches_the_page_past_the_navigation(page: Page, served: Served) -> None:
    enter(page, served)
    page.locator("body").press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.get_by_role("link", name="Items").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Items")
    expect(page.locator("#main")).to_be_focused()  # the focus follows the page


def inked(canvas: object) -> int:
    """How many pixels of a canvas are not empty."""
    return canvas.evaluate(  # type: ignore[attr-defined,no-any-return]
        "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " let n = 0; for (let k = 0; k < d.length; k += 4) n += d[k + 3] > 0 ? d[k] + 1 : 0; return n; }"
    )
