"""How well a shop is heard: word error rate on recordings kept aside, with the shop's language, without, and by sound alone."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from aisle.errors import BadInput
from aisle.task import Data, Progress
from aisle.tasks.speech import ctc
from aisle.tasks.speech.fit import fit
from aisle.tasks.speech.recordings import divided, error_rate, read
from aisle.tasks.speech.schema import Config

PROTOCOL = "held_out"


def evaluate(data: Data, config: Config, protocol: str, progress: Progress, starter: Path | None) -> list[dict[str, Any]]:
    """Rows of models, the best first. Raises BadInput for another protocol, or where nothing is kept aside."""
    if protocol not in ("", PROTOCOL):
        raise BadInput(f"speech has no protocol {protocol!r}: choose {PROTOCOL}")
    _, held = divided(read(data))
    if not held:
        raise BadInput("no recording is kept aside: import some with a split of test, or from more speakers")
    with tempfile.TemporaryDirectory() as place:
        fit(data, config, Path(place), progress, starter)
        whole = ctc.load(Path(place))
    variants = {
        "shop": whole,
        "no phrases": ctc.CTC(whole.acoustic, whole.language, (), whole.settings),
        "sound alone": ctc.CTC(whole.acoustic, None, (), whole.settings),
    }
    rows = []
    for name, model in variants.items():
        heard = model.hear([one.samples for one in held], language=None, hints=None)
        found, said = [one.text for one in heard], [one.text for one in held]
        right = sum(a == b for a, b in zip(found, said, strict=True)) / len(said)
        rows.append(
            {"model": name, "word_error_rate": error_rate(found, said), "whole_texts_right": right, "recordings": len(said)}
        )
    return sorted(rows, key=lambda row: row["word_error_rate"])
