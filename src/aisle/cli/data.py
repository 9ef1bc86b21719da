"""`aisle import`, `aisle users` and `aisle backup`."""

import argparse
import shutil
from pathlib import Path
from typing import Any

import msgspec

from aisle.access import DEFAULT_TENANT, OWNER
from aisle.app import App
from aisle.cli import show
from aisle.cli.parser import pairs
from aisle.errors import BadInput, StorageFailed
from aisle.feeds import Feed, open_feed
from aisle.feeds.samples import KINDS, open_samples
from aisle.jobs.imports import ImportReport, import_feed
from aisle.jobs.sampling import import_samples
from aisle.settings import load
from aisle.storage.journal import NAME as JOURNAL
from aisle.times import to_iso


def import_files(given: argparse.Namespace) -> int:
    app = App(load(home=given.home, currency=given.currency))
    read = _import_samples if given.kind in KINDS else _import
    reports = [read(app, given, Path(path)) for path in given.paths]
    if given.json:
        show.json(reports)
    return 0 if all(report.rows == 0 or report.accepted + report.duplicates > 0 for report in reports) else 1


def _import(app: App, given: argparse.Namespace, path: Path) -> ImportReport:
    try:
        feed = _opened(app, given, path)
    except BadInput as error:  # of several files, which one?
        raise error if path.name in error.detail else BadInput(f"{path.name}: {error.detail}") from None
    rejects = Path(given.rejects) if given.rejects else app.settings.folder / f"rejects-{path.stem}.csv"
    with show.Bar(f"import {path.name}") as bar:
        report = import_feed(feed, given.kind, DEFAULT_TENANT, app.items, app.events, rejects, bar)
    if not given.json:
        _print(path, report)
    return report


def _import_samples(app: App, given: argparse.Namespace, path: Path) -> ImportReport:
    reader = open_samples(path, given.kind, pairs(given.map), pairs(given.default))
    rejects = Path(given.rejects) if given.rejects else app.settings.folder / f"rejects-{path.stem}.csv"
    with show.Bar(f"import {path.name}") as bar:
        keep = app.settings.keep_personal_data
        report = import_samples(reader, given.kind, DEFAULT_TENANT, app.samples, app.media, rejects, bar, keep_personal=keep)
    if not given.json:
        _print(path, report)
    return report


def _opened(app: App, given: argparse.Namespace, path: Path) -> Feed:
    return open_feed(
        path,
        given.kind,
        format=given.format,
        mapping=pairs(given.map),
        defaults=pairs(given.default),
        currency=app.settings.currency,
        pseudonym=lambda subject: app.access.pseudonym(DEFAULT_TENANT, subject),
    )


def _print(path: Path, report: ImportReport) -> None:
    show.line(
        f"{path.name} ({report.format}): {report.rows:,} rows = {report.accepted:,} accepted"
        f" + {report.duplicates:,} duplicates + {report.rejected:,} rejected"
    )
    for reason, count in sorted(report.reasons.items(), key=lambda pair: -pair[1])[:8]:
        show.line(f"  {count:>9,}  {reason}")
    if report.rejects_file:
        show.line(f"  rejected rows with their reasons: {report.rejects_file}")
    if report.masked:
        show.line(f"  personal data masked in {report.masked:,} texts (AISLE_KEEP_PERSONAL_DATA=1 keeps it)")
    if report.first_time is not None and report.last_time is not None:
        show.line(f"  from {to_iso(report.first_time)} to {to_iso(report.last_time)}")
    if report.match_rate is not None:
        show.line(f"  match rate: {report.match_rate:.1%} of the events name an item of the catalogue")
    if report.advice:
        show.line(f"  {report.advice}")


def users(given: argparse.Namespace) -> None:
    app = App(load(home=given.home))
    if given.action == "list":
        rows = [
            {"user_id": user, "events": n, "newest": to_iso(at)[:19]}
            for user, n, at in app.events.users(DEFAULT_TENANT, given.limit)
        ]
        show.json(rows) if given.json else show.table(rows)
        return
    if not given.user_id:
        raise BadInput(f"say whose data: aisle users {given.action} USER")
    if given.action == "export":
        show.json(app.privacy.export(DEFAULT_TENANT, given.user_id))
        return
    receipt = app.privacy.erase(DEFAULT_TENANT, given.user_id)
    app.note(OWNER, "user.erased", receipt.receipt_id)
    show.json({"receipt": msgspec.to_builtins(receipt)}) if given.json else _receipt(msgspec.to_builtins(receipt))


def _receipt(receipt: dict[str, Any]) -> None:
    show.table([{"": name, "receipt": value} for name, value in receipt.items()])
    if receipt["retraining_jobs"]:
        show.line("the models are retrained without this person by the server's worker, or now by `aisle worker --once`")


KEPT = ("models", "media", "pictures")  # folders of files that are written once and then only read


def backup(given: argparse.Namespace) -> None:
    """The rows first, in one moment; then the files they name, which may only have become more."""
    app, to = App(load(home=given.home)), Path(given.to)
    if to.exists():
        raise BadInput(f"{to} is there already: name a folder that is not, such as {to}-2")
    home = app.settings.folder
    try:
        to.mkdir(parents=True, mode=0o700)
        app.database.copy(to / "aisle.db")
        for name in (name for name in KEPT if (home / name).is_dir()):
            shutil.copytree(home / name, to / name, ignore=_unfinished)
        if (home / JOURNAL).exists():
            shutil.copy2(home / JOURNAL, to / JOURNAL)
    except (OSError, shutil.Error) as error:
        raise StorageFailed(f"the backup in {to} is not whole: {error}; remove it and try again", retry_after=30) from None
    size = sum(path.stat().st_size for path in to.rglob("*") if path.is_file())
    show.json({"folder": str(to), "bytes": size}) if given.json else show.line(
        f"{to}: {size / 1e6:,.1f} MB; it is a shop's folder itself: aisle serve --home {to}"
    )


def _unfinished(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(".")]
