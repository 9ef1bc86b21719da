"""/healthz, /readyz, /metrics, /openapi.json and /docs: for operators and for those who read before they write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any

import msgspec
from msgspec import Struct

from aisle import observe
from aisle.api.reply import Reply
from aisle.api.routing import Call, Route
from aisle.app import App
from aisle.errors import Unavailable
from aisle.version import VERSION

ALIVE = b'{"status":"ok","version":"%s"}' % VERSION.encode()
DOCS_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'"
)
CACHE = (b"cache-control", b"no-cache")


class Alive(Struct, frozen=True):
    """The process answers."""

    status: str
    version: str


class Health:
    """The handlers of what is open to everyone, and of the metrics."""

    def __init__(self, app: App, document: Callable[[], dict[str, Any]]) -> None:
        self._app = app
        self._document = document
        self._openapi = b""

    async def alive(self, call: Call) -> Reply:
        return Reply(ALIVE)

    async def ready(self, call: Call) -> Reply:
        missing = self._app.ready()
        if missing:
            raise Unavailable(f"not ready: {'; '.join(missing)}")
        return Reply(ALIVE)

    async def metrics(self, call: Call) -> Reply:
        metrics = self._app.metrics
        metrics.streams.set(self._app.runtime.open_streams)
        metrics.queue_depth.clear()  # versions that are gone
        metrics.batches.clear()
        for name, status in self._app.runtime.status().items():
            metrics.queue_depth.labels(name).set(status.depth)
            metrics.batches.labels(name).set(status.batches)
        text = await self._app.work(metrics.text)
        return Reply(text, media=observe.CONTENT_TYPE.encode())

    async def openapi(self, call: Call) -> Reply:
        if not self._openapi:
            self._openapi = msgspec.json.encode(self._document())
        return Reply(self._openapi, headers=[CACHE])

    async def docs(self, call: Call) -> Reply:
        name = call.path.removeprefix("/docs").lstrip("/") or "docs.html"
        media = {"html": b"text/html", "css": b"text/css", "js": b"text/javascript"}[name.rpartition(".")[2]] + b"; charset=utf-8"
        body = (resources.files("aisle.api") / "static" / name).read_bytes()
        return Reply(body, media=media, headers=[CACHE, (b"content-security-policy", DOCS_POLICY)])

    def routes(self) -> Iterator[Route]:
        tag = "operations"
        yield Route("GET", "/healthz", self.alive, "Is the process alive?", tag, None, answer=Alive)
        yield Route(
            "GET", "/readyz", self.ready, "Should requests be sent here?", tag, None, answer=Alive, errors=(503,),
            description="503 names what is missing, also while the server is shutting down.",
        )  # fmt: skip
        yield Route("GET", "/metrics", self.metrics, "Prometheus metrics", tag, media="text/plain")
        yield Route("GET", "/openapi.json", self.openapi, "This document", tag, None, answer=dict[str, Any])
        yield Route("GET", "/docs", self.docs, "This document, to read and to try", tag, None, media="text/html")
        for name in ("docs.css", "docs.js"):
            media = "text/css" if name.endswith("css") else "text/javascript"
            yield Route("GET", f"/docs/{name}", self.docs, "A part of /docs", tag, None, media=media)
