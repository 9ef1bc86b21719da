"""Whether the words an explanation names are those that decide: comprehensiveness and sufficiency (DeYoung et al., 2020)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.text import calibration
from aisle.tasks.text.classifiers import Model

SHARES = (0.1, 0.2, 0.5)  # of a text's words, over which both are averaged
LEAST = 4  # words of a text that is judged
MOST = 200  # texts that are judged


def faithfulness(model: Model, texts: Sequence[str], multi: bool, seed: int = 0) -> dict[str, float]:
    """Over texts, with the words that contributed most, and beside it with words drawn at random.

    comprehensiveness: what the label's probability loses without these words (high is good); sufficiency: what it loses where
    nothing else is left (low is good).
    """
    rng = np.random.default_rng(seed)
    rows = [row for text in texts[: 4 * MOST] if (row := _ordered(model, text, rng)) is not None][:MOST]
    if not rows:
        return {"texts": 0.0}
    asked = [text for text, _, pieces, orders in rows for order in orders for text in _parts(text, pieces, order)]
    whole = calibration.probabilities(model.logits([text for text, *_ in rows]), multi)
    parts = calibration.probabilities(model.logits(asked), multi).reshape(len(rows), 2, len(SHARES), 2, -1)
    labels = np.array([label for _, label, _, _ in rows])
    own = np.arange(len(rows))
    lost = whole[own, labels][:, None, None, None] - parts[own, ..., labels]  # (texts, order, share, without or alone)
    found = lost.mean(axis=(0, 2))
    names = ("comprehensiveness", "sufficiency")
    return {
        f"{name}{which}": float(found[order, place])
        for order, which in enumerate(("", "_random"))
        for place, name in enumerate(names)
    } | {"texts": float(len(rows))}


Row = tuple[str, int, list[tuple[int, int]], tuple[NDArray[np.int64], NDArray[np.int64]]]


def _ordered(model: Model, text: str, rng: np.random.Generator) -> Row | None:
    """A text, its label, its words, and their order by contribution and by chance; None where it has too few words."""
    label = int(model.logits([text])[0].argmax())
    said, _ = model.explain(text, label)
    if len(said) < LEAST:
        return None
    pieces = [(start, stop) for start, stop, _ in said]
    return text, label, pieces, (np.argsort([-one for *_, one in said], kind="stable"), rng.permutation(len(said)))


def _parts(text: str, pieces: Sequence[tuple[int, int]], order: NDArray[np.int64]) -> list[str]:
    """For each share, the text without its first words in this order, and these alone."""
    found = []
    for share in SHARES:
        chosen = set(order[: max(1, round(share * len(pieces)))].tolist())
        found += [
            "".join(text[slice(*piece)] for place, piece in enumerate(pieces) if (place in chosen) == kept)
            for kept in (False, True)
        ]
    return found
