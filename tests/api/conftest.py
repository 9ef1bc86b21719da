"""A served shop: the tiny shop with a trained recommender, over HTTP without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from aisle.access import DEFAULT_TENANT, OWNER
from aisle.api import create
from aisle.api.shell import Shell
from aisle.app import App
from aisle.embedded import Shop
from aisle.settings import Settings
from aisle.task import Registry
from aisle.testing.shop import tiny_shop
from aisle.types import Event

SCOPES = ("admin", "write", "read")


@dataclass
class Served:
    """An App, its ASGI application, a client with an admin key, and a key of each scope."""

    app: App
    shell: Shell
    client: TestClient
    keys: dict[str, str]

    def ask(self, method: str, path: str, scope: str | None = "admin", **more: Any) -> Any:
        headers = dict(more.pop("headers", {}))
        if scope is not None:
            headers["authorization"] = f"Bearer {self.keys[scope]}"
        return self.client.request(method, path, headers=headers, **more)


def serve(settings: Settings, registry: Registry | None = None) -> Iterator[Served]:
    app = App(settings, registry)
    keys = {scope: app.access.create(DEFAULT_TENANT, scope, [scope])[1] for scope in SCOPES}
    shell = create(app)
    with TestClient(shell, raise_server_exceptions=True) as client:
        yield Served(app, shell, client, keys)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    """An empty shop for one test, with a rate limit that is out of the way."""
    yield from serve(Settings(home=str(tmp_path / "shop"), worker=False, rate_limit=10**6, max_body=200_000))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny shop and a trained recommender."""
    home = tmp_path_factory.mktemp("trained") / "shop"
    world = tiny_shop()
    with Shop(str(home), worker=False) as shop:
        shop.put_items(world.catalogue)
        events = [Event(user_id=user, item_id=item, time=at, type=kind) for user, item, at, kind in world.rows]  # type: ignore[arg-type]
        shop._run(shop.app.add_events(OWNER, events))
        shop.train("recommend")
    return home


@pytest.fixture(scope="session")
def shop(trained: Path) -> Iterator[Served]:
    """The trained shop, shared: tests leave it as it was, but for events."""
    yield from serve(Settings(home=str(trained), worker=False, rate_limit=10**6))
