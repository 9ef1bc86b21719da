"""Live sound: parts of any length come to the same samples as the whole, at every rate and in every format."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from aisle.kit import audio

TONE = np.sin(np.arange(24_000) / 24_000 * 2 * np.pi * 440)


def raw(tone: np.ndarray = TONE) -> bytes:
    return (tone * 20_000).round().astype("<i2").tobytes()


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 48_000])
@pytest.mark.parametrize("size", [1, 333, 4801])
def test_parts_come_to_what_the_whole_comes_to(rate: int, size: int) -> None:
    content = raw()[: 8_000 if size == 1 else None]
    live, whole = audio.Live("pcm", rate), audio.Live("pcm", rate)
    parts = [live.push(content[at : at + size]) for at in range(0, len(content), size)]
    assert np.allclose(np.concatenate(parts), whole.push(content), atol=1e-4)
    assert sum(map(len, parts)) == pytest.approx(len(content) / 2 * 16_000 / rate, abs=40)


def test_a_tone_stays_the_tone_it_is() -> None:
    sound = audio.Live("pcm", 24_000).push(raw())
    expected = np.sin(np.arange(len(sound)) / 16_000 * 2 * np.pi * 440) * 20_000 / 32_768
    assert np.abs(sound[200:-200] - expected[200:-200]).max() < 0.01


@pytest.mark.parametrize(("law", "codec"), [("pcmu", "pcm_mulaw"), ("pcma", "pcm_alaw")])
def test_every_byte_of_g711_is_what_ffmpeg_makes_of_it(law: str, codec: str) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="wav") as out:
        stream = out.add_stream(codec, rate=8_000, layout="mono")
        packet = av.Packet(bytes(range(256)))
        packet.stream, packet.pts, packet.dts, packet.time_base = stream, 0, 0, Fraction(1, 8_000)
        out.mux(packet)
    with av.open(io.BytesIO(file.getvalue())) as back:
        decoded = np.concatenate([frame.to_ndarray()[0] for frame in back.decode(audio=0)])
    assert np.array_equal(decoded[:256], audio.g711(law))
