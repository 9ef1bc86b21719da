"""WCAG 2.2 AA as far as a machine can tell: axe-core finds nothing serious on any page, in either scheme, at either width."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from .conftest import lacking
from .world import USER, Served, enter

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("console")]
AXE = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations']}"
PAGES = ["", "users", f"users/{USER}", "items", "items/item-0001", "voice", "models", "pictures", "pictures/item-0003"]


LOOKS = [
    (1400, "light"),
    (390, "dark"),
    *(pytest.param(look, marks=pytest.mark.slow) for look in ((390, "light"), (1400, "dark"))),
]


@pytest.fixture(params=LOOKS, ids=lambda value: f"{value[0]}-{value[1]}")
def judged(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that lets a script in from outside: only for axe, which the policy would keep out."""
    if not AXE.exists():
        lacking(f"there is no {AXE} (make console)")
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True, locale="en-GB"
    )
    yield context.new_page()
    context.close()


def test_axe_finds_nothing_serious(judged: Page, served: Served) -> None:
    judged.goto(served.address)
    found = {"sign-in": faults(judged)}
    for where in PAGES:
        enter(judged, served, where)
        found[where] = faults(judged)
    enter(judged, served, "search")
    judged.get_by_label("What a shopper types").fill("red lamp")
    judged.get_by_role("button", name="All reasons").first.wait_for()
    found["a search"] = faults(judged)
    enter(judged, served, "text/item-0001")
    judged.get_by_label("In any language").fill("a warm lamp, but my mail is a@b.example")
    judged.get_by_role("region", name="Why").wait_for()
    found["a text"] = faults(judged)
    more = judged.get_by_role("button", name="More")
    if more.is_visible():
        more.click()
        found["all pages of a telephone"] = faults(judged)
    enter(judged, served, f"users/{USER}")
    judged.get_by_role("combobox", name="Find a user").fill("user")
    judged.get_by_role("option").first.wait_for()
    found["a list to pick from"] = faults(judged)
    assert {where: list(faults) for where, faults in found.items() if faults} == {}


def faults(page: Page) -> list[str]:
    """What axe calls serious or critical, with the element."""
    page.evaluate(AXE.read_text())
    violations = page.evaluate(f"axe.run(document, {RULES}).then(found => found.violations)")
    return [
        f"{fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in violations
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
