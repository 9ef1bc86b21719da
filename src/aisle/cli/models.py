"""`aisle models`: which versions there are, which one answers, models made elsewhere, and what is better."""

import argparse
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from aisle.access import DEFAULT_TENANT, OWNER
from aisle.cli import show
from aisle.embedded import Shop
from aisle.errors import BadInput, Conflict, NoModel, StorageFailed
from aisle.models import Version
from aisle.models.folders import files_of
from aisle.task import starter_of
from aisle.times import to_iso


def models(given: argparse.Namespace) -> None:
    task, _, number = (given.model or "").partition("@")
    with Shop(given.home) as shop:
        if task:
            shop.app.registry[task]  # a mistyped task is said, not looked for among the models
        elif given.action != "list":
            raise BadInput(f"say which model: aisle models {given.action} recommend@1")
        ACTIONS[given.action](shop, given, task, number)


def _list(shop: Shop, given: argparse.Namespace, task: str, number: str) -> None:
    store = shop.app.models
    live = {(v.task, v.version) for v in store.all_live(DEFAULT_TENANT)}
    rows = [_row(version, (version.task, version.version) in live) for version in store.list(DEFAULT_TENANT, task or None)]
    trained = {name for name, _ in live}
    brought = [one.name for one in shop.app.registry if starter_of(one) is not None and task in ("", one.name)]
    rows += [
        {"model": f"{name}@0", "live": "" if name in trained else "live", "created_at": "", "scores": "comes with Aisle"}
        for name in brought
    ]
    show.json(rows) if given.json else show.table(rows)


def _show(shop: Shop, given: argparse.Namespace, task: str, number: str) -> None:
    show.json(_card(shop, task, number))


def _card(shop: Shop, task: str, number: str) -> Any:
    """The card of a version, or of the one that answers now."""
    live = shop.app.models.live(DEFAULT_TENANT, task)
    starter = starter_of(shop.app.registry[task])
    wanted = _number(number) if number else live.version if live else 0
    if wanted == 0:
        if starter is None:
            raise NoModel(f"{task} has no model yet: run `aisle train {task}`")
        return msgspec.json.decode((starter / "card.json").read_bytes())
    return shop.app.models.show(DEFAULT_TENANT, task, wanted).card


def _change(shop: Shop, given: argparse.Namespace, task: str, number: str) -> None:
    store = shop.app.models
    version = (
        store.promote(DEFAULT_TENANT, task, _number(number))
        if given.action == "promote"
        else store.rollback(DEFAULT_TENANT, task)
    )
    shop.app.note(OWNER, f"model.{given.action}", f"{version.task}@{version.version}")
    show.line(f"{version.task}@{version.version} is live")


def _pull(shop: Shop, given: argparse.Namespace, task: str, number: str) -> None:
    if not given.other:
        raise BadInput(f"say from where: aisle models pull {task} FOLDER, or a name on a model hub")
    with show.Bar(f"pull {task}") as bar:
        result = shop.pull(task, given.other, bar)
    if given.json:
        show.json(result)
        return
    show.line(f"published {result['model']} from {result['adopted_from']}")
    show.table([{"score": name, "value": value} for name, value in result["scores"].items()])


def _export(shop: Shop, given: argparse.Namespace, task: str, number: str) -> None:
    """The version's folder as one zip, checked before."""
    if not given.other:
        raise BadInput(f"say into which file: aisle models export {task} {task}.zip")
    store, target = shop.app.models, Path(given.other)
    live = store.live(DEFAULT_TENANT, task)
    if not number and live is None:
        raise NoModel(f"{task} has no model yet: run `aisle train {task}`")
    version = store.show(DEFAULT_TENANT, task, _number(number) if number else live.version)  # type: ignore[union-attr]
    if target.exists():
        raise Conflict(f"{target} is there already: choose another name, or delete it first")
    part = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, path in files_of(store.verify(version)).items():
                archive.write(path, name)
        part.replace(target)
    except OSError as error:
        raise StorageFailed(f"{target} cannot be written: {error}") from None
    show.line(f"{version.name} is in {target} ({target.stat().st_size:,} bytes)")


def _compare(shop: Shop, given: argparse.Namespace, task: str, number: str) -> None:
    """The scores of two versions beside each other: the one named, and another (default: the one that answers now)."""
    other_task, _, other_number = (given.other or task).partition("@")
    if other_task != task:
        raise BadInput(f"only versions of one task can be compared, not {task} with {other_task}")
    first, second = _card(shop, task, number), _card(shop, task, other_number)
    names = dict.fromkeys([*first.get("scores", {}), *second.get("scores", {})])
    columns = [f"{task}@{card.get('version', 0)}" for card in (first, second)]
    rows = [
        {
            "score": name,
            columns[0]: first["scores"].get(name),
            columns[1] if columns[1] != columns[0] else "live": second["scores"].get(name),
        }
        for name in names
    ]
    show.json(rows) if given.json else show.table(rows)


ACTIONS: dict[str, Callable[[Shop, argparse.Namespace, str, str], None]] = {
    "list": _list, "show": _show, "promote": _change, "rollback": _change, "pull": _pull, "export": _export, "compare": _compare,
}  # fmt: skip


def _number(text: str) -> int:
    if not text.isdigit():
        raise BadInput(f"a version is a number, not {text!r}: aisle models promote recommend@1")
    return int(text)


def _row(version: Version, live: bool) -> dict[str, Any]:
    scores = version.card.get("scores", {})
    best = ", ".join(f"{name} {value:,.0f}" if value >= 1 else f"{name} {value:.4f}" for name, value in list(scores.items())[:4])
    return {
        "model": version.name, "live": "live" if live else "", "created_at": to_iso(version.created_at)[:19], "scores": best,
    }  # fmt: skip
