"""/v1/searches: what shoppers look for, and what they look for in vain."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from aisle.api.decode import parameters
from aisle.api.reply import Reply, json
from aisle.api.routing import Call, Route
from aisle.app import App
from aisle.storage.searches import DAY, KEPT_DAYS, AskedFor


class SearchesQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which questions, the most frequent first."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="How many.")] = 100
    days: Annotated[int, Meta(ge=1, le=KEPT_DAYS, description="Asked in the last days.")] = 30
    unanswered: Annotated[bool, Meta(description="Only those for which no item had the words.")] = False


class SearchesPage(Struct, frozen=True, kw_only=True):
    """Questions without anybody's name, personal data in them masked; times in microseconds UTC."""

    data: list[AskedFor]
    asked: int  # all questions of these days
    unanswered: int  # those for which something had to stand in
    has_more: bool
    object: str = "list"


class SearchHandlers:
    """The handlers."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def list(self, call: Call) -> Reply:
        given = parameters(call.query, SearchesQuery)
        since = time.time_ns() // 1000 - given.days * DAY
        found = await self._app.work(self._app.searches.asked, call.who.tenant, since, given.limit + 1, given.unanswered)
        asked, unanswered = await self._app.work(self._app.searches.counts, call.who.tenant, since)
        more = len(found) > given.limit
        return json(SearchesPage(data=found[: given.limit], asked=asked, unanswered=unanswered, has_more=more))

    def routes(self) -> Iterator[Route]:
        yield Route(
            "GET", "/v1/searches", self.list, "What was searched for, most often first", "search", "admin",
            query=SearchesQuery, answer=SearchesPage,
        )  # fmt: skip
