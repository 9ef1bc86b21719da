"""Pictures: what is in them, where, what it looks like, what is alike, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aisle.task import Data, Engine, Need, Operation, Probe, Progress, Scores
from aisle.tasks.vision.schema import Classify, Config, Describe, Described, Detect, Detected, Embed, Embedded, Seen

if TYPE_CHECKING:
    from aisle.kit.sessions import Way

_PICTURE: frozenset[Need] = frozenset({"picture"})
_ONE: Mapping[str, Any] = {"image": {"item_id": "item-0001"}}


class Vision:
    """The task, as the platform sees it; numbers are imported only when something is learnt or loaded."""

    name = "vision"
    config = Config
    starter = Path(__file__).parent / "starter"
    operations: Mapping[str, Operation] = {
        "classify": Operation(Classify, Seen, _ONE, "What kind of thing is in the picture, and why.", _PICTURE, heavy=True),
        "describe": Operation(
            Describe, Described, _ONE, "Its colour, pattern, material and other attributes.", _PICTURE, heavy=True
        ),
        "detect": Operation(Detect, Detected, _ONE, "Where things are in the picture, and what they are.", _PICTURE, heavy=True),
        "embed": Operation(Embed, Embedded, _ONE, "The picture as a vector: what looks alike lies close.", _PICTURE, heavy=True),
    }

    def fit(self, data: Data, config: Config, folder: Path, progress: Progress) -> Scores:
        from aisle.tasks.vision.fit import fit

        return fit(data, config, folder, progress)

    def load(self, folder: Path) -> Engine:
        from aisle.tasks.vision.engine import load

        return load(folder)

    def load_tuned(self, folder: Path, ways: Mapping[str, Way]) -> Engine:
        from aisle.tasks.vision.engine import load

        return load(folder, ways)

    def probes(self, folder: Path, data: Data) -> Sequence[Probe]:
        from aisle.tasks.vision.probes import probes

        return probes(folder, data)

    def evaluate(self, data: Data, config: Config, protocol: str, progress: Progress) -> list[dict[str, Any]]:
        from aisle.tasks.vision.evaluate import evaluate

        return evaluate(data, config, protocol, progress)

    def adopt(self, source: str, folder: Path, progress: Progress) -> Scores:
        """Take an image model in Hugging Face's layout: a folder, or a name where a hub can be reached."""
        from aisle.tasks.vision.adopt import adopt

        return adopt(source, folder, progress)


TASK = Vision()
