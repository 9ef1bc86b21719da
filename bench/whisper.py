"""Our Whisper path beside raw faster-whisper on the same weights and sounds: seconds of processor time, in turns.

    python -m bench whisper [--rounds 5] [--width 384] [--layers 4] [--tokens 32] [--beam 5] [--threads 1] [--json]

The weights are random (of the size of OpenAI's tiny by default), in int8; both sides may write `--tokens` tokens, since random
weights never stop. Both look for speech first, search with the same beam, give times to words, and use as many threads. Of
faster-whisper it is the batched pipeline, which cuts recordings as we do; beside it the plain one, without times to words.
The encoder is also timed in ONNX Runtime (float32 and dynamic int8), the other engine that could have run it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from bench import random_whisper
from bench.voice_sound import babble

from aisle.tasks.speech.whisper.adopt import convert
from aisle.tasks.speech.whisper.recogniser import NETWORK, Whisper

TARGET = 0.95  # of faster-whisper's speed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rounds", 5), ("width", 384), ("layers", 4), ("tokens", 32), ("beam", 5), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        folder = prepared(Path(home), given)
        rows = [row(seconds, folder, given) for seconds in (3.0, 28.0)]
        encoder = encoders(Path(home), folder, given)
    if given.json:
        print(json.dumps({"rows": rows, "encoder": encoder}))
        return
    for one in rows:
        print(
            f"{one['seconds']:3.0f} s of sound, processor time: ours {one['ours']:.3f} s, faster-whisper {one['theirs']:.3f} s "
            f"({one['theirs_without_times']:.3f} s without times): {one['speed']:.2f}x its speed (target {TARGET})"
        )
    print("encoder, 30 s of sound: " + ", ".join(f"{name} {seconds:.3f} s" for name, seconds in encoder.items()))


def prepared(home: Path, given: argparse.Namespace) -> Path:
    """A converted Whisper of random weights."""
    folder = home / "model"
    folder.mkdir()
    random_whisper.write(home / "source", width=given.width, layers=given.layers, heads=max(2, given.width // 64), spread=0.02)
    convert(home / "source", folder, "random", lambda done, total, message: None)
    config = msgspec.json.decode((folder / "recogniser.json").read_bytes())
    config |= {"beam": given.beam, "temperatures": [0.0], "most_tokens": 4 + given.tokens, "threads": given.threads}
    (folder / "recogniser.json").write_bytes(msgspec.json.encode(config))
    return folder


def row(seconds: float, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Both sides in turns: the least processor time of either."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    sound, ours = babble(seconds), Whisper(folder)
    theirs = WhisperModel(str(folder / NETWORK), device="cpu", cpu_threads=given.threads)
    common = {
        "language": "en", "beam_size": given.beam, "temperature": 0.0, "without_timestamps": True, "vad_filter": True,
        "condition_on_previous_text": False, "max_new_tokens": given.tokens, "compression_ratio_threshold": None,
        "log_prob_threshold": None, "no_speech_threshold": None,
    }  # fmt: skip
    batched = BatchedInferencePipeline(theirs)
    runs: dict[str, Callable[[], Any]] = {
        "ours": lambda: ours.hear([sound], language="en"),
        "theirs": lambda: list(batched.transcribe(sound, word_timestamps=True, batch_size=4, **common)[0]),
        "theirs_without_times": lambda: list(theirs.transcribe(sound, word_timestamps=False, **common)[0]),
    }
    took: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(given.rounds + 1):
        for name, run in runs.items():
            took[name].append(spent(run))
    best = {name: min(times[1:]) for name, times in took.items()}
    return {"seconds": seconds, **best, "speed": best["theirs"] / best["ours"]}


def encoders(home: Path, folder: Path, given: argparse.Namespace) -> dict[str, float]:
    """The encoder alone, in CTranslate2 and in ONNX Runtime: median wall time of one window with one thread."""
    import onnxruntime as ort
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import WhisperForConditionalGeneration

    network = WhisperForConditionalGeneration.from_pretrained(home / "source").eval().model.encoder
    features = Whisper(folder).network.features(babble(28.0))
    plain, small = home / "encoder.onnx", home / "encoder-int8.onnx"
    torch.onnx.export(network, (torch.from_numpy(features[None]),), str(plain), input_names=["features"], dynamo=False)
    quantize_dynamic(plain, small, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"])
    ours = Whisper(folder).network
    runs: dict[str, Callable[[], Any]] = {"CTranslate2 int8": lambda: ours.encode([features])}
    for name, file in (("ONNX Runtime float32", plain), ("ONNX Runtime int8", small)):
        options = ort.SessionOptions()
        options.intra_op_num_threads = given.threads
        session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        runs[name] = partial(session.run, None, {"features": features[None]})
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(given.rounds + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - began)
    return {name: statistics.median(found[1:]) for name, found in times.items()}


def spent(run: Callable[[], Any]) -> float:
    """Seconds of processor time, all threads."""
    began = time.process_time()
    run()
    return time.process_time() - began


if __name__ == "__main__":
    main()
