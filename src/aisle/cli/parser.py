"""What may be typed. Each command names the function that runs it; nothing heavy is imported before one runs."""

import argparse
import importlib
from collections.abc import Callable

from aisle.errors import BadInput
from aisle.version import VERSION

OPENING = frozenset(
    {"ask", "backup", "evaluate", "jobs", "models", "rules", "train", "usage", "users", "worker"}
)  # need a shop that is there
Run = Callable[[argparse.Namespace], int | None]


def _lazy(module: str, function: str) -> Run:
    def run(given: argparse.Namespace) -> int | None:
        found: Run = getattr(importlib.import_module(f"aisle.cli.{module}"), function)
        return found(given)

    return run


def _shared(home: str | None, json: bool | str) -> argparse.ArgumentParser:
    """What may be said before the command and after it; after it, silence must not undo what was said before."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--home", default=home, help="the shop's folder (default ./shop, or AISLE_HOME)")
    shared.add_argument("--json", action="store_true", default=json, help="answer in JSON")
    return shared


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="aisle", description="The AI service an online shop runs itself.", parents=[_shared(None, False)]
    )
    top.add_argument("--version", action="version", version=f"aisle {VERSION}")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")

    def add(name: str, summary: str, module: str, function: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=summary, description=summary, parents=[_shared(argparse.SUPPRESS, argparse.SUPPRESS)]
        )
        command.set_defaults(run=_lazy(module, function), opens=name in OPENING)
        return command

    _serving(add)
    _data(add)
    _learning(add)
    _platform(add)
    return top


Add = Callable[[str, str, str, str], argparse.ArgumentParser]


def _serving(add: Add) -> None:
    demo = add("demo", "a ready shop: catalogue, events, pictures, reviews, trained models; then serves it", "demo", "demo")
    demo.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    demo.add_argument("--port", type=int, help="port to listen on (default 8765)")
    only = demo.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true", help="ask every operation once over HTTP; exit 0 only if all answered well")
    only.add_argument("--build-only", action="store_true", help="only build the shop's folder")
    serve = add("serve", "answer over HTTP, with the console", "serving", "serve")
    serve.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default 8765)")
    worker = add("worker", "run queued jobs until told to stop (serve starts one by itself)", "serving", "worker")
    worker.add_argument("--once", action="store_true", help="run what is queued, then stop")
    worker.add_argument("--parent", action="store_true", help=argparse.SUPPRESS)  # ends when standard input does
    doctor = add("doctor", "check this machine and the shop's folder", "serving", "doctor")
    doctor.add_argument("--deep", action="store_true", help="also read every page of the database and every model file")
    doctor.add_argument("--tune", action="store_true", help="measure ways of running the networks, and keep the fastest")


def _data(add: Add) -> None:
    imports = add("import", "read a shop's files into the shop's folder", "data", "import_files")
    imports.add_argument("kind", choices=["items", "events", "pictures", "recordings", "texts"], help="what the files hold")
    imports.add_argument("paths", nargs="+", metavar="PATH")
    imports.add_argument("--format", default="auto", help="the files' format (default: found out)")
    imports.add_argument(
        "--map", default="", help="our field=their column, comma-separated: item_id=StockCode,user_id=CustomerID"
    )
    imports.add_argument("--default", default="", help="a value for a field the files lack: type=purchase")
    imports.add_argument("--currency", help="ISO 4217 currency of prices that name none (default EUR, or AISLE_CURRENCY)")
    imports.add_argument("--rejects", help="file for the rows that were refused (default <home>/rejects-<file>.csv)")
    users = add("users", "a person's data: export it, erase it", "data", "users")
    users.add_argument("action", choices=["list", "export", "erase"])
    users.add_argument("user_id", nargs="?", metavar="USER")
    users.add_argument("--limit", type=int, default=50)
    backup = add("backup", "copy the shop's folder, as of one moment, into a new one; also while it is served", "data", "backup")
    backup.add_argument("to", metavar="FOLDER", help="a folder that does not exist yet")


def _learning(add: Add) -> None:
    train = add("train", "learn from the shop's rows and publish the model", "learning", "train")
    train.add_argument("task", help="recommend, or all")
    evaluate = add("evaluate", "quality of the live configuration and its rivals on held-out data", "learning", "evaluate")
    evaluate.add_argument("task")
    evaluate.add_argument("--protocol", default="", help="how to hold data out (default: the task's own)")
    evaluate.add_argument(
        "--report", metavar="FILE", help="where to write the page for people (default <home>/reports/TASK-PROTOCOL.html)"
    )
    for command in (train, evaluate):
        command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the task")
    ask = add("ask", "one answer, no server needed", "learning", "ask")
    ask.add_argument("operation", metavar="TASK.OPERATION")
    ask.add_argument("request", metavar="JSON|@FILE", nargs="?", default="{}")
    models = add("models", "versions of the trained models", "models", "models")
    actions = ["list", "show", "promote", "rollback", "pull", "export", "compare"]
    models.add_argument("action", choices=actions, nargs="?", default="list")
    models.add_argument("model", nargs="?", metavar="TASK[@VERSION]")
    models.add_argument("other", nargs="?", metavar="SOURCE|FILE|TASK@VERSION", help="what to pull, write, or compare with")


def _platform(add: Add) -> None:
    keys = add("keys", "API keys", "platform", "keys")
    keys.add_argument("action", choices=["create", "list", "revoke"])
    keys.add_argument("key_id", nargs="?", metavar="KEY")
    keys.add_argument("--name", default="")
    keys.add_argument("--scopes", default="read,write", help="admin, write, read; comma-separated")
    rules = add("rules", "what merchandisers want of every answer: pin, boost, bury, hide, cap, again", "platform", "rules")
    rules.add_argument("action", choices=["list", "put", "remove"], nargs="?", default="list")
    rules.add_argument("what", nargs="?", metavar="JSON|@FILE|RULE", help="rules to put (a list, or one), or the id to remove")
    usage = add("usage", "who used what", "platform", "usage")
    usage.add_argument("--width", choices=["1m", "1h", "1d"], default="1d", help="span of one row")
    usage.add_argument("--days", type=int, default=30)
    jobs = add("jobs", "queued, running and finished jobs", "platform", "jobs")
    jobs.add_argument("action", choices=["list", "show", "cancel"], nargs="?", default="list")
    jobs.add_argument("job_id", nargs="?", metavar="JOB")
    bench = add("bench", "a measurement from the project's bench folder", "platform", "bench")
    bench.add_argument("name", nargs="?", default="")
    bench.add_argument("arguments", nargs=argparse.REMAINDER)


def pairs(text: str) -> dict[str, str]:
    """`a=b,c=d` as a dict."""
    return settings([part for part in text.split(",") if part])


def settings(given: list[str]) -> dict[str, str]:
    """`["k=50", "measure=cosine"]` as a dict."""
    split = [part.partition("=") for part in given]
    for name, equals, _ in split:
        if not equals or not name.strip():
            raise BadInput(f"{name + equals!r} is no setting: write NAME=VALUE")
    return {name.strip(): value for name, _, value in split}
