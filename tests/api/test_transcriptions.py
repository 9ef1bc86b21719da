"""/v1/audio/transcriptions, asked with OpenAI's own Python package, unchanged, over a real connection."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from bench.voice_sound import babble, silence
from tests.speech.serving import serving

from aisle.access import DEFAULT_TENANT
from aisle.api import openai_transcripts
from aisle.api.openai_transcripts import Said, Spoken
from aisle.app import App
from aisle.kit import audio

SOUND = np.zeros(32_000, np.float32)  # counted, not heard: four half seconds


@dataclass
class Served:
    app: App
    url: str
    key: str
    client: openai.OpenAI


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("voices") / "shop") as (app, url):
        key = app.access.create(DEFAULT_TENANT, "test", ["read"])[1]
        with openai.OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0) as client:
            yield Served(app, url, key, client)


def wav(sound: np.ndarray = SOUND) -> io.BytesIO:
    file = io.BytesIO(audio.to_wav(sound))
    file.name = "order.wav"
    return file


def ask(served: Served, **more: Any) -> Any:
    return served.client.audio.transcriptions.create(**{"file": wav(), "model": "whisper-1", **more})


def test_json_is_the_text_and_how_long_it_was(served: Served) -> None:
    said = ask(served)
    assert said.text == "one two three four"
    assert (said.usage.type, said.usage.seconds) == ("duration", 2.0)


def test_verbose_json_has_words_and_segments_with_times_in_seconds(served: Served) -> None:
    said = ask(served, response_format="verbose_json", timestamp_granularities=["word", "segment"], language="de")
    assert (said.language, said.duration, said.text) == ("german", 2.0, "one two three four")
    assert [(word.word, word.start, word.end) for word in said.words][:2] == [("one", 0.0, 0.5), ("two", 0.5, 1.0)]
    (segment,) = said.segments
    assert (segment.id, segment.start, segment.end, segment.text) == (0, 0.0, 2.0, "one two three four")
    assert segment.avg_logprob == pytest.approx(np.log(0.9)) and 0 < segment.compression_ratio < 1
    only = ask(served, response_format="verbose_json")
    assert only.words is None and len(only.segments) == 1


def test_text_and_subtitles(served: Served) -> None:
    assert ask(served, response_format="text") == "one two three four\n"
    assert ask(served, response_format="srt") == "1\n00:00:00,000 --> 00:00:02,000\none two three four\n"
    assert ask(served, response_format="vtt") == "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\none two three four\n"


def test_hints_come_from_the_prompt_and_from_keywords(served: Served) -> None:
    assert ask(served, prompt="latte oat milk").text == "latte oat milk one two three four"
    assert ask(served, extra_body={"keywords": ["flat white"]}).text == "flat white one two three four"


def test_a_stream_tells_the_text_as_it_is_heard_and_then_the_whole(served: Served) -> None:
    events = list(ask(served, file=wav(np.zeros(64_000, np.float32)), stream=True))
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    assert deltas == ["one two", " three four", " five six", " seven eight"]
    assert events[-1].type == "transcript.text.done" and events[-1].text == "".join(deltas)
    assert served.app.runtime.open_streams == 0


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"model": "gpt-5"}, openai.NotFoundError, "there is no model 'gpt-5'"),
        ({"file": ("x.wav", b"")}, openai.UnprocessableEntityError, "empty"),
        ({"file": ("x.wav", b"<html>")}, openai.APIStatusError, "no sound"),
        ({"file": ("x.wav", b"<html>"), "stream": True}, openai.APIStatusError, "no sound"),
        ({"response_format": "diarized_json"}, openai.UnprocessableEntityError, "verbose_json"),
        ({"timestamp_granularities": ["word"]}, openai.UnprocessableEntityError, "verbose_json"),
        ({"timestamp_granularities": ["page"], "response_format": "verbose_json"}, openai.UnprocessableEntityError, "word"),
        ({"temperature": 0.7}, openai.UnprocessableEntityError, "temperature is 0"),
        ({"stream": True, "response_format": "srt"}, openai.UnprocessableEntityError, "json or text"),
        ({"include": ["logprobs"]}, openai.UnprocessableEntityError, "verbose_json"),
    ],
)
def test_what_is_not_possible_is_said(served: Served, more: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        ask(served, **more)


def header(rate: int = 16_000, channels: int = 1, bits: int = 16, form: int = 1, size: int = 3_200) -> bytes:
    """A WAV file whose header says what it likes, with 0.1 s of silence behind it."""
    block = channels * bits // 8 & 0xFFFF
    fields = struct.pack("<HHIIHH", form, channels, rate, rate * block & 0xFFFFFFFF, block, bits)
    return (
        b"RIFF" + struct.pack("<I", 36 + size & 0xFFFFFFFF) + b"WAVEfmt \x10\0\0\0" + fields + b"data" + struct.pack("<I", size)
    )


BROKEN = {
    "4 GHz": (header(rate=4_000_000_000) + bytes(3_200), 422),
    "60,000 channels": (header(channels=60_000) + bytes(3_200), 422),
    "no samples": (header(size=0), 422),
    "NaN": (header(bits=32, form=3) + np.full(800, np.nan, "<f4").tobytes(), 422),
    "cut off in its header": (header()[:30], 422),
    "random bytes that begin like a FLAC": (b"fLaC" + np.random.default_rng(0).bytes(5_000), 422),
    "a day, its header says": (header(size=0xFFFFFF00) + bytes(3_200), 200),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_recordings_are_refused_and_the_next_one_is_answered(served: Served, name: str) -> None:
    content, expected = BROKEN[name]
    for more in ({}, {"stream": "true"}):
        files, form = {"file": ("x.wav", content)}, {"model": "speech", **more}
        headers = {"authorization": f"Bearer {served.key}"}
        answer = httpx.post(f"{served.url}/v1/audio/transcriptions", files=files, data=form, headers=headers)
        assert answer.status_code in (expected, 413), (name, answer.text)
        assert answer.status_code == 200 or answer.json()["error"]["message"]
    assert ask(served).text == "one two three four"


def test_an_hour_of_silence_in_a_small_file_is_refused_before_it_is_decoded(served: Served) -> None:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="flac") as out:
        stream = out.add_stream("flac", rate=8_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8_000 * 60), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8_000
        for minute in range(60):
            frame.pts = minute * 8_000 * 60
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert len(file.getvalue()) < 1_000_000
    for more in ({}, {"stream": True}):
        with pytest.raises(openai.APIStatusError, match="longer than") as refused:
            ask(served, file=("hour.flac", file.getvalue()), **more)
        assert refused.value.status_code == 413


def test_translations_are_refused_clearly(served: Served) -> None:
    with pytest.raises(openai.APIStatusError, match="nothing is translated here"):
        served.client.audio.translations.create(file=wav(), model="whisper-1")


def test_it_is_a_form_and_needs_a_key(served: Served) -> None:
    where = f"{served.url}/v1/audio/transcriptions"
    assert httpx.post(where, files={"file": ("x.wav", b"x")}, data={"model": "speech"}).status_code == 401
    headers = {"authorization": f"Bearer {served.key}"}
    assert httpx.post(where, json={"file": "x"}, headers=headers).status_code == 415
    assert httpx.post(where, data={"model": "speech", "file": "x"}, headers=headers).status_code in (415, 422)
    assert httpx.post(where, files={"file": ("x.wav", b"x")}, headers=headers).status_code == 422  # no model


def test_openais_realtime_client_hears_a_turn(served: Served) -> None:
    with served.client.realtime.connect(model="gpt-4o-transcribe", extra_query={"intent": "transcription"}) as voice:
        assert voice.recv().type == "session.created"
        format_: Any = {"type": "audio/pcm", "rate": 16_000}
        voice.session.update(session={"type": "transcription", "audio": {"input": {"format": format_}}})
        assert voice.recv().type == "session.updated"
        sound = np.concatenate([silence(0.5), babble(2), silence(1)])
        for part in np.array_split(sound, 20):
            voice.input_audio_buffer.append(audio=base64.b64encode((part * 32767).astype("<i2").tobytes()).decode())
        kinds, transcript = [], None
        for event in voice:
            kinds.append(event.type)
            if event.type == "conversation.item.input_audio_transcription.completed":
                transcript = event.transcript
                assert event.usage.type == "duration"
                break
    assert kinds[0] == "input_audio_buffer.speech_started" and transcript is not None and transcript.startswith("one two")


def test_segments_end_at_pauses_sentences_and_ten_seconds() -> None:
    words = [Spoken(f"w{k}", k * 0.5, k * 0.5 + 0.5, 1.0) for k in range(40)]
    long = openai_transcripts.segments(Said("", 20.0, words))
    assert all(one.end - one.start <= 10 for one in long) and len(long) == 2
    said = [Spoken("Hello.", 0, 1, 1.0), Spoken("A", 1, 1.2, 1.0), Spoken("latte", 3, 3.5, 1.0)]
    assert [one.text for one in openai_transcripts.segments(Said("", 4.0, said))] == ["Hello.", "A", "latte"]
    assert openai_transcripts.segments(Said("", 1.0)) == []
    assert openai_transcripts.segments(Said("x", 1.0))[0].end == 1.0


def test_subtitles_cannot_be_broken_out_of() -> None:
    said = Said("", 2.0, [Spoken("<b>\n\n00:00 --> 00:01 &", 0, 3_661.5, 1.0)])
    assert openai_transcripts.vtt(said) == "WEBVTT\n\n00:00:00.000 --> 01:01:01.500\n&lt;b&gt; 00:00 -&gt; 00:01 &amp;\n"
    assert "--> 00:01 " not in openai_transcripts.srt(said)
