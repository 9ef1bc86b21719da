"""Sound from strangers: every format is read alike, and nothing is decoded that should not be."""

from __future__ import annotations

import io
import struct

import av
import numpy as np
import pytest

from aisle.errors import AisleError, BadInput, TooLarge, Unsupported
from aisle.kit import audio

FORMATS = {  # name: (container, codec, rate)
    "wav": ("wav", "pcm_s16le", 22_050),
    "float wav": ("wav", "pcm_f32le", 48_000),
    "flac": ("flac", "flac", 44_100),
    "mp3": ("mp3", "libmp3lame", 44_100),
    "ogg opus": ("ogg", "libopus", 48_000),
    "webm": ("webm", "libopus", 48_000),
    "m4a": ("mp4", "aac", 44_100),
}


def tone(seconds: float = 1.0, hertz: float = 440.0, rate: int = 16_000) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def written(samples: np.ndarray, container: str, codec: str, rate: int, layout: str = "mono") -> bytes:
    """A file with the given samples (of `rate`) in every channel."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout=layout)
        size = stream.codec_context.frame_size or 4096
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate, frame_size=size)
        frame = av.AudioFrame.from_ndarray(samples[None], "fltp", "mono")
        frame.sample_rate = rate
        for given in (frame, None):
            for made in resampler.resample(given):
                for packet in stream.encode(made):
                    out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_sound(name: str) -> None:
    container, codec, rate = FORMATS[name]
    heard = audio.decode(written(tone(rate=rate), container, codec, rate))
    assert heard.dtype == np.float32
    assert abs(audio.seconds(heard) - 1.0) < 0.1
    spectrum = np.abs(np.fft.rfft(heard[2000:14_000] * np.hanning(12_000)))
    assert abs(spectrum.argmax() * 16_000 / 12_000 - 440) < 3
    assert abs(audio.level(heard[2000:14_000]).rms - audio.level(tone()).rms) < 0.5


def test_channels_are_mixed() -> None:
    heard = audio.decode(written(tone(rate=48_000), "wav", "pcm_s16le", 48_000, "stereo"))
    assert abs(audio.level(heard[2000:14_000]).rms - audio.level(tone()).rms) < 0.5


def test_what_was_written_is_read() -> None:
    samples = tone(0.3)
    assert np.allclose(audio.decode(audio.to_wav(samples)), samples, atol=1e-4)
    assert np.allclose(audio.from_pcm16((samples * 32767).round().astype("<i2").tobytes()), samples, atol=1e-4)


def header(
    rate: int = 16_000, channels: int = 1, claimed: int | None = None, data: bytes = bytes(3200), form: int = 1, bits: int = 16
) -> bytes:
    size = len(data) if claimed is None else claimed
    block = channels * bits // 8
    form_chunk = struct.pack(
        "<HHIIHH", form, channels & 0xFFFF, rate & 0xFFFFFFFF, rate * block & 0xFFFFFFFF, block & 0xFFFF, bits
    )
    return (
        b"RIFF"
        + struct.pack("<I", (36 + size) & 0xFFFFFFFF)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form_chunk
        + b"data"
        + struct.pack("<I", size)
        + data
    )


def test_a_long_silence_in_few_bytes_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = written(np.zeros(16_000 * 700, np.float32), "flac", "flac", 16_000)
    assert len(bomb) < 200_000
    monkeypatch.setattr(audio, "frames", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(TooLarge, match="longer than 600 seconds"):
        audio.decode(bomb)


def test_what_has_no_length_in_its_header_is_counted() -> None:
    parts = (np.zeros(1600, np.float32) for _ in range(10**9))
    with pytest.raises(TooLarge):
        audio.gathered(parts, audio.Limits(seconds=2))


@pytest.mark.parametrize(
    "content, error",
    [
        (b"", BadInput),
        (b"no sound at all", Unsupported),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), Unsupported),
        (b"#EXTM3U\nfile:///etc/passwd", Unsupported),
        (b"RIFF\x00\x00\x00\x00WAVE", BadInput),
        (b"OggS" + bytes(200), BadInput),
        (b"fLaC" + bytes(200), BadInput),
        (b"ID3" + bytes(200), BadInput),
        (b"\x1a\x45\xdf\xa3" + bytes(200), BadInput),
        (b"\x00\x00\x00\x20ftypM4A " + bytes(200), BadInput),
        (header(rate=4_000_000_000), BadInput),
        (header(rate=100), BadInput),
        (header(channels=60_000), BadInput),
        (header(channels=0), BadInput),
        (header(data=b""), BadInput),
        (header(claimed=2**32 - 100, data=b""), BadInput),
        (header(data=np.full(1600, np.nan, "<f4").tobytes(), form=3, bits=32), BadInput),
        (header(data=np.full(1600, np.inf, "<f4").tobytes(), form=3, bits=32), BadInput),
    ],
)
def test_bad_files_are_our_errors(content: bytes, error: type[AisleError]) -> None:
    with pytest.raises(error):
        audio.decode(content)


def test_a_lying_length_and_a_cut_off_file_give_what_is_there() -> None:
    whole = header(data=(tone(0.5) * 32767).astype("<i2").tobytes())
    assert len(audio.decode(whole)) == 8000
    assert len(audio.decode(whole[: len(whole) // 2])) == pytest.approx(4000, abs=50)
    assert len(audio.decode(header(claimed=20_000, data=(tone(0.5) * 32767).astype("<i2").tobytes()))) == 8000
    opus = written(tone(3, rate=48_000), "ogg", "libopus", 48_000)
    assert 0.5 < audio.seconds(audio.decode(opus[: len(opus) // 2])) < 2.5


def test_random_bytes_behind_every_magic_never_escape() -> None:
    rng = np.random.default_rng(0)
    for magic in (
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"fLaC",
        b"OggS",
        b"\x1a\x45\xdf\xa3",
        b"\x00\x00\x00\x20ftypM4A ",
        b"ID3\x04",
        b"\xff\xfb\x90\x64",
    ):
        for _ in range(20):
            try:
                audio.decode(magic + rng.bytes(600))
            except BadInput:
                continue


def test_too_many_bytes_are_not_looked_at() -> None:
    with pytest.raises(TooLarge, match="at most"):
        audio.decode(b"RIFF" + bytes(50), audio.Limits(bytes=10))
