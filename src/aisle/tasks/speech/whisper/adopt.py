"""Converts a Whisper in transformers' or CTranslate2's format into a model's folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np

from aisle.errors import BadInput, Misconfigured
from aisle.task import Progress, Scores
from aisle.tasks.speech.whisper.recogniser import NETWORK, Config, Whisper

QUANTISED = "int8"  # weights as they are stored and multiplied: a third of the time of float32 on a CPU, a quarter of the size
PROBE = 2.0  # seconds of sound that the converted network hears once


def convert(source: Path, folder: Path, name: str, progress: Progress, quantised: str = QUANTISED) -> Scores:
    """Write `folder` from a Whisper's folder; returns its size and how fast it is. Raises BadInput, Misconfigured."""
    network = folder / NETWORK
    if (source / "model.bin").exists():
        _copy(source, network)
    else:
        _convert(source, network, quantised)
    if not (network / "tokenizer.json").exists():
        raise BadInput(f"{source} has no tokenizer.json: take it from the model on the hub that it was made from")
    config = Config(source=Path(name).name if Path(name).is_dir() else name)
    (folder / "recogniser.json").write_bytes(msgspec.json.format(msgspec.json.encode(config), indent=2))
    progress(3, 4, "hearing it once")
    scores = {"megabytes": sum(file.stat().st_size for file in network.iterdir()) / 1e6, "seconds_to_encode_30s": _probe(folder)}
    progress(4, 4, "converted")
    return scores


def _copy(source: Path, network: Path) -> None:
    """CTranslate2's files as they are, as faster-whisper's models on the hub have them."""
    network.mkdir(parents=True)
    for file in source.iterdir():
        if file.suffix in (".json", ".bin", ".txt"):
            shutil.copyfile(file, network / file.name)


def _convert(source: Path, network: Path, quantised: str) -> None:
    """By CTranslate2's converter, which needs transformers and torch."""
    try:
        from ctranslate2.converters import TransformersConverter
    except ImportError:
        raise Misconfigured("converting a Whisper needs CTranslate2: pip install 'aisle[whisper,train]'") from None
    beside = [name for name in ("tokenizer.json", "preprocessor_config.json") if (source / name).exists()]
    try:
        TransformersConverter(str(source), copy_files=beside).convert(str(network), quantization=quantised)
    except ImportError as error:
        raise Misconfigured(f"converting a Whisper needs transformers and torch: pip install 'aisle[train]' ({error})") from None
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise BadInput(f"{source.name} could not be converted: {str(error).splitlines()[0][:200]}") from None


def _probe(folder: Path) -> float:
    """Seconds that the encoder takes for a window; that it can be opened at all is found out too."""
    import time

    opened = Whisper(folder)
    features = opened.network.features(np.zeros(round(PROBE * 16_000), np.float32))
    began = time.perf_counter()
    opened.network.encode([features])
    return round(time.perf_counter() - began, 3)
