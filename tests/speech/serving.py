"""A server with the counting recogniser in this process: a real socket, a real event loop in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.speech.counting import REGISTRY, Engine

from aisle.access import DEFAULT_TENANT
from aisle.api import create, server
from aisle.api.routing import Route
from aisle.app import App
from aisle.settings import Settings
from aisle.task import Engine as AnyEngine
from aisle.task import Registry


@contextlib.contextmanager
def serving(
    home: Path,
    registry: Registry = REGISTRY,
    extra: Callable[[App], Iterable[Route]] = lambda app: (),
    engine: Callable[[], AnyEngine] = Engine,
) -> Iterator[tuple[App, str]]:
    """The App and its address."""
    app = App(Settings(home=str(home), worker=False), registry)
    listener, loop = server.listen("127.0.0.1", 0), asyncio.new_event_loop()
    running, holder = threading.Event(), list[server.Server]()

    async def serve() -> None:
        await app.start()
        await app.runtime.swap(DEFAULT_TENANT, "speech", 3, engine())
        holder.append(server.Server(server.config(create(app, extra(app))), running.set, lambda: None))
        await holder[0].serve([listener])
        await app.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert running.wait(20)
        yield app, server.address(listener)
    finally:
        loop.call_soon_threadsafe(holder[0].stop)
        thread.join(20)
        loop.close()
        listener.close()
