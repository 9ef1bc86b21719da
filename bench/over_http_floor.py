"""The floor of bench.over_http: a bare ASGI callable that decodes the request and encodes the answer, no more.

python -m bench.over_http_floor PORT ANSWER.json
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from aisle.task import discover


def application(answer_file: Path) -> Any:
    """The callable."""
    operation = discover().operation("recommend", "for_user")
    decode = msgspec.json.Decoder(operation.request).decode
    encode = msgspec.json.Encoder().encode
    answer = msgspec.json.decode(answer_file.read_bytes(), type=operation.answer)

    async def bare(scope: dict[str, Any], receive: Any, send: Any) -> None:
        body = b""
        if scope["method"] == "POST":
            more = True
            while more:
                message = await receive()
                body += message["body"]
                more = message.get("more_body", False)
            decode(body)
        body = encode(answer)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return bare


def main() -> None:
    config = uvicorn.Config(
        application(Path(sys.argv[2])), port=int(sys.argv[1]), access_log=False, log_level="warning", proxy_headers=False,
        server_header=False, lifespan="off", ws="none",
    )  # fmt: skip
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
