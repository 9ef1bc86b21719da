"""What the tests of the console share about the shop they look at."""

from __future__ import annotations

from typing import NamedTuple

from playwright.sync_api import Page, expect

HOSTILE = '<img src=x onerror="document.title=\'owned\'"><b>Bold</b> "lamp" & co'
USER = "user-0001"  # likes odd items; its hidden one is item-0001's kind


class Served(NamedTuple):
    """A server, an admin's key and a reader's."""

    address: str
    key: str
    read_key: str


def enter(page: Page, served: Served, where: str = "") -> None:
    """Open the console signed in, by the link that `aisle demo` prints, at one of its pages."""
    page.goto(f"{served.address}/#key={served.key}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    if where:
        page.goto(f"{served.address}/#/{where}")
    expect(page.locator(".skeleton")).to_have_count(0)
