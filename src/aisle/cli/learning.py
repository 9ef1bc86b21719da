"""`aisle train`, `evaluate` and `ask`."""

import argparse
from pathlib import Path
from typing import Any

import msgspec

from aisle.access import DEFAULT_TENANT
from aisle.cli import show
from aisle.cli.parser import settings
from aisle.embedded import Shop
from aisle.errors import BadInput
from aisle.task import Reporting


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
        task = shop.app.registry[given.task]
        if given.json:
            show.json(rows)
        elif isinstance(task, Reporting):
            show.table(task.summary(rows))
            for remark in task.remarks(rows):
                show.line(f"- {remark}")
        else:
            show.table(rows)
        if isinstance(task, Reporting) and (given.report or not given.json):
            _write_report(task.page(rows), given, Path(shop.app.settings.home))


def _write_report(page: str, given: argparse.Namespace, home: Path) -> None:
    file = Path(given.report) if given.report else home / "reports" / f"{given.task}-{given.protocol or 'default'}.html"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, "utf-8")
    except OSError as error:
        raise BadInput(f"the report cannot be written to {file} ({error.strerror}): name another file with --report") from None
    if not given.json:
        show.line(f"report: {file}")


def ask(given: argparse.Namespace) -> None:
    task, _, operation = given.operation.partition(".")
    request = decoded(given.request)
    if not isinstance(request, dict):
        raise BadInput('the request is a JSON object, like \'{"user_id": "user-0001"}\'')
    with Shop(given.home) as shop:
        show.json(shop.ask(task, operation, request))


def decoded(text: str) -> Any:
    """JSON as typed, or from the file of `@FILE`. Raises BadInput."""
    try:
        return msgspec.json.decode(Path(text[1:]).read_bytes() if text.startswith("@") else text)
    except OSError as error:
        raise BadInput(f"{text[1:]} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise BadInput(f"that is not JSON: {error}") from None
