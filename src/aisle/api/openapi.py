"""The OpenAPI 3.1 document, made from the routes: nothing is described that is not served, and the other way round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from aisle.api.problems import Problem
from aisle.api.routing import Route
from aisle.errors import AisleError
from aisle.task import MEDIA
from aisle.version import VERSION

REF = "#/components/schemas/{name}"
JSON, FORM = "application/json", "multipart/form-data"
PROBLEM = "application/problem+json"
INTRODUCTION = """The AI service an online shop runs itself.

Send `Authorization: Bearer <key>`; `aisle keys create` makes a key.
Scopes: `read` asks, `write` stores items and events, `admin` does everything.

Errors are `application/problem+json` with a stable `error.code`, what to do in `detail`, and the place in `errors[].pointer`.
Every answer carries `x-request-id` (yours, where you send one), `RateLimit` and `Server-Timing`. `x-aisle-timeout-ms` says how
long you will wait for a model. Bodies may be sent with `Content-Encoding: gzip`. Unknown fields and repeated names in JSON
are refused.

POST routes that say so honour `Idempotency-Key`: within 24 hours, the same request with the same key has one effect and the
same answer (as long as the server is not restarted).
"""
STATUSES: dict[int, str] = {
    400: "The request cannot be read.",
    401: "A valid API key is needed.",
    403: "The API key does not allow this.",
    404: "It does not exist.",
    408: "The request did not arrive in time.",
    409: "It is already so, or is being done.",
    413: "The body is too large (settings: `max_body`), or unpacks to too much.",
    415: "The format, or its Content-Encoding, is not supported.",
    422: "Something in the request is not possible; `errors[].pointer` says where.",
    426: "This address takes WebSockets.",
    429: "The key's own limit is used up: see Retry-After.",
    431: "The request's line and headers are too long.",
    500: "A fault of Aisle's.",
    503: "Too much to do, or the storage fails: see Retry-After.",
    504: "The answer took longer than allowed.",
}
RATE_HEADERS = ("RateLimit", "RateLimit-Policy")


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole document."""
    schemas = Schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Aisle",
            "version": VERSION,
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "x-errors": errors(),
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key: `Authorization: Bearer sk-aisle-…`."}
            },
            "headers": _headers(),
            "responses": {str(status): _problem(status) for status in STATUSES},
        },
    }


def errors() -> list[dict[str, Any]]:
    """Every error code there is, by status: what /docs explains and a problem's `type` leads to."""
    kinds: list[type[AisleError]] = [AisleError]
    for kind in kinds:
        kinds += kind.__subclasses__()  # the list grows while it is walked: the whole tree
    found = {kind.code: {"code": kind.code, "status": kind.status, "title": kind.title, "about": _about(kind)} for kind in kinds}
    return sorted(found.values(), key=lambda error: (error["status"], error["code"]))


def _about(kind: type[AisleError]) -> str:
    own = (kind.__doc__ or "").strip().partition("\n")[0] if kind.__doc__ and kind is not AisleError else ""
    return own or STATUSES.get(kind.status, "")


class Schemas:
    """The types of all routes as JSON schemas."""

    def __init__(self, routes: Iterable[Route]) -> None:
        kinds: list[Any] = [Problem]
        for route in routes:
            kinds += [kind for kind in (route.request, route.answer, route.query, route.params) if kind is not None]
        kinds = list(dict.fromkeys(kinds))
        out, components = msgspec.json.schema_components(kinds, ref_template=REF)
        self._of = dict(zip(kinds, out, strict=True))
        beside = {self._name(kind) for route in routes for kind in (route.query, route.params) if kind is not None}
        self._all = components
        self.components = {name: schema for name, schema in components.items() if name not in beside}

    def of(self, kind: Any) -> Mapping[str, Any]:
        """The schema, or a reference to it."""
        found: Mapping[str, Any] = self._of[kind]
        return found

    def form(self, kind: Any) -> dict[str, Any]:
        """The same fields as a form: the picture or sound as a file, the others as text."""
        fields = self._all[self._name(kind)]["properties"]
        file, files = {"type": "string", "contentMediaType": "application/octet-stream"}, {*MEDIA.values(), "file"}
        return {
            "type": "object",
            "properties": {name: file if name in files else facts for name, facts in fields.items()},
        }

    def parameters(self, kind: type[Struct], where: str) -> list[dict[str, Any]]:
        """A query's or a path's Struct as parameters."""
        schema = self._all[self._name(kind)]
        needed = schema.get("required", [])
        return [
            {
                "name": name,
                "in": where,
                "required": where == "path" or name in needed,
                "description": _told(name, facts),
                "schema": _optional(facts),
                **({"style": "form", "explode": True} if facts.get("type") == "array" else {}),
            }
            for name, facts in schema["properties"].items()
        ]

    def _name(self, kind: Any) -> str:
        return str(self._of[kind]["$ref"]).rpartition("/")[2]


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    told = route.description
    if route.once:
        told = f"{told} Honours `Idempotency-Key`.".strip()
    found: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary.rstrip("."),
        "description": f"{told} Needs the scope `{route.scope}`.".strip() if route.scope else told or route.summary,
        "parameters": _parameters(route, schemas),
        "responses": _responses(route, schemas),
    }
    found["security"] = [{"key": []}] if route.scope else []
    if route.request is not None:
        found["requestBody"] = {
            "required": True,
            "content": {media: _body(route, media, schemas) for media in route.request_media},
        }
    return found


def _parameters(route: Route, schemas: Schemas) -> list[dict[str, Any]]:
    found = schemas.parameters(route.params, "path") if route.params is not None else []
    found += schemas.parameters(route.query, "query") if route.query is not None else []
    if route.once:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A random text of yours: sent again with the same request, there is one effect and one answer.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            }
        )
    return found


def _body(route: Route, media: str, schemas: Schemas) -> dict[str, Any]:
    if media == FORM:
        return {"schema": schemas.form(route.request)}
    if media != JSON:
        return {"schema": {"type": "string", "description": "One object a line, the same as in the list of the JSON form."}}
    content: dict[str, Any] = {"schema": schemas.of(route.request)}
    if route.example is not None:
        content["example"] = dict(route.example)
    return content


def _responses(route: Route, schemas: Schemas) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done.", "headers": {"x-request-id": {"$ref": "#/components/headers/x-request-id"}}}
    if route.scope is not None:
        good["headers"] |= {name: {"$ref": f"#/components/headers/{name}"} for name in RATE_HEADERS}
    schema = schemas.of(route.answer) if route.answer is not None else {"type": "string"}
    good["content"] = {route.media: {"schema": schema}}
    if route.query is not None and any(field.name == "stream" for field in msgspec.structs.fields(route.query)):
        good["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    wrong = {400, 500, 503, *route.errors}
    if route.scope is not None:
        wrong |= {401, 403, 429}
    if route.request is not None:
        wrong |= {408, 413, 415, 422}
    if route.query is not None or route.params is not None or route.once:
        wrong.add(422)
    if route.once:
        wrong.add(409)
    return {str(route.status): good} | {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(wrong)}


def _problem(status: int) -> dict[str, Any]:
    headers: dict[str, Any] = {"x-request-id": {"$ref": "#/components/headers/x-request-id"}}
    if status in (429, 503):
        headers["Retry-After"] = {"$ref": "#/components/headers/Retry-After"}
    return {
        "description": STATUSES[status],
        "headers": headers,
        "content": {PROBLEM: {"schema": {"$ref": REF.format(name="Problem")}}},
    }


def _headers() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "x-request-id": {"description": "Names this request in logs.", "schema": text},
        "RateLimit": {"description": "What is left, and seconds until it is full again.", "schema": text},
        "RateLimit-Policy": {"description": "Requests a key may make in a window of seconds.", "schema": text},
        "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
    }


def _optional(facts: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter is left out, never null."""
    choices = [choice for choice in facts.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1 and "anyOf" in facts:
        return dict(choices[0])
    return {name: value for name, value in facts.items() if name != "description" and not (name == "default" and value is None)}


def _told(name: str, facts: Mapping[str, Any]) -> str:
    """What a parameter is for, wherever its type says it."""
    for place in (facts, *facts.get("anyOf", [])):
        if "description" in place:
            return str(place["description"])
    return name
