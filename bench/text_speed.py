"""Texts through HTTP beside the raw runtime loop: processor time of 1,000 texts on both sides, in turns, in one run.

    python -m bench text_speed [--encoder FOLDER] [--rounds 7] [--texts 32] [--peer PYTHON]
    python -m bench text_speed --parts [--texts 32]

The raw loop is what remains without a server: tokenizer, ONNX Runtime (or the table of the static embedding, or the linear
classifier), the texts of a request at a time, sorted by length, nothing rendered. Requests carry `--texts` texts, as clients
that embed a catalogue send them, and then one text each. With `--encoder` the network of the folder is pulled, embeds, and then
classifies with a head of five labels that learnt nothing (weights do not change the time); else the starter's table does, and its
linear `language`. `--peer` names a Python that has sentence-transformers: it encodes the same texts with the same weights, in
batches of the same size, in its own process.
`--parts` takes one request of so many texts apart, without a server: the best of many times by the clock, a text.

Both sides run as long as each other, in turns, and a pair's ratio is what counts (the median of the rounds): the speed of a
virtual core changes by the minute. Server, load and loop share one core: on this kind of machine two cores may be two threads
of one, and the same work takes up to half as much processor time again beside a busy one.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bench.over_http import Server, asked, free_port, measure, request_of, running, write
from bench.text import TEXT

from aisle.access import DEFAULT_TENANT
from aisle.api.decode import reader
from aisle.api.openai_embeddings import EmbeddingOut, EmbeddingsList, EmbeddingsRequest, TokensUsed
from aisle.api.reply import json as reply
from aisle.embedded import Shop
from aisle.kit.words import plain
from aisle.task import Context
from aisle.tasks.text import classifiers, encoder, static
from aisle.tasks.text.engine import load
from aisle.tasks.text.fit import STARTER
from aisle.tasks.text.schema import Classify, Embed

READ = 2048
PEER = """
import json, sys, time
import torch
torch.set_num_threads(1)
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], device="cpu")
texts = json.load(sys.stdin)
size = int(sys.argv[2])
model.encode(texts[:64], batch_size=size)
began = time.process_time()
for start in range(0, len(texts), size):
    model.encode(texts[start:start + size], batch_size=size)
print((time.process_time() - began) * 1e6 / len(texts))
"""


def titles() -> list[str]:
    """Product titles of PriceRunner, every seventeenth."""
    with gzip.open(TEXT / "pricerunner/pricerunner_aggregate.csv.gz", "rt", encoding="utf-8") as file:
        return [row[1] for row in csv.reader(file)][::17][:READ]


def raw(ask: Callable[[list[str]], Any], texts: list[str], size: int, seconds: float = 0.0) -> float:
    """CPU ms of 1,000 texts, `size` at a time; all of them, and again until so many seconds are over."""
    read = [plain(text) for text in texts]
    ask(read[:64])
    asked, began, ends = 0, time.process_time(), time.perf_counter() + seconds
    while not asked or time.perf_counter() < ends:
        for start in range(0, len(read), size):
            ask(read[start : start + size])
        asked += len(read)
    return (time.process_time() - began) * 1e6 / asked


def compared(
    name: str, server: Server, path: str, ask: Callable[[list[str]], Any], given: argparse.Namespace, key: str, most: int = 0,
    model: str = "language",
) -> None:  # fmt: skip
    texts = titles()
    for size in dict.fromkeys((given.texts, 1)):
        bodies = [body(path, texts[start : start + size], most, model) for start in range(0, len(texts) - size + 1, size)]
        with tempfile.TemporaryDirectory() as folder:
            requests = write(Path(folder) / "requests", [request_of(path, json.dumps(one).encode(), key) for one in bodies])
            measure(server, requests, given.connections, 1.0)  # warm
            server.rounds.clear()
            alone = []
            for _ in range(given.rounds):
                alone.append(raw(ask, texts, size, given.seconds))
                measure(server, requests, given.connections, given.seconds)
        served = [one["cpu_us"] / size for one in server.rounds]
        ratios = np.array(alone) / np.array(served)
        print(
            f"{name}, {size} texts a request: {np.median(alone):.1f} CPU ms a 1,000 texts raw, {np.median(served):.1f} served:"
            f" {np.median(ratios):.2f}x ({ratios.min():.2f} to {ratios.max():.2f})", flush=True,
        )  # fmt: skip


def body(path: str, texts: list[str], most: int = 0, model: str = "language") -> dict[str, Any]:
    if path == "/v1/embeddings":
        return {"model": "text", "input": texts, "encoding_format": "base64"}  # as OpenAI's client asks
    return {"text": texts, "model": model} | ({"top_k": most} if most else {})


def parts(size: int) -> None:
    """What each step of one request costs, in microseconds a text."""
    texts, engine = titles()[:size], load(STARTER)
    sent = json.dumps(body("/v1/embeddings", texts)).encode()
    read, request = reader(EmbeddingsRequest), Embed(text=texts, encoding="base64")
    steps: list[tuple[str, Callable[[], Any]]] = [("embed: decoded", lambda: read(sent))]
    steps += _steps(engine, "embed", request, _face)
    for most in (10, 1):
        steps += _steps(engine, "classify", Classify(text=texts, model="language", top_k=most), lambda answer: answer)
    for name, step in steps:
        print(f"{name}: {_best(step) / size:.2f} us a text, {size} texts a request")


def _face(answer: Any) -> EmbeddingsList:
    """As OpenAI's clients get it."""
    rows = [EmbeddingOut(index=at, embedding=one) for at, one in enumerate(answer.embeddings)]
    return EmbeddingsList(data=rows, model="text", usage=TokensUsed(1, 1))


def _steps(engine: Any, op: str, request: Any, written: Callable[[Any], Any]) -> list[tuple[str, Callable[[], Any]]]:
    prepared = engine.prepare(op, request, Context())
    (result,) = engine.run(op, [prepared])
    answer = engine.finish(op, request, result)
    name = f"{op}, {request.top_k} labels" if op == "classify" else op
    return [
        (f"{name}: prepared", lambda: engine.prepare(op, request, Context())),
        (f"{name}: computed (the raw loop)", lambda: engine.run(op, [prepared])),
        (f"{name}: finished", lambda: engine.finish(op, request, result)),
        (f"{name}: encoded, {len(reply(written(answer)).body)} bytes", lambda: reply(written(answer))),
    ]


def _best(step: Callable[[], Any]) -> float:
    """Microseconds: the least of 200 tries."""
    took = []
    for _ in range(200):
        began = time.perf_counter()
        step()
        took.append(time.perf_counter() - began)
    return min(took) * 1e6


def peer(given: argparse.Namespace, model: encoder.Encoder) -> None:
    """sentence-transformers and the raw loop and, in turns, on the same texts."""
    texts, ours, theirs = titles()[:512], [], []
    for _ in range(given.rounds):
        ours.append(raw(model.embed, texts, given.texts))
        run = subprocess.run(
            [given.peer, "-c", PEER, given.encoder, str(given.texts)], input=json.dumps(texts), text=True, capture_output=True,
            check=True,
        )  # fmt: skip
        theirs.append(float(run.stdout.split()[-1]))
    ratio = min(theirs) / min(ours)
    print(f"encoder alone: {min(ours):.0f} CPU ms a 1,000 texts, sentence-transformers {min(theirs):.0f}: {ratio:.2f}x")


def with_head(folder: str, where: Path) -> Path:
    """A network and its tokenizer as a classifier of five labels that learnt nothing."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    AutoModelForSequenceClassification.from_pretrained(folder, num_labels=5).save_pretrained(where)
    AutoTokenizer.from_pretrained(folder).save_pretrained(where)
    return where


def serve(given: argparse.Namespace, home: Path, pulled: str) -> None:
    with Shop(str(home), worker=False) as shop:
        if pulled:
            shop.pull("text", pulled)
            shop.pull("text", str(with_head(pulled, home.parent / "classes")))
            live = shop.app.models.live(DEFAULT_TENANT, "text")
            assert live is not None
            engine = load(shop.app.models.verify(live))
        _, key = shop.app.access.create(DEFAULT_TENANT, "bench", ["admin"])
    table = static.load(STARTER / "embedding")
    language = classifiers.load(STARTER, table)["language"].model
    port = free_port()
    quiet = {"AISLE_RATE_LIMIT": str(10**9), "AISLE_WORKER": "false"}
    with running(
        "aisle", [sys.executable, "-m", "aisle", "serve", "--home", str(home), "--port", str(port)], port, quiet
    ) as server:
        asked(port, "/v1/embeddings", json.dumps(body("/v1/embeddings", ["lamp"])).encode(), key)
        if pulled:
            assert isinstance(engine.embedding, encoder.Encoder)
            compared("/v1/embeddings, pulled encoder", server, "/v1/embeddings", engine.embedding.embed, given, key)
            logits = engine.classifiers["classes"].model.logits
            compared("/v1/text/classify, the same with a head", server, "/v1/text/classify", logits, given, key, 5, "classes")
            if given.peer:
                peer(given, engine.embedding)
            return
        compared("/v1/embeddings, static starter", server, "/v1/embeddings", table.embed, given, key)
        for most, labels in ((10, "ten labels"), (1, "one label")):
            compared(f"/v1/text/classify, linear, {labels}", server, "/v1/text/classify", language.logits, given, key, most)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="", help="a sentence encoder's folder: it is pulled and measured")
    parser.add_argument("--peer", default="", help="a Python with sentence-transformers")
    parser.add_argument("--texts", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--parts", action="store_true", help="the steps of one request, without a server")
    given = parser.parse_args()
    if given.parts:
        parts(given.texts)
        return
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # and what is started from here
    with tempfile.TemporaryDirectory() as folder:
        serve(given, Path(folder) / "shop", given.encoder)


if __name__ == "__main__":
    main()
