"""What a new model takes over from the live one: what was pulled outlives training, what was learnt outlives a pull."""

from __future__ import annotations

import shutil
from pathlib import Path

from aisle.tasks.text import classifiers
from aisle.tasks.text.static import Embedding, StaticEmbedding

SENTENCES = "sentences"  # the folder of a sentence encoder that was pulled


def inherit(live: Path, folder: Path, learnt: bool) -> list[str]:
    """Copy the parts of the live model that were pulled, and where `learnt` those it learnt from rows; which they are.

    Training and pulling go on in `folder` and replace what has the same name.
    """
    taken = []
    for name, spec in classifiers.specs(live).items():
        if spec.source or (learnt and spec.learnt):
            shutil.copytree(live / "classifiers" / name, folder / "classifiers" / name)
            taken.append(name)
    if (live / SENTENCES).exists():
        shutil.copytree(live / SENTENCES, folder / SENTENCES)
        taken.append(SENTENCES)
    return taken


def embeds(folder: Path, table: StaticEmbedding) -> Embedding:
    """What embeds in this model: the sentence encoder that was pulled, else the table."""
    from aisle.tasks.text import encoder

    return encoder.load_sentences(folder / SENTENCES) or table
