"""A model without whoever was erased: its sums made again from the rows that are left, under the settings it has.

Counting again costs seconds where choosing costs minutes, needs no copy of the sums beside the model (they are many times its
size and would remember people), and is what training without the person would have made, to the bit. A network is not a sum:
its weights stay as they are until it is trained again, and the caller is told so.
"""

from __future__ import annotations

from pathlib import Path

from aisle.task import Data, Progress
from aisle.tasks.recommend import files, fit
from aisle.tasks.recommend.held_out import Found
from aisle.tasks.recommend.model import recipe_of
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.sequence import learn as network
from aisle.tasks.recommend.sequence.served import Served


def forget(data: Data, old: Path, folder: Path, progress: Progress) -> bool:
    """Write into `folder` what `old` would be without those who have no rows any more; False where a network still is as it was.
    Raises Misconfigured where `old` cannot be read, BadInput for a shop without items."""
    found = found_in(old)
    rows = fit.gathered(data, found.config, progress)
    kept = _network(old, found, rows)
    fit.written(data, rows, found, folder, progress, kept)
    return kept is None


def found_in(old: Path) -> Found:
    """Who serves in a model, with which settings and why."""
    config = files.load_json(old, "settings", Config)
    about = files.load_json(old, "about", dict[str, str])
    return Found(config, about.get("chosen", "as set"), {}, recipe_of(old))


def _network(old: Path, found: Found, rows: fit.Rows) -> Served | None:
    """The network of the old model, alone or in a blend, where it fits today's catalogue; None: there is none, or it is trained
    again now."""
    parts = found.recipe.parts if found.recipe else [found.config]
    if "sequence" not in [part.algorithm for part in parts]:
        return None
    same = files.load_json(old, "names", list[str]) == rows.world.names[: rows.world.known]
    same = same and files.load_json(old, "vocabulary", list[str]) == list(rows.texts.vocabulary)
    return network.load(old) if same else None
