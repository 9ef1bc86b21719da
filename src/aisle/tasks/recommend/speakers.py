"""The algorithms without lists, by the one protocol that `for_user` and the blend ask them by."""

from __future__ import annotations

from collections.abc import Sequence

from aisle.tasks.recommend import folded, visited
from aisle.tasks.recommend.history import Ask, History
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.ranking import Speaker
from aisle.tasks.recommend.sequence import answer as network
from aisle.tasks.recommend.view import View


def speaker(batch: Sequence[Ask], history: History, view: View, model: Model, *, mixed: bool = False) -> Speaker | None:
    """What a model says that has no lists; None where it has. `mixed`: as it is said beside other models."""
    if model.live is not None:
        read = network.read(batch, history, view, model.live)
        return network.chances(read) if mixed else read
    if model.visits is not None:
        return visited.visit(model.visits, history, len(batch), view.size, model.config.session_nearest)
    if model.factors is not None:
        return folded.fold(model.factors, model.shared, history, len(batch), view.size)
    return None
