"""The versions of every task's model: published all at once or not at all, promoted, rolled back, checked."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
import uuid
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from aisle.errors import BadInput, Conflict, Misconfigured, NoModel, NotFound
from aisle.models.folders import CARD, CONFIG, differences, digest, files_of, newest_change, sync, sync_all, write_json
from aisle.storage.database import Database, Row
from aisle.times import to_iso
from aisle.version import VERSION

NAME = re.compile(r"^[a-z][a-z0-9_]{0,63}$")  # a task's name is also a folder's
SCRATCH = ".scratch"
ORPHAN = 24 * 3600.0  # seconds without a change after which a folder nobody published is rubbish


class Version(Struct, frozen=True, kw_only=True):
    """One published model."""

    tenant: int
    task: str
    version: int
    folder: Path
    card: dict[str, Any]  # task, version, created_at, scores, data, config, files {name: {sha256, bytes}}, aisle
    created_at: int  # microseconds UTC
    live: bool

    @property
    def name(self) -> str:
        return f"{self.task}@{self.version}"


class Models:
    """The models folder and its rows. Readers go by the rows alone, so what is half written is never seen."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._db = database
        self._folder = folder

    # ---- publishing --------------------------------------------------------------------------------------------

    def scratch(self, task: str) -> Path:
        """A new empty folder to fit into, on the same disk as the models."""
        folder = self._folder / SCRATCH / f"{_checked(task)}-{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        return folder

    def publish(
        self, tenant: int, task: str, fitted: Path, *, config: dict[str, Any], scores: dict[str, Any], facts: dict[str, Any]
    ) -> Version:
        """Make a fitted folder (from `scratch`) the live version. Killed at any point, the old one stays live and whole.

        Raises Misconfigured for files that may not be in a model, BadInput for a folder from elsewhere.
        """
        home = self._folder / str(tenant) / _checked(task)
        if fitted.parent != self._folder / SCRATCH or fitted.is_symlink():
            raise BadInput(f"{fitted} is not a folder from Models.scratch: fit into one, so that publishing is a rename")
        write_json(fitted / CONFIG, config)
        files = {name: digest(path) for name, path in files_of(fitted).items() if name != CARD}
        version = self._reserve(tenant, task, home)
        created = time.time_ns() // 1000
        card = {
            "task": task,
            "version": version,
            "created_at": to_iso(created),
            "scores": scores,
            "data": facts,
            "config": config,
            "files": files,
            "aisle": VERSION,
        }
        text = write_json(fitted / CARD, card)
        sync_all(fitted)
        target = home / str(version)
        fitted.rename(target)  # onto the empty folder that reserved the number: one step
        sync(home)
        where = target.relative_to(self._folder).as_posix()
        with self._db.transaction() as tx:
            tx.run("models_add", tenant=tenant, task=task, version=version, folder=where, card=text, created_at=created)
            if tx.rows("models_newest", tenant=tenant, task=task)[0][0] == version:  # else a newer one was published meanwhile
                tx.run("models_point", tenant=tenant, task=task, version=version, changed_at=created)
        return self.show(tenant, task, version)

    def sweep(self, older_seconds: float = ORPHAN) -> list[Path]:
        """Remove folders that a killed publisher or training left, once nothing in them has changed for so long."""
        known = {row[0] for row in self._db.rows("models_folders")}
        loose = list((self._folder / SCRATCH).glob("*"))
        loose += [path for path in self._folder.glob("[0-9]*/*/[0-9]*") if path.relative_to(self._folder).as_posix() not in known]
        removed = []
        for path in loose:
            with contextlib.suppress(FileNotFoundError):  # its owner has just published or removed it
                if time.time() - newest_change(path) >= older_seconds:
                    shutil.rmtree(path)
                    removed.append(path)
        return removed

    def forget(self, tenant: int, task: str, before: int) -> list[str]:
        """Delete every version before the one given, rows and files, for good; returns their names.

        Raises Conflict when the live version is one of them.
        """
        with self._db.transaction() as tx:
            live = tx.rows("models_live", tenant=tenant, task=task)
            if live and live[0][2] < before:
                raise Conflict(f"{task}@{live[0][2]} is live: promote {task}@{before} before the older ones are deleted")
            older = [self._version(row) for row in tx.rows("models_older", tenant=tenant, task=task, version=before)]
            tx.run("models_forget", tenant=tenant, task=task, version=before)
            tx.run("models_forget_previous", tenant=tenant, task=task, version=before)
        for version in older:
            shutil.rmtree(version.folder, ignore_errors=True)  # what cannot be removed now is an orphan, which `sweep` removes
        return [version.name for version in older]

    # ---- which one is live -------------------------------------------------------------------------------------

    def live(self, tenant: int, task: str) -> Version | None:
        row = self._db.one("models_live", tenant=tenant, task=task)
        return self._version(row) if row else None

    def all_live(self, tenant: int | None = None) -> list[Version]:
        """The live version of every task, of one tenant or of all."""
        versions = [self._version(row) for row in self._db.rows("models_all_live")]
        return [version for version in versions if tenant is None or version.tenant == tenant]

    def promote(self, tenant: int, task: str, version: int) -> Version:
        """Make a version live, after its files were checked. Raises NotFound, Misconfigured."""
        self.verify(self.show(tenant, task, version))
        self._db.run("models_point", tenant=tenant, task=task, version=version, changed_at=time.time_ns() // 1000)
        return self.show(tenant, task, version)

    def rollback(self, tenant: int, task: str) -> Version:
        """Make the version before live again; called again, the one before that. Raises NoModel, Conflict."""
        if self._db.run("models_roll_back", tenant=tenant, task=task, changed_at=time.time_ns() // 1000):
            live = self.live(tenant, task)
            if live is not None:
                return live
        if self.live(tenant, task) is None:
            raise NoModel(f"{task} has no model yet: run `aisle train {task}`")
        raise Conflict(f"{task} has no version before the live one: promote one of `aisle models list`")

    # ---- looking -----------------------------------------------------------------------------------------------

    def list(self, tenant: int, task: str | None = None) -> list[Version]:
        """By task, newest first."""
        versions = [self._version(row) for row in self._db.rows("models_list", tenant=tenant)]
        return [version for version in versions if task is None or version.task == task]

    def show(self, tenant: int, task: str, version: int) -> Version:
        row = self._db.one("models_get", tenant=tenant, task=task, version=version)
        if row is None:
            raise NotFound(f"there is no model {task}@{version}: see `aisle models list`")
        return self._version(row)

    def verify(self, version: Version) -> Path:
        """The version's folder, when every file in it is exactly as published. Raises Misconfigured naming what is not."""
        folder = version.folder
        advice = f"run `aisle models rollback {version.task}`, or train it again"
        if folder.is_symlink() or not folder.resolve().is_relative_to(self._folder.resolve()):
            raise Misconfigured(f"the folder of {version.name} lies outside the models folder ({folder}): {advice}")
        if not folder.is_dir():
            raise Misconfigured(f"the folder of {version.name} is gone ({folder}): put it back from a backup; {advice}")
        wrong = differences(folder, version.card["files"])
        if _read_card(folder) != version.card:
            wrong.append(f"{CARD} is damaged")
        if wrong:
            raise Misconfigured(f"{version.name} is not as it was published: {', '.join(wrong)} in {folder}: {advice}")
        return folder

    # ---- inside ------------------------------------------------------------------------------------------------

    def _reserve(self, tenant: int, task: str, home: Path) -> int:
        """The next free number, made ours by a folder of that name: two publishers never get the same one."""
        home.mkdir(parents=True, exist_ok=True)
        row = self._db.one("models_newest", tenant=tenant, task=task)
        version = max([row[0] if row else 0, *(int(path.name) for path in home.iterdir() if path.name.isdigit())]) + 1
        while True:
            try:
                (home / str(version)).mkdir()
            except FileExistsError:
                version += 1
            else:
                return version

    def _version(self, row: Row) -> Version:
        tenant, task, version, folder, card, created_at, live = row
        return Version(
            tenant=tenant,
            task=task,
            version=version,
            folder=self._folder / folder,
            card=msgspec.json.decode(card),
            created_at=created_at,
            live=bool(live),
        )


def _read_card(folder: Path) -> Any:
    try:
        return msgspec.json.decode((folder / CARD).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None


def _checked(task: str) -> str:
    if not NAME.match(task):
        raise BadInput(f"{task!r} is no name for a task: use lower-case letters, digits and _")
    return task
