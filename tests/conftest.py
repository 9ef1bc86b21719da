"""What every test may use: a fresh shop folder, and the real data sets where they are."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and torch: tests run side by side, each on a core of its own

import pytest

from aisle.settings import Settings

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an empty shop in a folder of its own."""
    return Settings(home=str(tmp_path / "shop"), worker=False)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; a test that needs it is skipped where it is absent."""
    folder = Path(os.environ.get("AISLE_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set AISLE_TEST_DATA)")
    return folder
