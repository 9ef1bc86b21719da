"""POST /v1/embeddings, as OpenAI's clients send and read it: the operation text.embed behind another face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct

from aisle.api.decode import reader, require_json
from aisle.api.endpoint import DEADLINE, timeout_ms
from aisle.api.reply import Reply, json
from aisle.api.routing import Call, Route
from aisle.app import App
from aisle.errors import BadInput, NoModel

TASK, OPERATION = "text", "embed"
MOST = 2048
Input = Annotated[str, Meta(min_length=1)]


class EmbeddingsRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Texts to be turned into vectors; arrays of token numbers are not taken."""

    input: Annotated[
        Input | Annotated[list[Input], Meta(min_length=1, max_length=MOST)], Meta(description="A text, or up to 2,048.")
    ]
    model: Annotated[str, Meta(max_length=64, description="`text`, or the live version: `text@3`.")]
    encoding_format: Annotated[
        Literal["float", "base64"], Meta(description="base64: little-endian float32, a fifth of the bytes.")
    ] = "float"
    dimensions: Annotated[int, Meta(ge=1, le=65536, description="Only the first so many, of length 1 again.")] | None = None
    user: Annotated[str, Meta(max_length=256, description="Taken and not used.")] | None = None


class EmbeddingOut(Struct, frozen=True, kw_only=True, gc=False):
    """One text's vector."""

    index: int
    embedding: list[float] | bytes  # bytes are base64 in JSON
    object: str = "embedding"


class TokensUsed(Struct, frozen=True):
    """Tokens read."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsList(Struct, frozen=True, kw_only=True):
    """Vectors in the order of the texts."""

    data: list[EmbeddingOut]
    model: str
    usage: TokensUsed
    object: str = "list"


class EmbeddingsHandlers:
    """The handler."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._read = reader(EmbeddingsRequest)

    async def create(self, call: Call) -> Reply:
        if (content_type := call.headers.get(b"content-type")) != b"application/json":
            require_json(content_type)
        asked = self._read(call.body)
        if asked.model.partition("@")[0] != TASK:
            raise NoModel(f"there is no model {asked.model!r} that embeds: ask for `{TASK}`", param="/model")
        declared = self._app.registry.operation(TASK, OPERATION)
        try:
            encoding = "float" if asked.dimensions else asked.encoding_format
            request = msgspec.convert({"text": asked.input, "encoding": encoding}, declared.request)
            found: Any = await self._app.ask(
                call.who, TASK, OPERATION, request, timeout_ms=timeout_ms(call.headers.get(DEADLINE))
            )
        except BadInput as error:
            raise type(error)(error.detail, param=(error.param or "").replace("/text", "/input") or None) from None
        if "@" in asked.model and asked.model != found.model:
            raise NoModel(f"{asked.model} is not live, {found.model} is: ask for `{TASK}`", param="/model")
        rows = [EmbeddingOut(index=at, embedding=one) for at, one in enumerate(_shaped(found.embeddings, asked))]
        reply = json(EmbeddingsList(data=rows, model=found.model, usage=TokensUsed(found.tokens, found.tokens)))
        reply.cpu_ms = found.usage.cpu_ms if found.usage else None
        return reply

    def routes(self) -> Iterator[Route]:
        if TASK not in self._app.registry.tasks:
            return
        yield Route(
            "POST", "/v1/embeddings", self.create, "Texts as vectors, for OpenAI's clients", "openai", request=EmbeddingsRequest,
            answer=EmbeddingsList, example={"model": TASK, "input": "a warm lamp"}, errors=(404, 503, 504), abandon=True,
        )  # fmt: skip


def _shaped(vectors: list[list[float] | bytes], asked: EmbeddingsRequest) -> Sequence[list[float] | bytes]:
    """Where fewer numbers were asked for: so many, of length 1 again, as numbers or as bytes. Raises BadInput."""
    if asked.dimensions is None:
        return vectors
    if asked.dimensions > len(vectors[0]):
        raise BadInput(f"the model's vectors have {len(vectors[0])} dimensions: ask for at most that", param="/dimensions")
    rows = np.array(vectors, "<f4")[:, : asked.dimensions]
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    if asked.encoding_format == "base64":
        return [row.tobytes() for row in rows]
    return list(rows.astype(float).round(6).tolist())
