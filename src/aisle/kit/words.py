"""Words as every part reads them: one spelling of a text, and an item's text as one string."""

from __future__ import annotations

import unicodedata

from aisle.types import Item

DESCRIPTION = 400  # characters of a description that tell what an item is; what follows repeats it or speaks of delivery


def plain(text: str) -> str:
    """One spelling: NFKC (so that NFC, NFD and full-width forms are the same), no control characters, no lone surrogates."""
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFKC", "".join(map(_visible, text)))


def item_text(item: Item) -> str:
    """What an item is, in one string: title, brand, category, attributes, and the beginning of its description."""
    said = [item.title, item.brand or "", (item.category or "").replace(">", " ")]
    for name, value in sorted((item.attributes or {}).items()):
        said += [f"{name} {one}" for one in (value if isinstance(value, list) else [value]) if not isinstance(one, bool)]
    said.append((item.description or "")[:DESCRIPTION])
    return plain(". ".join(part for part in said if part))


def _visible(char: str) -> str:
    """A character as it may go on: line breaks and tabs as blanks, unprintable ones (NUL, bidi marks, surrogates) not at all."""
    if char.isprintable():
        return char
    if char.isspace():
        return " "
    return "" if unicodedata.category(char) in ("Cf", "Cc", "Cs") else char
