"""Every example of docs/api.md is run."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

from tests.api.conftest import Served, serve

from aisle.settings import Settings

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
SHELL = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)


def commands() -> list[str]:
    return [line for block in SHELL.findall(TEXT) for line in block.splitlines() if line.startswith("curl")]


def run(served: Served, command: str, variables: dict[str, str]) -> Any:
    """What curl would send."""
    for name in sorted(variables, key=len, reverse=True):
        command = command.replace(f"${name}", variables[name])
    method, headers, body, url = "", {}, None, ""
    words = iter(shlex.split(command.partition("  # ")[0])[1:])
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word in ("-d", "--data-binary"):
            body = next(words)
        elif word != "-N":
            url = word
    if body is not None:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")  # what curl says of -d
    return served.client.request(method or "GET", url, headers=headers, content=body)


def test_every_example_of_the_documentation_is_answered(trained: Path, tmp_path: Path) -> None:
    home = tmp_path / "shop"
    shutil.copytree(trained, home)
    for served in serve(Settings(home=str(home), worker=False)):
        variables = {"AISLE": "", "KEY": served.keys["admin"], "JOB": "", "KEY_ID": ""}
        for command in commands():
            reply = run(served, command, variables)
            expected = command.partition("  # ")[2]
            assert str(reply.status_code) == expected if expected else reply.is_success, (command, reply.text)
            if reply.status_code == 201:
                variables["JOB" if "/v1/jobs" in command else "KEY_ID"] = reply.json()["id"]


def test_the_documentation_has_an_example_for_nearly_every_route() -> None:
    assert len(commands()) >= 30
