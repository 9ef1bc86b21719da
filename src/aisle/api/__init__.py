"""HTTP: every declared operation as an endpoint, the platform's routes, and the shell around them."""

from __future__ import annotations

from collections.abc import Iterable

from aisle.api import endpoint
from aisle.api.catalogue import Catalogue
from aisle.api.health import Health
from aisle.api.jobs import JobHandlers
from aisle.api.keys import KeyHandlers
from aisle.api.ledger import Ledger
from aisle.api.models import ModelHandlers
from aisle.api.openai_audio import Audio
from aisle.api.openai_embeddings import EmbeddingsHandlers
from aisle.api.openai_realtime import Realtime
from aisle.api.openapi import document
from aisle.api.people import People
from aisle.api.routing import Route, Router
from aisle.api.rules import RuleHandlers
from aisle.api.searches import SearchHandlers
from aisle.api.shell import Shell
from aisle.app import App


def routes(app: App, extra: Iterable[Route] = ()) -> list[Route]:
    """Every route there is, with those of others (the console)."""
    found: list[Route] = list(endpoint.routes(app))
    rooms = (
        Catalogue(app), People(app), RuleHandlers(app), JobHandlers(app), ModelHandlers(app), KeyHandlers(app), Ledger(app),
        SearchHandlers(app), EmbeddingsHandlers(app), Audio(app), Realtime(app),
    )  # fmt: skip
    for room in rooms:
        found += room.routes()
    found += extra
    health = Health(app, lambda: document(found))
    found += health.routes()
    return found


def create(app: App, extra: Iterable[Route] = ()) -> Shell:
    """The ASGI application that serves an App."""
    return Shell(app, Router(routes(app, extra)))
