"""Speech: what was said in a recording, and what was meant, in the language of the shop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aisle.task import Data, Engine, Need, Operation, Progress, Scores
from aisle.tasks.speech.example import LATTE, ORDER
from aisle.tasks.speech.live import Listen
from aisle.tasks.speech.schema import Command, Config, Meant, Transcribe, Transcription

_SOUND: frozenset[Need] = frozenset({"sound"})


class Speech:
    """The task, as the platform sees it; numbers are imported only when something is learnt or loaded."""

    name = "speech"
    config = Config
    starter: Path | None = Path(__file__).parent / "starter"
    operations: Mapping[str, Operation] = {
        "transcribe": Operation(
            Transcribe,
            Transcription,
            {"audio": {"base64": LATTE}},
            "What was said in a recording.",
            _SOUND,
            heavy=True,
            stream=Listen,
        ),
        "command": Operation(
            Command,
            Meant,
            {
                "audio": {"base64": ORDER},
                "grammar": {
                    "intents": {"add": ["add {quantity} {product} [to my (cart|basket)]"], "show": ["show me [the] {product}"]},
                    "slots": {
                        "quantity": {"1": ["a", "one"], "2": ["two"], "3": ["three"]},
                        "product": ["mugs", "lamps", "red shoes"],
                    },
                },
            },
            "What was meant, of what a grammar or the catalogue can say.",
            _SOUND,
            heavy=True,
        ),
    }

    def fit(self, data: Data, config: Config, folder: Path, progress: Progress) -> Scores:
        from aisle.tasks.speech.fit import fit

        return fit(data, config, folder, progress, self.starter)

    def adopt(self, source: str, folder: Path, progress: Progress) -> Scores:
        from aisle.tasks.speech.adopt import adopt

        return adopt(source, folder, progress)

    def load(self, folder: Path) -> Engine:
        from aisle.tasks.speech.engine import load

        return load(folder)

    def evaluate(self, data: Data, config: Config, protocol: str, progress: Progress) -> list[dict[str, Any]]:
        from aisle.tasks.speech.evaluate import evaluate

        return evaluate(data, config, protocol, progress, self.starter)


TASK = Speech()
