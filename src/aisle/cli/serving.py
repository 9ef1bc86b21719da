"""`aisle serve`, `demo`, `worker` and `doctor`."""

import argparse
import os
import platform
import sys
from pathlib import Path
from typing import Any

from aisle import console, observe
from aisle import demo as demo_shop
from aisle.access import DEFAULT_TENANT
from aisle.api.server import serve as serve_http
from aisle.app import App
from aisle.cli import show
from aisle.embedded import Shop
from aisle.errors import AisleError
from aisle.jobs.worker import STALE, WorkerProcess, serve_queue, work
from aisle.settings import Settings, load
from aisle.storage.lock import hold
from aisle.version import VERSION


def serve(given: argparse.Namespace) -> int:
    settings = load(home=given.home, host=given.host, port=given.port)
    return _serve(settings, lambda address: show.line(f"Aisle answers at {address}  (console {address}/, docs {address}/docs)"))


def _serve(settings: Settings, on_ready: Any) -> int:
    observe.setup(settings.log_level)
    app = App(settings)
    lock = hold(settings.folder / "serve.lock")
    helper = (
        WorkerProcess([sys.executable, "-m", "aisle", "worker", "--parent", "--home", settings.home]) if settings.worker else None
    )
    if helper:
        helper.start()
    try:
        return serve_http(app, settings.host, settings.port, on_ready, extra=console.routes(app))
    finally:
        if helper:
            helper.stop()
        lock.close()


def worker(given: argparse.Namespace) -> None:
    settings = load(home=given.home)
    observe.setup(settings.log_level)
    app = App(settings)
    if given.once:
        work(app.jobs, app.handlers, once=True)
    else:
        serve_queue(app.jobs, app.handlers, parent=given.parent)


def demo(given: argparse.Namespace) -> int:
    settings = load(home=given.home, host=given.host, port=given.port)
    with Shop(settings.home) as shop, show.Bar("demo shop") as bar:
        demo_shop.build(shop, bar)
    if given.build_only:
        show.line(f"the shop is in {settings.folder}; `aisle serve --home {settings.home}` serves it")
        return 0
    key = demo_shop.key(settings)
    if given.check:
        return _check(settings, key)

    def ready(address: str) -> None:
        show.line(f"\n  console  {address}/#key={key}\n  API      {address}/v1   docs {address}/docs\n  key      {key}\n")
        example = f"{address}/v1/recommend/for_user -H 'Authorization: Bearer {key}'"
        show.line(f'  curl -s {example} -d \'{{"user_id":"user-0001","n":5}}\'\n')

    return _serve(settings, ready)


def _check(settings: Settings, key: str) -> int:
    """Serve in a child process on a free port, ask everything, stop it."""
    with demo_shop.server(settings) as address:
        rows = demo_shop.check(address, key)
    demo_shop.print_table(rows)
    return 0 if all(row.ok for row in rows) else 1


def doctor(given: argparse.Namespace) -> int:
    settings = load(home=given.home)
    rows: list[dict[str, Any]] = [
        {"what": "aisle", "state": "ok", "note": VERSION},
        {"what": "python", "state": "ok", "note": f"{platform.python_version()} on {os.cpu_count()} cores"},
        {"what": "folder", "state": "ok", "note": str(settings.folder.resolve())},
    ]
    try:
        app = App(settings)
        rows += _inside(app, given.deep)
    except AisleError as error:
        rows.append({"what": "database", "state": "broken", "note": error.detail})
    show.json(rows) if given.json else show.table(rows)
    return 1 if any(row["state"] == "broken" for row in rows) else 0


def _inside(app: App, deep: bool) -> list[dict[str, Any]]:
    items, events = app.items.count(DEFAULT_TENANT), app.events.count(DEFAULT_TENANT)
    rows = [
        {
            "what": "catalogue",
            "state": "ok" if items else "empty",
            "note": f"{items:,} items" if items else "aisle import items FILE",
        },
        {
            "what": "events",
            "state": "ok" if events else "empty",
            "note": f"{events:,} events" if events else "aisle import events FILE",
        },
    ]
    for task in app.registry:
        live = app.models.live(DEFAULT_TENANT, task.name)
        rows.append(
            {
                "what": f"model {task.name}",
                "state": "ok" if live else "missing",
                "note": f"version {live.version}" if live else f"aisle train {task.name}",
            }
        )
        if live and deep:
            rows.append(_verified(app, live))
    if deep:
        damage = app.database.damage()
        rows.append({"what": "database pages", "state": "broken" if damage else "ok", "note": damage or "every page reads well"})
    static = Path(console.__file__).parent / "static" / "index.html"
    rows.append(
        {
            "what": "console",
            "state": "ok" if static.exists() else "missing",
            "note": "built" if static.exists() else "make console",
        }
    )
    return rows


def _verified(app: App, live: Any) -> dict[str, Any]:
    try:
        app.models.verify(live)
    except AisleError as error:
        return {"what": f"files of {live.task}@{live.version}", "state": "broken", "note": error.detail}
    return {"what": f"files of {live.task}@{live.version}", "state": "ok", "note": "checksums agree"}
