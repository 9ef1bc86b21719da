"""Sound from strangers, made safe: a file's bytes to 16 kHz mono samples in named steps, each with its limit.

What may be decoded is a list (wav, flac, mp3, ogg, webm, m4a), told by the bytes and never by a name: FFmpeg is handed the
format, so its demuxers that open other files are out of reach. Rate, channels and length are judged from the header before
anything is decoded, and counted again while decoding, since headers lie. PyAV (FFmpeg) is imported where it is used.
"""

from __future__ import annotations

import contextlib
import functools
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aisle.errors import BadInput, Misconfigured, TooLarge, Unsupported

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

RATE = 16_000  # Hz, of everything after decoding
FORMATS = "wav, flac, mp3, ogg (Opus, Vorbis), webm and m4a"
CODECS = ("pcm_", "adpcm_ms", "adpcm_ima_wav", "flac", "mp3", "opus", "vorbis", "aac", "alac")
Samples = NDArray[np.float32]  # (samples,) mono, 16 kHz, full scale is 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What is decoded at all."""

    bytes: int = 26_214_400  # 25 MB, as OpenAI's transcription
    seconds: float = 600.0
    lowest_rate: int = 8_000  # Hz
    highest_rate: int = 192_000
    channels: int = 8


@dataclass(frozen=True, slots=True)
class Level:
    """How loud a recording is, in dB below full scale, and how much of it is cut off."""

    peak: float
    rms: float
    clipped: float  # share of samples at full scale


USUAL = Limits()


def decode(content: bytes, limits: Limits = USUAL) -> Samples:
    """The sound in these bytes: mono, 16 kHz, float32.

    Raises Unsupported (415) for what is no sound of FORMATS, TooLarge (413) for too long or too large, BadInput (422) for a
    broken file, NaN samples, or a rate or number of channels that no microphone has.
    """
    if not content:
        raise BadInput(f"the recording is empty: send the bytes of a {FORMATS} file", param="/audio")
    if len(content) > limits.bytes:
        raise TooLarge(f"the recording has {len(content):,} bytes: at most {limits.bytes:,} are read", param="/audio")
    name = format_of(content)
    with opened(content, name) as (container, stream):
        judge(container, stream, limits)
        samples = finite(gathered(resampled(frames(container, stream), stream), limits))
    if not len(samples):
        raise BadInput("there is not one sample of sound in the recording", param="/audio")
    return samples


def format_of(content: bytes) -> str:
    """FFmpeg's name of the format, told by the first bytes. Raises Unsupported."""
    head = content[:64]
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[4:8] == b"ftyp":
        return "mov"
    if head[:4] in _MAGIC:
        return _MAGIC[head[:4]]
    if head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06):
        return "mp3"
    raise Unsupported(f"these bytes are no sound that is read here: send {FORMATS}", param="/audio")


_MAGIC = {b"fLaC": "flac", b"OggS": "ogg", b"\x1a\x45\xdf\xa3": "matroska"}


@contextlib.contextmanager
def opened(content: bytes, name: str) -> Iterator[tuple[InputContainer, AudioStream]]:
    """The file's header; nothing is decoded yet. FFmpeg's errors, also those of decoding inside the block, become BadInput."""
    try:
        import av
    except ImportError:
        raise Misconfigured("reading sound needs PyAV: pip install av") from None
    try:
        with av.open(io.BytesIO(content), "r", format=name, metadata_errors="replace") as container:
            if not container.streams.audio:
                raise BadInput("there is no sound in the file", param="/audio")
            yield container, container.streams.audio[0]
    except (av.error.FFmpegError, ValueError, OverflowError, MemoryError, IndexError, TypeError) as error:
        raise BadInput(f"the recording cannot be read: it is broken or cut off ({_brief(error)})", param="/audio") from None


def judge(container: InputContainer, stream: AudioStream, limits: Limits) -> None:
    """Refuse by what the header says: codec, rate, channels, length."""
    context = stream.codec_context
    if not context.name.startswith(CODECS):
        raise Unsupported(f"sound coded as {context.name} is not read here: send {FORMATS}", param="/audio")
    rate, channels = int(context.sample_rate or 0), int(context.channels or 0)
    if not limits.lowest_rate <= rate <= limits.highest_rate:
        raise BadInput(f"{rate:,} samples a second: {limits.lowest_rate:,} to {limits.highest_rate:,} are read", param="/audio")
    if not 1 <= channels <= limits.channels:
        raise BadInput(f"{channels:,} channels: 1 to {limits.channels} are read", param="/audio")
    seconds = length_of(container, stream)
    if seconds > limits.seconds:
        raise _too_long(limits)


def length_of(container: InputContainer, stream: AudioStream) -> float:
    """The longest that the header claims, in seconds; 0 where it says nothing (browsers write webm that way)."""
    claims = [float(container.duration or 0) / 1e6, float((stream.duration or 0) * (stream.time_base or 0))]
    return max(claim for claim in claims if math.isfinite(claim))


def frames(container: InputContainer, stream: AudioStream) -> Iterator[Any]:
    """Decoded frames. A broken end is an end: what was heard before it counts."""
    import av

    heard = False
    try:
        for frame in container.decode(stream):
            yield frame
            heard = True
    except av.error.FFmpegError:
        if not heard:
            raise


def resampled(source: Iterator[Any], stream: AudioStream) -> Iterator[Samples]:
    """Mono, 16 kHz, float32 (FFmpeg's resampler, channels mixed with equal power)."""
    from av.audio.resampler import AudioResampler

    resampler = AudioResampler(format="flt", layout="mono", rate=RATE)
    for frame in source:
        frame.pts = None
        for made in resampler.resample(frame):
            yield made.to_ndarray()[0]
    for made in resampler.resample(None):
        yield made.to_ndarray()[0]


def gathered(parts: Iterator[Samples], limits: Limits) -> Samples:
    """One array, given up as soon as it is longer than allowed, whatever the header said."""
    most, had, kept = round(limits.seconds * RATE), 0, []
    for part in parts:
        had += len(part)
        if had > most + RATE // 10:
            raise _too_long(limits)
        kept.append(part)
    return np.concatenate(kept).astype(np.float32, copy=False) if kept else np.zeros(0, np.float32)


def finite(samples: Samples) -> Samples:
    """Raises BadInput where samples are not numbers; what is louder than full scale is cut to it."""
    if not np.isfinite(samples).all():
        raise BadInput("the recording holds samples that are not numbers (NaN or infinite)", param="/audio")
    return np.clip(samples, -1.0, 1.0)


def from_pcm16(content: bytes, rate: int = RATE) -> Samples:
    """Raw 16-bit little-endian mono samples, as browsers stream them, at 16 kHz. Raises BadInput for an odd number of bytes."""
    if len(content) % 2:
        raise BadInput("16-bit samples come in pairs of bytes", param="/audio")
    return resample(np.frombuffer(content, "<i2").astype(np.float32) / np.float32(32768), rate)


def resample(samples: Samples, rate: int) -> Samples:
    """Samples of any rate at 16 kHz (polyphase filter). `rate` in Hz."""
    from scipy.signal import resample_poly

    if rate == RATE:
        return samples
    common = math.gcd(RATE, rate)
    return np.asarray(resample_poly(samples, RATE // common, rate // common), np.float32)


class Live:
    """Raw sound of one channel that comes in parts: 16-bit little-endian ("pcm") or G.711 ("pcmu", "pcma"), to 16 kHz floats.

    Parts need not end at whole samples; the resampler (FFmpeg's) carries on across them, a millisecond behind.
    """

    def __init__(self, coding: str = "pcm", rate: int = RATE) -> None:
        self._coding, self._rate = coding, rate
        self._odd = b""
        self._resampler: Any = None
        if rate != RATE:
            from av.audio.resampler import AudioResampler

            self._resampler = AudioResampler(format="flt", layout="mono", rate=RATE)

    def push(self, part: bytes) -> Samples:
        """What these bytes add."""
        samples = self._read(part)
        if self._resampler is None or not len(samples):
            return samples.astype(np.float32) / np.float32(32768)
        from av.audio.frame import AudioFrame

        frame = AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = self._rate, None
        made = [one.to_ndarray()[0] for one in self._resampler.resample(frame)]
        return np.concatenate(made) if made else np.zeros(0, np.float32)

    def _read(self, part: bytes) -> NDArray[np.int16]:
        if self._coding != "pcm":
            return g711(self._coding)[np.frombuffer(part, np.uint8)]
        part = self._odd + part
        whole = len(part) // 2 * 2
        self._odd = part[whole:]
        return np.frombuffer(part[:whole], "<i2").astype(np.int16)


@functools.cache
def g711(law: str) -> NDArray[np.int16]:
    """The sample that each of the 256 bytes of ITU-T G.711 stands for: µ-law ("pcmu") or A-law ("pcma")."""
    code = np.arange(256)
    if law == "pcmu":
        inverted = ~code & 0xFF
        size = (((inverted & 0x0F) << 3) + 0x84 << (inverted >> 4 & 7)) - 0x84
        return np.where(inverted & 0x80, -size, size).astype(np.int16)
    toggled = code ^ 0x55
    segment, step = toggled >> 4 & 7, (toggled & 0x0F) << 4
    size = np.where(segment == 0, step + 8, (step + 0x108) << np.maximum(segment - 1, 0))
    return np.where(toggled & 0x80, size, -size).astype(np.int16)


def to_wav(samples: Samples) -> bytes:
    """A 16-bit WAV file at 16 kHz."""
    import wave

    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((np.clip(samples, -1, 1) * 32767).round().astype("<i2").tobytes())
    return file.getvalue()


def level(samples: Samples) -> Level:
    """Loudness of a recording; silence is -200 dB."""
    size = np.abs(samples)
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
    clipped = float((size >= 0.999).mean()) if len(samples) else 0.0
    return Level(_decibels(float(size.max(initial=0.0))), _decibels(rms), clipped)


def seconds(samples: Samples) -> float:
    return len(samples) / RATE


def _decibels(amplitude: float) -> float:
    return 20 * math.log10(max(amplitude, 1e-10))


def _too_long(limits: Limits) -> TooLarge:
    return TooLarge(f"the recording is longer than {limits.seconds:g} seconds: send it in parts", param="/audio")


def _brief(error: BaseException) -> str:
    return (str(error).splitlines() or ["?"])[0][:120]
