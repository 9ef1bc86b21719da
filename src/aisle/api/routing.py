"""Finds the route of a request: exact paths in a dict, paths with parameters in a tree of segments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from msgspec import Struct

from aisle.access import Allowance, Who
from aisle.api.problems import NoRoute, NotAllowed
from aisle.errors import Malformed

if TYPE_CHECKING:
    from aisle.api.reply import Reply
    from aisle.api.sockets import Socket

NOBODY = Who(0, "", frozenset())
NO_PARAMS: Mapping[str, str] = {}


class Call:
    """One request, read and identified."""

    __slots__ = ("allowance", "body", "headers", "params", "path", "query", "request_id", "route", "who")

    def __init__(self, route: Route, params: Mapping[str, str], path: str, headers: dict[bytes, bytes]) -> None:
        self.route = route
        self.params = params
        self.path = path
        self.headers = headers
        self.query = b""
        self.body = b""
        self.request_id = ""
        self.who = NOBODY
        self.allowance: Allowance | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path: what it takes, what it answers, who may. The OpenAPI document is made from this."""

    method: str
    path: str  # "/v1/items/{item_id}"
    handler: Callable[[Call], Awaitable[Reply]]
    summary: str
    tag: str
    scope: Literal["read", "write", "admin"] | None = "read"  # None: open to everyone
    request: type[Struct] | None = None
    query: type[Struct] | None = None
    params: type[Struct] | None = None  # of the path
    answer: Any = None  # the type of the body; None: none, or one that `media` describes
    status: int = 200
    media: str = "application/json"
    request_media: tuple[str, ...] = ("application/json",)
    example: Mapping[str, Any] | None = None
    errors: tuple[int, ...] = ()  # beside those every route may answer
    description: str = ""
    once: bool = False  # honours Idempotency-Key
    socket: Callable[[Socket], Awaitable[None]] | None = None  # answers WebSockets at this address; `handler` the rest
    abandon: bool = False  # stopped when the caller leaves; False: what was begun is finished

    @property
    def name(self) -> str:
        """A stable operation id: `POST /v1/items/{item_id}` as post_v1_items_item_id."""
        words = [part.strip("{}").replace(".", "_").replace("-", "_") for part in self.path.split("/") if part]
        return "_".join([self.method.lower(), *words])


@dataclass(slots=True)
class Node:
    """A place in the tree of paths."""

    below: dict[str, Node] = field(default_factory=dict)
    parameter: Node | None = None
    name: str = ""  # of the parameter that led here
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """All routes. `find` never looks at a path twice."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[tuple[str, bytes], Route] = {}
        self._root = Node()
        for route in routes:
            self._add(route)

    def find(self, method: str, raw_path: bytes) -> tuple[Route, Mapping[str, str]]:
        """The route and its path's parameters. Raises NoRoute, NotAllowed, Malformed."""
        route = self._exact.get((method, raw_path))
        return (route, NO_PARAMS) if route is not None else self._search(method, raw_path)

    def _search(self, method: str, raw_path: bytes) -> tuple[Route, Mapping[str, str]]:
        segments = _segments(raw_path)
        node, params = self._root, {}
        for segment in segments:
            below = node.below.get(segment)
            if below is None:
                below = node.parameter
                if below is None or not segment:
                    raise NoRoute("there is nothing at this address: /openapi.json lists every one")
                params[below.name] = segment
            node = below
        if not node.routes:
            raise NoRoute("there is nothing at this address: /openapi.json lists every one")
        route = node.routes.get("GET" if method == "HEAD" else method)
        if route is None:
            allow = ", ".join(sorted(node.routes))
            raise NotAllowed(f"this address takes {allow}, not {method}", allow)
        return route, params

    def _add(self, route: Route) -> None:
        if "{" not in route.path:
            self._exact[route.method, route.path.encode()] = route
        node = self._root
        for segment in route.path.split("/")[1:]:
            if segment.startswith("{"):
                name = segment.strip("{}")
                node.parameter = node.parameter or Node(name=name)
                node = node.parameter
                if node.name != name:
                    raise ValueError(f"{route.path} calls a segment {name} that another route calls {node.name}")
            else:
                node = node.below.setdefault(segment, Node())
        if node.routes.setdefault(route.method, route) is not route:
            raise ValueError(f"{route.method} {route.path} is declared twice")


def _segments(raw_path: bytes) -> list[str]:
    """Decoded segments: an encoded slash stays inside its segment."""
    try:
        return [unquote(segment, errors="strict") for segment in raw_path.decode("ascii").split("/")[1:]]
    except UnicodeDecodeError:
        raise Malformed("the path is not percent-encoded UTF-8") from None
