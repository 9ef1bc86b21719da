"""Counts all events of a tenant seldom, for all who ask: nobody waits for a count while there is an older one."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from aisle.app import App
from aisle.console.figures import Totals, count

PATIENCE = 20.0  # totals are believed for this many times as long as they took to count: at most 5 % of a core
LEAST_PATIENCE = 1.0  # seconds
MOMENT = 0.25  # seconds that a caller waits for new totals where there are older ones: small shops always see new ones


@dataclass(slots=True)
class State:
    """What is known of one tenant."""

    totals: Totals | None = None
    until: float = 0.0  # monotonic seconds
    counting: asyncio.Task[None] | None = None


class Tally:
    """The totals of every tenant."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._states: dict[int, State] = {}

    async def totals(self, tenant: int) -> Totals:
        """The newest totals, waiting for the first count however long it takes."""
        found = await self.at_once(tenant, None)
        if found is None:
            raise RuntimeError("a count ended without totals")
        return found

    async def at_once(self, tenant: int, wait: float | None = MOMENT) -> Totals | None:
        """The totals there are after a moment; None while the first count still runs. Raises what a first count failed with."""
        state = self._states.setdefault(tenant, State())
        if state.until < time.monotonic() and state.counting is None:
            state.counting = asyncio.create_task(self._count(tenant, state))
        counting = state.counting
        if counting is not None:
            await asyncio.wait([counting], timeout=MOMENT if state.totals else wait)
            if counting.done() and state.totals is None:
                counting.result()
        return state.totals

    async def _count(self, tenant: int, state: State) -> None:
        started = time.monotonic()
        try:
            state.totals = await self._app.work(count, self._app.database, tenant)
        finally:
            state.counting = None
            ended = time.monotonic()
            state.until = ended + max(LEAST_PATIENCE, PATIENCE * (ended - started))
