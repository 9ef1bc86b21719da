"""Multipart bodies (forms with files) as the JSON they stand for: a file becomes {"base64": …}, other fields what they say."""

from __future__ import annotations

from typing import Any

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from aisle.errors import Malformed, TooLarge

MOST_PARTS = 50


class Part:
    """One field of a form."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.content: list[bytes] = []

    @property
    def name(self) -> str:
        return self._option(b"name") or ""

    @property
    def is_file(self) -> bool:
        return self._option(b"filename") is not None

    def _option(self, name: bytes) -> str | None:
        found = parse_options_header(self.headers.get("content-disposition", ""))[1].get(name)
        return found.decode("utf-8", "replace") if found is not None else None


def boundary_of(content_type: bytes | None) -> bytes | None:
    """The boundary of a multipart/form-data body; None for other types. Raises Malformed where it is missing."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        return None
    boundary = options.get(b"boundary")
    if not boundary or len(boundary) > 200:
        raise Malformed("the form has no boundary: let your HTTP client write the Content-Type by itself")
    return boundary


def read(body: bytes, boundary: bytes) -> dict[str, Any]:
    """The form's fields by name; those called `name[]` are the list `name`. Raises Malformed, TooLarge."""
    parts = _parts(body, boundary)
    fields: dict[str, Any] = {}
    for part in parts:
        name = part.name
        if name.endswith("[]") and isinstance(several := fields.setdefault(name[:-2], []), list):
            several.append(_value(b"".join(part.content)))
            continue
        if not name or name in fields:
            raise Malformed(f"the form's field {name!r} is given twice" if name else "a field of the form has no name")
        content = b"".join(part.content)
        fields[name] = {"base64": content} if part.is_file else _value(content)
    return fields


def _parts(body: bytes, boundary: bytes) -> list[Part]:
    found: list[Part] = []
    header = [b"", b""]
    ended = False

    def begin() -> None:
        if len(found) >= MOST_PARTS:
            raise TooLarge(f"a form has at most {MOST_PARTS} fields")
        found.append(Part())

    def grow(place: int, data: bytes, start: int, end: int) -> None:
        header[place] += data[start:end]

    def end_header() -> None:
        found[-1].headers[header[0].decode("latin-1").lower()] = header[1].decode("latin-1")  # as `parse_options_header` wants it
        header[:] = [b"", b""]

    def end() -> None:
        nonlocal ended
        ended = True

    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": begin,
            "on_header_field": lambda data, start, stop: grow(0, data, start, stop),
            "on_header_value": lambda data, start, stop: grow(1, data, start, stop),
            "on_header_end": end_header,
            "on_part_data": lambda data, start, stop: found[-1].content.append(data[start:stop]),
            "on_end": end,
        },
    )
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise Malformed(f"the form cannot be read: {error}") from None
    if not ended:
        raise Malformed("the form is cut off: its last boundary is missing")
    return found


def _value(content: bytes) -> Any:
    """A field's text; objects and lists may be written as JSON."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a field of the form is not UTF-8: send files with a filename") from None
    if text[:1] in ("{", "["):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text
