"""The endpoint factory: POST /v1/<task>/<operation> for every operation of every task, because it is declared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import msgspec

from aisle.api import multipart
from aisle.api.decode import converted, reader, require_json
from aisle.api.reply import Reply
from aisle.api.routing import Call, Route
from aisle.app import App
from aisle.errors import BadInput
from aisle.flows import Flow
from aisle.task import MEDIA, Operation

Handler = Callable[[Call], Awaitable[Reply]]
DEADLINE = b"x-aisle-timeout-ms"
JSON, FORM = "application/json", "multipart/form-data"
_encode = msgspec.json.Encoder().encode


def routes(app: App) -> Iterator[Route]:
    """One route for each operation and each flow there is."""
    for task in app.registry:
        for name, operation in task.operations.items():
            yield Route(
                "POST",
                f"/v1/{task.name}/{name}",
                endpoint(app, task.name, name, operation),
                operation.summary,
                task.name,
                scope=operation.scope,
                request=operation.request,
                request_media=(JSON, FORM) if takes_file(operation) else (JSON,),
                answer=operation.answer,
                example=operation.example,
                errors=(404, 503, 504),
                abandon=True,
            )
    for flow in app.flows:
        yield Route(
            "POST",
            flow.path,
            endpoint(app, *flow.key, flow),
            flow.summary,
            flow.key[0],
            scope=flow.scope,
            request=flow.request,
            request_media=(JSON, FORM) if takes_file(flow) else (JSON,),
            answer=flow.answer,
            example=flow.example,
            errors=(404, 503, 504),
            description=f"Asks {', '.join(f'`{name}`' for name in flow.asks)}.",
            abandon=True,
        )


def endpoint(app: App, task: str, name: str, operation: Operation | Flow) -> Handler:
    """Decode, ask, encode. The decoder is compiled here, once."""
    read = reader(operation.request)
    forms = takes_file(operation)

    async def handler(call: Call) -> Reply:
        content_type = call.headers.get(b"content-type")
        if content_type == b"application/json":
            request = read(call.body)
        elif forms and (boundary := multipart.boundary_of(content_type)) is not None:
            request = converted(multipart.read(call.body, boundary), operation.request)
        else:
            require_json(content_type)
            request = read(call.body)
        answer = await app.ask(call.who, task, name, request, timeout_ms=timeout_ms(call.headers.get(DEADLINE)))
        reply = Reply(_encode(answer))
        if answer.usage is not None:
            reply.cpu_ms = answer.usage.cpu_ms
        return reply

    return handler


def takes_file(operation: Operation | Flow) -> bool:
    """Whether a request carries a picture or a sound, and so may come as a form."""
    return not operation.needs.isdisjoint(MEDIA)


def timeout_ms(given: bytes | None) -> int | None:
    """How long the caller will wait, from its header. Raises BadInput."""
    if given is None:
        return None
    if not given.isdigit() or not 1 <= int(given[:10]) <= 600_000:
        raise BadInput("x-aisle-timeout-ms is a whole number of milliseconds from 1 to 600000")
    return int(given)
