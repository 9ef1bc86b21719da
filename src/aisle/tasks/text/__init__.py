"""Text: what it means. Sentences and items as vectors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aisle.task import Data, Engine, Operation, Progress, Scores
from aisle.tasks.text.schema import Config, Embed, Embeddings


class Text:
    """The task, as the platform sees it; numbers are imported only when something is learnt or loaded."""

    name = "text"
    config = Config
    starter: Path | None = Path(__file__).parent / "starter"
    operations: Mapping[str, Operation] = {
        "embed": Operation(
            Embed, Embeddings, {"text": ["a warm lamp for the bedroom", "卧室台灯"]}, "Texts as vectors: near means alike."
        ),
    }

    def fit(self, data: Data, config: Config, folder: Path, progress: Progress) -> Scores:
        from aisle.tasks.text.fit import fit

        return fit(data, config, folder, progress)

    def load(self, folder: Path) -> Engine:
        from aisle.tasks.text.engine import load

        return load(folder)

    def evaluate(self, data: Data, config: Config, protocol: str, progress: Progress) -> list[dict[str, Any]]:
        from aisle.tasks.text.evaluate import evaluate

        return evaluate(data, config, protocol, progress)


TASK = Text()
