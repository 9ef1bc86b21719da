"""Bytes to lines: encodings told by their marks, wrong bytes read as Windows-1252, memory bounded."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator

LONGEST_LINE = 8 << 20  # characters; a longer one is one rejected row
OVERLONG = "\x00overlong"  # stands for a line that was too long to keep
CHUNK = 1 << 20
FALLBACK = "aisle-cp1252"


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    """Old Windows exports mix Windows-1252 into files that claim to be UTF-8: read just the wrong bytes that way."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(FALLBACK, _as_cp1252)


def encoding_of(head: bytes) -> str:
    """utf-16 by its mark or by its zero bytes, else utf-8 (whose wrong bytes are read as Windows-1252)."""
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    sample = head[: len(head) // 2 * 2]
    if len(sample) >= 16:
        if sample[1::2].count(0) > len(sample) // 2 * 0.8:
            return "utf-16-le"
        if sample[::2].count(0) > len(sample) // 2 * 0.8:
            return "utf-16-be"
    return "utf-8-sig"


def blocks(read: Callable[[int], bytes], head: bytes) -> Iterator[list[str]]:
    """Lines without their ends, a mebibyte at a time. `head`: the first bytes, as `read` will also give them."""
    encoding = encoding_of(head)
    decode = codecs.getincrementaldecoder(encoding)(FALLBACK if encoding == "utf-8-sig" else "replace").decode
    opening = head[:4096].decode(encoding, "ignore")
    end = "\r" if "\r" in opening and "\n" not in opening else "\n"
    tail, skipping = "", False
    while data := read(CHUNK):
        lines = (tail + decode(data)).split(end)
        tail = lines.pop()
        if lines and skipping:
            lines[0], skipping = OVERLONG, False
        if len(tail) > LONGEST_LINE:
            tail, skipping = "", True
        if lines:
            yield lines
    rest = tail + decode(b"", True)
    if rest or skipping:
        yield [OVERLONG] if skipping else [rest]
