"""Bytes to typed requests, strictly: whatever is wrong with them becomes BadInput with a JSON pointer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from aisle.errors import AisleError, BadInput, Malformed, Unsupported

T = TypeVar("T")
MOST_PARAMETERS = 50
JSON_TYPES = frozenset({"", "application/json", "application/x-www-form-urlencoded", "text/plain"})  # what `curl -d` sends, too
NDJSON_TYPES = frozenset({"application/x-ndjson", "application/jsonl", "application/ndjson", "application/x-jsonlines"})
_PLACE = re.compile(r" - at `(?:key` in `)?([^`]*)`$")
_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)")
_FIELD = re.compile(r"(?:unknown|required) field `([^`]*)`")


def reader(kind: type[T]) -> Callable[[bytes], T]:
    """A function that decodes a body of this type, compiled once."""
    decode = msgspec.json.Decoder(kind).decode

    def read(body: bytes) -> T:
        try:
            return decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise translate(error, body, kind) from None

    return read


def translate(error: Exception, body: bytes, kind: Any) -> AisleError:
    """What a decoder's complaint about a body of this type means to the caller."""
    if isinstance(error, msgspec.ValidationError):
        return invalid(error, kind)
    if isinstance(error, RecursionError):
        return Malformed("the JSON is nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return Malformed("the body is not UTF-8")
    if not body.strip():
        return Malformed("the body is empty: send a JSON object")
    return Malformed(str(error))


def invalid(error: msgspec.ValidationError, kind: Any) -> BadInput:
    """A well-formed request that does not fit, with the place as a JSON pointer; a wrong word comes with the right ones."""
    message = str(error)
    place = _PLACE.search(message)
    text = message[: place.start()] if place else message
    if place and text.startswith("Invalid enum value"):
        words = choices(msgspec.inspect.type_info(kind), place[1])
        text += f": choose one of {', '.join(words)}" if words else ""
    param = pointer(place[1]) if place else ""
    named = _FIELD.search(text)
    if named:
        param += "/" + _escaped(named[1])
    return BadInput(f"{text} (at {param})" if param else text, param=param or None)


def choices(kind: Any, place: str) -> list[str]:
    """The words that may stand at msgspec's `$.events[3].type` in a type; none where the type does not tell."""
    for number, name in _STEP.findall(place):
        kind = _inside(kind)
        if isinstance(kind, msgspec.inspect.StructType):
            kind = next((field.type for field in kind.fields if field.encode_name == name), None)
        elif isinstance(kind, msgspec.inspect.ListType) and number:
            kind = kind.item_type
        elif isinstance(kind, msgspec.inspect.DictType):
            kind = kind.value_type
    kind = _inside(kind)
    return [str(value) for value in kind.values] if isinstance(kind, msgspec.inspect.LiteralType) else []


def _inside(kind: Any) -> Any:
    """The type without its bounds, and without "or null"."""
    if isinstance(kind, msgspec.inspect.Metadata):
        return _inside(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        told = [one for one in kind.types if not isinstance(one, msgspec.inspect.NoneType)]
        return _inside(told[0]) if len(told) == 1 else None
    return kind


def pointer(place: str) -> str:
    """msgspec's `$.items[3].price` as `/items/3/price`; what it calls `[...]` (any value of an object) ends the pointer."""
    steps = []
    for number, name in _STEP.findall(place):
        if number == "...":
            break
        steps.append(number or _escaped(name))
    return "".join(f"/{step}" for step in steps)


def media_type(content_type: bytes | None) -> str:
    return content_type.split(b";", 1)[0].strip().lower().decode("latin-1") if content_type else ""


def require_json(content_type: bytes | None) -> None:
    """Raises Unsupported for a body that says it is something else."""
    if content_type is None or content_type == b"application/json":
        return
    kind = media_type(content_type)
    if kind not in JSON_TYPES and not kind.endswith("+json"):
        raise Unsupported(f"the body is {kind}: send application/json")


def parameters(query: bytes, kind: type[T]) -> T:
    """The query string as a Struct; a list field takes `name=a&name=b`, `name[]=a` and `name=a,b`."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}  # type: ignore[arg-type]
    said: dict[str, Any] = {}
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict")
    except ValueError:  # also of bytes that are no UTF-8
        raise Malformed("the query string cannot be read") from None
    for name, value in pairs:
        field = fields.get(name.removesuffix("[]"))
        if field is None:
            known = f"there are {', '.join(fields)}" if fields else "there are none"
            raise BadInput(f"there is no parameter {name!r} here: {known}", param="/" + _escaped(name))
        if _is_list(field):
            said.setdefault(field.encode_name, []).extend(part for part in value.split(",") if part)
        elif name in said:
            raise BadInput(f"{name} is given twice", param="/" + _escaped(name))
        else:
            said[name] = value
    return converted(said, kind)


def converted(value: Any, kind: type[T]) -> T:
    """Strings to what the type says. Raises BadInput."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error, kind) from None


def _is_list(field: msgspec.structs.FieldInfo) -> bool:
    found = msgspec.inspect.type_info(field.type)
    if isinstance(found, msgspec.inspect.Metadata):
        found = found.type
    return isinstance(found, msgspec.inspect.ListType)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
