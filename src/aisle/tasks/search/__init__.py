"""Product search: find items by words, meaning, pictures, what shoppers chose, and taste, and say the share of each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aisle.task import Data, Engine, Need, Operation, Progress, Scores
from aisle.tasks.search.schema import Completions, Config, Found, Missing, Query, Suggest, WithoutVector

_LIVE: frozenset[Need] = frozenset({"catalogue", "vectors", "rules"})


class Search:
    """The task, as the platform sees it; numbers are imported only when something is learnt or loaded."""

    name = "search"
    config = Config
    starter = Path(__file__).parent / "starter"
    operations: Mapping[str, Operation] = {
        "query": Operation(
            Query,
            Found,
            {"query": "red", "n": 5},
            "Items by words alone, or with vectors and taste that the caller brings; /v1/search brings them by itself.",
            _LIVE,
        ),
        "missing": Operation(
            Missing,
            WithoutVector,
            {"space": "text", "n": 10},
            "Items that have no vector yet, for whoever makes vectors.",
            _LIVE,
        ),
        "suggest": Operation(
            Suggest, Completions, {"query": "re", "n": 5}, "Completions and items while a question is being typed.", _LIVE
        ),
    }

    def fit(self, data: Data, config: Config, folder: Path, progress: Progress) -> Scores:
        from aisle.tasks.search.fit import fit

        return fit(data, config, folder, progress)

    def load(self, folder: Path) -> Engine:
        from aisle.tasks.search.engine import load

        return load(folder)

    def evaluate(self, data: Data, config: Config, protocol: str, progress: Progress) -> list[dict[str, Any]]:
        from aisle.tasks.search.evaluate import evaluate

        return evaluate(data, config, protocol, progress)


TASK = Search()
