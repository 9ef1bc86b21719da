"""A tiny random Whisper, as transformers has it and as Aisle adopted it, in float32 so that both can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bench import random_whisper as tiny

from aisle.tasks.speech.whisper.adopt import convert
from aisle.tasks.speech.whisper.recogniser import Whisper


@dataclass
class Pair:
    """transformers' network and ours of the same weights, and their folders."""

    reference: Any
    ours: Whisper
    source: Path
    folder: Path


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    home = tmp_path_factory.mktemp("whisper")
    source, folder = home / "tiny", home / "model"
    folder.mkdir()
    reference = tiny.write(source, layers=2)
    scores = convert(source, folder, str(source), lambda done, total, message: None, "float32")
    assert scores["megabytes"] > 1
    return Pair(reference, Whisper(folder), source, folder)
