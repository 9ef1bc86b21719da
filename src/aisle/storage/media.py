"""The shop's files of pictures and sounds: samples by the hash of their content, items' pictures by name."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from aisle.errors import NotFound, StorageFailed
from aisle.types import Item

ADDRESS = re.compile(r"^[0-9a-f]{64}(\.[a-z0-9]{1,8})?$")
PICTURES = "/pictures/"  # how an item's `image_urls` name a file of the shop's own folder


class Media:
    """Files below the shop's folder: `media/<tenant>/<ab>/<sha256>.<suffix>`, and `pictures/` for the catalogue."""

    def __init__(self, home: Path) -> None:
        self._files = home / "media"
        self._pictures = home / "pictures"

    def put(self, tenant: int, content: bytes, suffix: str = "") -> str:
        """Keep a file; returns its address. The same content is kept once."""
        address = hashlib.sha256(content).hexdigest() + suffix.lower()
        if not ADDRESS.match(address):
            address = address[:64]  # a suffix that is none
        path = self._path(tenant, address)
        if path.exists():
            return address
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
            part.replace(path)
        except OSError as error:
            raise StorageFailed(f"{path} cannot be written: {error}") from None
        return address

    def read(self, tenant: int, address: str) -> bytes:
        """The file at an address. Raises NotFound."""
        try:
            return self._path(tenant, address).read_bytes()
        except OSError:
            raise NotFound(f"the file {address} is not in the shop's media folder: import it again") from None

    def remove(self, tenant: int, address: str) -> None:
        """Delete a file for good; nothing happens where there is none."""
        self._path(tenant, address).unlink(missing_ok=True)

    def picture(self, item: Item) -> bytes | None:
        """The item's first picture, where it lies in the shop's own folder."""
        for url in item.image_urls or ():
            name = url.removeprefix(PICTURES)
            if name != url and Path(name).name == name and not name.startswith("."):
                try:
                    return (self._pictures / name).read_bytes()
                except OSError:
                    continue
        return None

    def _path(self, tenant: int, address: str) -> Path:
        if not ADDRESS.match(address):
            raise NotFound(f"{address!r} is no address of a file")
        return self._files / str(tenant) / address[:2] / address
