"""OpenAI's own client, unchanged, against /v1/embeddings."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openai
import pytest
from tests.api.test_server import running

TEXTS = ["a warm lamp for the bedroom", "卧室台灯", "running shoes"]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    home: Path = tmp_path_factory.mktemp("openai") / "shop"
    with running(home) as server:
        yield openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key=server.key, max_retries=0)


def test_the_client_gets_vectors_of_length_one_in_order(client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model="text", input=TEXTS)  # the client asks for base64 by itself
    assert [row.index for row in answer.data] == [0, 1, 2]
    vectors = np.array([row.embedding for row in answer.data])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert answer.model == "text@0" and answer.usage.prompt_tokens == answer.usage.total_tokens > 6
    alone = client.embeddings.create(model=answer.model, input=TEXTS[1])
    assert np.allclose(alone.data[0].embedding, vectors[1], atol=1e-5)


def test_numbers_and_base64_are_the_same(client: openai.OpenAI) -> None:
    numbers = client.embeddings.create(model="text", input=TEXTS, encoding_format="float")
    packed = client.embeddings.create(model="text", input=TEXTS, encoding_format="base64")
    by_default = client.embeddings.create(model="text", input=TEXTS)
    unpacked = [np.frombuffer(__import__("base64").b64decode(row.embedding), "<f4") for row in packed.data]  # type: ignore[arg-type]
    assert np.allclose([row.embedding for row in numbers.data], unpacked, atol=2e-6)
    assert np.allclose([row.embedding for row in by_default.data], unpacked, atol=1e-6)


def test_fewer_dimensions_are_of_length_one_again(client: openai.OpenAI) -> None:
    whole = np.array(client.embeddings.create(model="text", input="lamp").data[0].embedding)
    short = np.array(client.embeddings.create(model="text", input="lamp", dimensions=16).data[0].embedding)
    assert short == pytest.approx(whole[:16] / np.linalg.norm(whole[:16]), abs=1e-5)


def test_what_cannot_be_done_is_the_clients_own_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.embeddings.create(model="text-embedding-3-small", input="lamp")
    assert unknown.value.code == "model_not_found"
    for request in ({"input": ["lamp", " "]}, {"input": "lamp", "dimensions": 5000}, {"input": [[1, 2]]}, {"input": []}):
        with pytest.raises(openai.UnprocessableEntityError):
            client.embeddings.create(model="text", **request)  # type: ignore[arg-type]
