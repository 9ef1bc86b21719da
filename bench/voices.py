"""Live voices over /v1/realtime in real time: time to the first text and to the answer, losses, and where the server sheds.

    python -m bench voices [--voices 1 10 25 50] [--clips 2] [--home FOLDER] [--sounds ZIP] [--json]

Serves the shop's folder (an empty one: the recogniser that comes with Aisle), then lets so many callers speak at once, each with
clips of its own in parts of 60 ms, as fast as one speaks. The first text is timed from where speech begins in the clip (Silero's
detector over the whole clip), the answer from where it ends; 500 ms of silence, by which an end is known, are part of that. The
callers run in this process, on the same cores.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from bench.shared_data import SPEECH
from bench.voice_sound import babble, silence
from numpy.typing import NDArray
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from aisle.access import DEFAULT_TENANT
from aisle.embedded import Shop
from aisle.kit import audio
from aisle.tasks.speech import vad

RATE = 16_000
PART = 960  # samples: 60 ms
QUIET = 1.3  # seconds after a clip
COMPLETED = "conversation.item.input_audio_transcription.completed"
DELTA = "conversation.item.input_audio_transcription.delta"
TARGET_MS = 300


@dataclass
class Clip:
    """A recording with where its speech begins and ends, in seconds."""

    sound: NDArray[np.float32]
    begins: float
    ends: float


@dataclass
class Caller:
    """What one caller saw, in seconds."""

    first: list[float] = field(default_factory=list)  # from the beginning of speech to the first text
    answer: list[float] = field(default_factory=list)  # from the end of speech to the answer
    texts: int = 0
    shed: str = ""  # why it was refused or ended


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", type=int, nargs="+", default=[1, 10, 25, 50])
    parser.add_argument("--clips", type=int, default=2)
    parser.add_argument("--home", default="")
    parser.add_argument("--sounds", default=str(SPEECH / "picovoice-barista" / "clean-opus.zip"))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    clips = clips_of(Path(given.sounds), 40)
    with served(given.home) as (url, key, process):
        rows = [measured(url, key, process, clips, voices, given.clips) for voices in given.voices]
    if given.json:
        print(json.dumps(rows))
        return
    print(f"{len(clips)} clips; target: first text within {TARGET_MS} ms of the beginning of speech")
    for row in rows:
        print(f"{row['voices']:4d} voices: first text p50 {row['first_p50']:.0f} ms, p95 {row['first_p95']:.0f} ms; answer p50 "
              f"{row['answer_p50']:.0f} ms, p95 {row['answer_p95']:.0f} ms; {row['answers']} of {row['expected']} answers, "
              f"{row['shed']} callers shed; {row['cores']:.2f} cores, {row['rtf']:.3f} of them a second of sound")  # fmt: skip


def clips_of(path: Path, most: int) -> list[Clip]:
    """Recordings of people where there are any, else a voice of pulses (which no recogniser understands)."""
    if not path.exists():
        return [_clip(np.concatenate([silence(0.5), babble(2.5, seed), silence(0.3)])) for seed in range(8)]
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith((".opus", ".wav", ".flac")))[:most]
        found = [_clip(audio.decode(archive.read(name))) for name in names]
    return [clip for clip in found if clip.ends > clip.begins]


def _clip(sound: NDArray[np.float32]) -> Clip:
    spans = vad.raw_spans(vad.probabilities(sound), vad.Rules())
    return Clip(sound, spans[0].start / RATE, spans[-1].end / RATE) if spans else Clip(sound, 0.0, 0.0)


@contextlib.contextmanager
def served(home: str) -> Iterator[tuple[str, str, psutil.Process]]:
    """`aisle serve` on a free port: its address, a key, the process."""
    with tempfile.TemporaryDirectory() as made:
        folder = home or f"{made}/shop"
        with Shop(folder, worker=False) as shop:
            key = shop.app.access.create(DEFAULT_TENANT, "voices", ["read"])[1]
        command = [sys.executable, "-m", "aisle", "--home", folder, "serve", "--port", "0"]
        environment = {**os.environ, "AISLE_WORKER": "false", "AISLE_STREAMS": "1000", "OMP_NUM_THREADS": "1"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            url = next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
            _until_ready(url)
            try:
                yield url, key, psutil.Process(process.pid)
            finally:
                process.terminate()


def _until_ready(url: str) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            if urllib.request.urlopen(f"{url}/readyz").status == 200:
                return
        time.sleep(0.1)
    raise SystemExit("the server does not become ready")


def measured(url: str, key: str, process: psutil.Process, clips: list[Clip], voices: int, each: int) -> dict[str, Any]:
    """So many callers at once."""
    before, began = process.cpu_times(), time.perf_counter()
    callers = asyncio.run(_all(url.replace("http", "ws"), key, clips, voices, each))
    took, after = time.perf_counter() - began, process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    first = [1000 * s for caller in callers for s in caller.first]
    answer = [1000 * s for caller in callers for s in caller.answer]
    sound = sum(len(clips[(k * each + n) % len(clips)].sound) / RATE + QUIET for k in range(voices) for n in range(each))
    return {
        "voices": voices, "expected": voices * each, "answers": len(answer), "texts": sum(caller.texts for caller in callers),
        "shed": sum(bool(caller.shed) for caller in callers), "why": sorted({caller.shed for caller in callers if caller.shed}),
        "first_p50": _at(first, 50), "first_p95": _at(first, 95), "answer_p50": _at(answer, 50), "answer_p95": _at(answer, 95),
        "cores": spent / took, "rtf": spent / sound, "cpu_seconds": spent,
    }  # fmt: skip


def _at(values: list[float], percent: int) -> float:
    return float(np.percentile(values, percent)) if values else float("nan")


async def _all(url: str, key: str, clips: list[Clip], voices: int, each: int) -> list[Caller]:
    stagger = 2.0 / voices
    return list(
        await asyncio.gather(
            *(_speak(url, key, [clips[(k * each + n) % len(clips)] for n in range(each)], k * stagger) for k in range(voices))
        )
    )


async def _speak(url: str, key: str, clips: list[Clip], wait: float) -> Caller:
    """One caller, from the connection to the last answer."""
    caller = Caller()
    await asyncio.sleep(wait)
    headers = {"Authorization": f"Bearer {key}"}
    try:
        async with connect(f"{url}/v1/realtime?intent=transcription", additional_headers=headers, compression=None) as socket:
            hears = {"input": {"format": {"type": "audio/pcm", "rate": RATE}}}
            await socket.send(json.dumps({"type": "session.update", "session": {"type": "transcription", "audio": hears}}))
            for clip in clips:
                await _say(socket, clip, caller)
    except InvalidStatus as refused:
        caller.shed = f"HTTP {refused.response.status_code}"
    except ConnectionClosed as closed:
        caller.shed = closed.rcvd.reason if closed.rcvd is not None else "lost"
    return caller


async def _say(socket: Any, clip: Clip, caller: Caller) -> None:
    """A clip in real time, and what comes back."""
    began = time.perf_counter()
    listening = asyncio.create_task(_hear(socket, clip, caller, began))
    sound = np.concatenate([clip.sound, silence(QUIET, 0.0005)])
    try:
        for place, at in enumerate(range(0, len(sound), PART)):
            late = began + (place + 1) * PART / RATE - time.perf_counter()  # a part is sent when it has been spoken
            if late > 0:
                await asyncio.sleep(late)
            content = (np.clip(sound[at : at + PART], -1, 1) * 32767).astype("<i2").tobytes()
            await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(content).decode()}))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                await listening
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)  # a lost connection is told once


async def _hear(socket: Any, clip: Clip, caller: Caller, began: float) -> None:
    """Until the answer to the last turn of the clip."""
    heard_first = False
    while True:
        event = json.loads(await socket.recv())
        now = time.perf_counter() - began
        if event["type"] == DELTA and not heard_first and event["partial"]:
            heard_first = True
            caller.first.append(now - clip.begins)
        elif event["type"] == COMPLETED and now > clip.ends:  # a pause within a clip ends a turn, too
            caller.answer.append(now - clip.ends)
            caller.texts += bool(event["transcript"])
            return


if __name__ == "__main__":
    main()
