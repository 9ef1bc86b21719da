"""`aisle train`, `evaluate`, `ask` and `models`."""

import argparse
from pathlib import Path
from typing import Any

import msgspec

from aisle.access import DEFAULT_TENANT, OWNER
from aisle.cli import show
from aisle.cli.parser import settings
from aisle.embedded import Shop
from aisle.errors import BadInput, NoModel
from aisle.models import Version
from aisle.times import to_iso


def train(given: argparse.Namespace) -> None:
    with Shop(given.home) as shop:
        names = [task.name for task in shop.app.registry] if given.task == "all" else [given.task]
        for name in names:
            shop.app.registry[name]  # an unknown task is said before a bar is drawn
            with show.Bar(f"train {name}") as bar:
                result = shop.train(name, bar, **settings(given.set))
            if given.json:
                show.json(result)
            else:
                _scores(result)


def _scores(result: dict[str, Any]) -> None:
    show.line(f"published {result['model']}: {result['items']} items, {result['events']} events, {result['seconds']:.1f} s")
    show.table([{"score": name, "value": value} for name, value in result["scores"].items()])


def evaluate(given: argparse.Namespace) -> None:
    with Shop(given.home) as shop:
        live = shop.app.models.live(DEFAULT_TENANT, given.task)
        chosen = {**(live.card.get("config", {}) if live else {}), **settings(given.set)}
        with show.Bar(f"evaluate {given.task}") as bar:
            rows = shop.evaluate(given.task, given.protocol, bar, **chosen)
        if given.json:
            show.json(rows)
        else:
            show.table(rows)


def ask(given: argparse.Namespace) -> None:
    task, _, operation = given.operation.partition(".")
    text = Path(given.request[1:]).read_text("utf-8") if given.request.startswith("@") else given.request
    try:
        request = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise BadInput(f"the request is not JSON: {error}") from None
    if not isinstance(request, dict):
        raise BadInput('the request is a JSON object, like \'{"user_id": "user-0001"}\'')
    with Shop(given.home) as shop:
        show.json(shop.ask(task, operation, request))


def models(given: argparse.Namespace) -> None:
    task, _, number = (given.model or "").partition("@")
    with Shop(given.home) as shop:
        store = shop.app.models
        if task:
            shop.app.registry[task]  # a mistyped task is said, not looked for among the models
        if given.action == "list":
            versions = store.list(DEFAULT_TENANT, task or None)
            live = {(v.task, v.version) for v in store.all_live(DEFAULT_TENANT)}
            rows = [_row(version, (version.task, version.version) in live) for version in versions]
            show.json(rows) if given.json else show.table(rows)
            return
        if not task:
            raise BadInput(f"say which model: aisle models {given.action} recommend@1")
        if given.action == "show":
            live_version = store.live(DEFAULT_TENANT, task)
            if not number and live_version is None:
                raise NoModel(f"{task} has no model yet: run `aisle train {task}`")
            show.json(store.show(DEFAULT_TENANT, task, _number(number) if number else live_version.version).card)  # type: ignore[union-attr]
            return
        if given.action == "promote":
            version = store.promote(DEFAULT_TENANT, task, _number(number))
        else:
            version = store.rollback(DEFAULT_TENANT, task)
        shop.app.note(OWNER, f"model.{given.action}", f"{version.task}@{version.version}")
        show.line(f"{version.task}@{version.version} is live")


def _number(text: str) -> int:
    if not text.isdigit():
        raise BadInput(f"a version is a number, not {text!r}: aisle models promote recommend@1")
    return int(text)


def _row(version: Version, live: bool) -> dict[str, Any]:
    scores = version.card.get("scores", {})
    best = ", ".join(f"{name} {value:,.0f}" if value >= 1 else f"{name} {value:.4f}" for name, value in list(scores.items())[:4])
    return {
        "model": f"{version.task}@{version.version}", "live": "live" if live else "",
        "created_at": to_iso(version.created_at)[:19], "scores": best,
    }  # fmt: skip
