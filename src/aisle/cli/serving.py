"""`aisle serve`, `worker` and `doctor`."""

import argparse
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aisle import console, observe
from aisle.access import DEFAULT_TENANT
from aisle.api.server import serve as serve_http
from aisle.app import App
from aisle.cli import show
from aisle.errors import AisleError
from aisle.jobs.worker import STALE, WorkerProcess, serve_queue, work
from aisle.settings import Settings, load
from aisle.storage.lock import hold
from aisle.task import Tunable, starter_of
from aisle.version import VERSION


def serve(given: argparse.Namespace) -> int:
    settings = load(home=given.home, host=given.host, port=given.port)
    return run_server(
        settings, lambda address: show.line(f"Aisle answers at {address}  (console {address}/, docs {address}/docs)")
    )


def run_server(settings: Settings, on_ready: Callable[[str], None]) -> int:
    """Serve until told to stop, with a worker beside for the jobs."""
    observe.setup(settings.log_level)
    lock = hold(settings.folder / "serve.lock")
    app = App(settings)
    app.models.sweep()
    command = [sys.executable, "-m", "aisle", "worker", "--parent", "--home", settings.home]
    helper = WorkerProcess(command, died=lambda name: app.jobs.recover(STALE, name)) if settings.worker else None
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
        serve_queue(app.jobs, app.handlers, parent=given.parent, plan=app.learning.plan)


def doctor(given: argparse.Namespace) -> int:
    settings = load(home=given.home)
    if given.tune:
        return tune(App(settings), as_json=given.json)
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


def tune(app: App, *, as_json: bool) -> int:
    """Measure every way of running the live models' networks (or the starters'), keep the fastest, show all of them."""
    models = []
    for task in app.registry:
        live = app.models.live(DEFAULT_TENANT, task.name)
        folder = app.models.verify(live) if live else starter_of(task)
        if folder is not None and isinstance(task, Tunable):
            models.append((task.name, folder, task.probes(folder, app.data(DEFAULT_TENANT))))
    measured = app.tuning.tune(models)
    rows = [
        {
            "task": row.task, "network": row.file, "way": row.way.name,
            "cpu_ms": None if row.trouble else round(row.cpu_ms, 2), "loss": None if row.trouble else round(row.loss, 4),
            "chosen": "yes" if row.chosen else row.trouble,
        }
        for row in measured
    ]  # fmt: skip
    show.json(rows) if as_json else show.table(rows)
    return 0


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
    choices = app.tuning.choices()
    rows.append(
        {
            "what": "networks",
            "state": "ok" if choices.ways else "untuned",
            "note": ", ".join(f"{row.file}: {row.way.name}" for row in choices.measured if row.chosen) or "aisle doctor --tune",
        }
    )
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
