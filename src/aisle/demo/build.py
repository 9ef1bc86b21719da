"""Puts the demo shop into a folder: rows, pictures, reviews, trained models and a key; started again, it goes on where it was."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from aisle.access import DEFAULT_TENANT, Access
from aisle.app import App
from aisle.demo import pictures
from aisle.demo.shop import SEED, generate
from aisle.errors import Conflict, StorageFailed, Unauthorized, Unavailable
from aisle.feeds.samples import open_samples
from aisle.jobs.sampling import import_samples
from aisle.settings import Settings
from aisle.storage.database import Database
from aisle.task import Progress

MARKER, KEY = "demo.json", "demo.key"
BLOCK = 5000  # events a transaction
TASKS = ("text", "vision", "recommend", "search", "speech")  # what learns from the demo shop, vectors before those who read them
REVIEW_COLUMNS = {"sentiment": "label"} | {name: name for name in ("text", "language", "item_id", "user_id", "time")}
PATIENCE = 60.0  # seconds a server may take to be ready


class Marker(Struct):
    """What this folder's demo shop was made from; with the same seed and end, an interrupted build goes on exactly."""

    seed: int
    now: int  # microseconds UTC
    ready: bool = False


class Open(Protocol):
    """An opened shop (`aisle.open`)."""

    app: App

    def train(self, task: str, progress: Progress | None = None, **config: Any) -> Any: ...


def build(shop: Open, progress: Progress, seed: int = SEED) -> bool:
    """Make the folder of `shop` a demo shop; False where it already is one, whole and trained.

    Raises Conflict for a folder with a catalogue of its own: the demo never mixes with real data.
    """
    app = shop.app
    home = app.settings.folder
    marker = _marker(app, home, seed)
    if marker.ready and all(app.models.live(DEFAULT_TENANT, task) for task in TASKS):
        progress(1.0, 1.0, "already built")
        return False
    if not marker.ready:
        _fill(app, home, marker, progress)
    for task in TASKS:
        shop.train(task, progress)
    _write(home / MARKER, msgspec.json.encode(Marker(marker.seed, marker.now, True)))
    return True


def key(settings: Settings) -> str:
    """The demo's admin key, kept in its folder for its owner alone; a new one where it is missing or was revoked."""
    file = settings.folder / KEY
    database = Database(settings.database_url)
    try:
        access = Access(database, settings.rate_limit)
        if file.exists():
            with contextlib.suppress(Unauthorized):
                secret = file.read_text().strip()
                access.identify(secret)
                return secret
        secret = access.create(DEFAULT_TENANT, "demo", ["admin"])[1]
        _write(file, secret.encode() + b"\n", mode=0o600)
        return secret
    finally:
        database.close()


@contextlib.contextmanager
def server(settings: Settings) -> Iterator[str]:
    """Serve the folder in a child process on a free port while the block runs; the address, once it is ready."""
    port = _free_port(settings.host)
    command = [sys.executable, "-m", "aisle", "serve", "--home", settings.home, "--host", settings.host, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        try:
            _wait(child, settings.host, port)
            yield f"http://{settings.host}:{port}"
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()


def _marker(app: App, home: Path, seed: int) -> Marker:
    """What was begun here, or a beginning."""
    file = home / MARKER
    if file.exists():
        return msgspec.json.decode(file.read_bytes(), type=Marker)
    if app.items.count(DEFAULT_TENANT) or app.events.count(DEFAULT_TENANT):
        raise Conflict(f"{home} has a shop of its own: choose another folder, `aisle demo --home DIR`")
    marker = Marker(seed, time.time_ns() // 1000)
    _write(file, msgspec.json.encode(marker))
    return marker


def _fill(app: App, home: Path, marker: Marker, progress: Progress) -> None:
    """Rows, pictures and reviews; whatever is already there stays as it is."""
    progress(0.0, 1.0, "inventing the shop")
    made = generate(marker.seed, marker.now)
    app.items.put(DEFAULT_TENANT, made.items)
    for start in range(0, len(made.events), BLOCK):
        app.events.add(DEFAULT_TENANT, made.events[start : start + BLOCK])
        progress(start, len(made.events), "writing events")
    pictures.write(made.items, home / "pictures", progress)
    reviews = home / "reviews.jsonl"
    _write(reviews, msgspec.json.Encoder().encode_lines(made.reviews))
    reader = open_samples(reviews, "texts", REVIEW_COLUMNS, {})
    import_samples(reader, "texts", DEFAULT_TENANT, app.samples, app.media, home / "rejects-reviews.csv", progress)


def _write(file: Path, content: bytes, mode: int = 0o644) -> None:
    """Write beside, then rename: a reader never sees half a file."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.touch(mode=mode)
        part.chmod(mode)
        part.write_bytes(content)
        part.replace(file)
    except OSError as error:
        raise StorageFailed(f"{file} cannot be written: {error}") from None


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as probe:
        return int(probe.getsockname()[1])


def _wait(child: subprocess.Popen[bytes], host: str, port: int) -> None:
    """Until /readyz says 200. Raises Unavailable when the server ends or takes too long."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if child.poll() is not None:
            raise Unavailable(f"the server ended with status {child.returncode} before it was ready: see its message above")
        connection = HTTPConnection(host, port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise Unavailable(f"the server was not ready after {PATIENCE:.0f} seconds: look at /readyz of {host}:{port}")
