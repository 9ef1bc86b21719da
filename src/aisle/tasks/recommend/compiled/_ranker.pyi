from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from aisle.types import PastEvent, Reason

class Ranker:
    """See ranker.c; `compiled.ranker` knows what it is made of."""

    def __init__(self, **parts: Any) -> None: ...
    def ask_users(self, **parts: Any) -> None:
        """From now on answer by user neighbours under cosine (crowd.c), not by lists."""
    def answer(
        self,
        events: Sequence[PastEvent],
        now: int,
        row: int,
        mask: NDArray[Any] | None,  # None: the view's own
        exclude_seen: bool,
        n: int,
        explain: bool,
        /,
    ) -> tuple[list[str], list[float], list[list[Reason]]]: ...
