"""The file that a request carries, names by an item, or points to by an address."""

from __future__ import annotations

from typing import Any

from aisle.errors import BadInput, Forbidden, NotFound
from aisle.fetch import fetch
from aisle.storage.items import Items
from aisle.storage.media import Media
from aisle.types import Picture, Sound


class Carried:
    """Pictures and sounds of requests. `may_fetch`: whether addresses outside may be asked; `most`: bytes of a fetched file."""

    def __init__(self, items: Items, media: Media, *, may_fetch: bool, most: int) -> None:
        self._items = items
        self._media = media
        self._may_fetch = may_fetch
        self._most = most

    @staticmethod
    def at_once(sent: Any) -> bytes | None:
        """The file where the request itself holds it; None where it must be looked for (`find`). Raises BadInput."""
        if isinstance(sent, Sound):
            return sent.base64
        if not isinstance(sent, Picture):
            raise BadInput("the request has no file: send `image` or `audio`")
        if sum(part is not None for part in (sent.base64, sent.item_id, sent.url)) != 1:
            raise BadInput("give exactly one of base64, item_id and url", param="/image")
        return sent.base64

    def find(self, tenant: int, sent: Picture) -> bytes:
        """The picture of an item, or at an address; waits for disk and network.

        Raises NotFound, Forbidden, BadInput, TooLarge.
        """
        if sent.item_id is not None:
            return self._of_item(tenant, sent.item_id)
        if not self._may_fetch:
            raise Forbidden(
                "this server fetches nothing from outside: send the picture as base64, or start it with AISLE_FETCH=1"
            )
        return fetch(sent.url or "", self._most)

    def _of_item(self, tenant: int, item_id: str) -> bytes:
        item = self._items.get(tenant, item_id)
        if item is None:
            raise NotFound(f"there is no item {item_id!r}", param="/image/item_id")
        found = self._media.picture(item)
        if found is None:
            raise NotFound(
                f"the item {item_id!r} has no picture in the shop's folder: put it into pictures/", param="/image/item_id"
            )
        return found
