"""After an erasure: the model is what training without the person makes, and what cannot be (a network) says so."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace as changed
from tests.recommend.test_sequence_network import circle
from tests.recommend.worlds import item, random_shop

from aisle.errors import Misconfigured
from aisle.task import Forgets
from aisle.tasks.recommend import TASK
from aisle.tasks.recommend.forgetting import found_in
from aisle.tasks.recommend.model import load
from aisle.tasks.recommend.schema import Config

GONE = "u3"
EXACT = [
    "item_neighbours", "user_neighbours", "sequence_neighbours", "session_neighbours", "ease", "als",
    "popular", "content", "blend",
]  # fmt: skip


def quiet(done, total, message):
    pass


def folder_of(path: Path, name: str) -> Path:
    (path / name).mkdir()
    return path / name


def fitted(path: Path, name: str, data, config: Config) -> Path:
    TASK.fit(data, config, folder_of(path, name), quiet)
    return path / name


def without(data, user: str = GONE):
    assert any(row[0] == user for row in data.full)
    return replace(data, full=[row for row in data.full if row[0] != user])


def forgotten(path: Path, data, old: Path) -> tuple[Path, bool]:
    return path / "left", TASK.forget(data, old, folder_of(path, "left"), quiet)


def same(one: Path, other: Path) -> None:
    """Every file holds the same, but for how many were to be asked about quality."""
    assert {file.name for file in one.iterdir()} == {file.name for file in other.iterdir()}
    for file in one.glob("*.npy"):
        left, right = np.load(file), np.load(other / file.name)
        assert left.shape == right.shape, file.name
        if left.dtype.kind == "f":
            np.testing.assert_allclose(left, right, rtol=0, atol=1e-9, err_msg=file.name)
        else:
            assert np.array_equal(left, right), file.name
    for file in one.glob("*.json"):
        if file.name not in ("settings.json", "about.json", "blend.json"):
            assert file.read_bytes() == (other / file.name).read_bytes(), file.name


def test_the_task_is_one_that_forgets():
    assert isinstance(TASK, Forgets)


@pytest.mark.parametrize("algorithm", EXACT)
def test_the_model_left_is_the_one_trained_without_the_person(tmp_path, algorithm):
    data, config = random_shop(5), Config(algorithm=algorithm, held_out_users=0)
    old = fitted(tmp_path, "old", data, config)
    left, whole = forgotten(tmp_path, without(data), old)
    assert whole
    same(left, fitted(tmp_path, "fresh", without(data), config))
    assert GONE in load(old).users and GONE not in load(left).users
    assert not [file.name for file in left.iterdir() if f'"{GONE}"'.encode() in file.read_bytes()]


def test_what_auto_chose_stays_chosen_and_nothing_is_tried_again(tmp_path):
    data = random_shop(6, users=60, events=1500)
    old = fitted(tmp_path, "old", data, Config(algorithm="auto", sequence_window=7))
    found = found_in(old)
    said = []
    TASK.forget(without(data), old, folder_of(tmp_path, "left"), lambda done, total, message: said.append(message))
    assert found_in(tmp_path / "left") == found and found.config.algorithm != "auto"
    assert not [message for message in said if "checking quality" in message]
    if found.recipe is None:
        fresh = changed(found.config, held_out_users=0)
        same(tmp_path / "left", fitted(tmp_path, "fresh", without(data), fresh))


def network(path: Path, data, **settings) -> Path:
    pytest.importorskip("torch")
    given = {"algorithm": "sequence", "sequence_dimensions": 8, "sequence_epochs": 1, "held_out_users": 0}
    return fitted(path, "old", data, Config(**given | settings))


@pytest.mark.parametrize("settings", [{}, {"algorithm": "blend", "blend_of": ["sequence", "item_neighbours"]}])
def test_a_network_stays_as_it_was_and_says_so_while_the_person_is_gone_from_all_else(tmp_path, settings):
    data = circle()
    user = data.full[0][0]
    old = network(tmp_path, data, **settings)
    left, whole = forgotten(tmp_path, without(data, user), old)
    assert not whole
    assert list(old.glob("sequence_*.npy"))
    for file in old.glob("sequence_*.npy"):
        assert file.read_bytes() == (left / file.name).read_bytes()
    assert user not in load(left).users and load(left).behaviour.values.sum() != load(old).behaviour.values.sum()


def test_a_network_that_does_not_fit_the_catalogue_any_more_is_trained_again(tmp_path):
    data = circle()
    old = network(tmp_path, data)
    more = replace(without(data, data.full[0][0]), catalogue=[*data.catalogue, item("new", "something else")])
    left, whole = forgotten(tmp_path, more, old)
    assert whole and len(load(left).names) == len(load(old).names) + 1


def test_a_model_that_cannot_be_read_is_an_error_of_ours(tmp_path):
    old = fitted(tmp_path, "old", random_shop(5), Config(algorithm="popular", held_out_users=0))
    (old / "settings.json").write_bytes(msgspec.json.encode({"algorithm": "unheard-of"}))
    with pytest.raises(Misconfigured, match="aisle train recommend"):
        forgotten(tmp_path, random_shop(5), old)
