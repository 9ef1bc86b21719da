"""The command line: reads the arguments, runs one command, says errors in one line with the next step."""

import contextlib
import os
import sys
from collections.abc import Sequence

from aisle.cli.parser import parser
from aisle.errors import AisleError, NotFound
from aisle.settings import load

INTERRUPTED = 130


def _must_exist(home: str | None) -> None:
    """A command that only opens a shop must not make an empty one for a mistyped name."""
    settings = load(home=home)
    if not settings.database and not (settings.folder / "aisle.db").exists():
        makes = "`aisle import items FILE` or `aisle demo` begin one"
        raise NotFound(f"there is no shop in {settings.folder}: say its folder with --home; {makes}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when it did what was asked."""
    given = parser().parse_args(arguments)
    try:
        if given.opens:
            _must_exist(given.home)
        status = given.run(given)
    except AisleError as error:
        sys.stderr.write(f"aisle: {error.detail}\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output (`| head`) has left
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return int(status or 0)
