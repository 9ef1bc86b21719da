"""The tiny world of speech, learnt once."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from aisle.tasks.speech import TASK, ctc, tiny


@pytest.fixture(scope="session")
def sung(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that knows the notes."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("sung")
    TASK.fit(tiny.data(), msgspec.convert(dict(tiny.settings()), TASK.config), folder, lambda done, total, message: None)
    return folder


@pytest.fixture(scope="session")
def notes(sung: Path) -> ctc.CTC:
    return ctc.load(sung)
