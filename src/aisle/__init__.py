"""Aisle: the AI service an online shop runs itself. `aisle.open("./shop")` is all of it in one process, without a server."""

from typing import TYPE_CHECKING, Any

from aisle.version import VERSION as __version__  # noqa: N811

if TYPE_CHECKING:
    from aisle.embedded import Shop

__all__ = ["__version__", "open"]


def open(home: str = "./shop", **settings: Any) -> "Shop":  # noqa: A001 (reads as aisle.open)
    """The shop in a folder, ready to be asked; the folder is made where it does not exist. Use it in a `with`, or `close` it."""
    from aisle.embedded import Shop

    return Shop(home, **settings)
