"""Refuses files over 400 lines and functions over 60: what cannot be read without scrolling is split."""

import ast
import sys
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 60
FOLDERS = ("src", "tests", "bench", "scripts")
ROOT = Path(__file__).parent.parent


def too_long(path: Path) -> list[str]:
    """What in a file is over the budget."""
    text = path.read_text("utf-8")
    name = path.relative_to(ROOT)
    found = [f"{name}: {lines} lines (at most {FILE_LINES})"] if (lines := text.count("\n")) > FILE_LINES else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                found.append(f"{name}:{node.lineno}: {node.name} has {lines} lines (at most {FUNCTION_LINES})")
    return found


def main() -> int:
    over = [line for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) for line in too_long(path)]
    sys.stdout.write("\n".join(over) + "\n" if over else "every file and function is within the size budget\n")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
