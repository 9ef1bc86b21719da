"""The web console: its built page, and the figures it draws that the rest of the API does not have.

The page's source is TypeScript in `console/` at the root of the repository; `make console` builds it into `static/`. It is a
client of the API like any other: it holds an API key, and nothing here answers without one but the page itself and its files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aisle.api.routing import Route
    from aisle.app import App


def routes(app: App) -> list[Route]:
    """What the server mounts beside the API."""
    from aisle.console.files import Files
    from aisle.console.reading import Console

    return [*Files(app).routes(), *Console(app).routes()]
