"""/v1/realtime: OpenAI's events for a live voice; one metered answer a turn; what is wrong is told, and too much is refused."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench.voice_sound import babble, silence
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect
from tests.api.conftest import Served
from tests.speech.counting import REGISTRY, Engine

from aisle.access import DEFAULT_TENANT
from aisle.api import create, openai_realtime
from aisle.app import App
from aisle.runtime import streams
from aisle.settings import Settings

WHERE = "/v1/realtime?intent=transcription"
RATE = 16_000
Received = list[dict[str, Any]]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    app = App(Settings(home=str(tmp_path / "shop"), worker=False, streams=2), REGISTRY)
    keys = {scope: app.access.create(DEFAULT_TENANT, scope, [scope])[1] for scope in ("read", "write", "admin")}
    shell = create(app)
    with TestClient(shell) as client:
        client.portal.call(app.runtime.swap, DEFAULT_TENANT, "speech", 3, Engine())  # type: ignore[union-attr]
        yield Served(app, shell, client, keys)


class Voice:
    """A caller."""

    def __init__(self, served: Served, where: str = WHERE) -> None:
        self._connection = served.client.websocket_connect(where, headers={"authorization": f"Bearer {served.keys['read']}"})

    def __enter__(self) -> Voice:
        self.socket = self._connection.__enter__()
        self.created = self.socket.receive_json()
        return self

    def __exit__(self, *error: Any) -> None:
        self._connection.__exit__(*error)

    def send(self, kind: str, **fields: Any) -> None:
        self.socket.send_json({"type": kind, **fields})

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        self.send(kind, **fields)
        return self.socket.receive_json()

    def configure(self, **audio: Any) -> dict[str, Any]:
        """Sound of 16 kHz, and what is said."""
        given = {"format": {"type": "audio/pcm", "rate": RATE}, **audio}
        return self.ask("session.update", session={"type": "transcription", "audio": {"input": given}})

    def say(self, sound: np.ndarray) -> None:
        for part in np.array_split(sound, max(1, len(sound) // 3200)):
            content = (np.clip(part, -1, 1) * 32767).astype("<i2").tobytes()
            self.send("input_audio_buffer.append", audio=base64.b64encode(content).decode())

    def until(self, wanted: str | Callable[[dict[str, Any]], bool]) -> Received:
        """Events up to the first of a type."""
        found: Received = []
        while not found or not (found[-1]["type"] == wanted if isinstance(wanted, str) else wanted(found[-1])):
            found.append(self.socket.receive_json())
        return found


TURN = np.concatenate([silence(1), babble(2), silence(1)])
COMPLETED = "conversation.item.input_audio_transcription.completed"
DELTA = "conversation.item.input_audio_transcription.delta"


def test_a_turn_is_told_from_its_beginning_to_its_words(served: Served) -> None:
    with Voice(served) as voice:
        assert (
            voice.created["type"] == "session.created" and voice.created["session"]["object"] == "realtime.transcription_session"
        )
        assert voice.configure()["session"]["audio"]["input"]["format"]["rate"] == RATE
        voice.say(TURN)
        found = voice.until(COMPLETED)
    kinds = [event["type"].rpartition(".")[2] for event in found if event["type"] != DELTA]
    assert kinds == ["speech_started", "speech_stopped", "committed", "completed"]
    assert len({event["event_id"] for event in found}) == len(found)
    assert {event["item_id"] for event in found} == {found[0]["item_id"]}
    deltas = [event for event in found if event["type"] == DELTA]
    done = found[-1]
    assert done["transcript"].startswith("one two three four")
    assert "".join(event["delta"] for event in deltas) == done["transcript"]
    assert deltas[0]["partial"].startswith("one") and deltas[-1]["partial"] == done["transcript"]
    assert done["usage"] == {"type": "duration", "seconds": done["answer"]["duration"]}
    assert done["answer"]["model"] == "speech@3" and done["answer"]["answer_id"].startswith("ans_")
    assert done["answer"]["alternatives"][1]["text"] == "many"


def test_the_next_turn_is_another_item_and_both_are_metered(served: Served) -> None:
    with Voice(served) as voice:
        voice.configure()
        voice.say(np.concatenate([TURN, TURN]))
        first, second = voice.until(COMPLETED), voice.until(COMPLETED)
    committed = next(event for event in second if event["type"] == "input_audio_buffer.committed")
    assert committed["previous_item_id"] == first[-1]["item_id"] != committed["item_id"]
    (bucket,) = served.app.usage.report(DEFAULT_TENANT, group_by=("task", "operation", "model"))
    (used,) = bucket.results
    assert (used.task, used.operation, used.model, used.num_model_requests) == ("speech", "transcribe", "speech@3", 2)
    assert served.app.runtime.open_streams == 0


def test_without_turn_detection_the_caller_says_when(served: Served) -> None:
    with Voice(served) as voice:
        assert voice.configure(turn_detection=None)["session"]["audio"]["input"]["turn_detection"] is None
        voice.say(silence(2))
        voice.send("input_audio_buffer.commit")
        assert voice.until(COMPLETED)[-1]["transcript"] == "one two three four"
        voice.say(silence(1))
        voice.send("input_audio_buffer.clear")
        voice.until("input_audio_buffer.cleared")
        refused = voice.ask("input_audio_buffer.commit", event_id="mine")
        assert refused["type"] == "error" and refused["error"]["event_id"] == "mine"
        assert "append sound first" in refused["error"]["message"]


def test_the_older_form_of_a_session_is_taken_too(served: Served) -> None:
    with Voice(served) as voice:
        session = {
            "input_audio_format": "g711_ulaw", "turn_detection": None, "input_audio_transcription": {"prompt": "latte oat milk"},
        }  # fmt: skip
        said = voice.ask("transcription_session.update", session=session)
        assert said["type"] == "transcription_session.updated"
        assert said["session"]["audio"]["input"]["format"] == {"type": "audio/pcmu"}
        voice.send("input_audio_buffer.append", audio=base64.b64encode(b"\xff" * 8000).decode())
        voice.send("input_audio_buffer.commit")
        done = voice.until(COMPLETED)[-1]
        assert done["transcript"] == "latte oat milk one two"
        assert done["usage"]["seconds"] == pytest.approx(1, abs=0.01)


def test_only_what_an_update_says_changes(served: Served) -> None:
    with Voice(served) as voice:
        voice.configure(transcription={"language": "de", "keywords": ["latte"]}, turn_detection={"silence_duration_ms": 900})
        said = voice.ask("session.update", session={"type": "transcription"})["session"]["audio"]["input"]
        assert (said["format"]["rate"], said["transcription"]["language"]) == (RATE, "de")
        assert said["turn_detection"]["silence_duration_ms"] == 900


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        ("nonsense", "malformed_request", "not JSON"),
        ("{}", "invalid_request", "there is no event 'None' here: send session.update"),
        ('["type"]', "invalid_request", ""),
        ('{"type":"response.create","event_id":"e1"}', "invalid_request", "there is no event 'response.create'"),
        ('{"type":"input_audio_buffer.append"}', "invalid_request", "missing required field `audio`"),
        ('{"type":"input_audio_buffer.append","audio":"%%%"}', "invalid_request", "base64"),
        ('{"type":"session.update","session":{"type":"realtime"}}', "invalid_request", "the session's type is transcription"),
        ('{"type":"session.update","session":{"audio":{"input":{"format":{"rate":1}}}}}', "invalid_request", "rate"),
        (
            '{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"gpt-5"}}}}}',
            "model_not_found",
            "gpt-5",
        ),
        ('{"type":"session.update","session":{"audio":{"input":{"turn_detection":{"threshold":7}}}}}', "invalid_request", "<= 1"),
        ('{"type":' + "[" * 100_000, "malformed_request", ""),
        ("[" * 100_000, "invalid_request", "object"),
    ],
)
def test_what_is_wrong_is_told_and_the_session_goes_on(served: Served, message: str, code: str, words: str) -> None:
    with Voice(served) as voice:
        voice.socket.send_text(message)
        said = voice.socket.receive_json()
        assert (said["type"], said["error"]["code"]) == ("error", code)
        assert words in said["error"]["message"]
        assert said["error"]["event_id"] == ("e1" if "e1" in message else None)
        voice.configure()
        voice.say(TURN)
        assert voice.until(COMPLETED)[-1]["transcript"]


def test_binary_messages_are_told_where_sound_goes(served: Served) -> None:
    with Voice(served) as voice:
        voice.socket.send_bytes(b"\x00\x01")
        assert "base64" in voice.socket.receive_json()["error"]["message"]


def test_odd_bytes_extreme_samples_and_random_ones_break_nothing(served: Served) -> None:
    draw = np.random.default_rng(0)
    with Voice(served) as voice:
        voice.configure()
        for content in (b"\x01", b"", draw.bytes(10_001), b"\xff\x7f" * 8_000, b"\x00\x80" * 8_000):
            voice.send("input_audio_buffer.append", audio=base64.b64encode(content).decode())
        voice.say(np.concatenate([silence(1.5), TURN]))
        assert voice.until(COMPLETED)[-1]["transcript"]


def test_who_may_not_is_told_over_http(served: Served) -> None:
    headers = {"authorization": f"Bearer {served.keys['read']}"}
    for where, more, status in (
        (WHERE, {}, 401),
        (WHERE, {"headers": {"authorization": f"Bearer {served.keys['write']}"}}, 403),
        ("/v1/realtime?intent=conversation", {"headers": headers}, 422),
        (WHERE + "&model=gpt-5", {"headers": headers}, 404),
    ):
        with pytest.raises(WebSocketDenialResponse) as refused, served.client.websocket_connect(where, **more):
            pass
        assert refused.value.status_code == status
    assert served.ask("GET", "/v1/realtime").status_code == 426


def test_names_of_models_that_openais_programs_ask_for_are_taken(served: Served) -> None:
    for name in ("speech", "whisper-1", "gpt-4o-transcribe"):
        with Voice(served, f"{WHERE}&model={name}") as voice:
            assert voice.created["type"] == "session.created"


def test_one_voice_more_than_may_be_is_shed_cleanly_and_the_others_go_on(served: Served) -> None:
    with Voice(served) as one, Voice(served) as two, Voice(served) as three:
        for voice in (one, two, three):
            voice.configure()
        one.say(silence(0.4))
        two.say(silence(0.4))
        one.ask("session.update", session={})
        two.ask("session.update", session={})  # both have been heard now
        three.say(silence(0.2))
        assert three.socket.receive_json()["error"]["code"] == "overloaded"
        with pytest.raises(WebSocketDisconnect) as closed:
            three.socket.receive_json()
        assert (closed.value.code, closed.value.reason) == (1013, "overloaded")
        one.say(TURN)
        assert one.until(COMPLETED)[-1]["transcript"]


def test_a_voice_the_model_cannot_keep_up_with_is_told_so(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PATIENCE", 0.2)
    go_on = threading.Event()
    served.client.portal.call(  # type: ignore[union-attr]
        served.app.runtime.swap, DEFAULT_TENANT, "speech", 4, Engine(lambda: go_on.wait(5))
    )
    with Voice(served) as voice:
        voice.configure(turn_detection=None)
        voice.say(silence(0.2))
        said = voice.socket.receive_json()
        go_on.set()
        assert said["error"]["code"] == "overloaded" and "does not keep up" in said["error"]["message"]
        with pytest.raises(WebSocketDisconnect) as closed:
            voice.socket.receive_json()
        assert closed.value.code == 1013
    assert served.app.runtime.open_streams == 0


def test_a_voice_that_is_heard_ever_further_behind_is_shed_though_each_part_is_in_time(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_realtime, "LAG", 0.5)
    served.client.portal.call(  # type: ignore[union-attr]
        served.app.runtime.swap, DEFAULT_TENANT, "speech", 4, Engine(lambda: time.sleep(0.3))
    )
    with Voice(served) as voice:
        voice.configure(turn_detection=None)
        voice.say(silence(2))
        found = voice.until("error")
        assert found[-1]["error"]["code"] == "overloaded" and "behind its speaker" in found[-1]["error"]["message"]
        assert 2 <= sum(event["type"] == DELTA for event in found) <= 8, "it was heard until then"


def test_a_revoked_key_ends_the_session_with_its_turn(served: Served) -> None:
    with Voice(served) as voice:
        voice.configure()
        voice.say(TURN[: 2 * RATE])
        key = next(key for key in served.app.access.list(DEFAULT_TENANT)[0] if key.name == "read")
        served.app.access.revoke(DEFAULT_TENANT, key.id)
        voice.say(TURN[2 * RATE :])
        found = voice.until("error")
        assert found[-2]["type"] == COMPLETED and found[-1]["error"]["code"] == "invalid_api_key"
        with pytest.raises(WebSocketDisconnect) as closed:
            voice.socket.receive_json()
        assert closed.value.code == 1008


def test_a_newer_model_takes_over_between_turns(served: Served) -> None:
    with Voice(served) as voice:
        voice.configure()
        voice.say(TURN)
        assert voice.until(COMPLETED)[-1]["answer"]["model"] == "speech@3"
        swapped = served.client.portal.start_task_soon(  # type: ignore[union-attr]
            served.app.runtime.swap, DEFAULT_TENANT, "speech", 4, Engine()
        )
        voice.say(np.concatenate([silence(0.5), TURN]))
        assert voice.until(COMPLETED)[-1]["answer"]["model"] == "speech@4"
        swapped.result(10)
