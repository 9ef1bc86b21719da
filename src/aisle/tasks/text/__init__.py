"""Text: what it means. Labels for texts; sentences and items as vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aisle.task import Data, Engine, Operation, Probe, Progress, Scores
from aisle.tasks.text.schema import Classification, Classify, Config, Embed, Embeddings

if TYPE_CHECKING:
    from aisle.kit.sessions import Way


class Text:
    """The task, as the platform sees it; numbers are imported only when something is learnt or loaded."""

    name = "text"
    config = Config
    starter: Path | None = Path(__file__).parent / "starter"
    operations: Mapping[str, Operation] = {
        "embed": Operation(
            Embed, Embeddings, {"text": ["a warm lamp for the bedroom", "卧室台灯"]}, "Texts as vectors: near means alike."
        ),
        "classify": Operation(
            Classify,
            Classification,
            {
                "text": [
                    "Absolutely love it, the colour is even more beautiful than in the picture.",
                    "质量太差了，用了没几天就坏了。",
                ]
            },
            "Labels for texts: sentiment, category, language, and whatever the shop has labelled.",
        ),
    }

    def fit(self, data: Data, config: Config, folder: Path, progress: Progress) -> Scores:
        from aisle.tasks.text.fit import fit

        return fit(data, config, folder, progress)

    def adopt(self, source: str, folder: Path, progress: Progress) -> Scores:
        from aisle.tasks.text.adopt import adopt

        return adopt(source, folder, progress)

    def inherit(self, live: Path, folder: Path, *, learnt: bool) -> list[str]:
        from aisle.tasks.text.inherit import inherit

        return inherit(live, folder, learnt)

    def load(self, folder: Path) -> Engine:
        from aisle.tasks.text.engine import load

        return load(folder)

    def load_tuned(self, folder: Path, ways: Mapping[str, Way]) -> Engine:
        from aisle.tasks.text.engine import load

        return load(folder, ways)

    def probes(self, folder: Path, data: Data) -> Sequence[Probe]:
        from aisle.tasks.text.probes import probes

        return probes(folder, data)

    def evaluate(self, data: Data, config: Config, protocol: str, progress: Progress) -> list[dict[str, Any]]:
        from aisle.tasks.text.evaluate import evaluate

        return evaluate(data, config, protocol, progress)


TASK = Text()
