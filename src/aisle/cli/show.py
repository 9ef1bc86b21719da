"""How the command line shows things: tables, JSON, a progress bar."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

import msgspec


def json(value: Any) -> None:
    """One JSON document, readable."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def line(text: str = "") -> None:
    sys.stdout.write(text + "\n")


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str] | None = None) -> None:
    """Rows under their column names; numbers to the right."""
    filled = [dict(row) for row in rows]
    if not filled:
        line("(nothing)")
        return
    names = list(columns or filled[0])
    cells = [[_cell(row.get(name)) for name in names] for row in filled]
    widths = [max(len(name), *(len(row[k]) for row in cells)) for k, name in enumerate(names)]
    numeric = [all(isinstance(row.get(name), int | float) or row.get(name) is None for row in filled) for name in names]
    line(
        "  ".join(
            name.rjust(width) if right else name.ljust(width) for name, width, right in zip(names, widths, numeric, strict=True)
        )
    )
    for row in cells:
        line("  ".join(c.rjust(w) if right else c.ljust(w) for c, w, right in zip(row, widths, numeric, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


class Bar:
    """A progress bar on standard error; used as the `progress` of a job."""

    def __init__(self, title: str) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            total=1.0,
            desc=title,
            bar_format="{desc}: {percentage:3.0f}%|{bar:30}| {elapsed} {postfix}",
            file=sys.stderr,
            disable=None,  # a log file is no terminal: there, a bar is a line of control characters
        )

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self._bar.n = self._bar.total
            self._bar.set_postfix_str("done", refresh=False)
            self._bar.refresh()
        self._bar.close()

    def __call__(self, done: float, total: float, message: str) -> None:
        self._bar.total = total or 1.0
        self._bar.n = min(done, self._bar.total)
        self._bar.set_postfix_str(message, refresh=False)
        self._bar.refresh()
