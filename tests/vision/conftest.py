"""A recogniser trained once on squares, discs and crosses."""

from pathlib import Path

import pytest

from aisle.tasks.vision import tiny
from aisle.tasks.vision.engine import VisionEngine, load
from aisle.tasks.vision.fit import fit
from aisle.tasks.vision.schema import Config


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[VisionEngine, tiny.Squares, Path, dict[str, float]]:
    """(engine, world, folder, scores)"""
    world, folder = tiny.data(), tmp_path_factory.mktemp("vision")
    scores = fit(world, Config(side=tiny.SIDE), folder, lambda done, total, message: None)
    return load(folder), world, folder, scores


@pytest.fixture(scope="session")
def starter() -> VisionEngine:
    from aisle.tasks.vision.model import STARTER

    return load(STARTER)
