"""The documentation names every command, option, setting and operation; its links lead somewhere, its commands parse."""

import argparse
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from aisle import console, flows
from aisle.app import App
from aisle.cli import main
from aisle.cli.parser import parser
from aisle.settings import Settings
from aisle.task import Task, discover

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "src").rglob("*.md"), *(ROOT / "bench").glob("*.md")])
TASKS = list(discover().tasks.values())
FLOWS = flows.discover(discover())
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
PLACEHOLDER = re.compile(r"…|\[--| (FILE|USER|JOB|KEY|PATH|COMMAND|TASK|NAME|FOLDER)\b")
LITERAL = re.compile(r"`([^`\n]+)`")


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def commands() -> dict[str, argparse.ArgumentParser]:
    """Every command and its parser."""
    (choices,) = (action.choices for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(choices)


def options(of: argparse.ArgumentParser) -> list[str]:
    """The options that `--help` shows."""
    return [name for action in of._actions if action.help != argparse.SUPPRESS for name in action.option_strings]


def section(page: str, title: str) -> str:
    """A page's part under a heading, up to the next heading of its level or above."""
    level = len(title) - len(title.lstrip("#"))
    found = re.search(rf"^{re.escape(title)}\n(.*?)(?=^#{{1,{level}}} |\Z)", page, re.M | re.S)
    assert found, f"there is no heading {title!r}"
    return found[1]


def shell_lines() -> Iterator[tuple[str, str]]:
    """Each line of the documentation that runs `aisle`, with the page it stands on."""
    for page in PAGES:
        content = page.read_text("utf-8")
        lines = [line for language, block in FENCE.findall(content) if language in ("", "sh") for line in block.splitlines()]
        lines += [code for code in LITERAL.findall(FENCE.sub("", content)) if " " in code]
        for line in lines:
            line = re.sub(r"^(\.venv/bin/|\$ )?aisle ", "aisle ", line.strip())
            if line.startswith("aisle ") and not PLACEHOLDER.search(line):
                yield page.name, line


LINES = sorted(set(shell_lines()))


@pytest.mark.parametrize("name", commands())
def test_every_command_and_its_options_are_on_the_page_of_the_command_line(name: str) -> None:
    page = text("docs/cli.md")
    said = section(page, f"### aisle {name}") + page.partition("\n## ")[0]
    if "as above" in said:
        said += section(page, "### aisle train" if name == "evaluate" else "### aisle demo")
    missing = [option for option in options(commands()[name]) if f"`{option}" not in said]
    assert not missing


@pytest.mark.parametrize("name", commands())
def test_every_choice_of_a_command_is_named_where_the_command_is(name: str) -> None:
    said = section(text("docs/cli.md"), f"### aisle {name}")
    choices = [choice for action in commands()[name]._actions for choice in action.choices or []]
    assert [choice for choice in choices if not re.search(rf"\b{choice}\b", said)] == []


def test_the_page_of_the_command_line_invents_nothing() -> None:
    page = text("docs/cli.md")
    assert set(re.findall(r"^### aisle (\w+)$", page, re.M)) == set(commands())
    known = {option for command in (parser(), *commands().values()) for option in options(command)}
    words = {word for word in re.findall(r"--[a-z][a-z-]*", page) if word != "--rounds"}  # an option of a measurement
    assert words <= known, words - known


def test_options_that_stand_before_the_command_are_explained() -> None:
    before_headings = text("docs/cli.md").partition("\n## ")[0]
    assert [option for option in options(parser()) if f"`{option}" not in before_headings] == []


@pytest.mark.parametrize(("page", "line"), LINES, ids=[f"{page}: {line[:60]}" for page, line in LINES])
def test_every_command_line_of_the_documentation_parses(page: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        given = parser().parse_args(shlex.split(line, comments=True)[1:])
    except SystemExit as stopped:  # argparse has said why on standard error
        if stopped.code:
            pytest.fail(f"{page}: {line}: {capsys.readouterr().err}")
        return
    if given.command == "ask" and not given.request.startswith("@"):
        task, _, operation = given.operation.partition(".")
        declared = FLOWS.get(task, operation) or {found.name: found for found in TASKS}[task].operations[operation]
        msgspec.convert(json.loads(given.request), declared.request)
    if given.command in ("train", "evaluate"):
        known = {field.name for found in TASKS if found.name == given.task for field in msgspec.structs.fields(found.config)}
        assert {pair.partition("=")[0] for pair in given.set} <= known | {"name", "key"}  # as in `--set name=value`


def test_there_are_command_lines_to_be_checked() -> None:
    assert len(LINES) > 60 and {"README.md", "importing.md", "real-data.md", "cli.md", "demo.md"} <= {page for page, _ in LINES}


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert not broken


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text("utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_can_be_reached_from_the_readme() -> None:
    linked = set(LINK.findall(text("README.md")))
    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"docs/{page.name}" not in linked] == []


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_setting_and_operation_of_a_task_is_in_its_readme(task: Task) -> None:
    named = set(LITERAL.findall(text(f"src/aisle/tasks/{task.name}/README.md")))
    wanted = {field.name for field in msgspec.structs.fields(task.config)} | set(task.operations)
    assert wanted - named == set()


def test_the_defaults_in_the_readme_of_recommend_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| (`.+?) \| (.+?) \|", section(text("src/aisle/tasks/recommend/README.md"), "## Settings"), re.M)
    defaults = {field.name: field.default for field in msgspec.structs.fields(config("recommend"))}
    checked = 0
    for names, values in rows:
        for name, value in zip(LITERAL.findall(names), re.split(r", ", values), strict=False):
            if isinstance(defaults[name], int | float):
                assert float(value.replace("\N{MINUS SIGN}", "-")) == defaults[name], name
                checked += 1
            elif isinstance(defaults[name], str):
                assert value == defaults[name], name
                checked += 1
    assert checked >= sum(isinstance(default, int | float | str) for default in defaults.values())  # all but lists


def config(name: str) -> type:
    return next(task.config for task in TASKS if task.name == name)


def test_every_route_of_the_console_is_on_its_page(settings: Settings) -> None:
    """The API's are compared with docs/api.md, the platform's settings with docs/operations.md, beside their own tests."""
    page = text("docs/console.md")
    paths = {f"{route.method} {route.path}" for route in console.routes(App(settings))}
    assert (
        paths
        and {path for path in paths if not re.search(rf"`(GET / and )?{re.escape(path)}[?`]|`{re.escape(path)}`", page)} == set()
    )


def test_every_bench_is_in_the_list_of_its_folder() -> None:
    from bench.__main__ import QUICK, benches

    page = text("bench/README.md")
    assert [name for name in benches() if f"`python -m bench {name}" not in page] == []
    assert set(QUICK) <= set(benches())


def test_aisle_bench_lists_them_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bench"]) == 0
    assert {line.split()[0] for line in capfd.readouterr().out.splitlines()} >= {"startup", "quality", "over_http"}
    assert main(["bench", "nothing"]) == 2
    assert "choose one of" in capfd.readouterr().err
