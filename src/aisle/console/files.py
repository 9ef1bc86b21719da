"""The console's page, its built files, and the shop's own pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from aisle.api.reply import Reply
from aisle.api.routing import Call, Route
from aisle.app import App
from aisle.errors import NotFound

STATIC = Path(__file__).parent / "static"
TAG = "console"
ASSET = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")
MEDIA = {
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".png": b"image/png",
    ".jpg": b"image/jpeg",
    ".jpeg": b"image/jpeg",
    ".webp": b"image/webp",
    ".gif": b"image/gif",
    ".avif": b"image/avif",
}
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif"})  # no SVG: it can carry scripts
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data: https:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)  # https: pictures lie where the shop's catalogue says; blob: our own pictures, which are fetched with the key
Header = tuple[bytes, bytes]
PAGE: tuple[Header, ...] = (
    (b"content-security-policy", POLICY.encode()),
    (b"cache-control", b"no-cache"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), geolocation=(), microphone=(self), payment=(), usb=()"),
)
FOREVER: tuple[Header, ...] = (
    (b"cache-control", b"public, max-age=31536000, immutable"),
)  # their names change with their content
A_WHILE: tuple[Header, ...] = ((b"cache-control", b"private, max-age=300"),)
NOT_BUILT = b"""<!doctype html><html lang="en"><title>Aisle</title><h1>The console is not built yet</h1>
<p>Run <code>make console</code> in Aisle's source folder, then load this page again.</p>
<p>The API works without it: see <a href="/docs">/docs</a>.</p>
"""


class NamePath(Struct, frozen=True):
    """A file's name in the path."""

    name: str


class Files:
    """The handlers of files. They are read when asked for, so that a new build needs no restart."""

    def __init__(self, app: App, static: Path = STATIC) -> None:
        self._app = app
        self._static = static
        self._pictures = app.settings.folder / "pictures"

    async def page(self, call: Call) -> Reply:
        text = await self._app.work(_read, self._static / "index.html")
        return Reply(text or NOT_BUILT, 200 if text else 503, MEDIA[".html"], PAGE)

    async def asset(self, call: Call) -> Reply:
        name = call.params["name"]
        if not ASSET.match(name) or Path(name).suffix not in MEDIA:
            raise _nothing(name)
        return await self._file(self._static / "assets", name, FOREVER)

    async def picture(self, call: Call) -> Reply:
        name = call.params["name"]
        if (
            Path(name).name != name
            or name.startswith(".")
            or "\\" in name
            or "\0" in name
            or Path(name).suffix.lower() not in PICTURES
        ):
            raise _nothing(name)
        return await self._file(self._pictures, name, A_WHILE)

    async def _file(self, folder: Path, name: str, headers: Sequence[Header]) -> Reply:
        found = await self._app.work(_read, folder / name)
        if found is None:
            raise _nothing(name)
        return Reply(found, 200, MEDIA[Path(name).suffix.lower()], headers)

    def routes(self) -> Iterator[Route]:
        yield Route("GET", "/", self.page, "The web console", TAG, None, media="text/html")
        yield Route(
            "GET", "/assets/{name}", self.asset, "A file of the console", TAG, None, params=NamePath,
            media="application/octet-stream", errors=(404,),
        )  # fmt: skip
        yield Route(
            "GET", "/pictures/{name}", self.picture, "A picture from the shop's folder", TAG, params=NamePath, media="image/*",
            errors=(404,),
        )  # fmt: skip


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:  # not there, a folder, a name too long: to the caller it is all the same
        return None


def _nothing(name: str) -> NotFound:
    return NotFound(f"there is no file {name!r} here")
