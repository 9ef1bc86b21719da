"""Publishing, promoting, rolling back, and what is refused."""

from __future__ import annotations

import json
import os
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.models.conftest import Store

from aisle.errors import BadInput, Conflict, Misconfigured, NoModel, NotFound
from aisle.models import store
from aisle.models.folders import digest, sync_all
from aisle.storage.database import Database


def test_what_is_published_is_live_numbered_and_carries_its_card(models, tmp_path):
    first, second = models.make(), models.make()
    assert (first.version, second.version, second.live) == (1, 2, True)
    assert models.live(1, "shop") == second
    assert second.folder == tmp_path / "models" / "1" / "shop" / "2"
    card = json.loads((second.folder / "card.json").read_text())
    assert card == second.card
    assert (card["task"], card["version"], card["scores"], card["data"], card["config"]) == (
        "shop", 2, {"ndcg": 0.25}, {"events": 1000}, {"k": 50},
    )  # fmt: skip
    assert sorted(card["files"]) == ["config.json", "labels.json", "net/weights.bin"]
    assert card["files"]["net/weights.bin"] == digest(second.folder / "net" / "weights.bin")
    assert card["created_at"].endswith("Z")
    assert models.verify(second) == second.folder


def test_tenants_and_tasks_count_for_themselves(models):
    names = [(1, "shop"), (1, "shop"), (2, "shop"), (1, "text")]
    assert [models.make(task, tenant).version for tenant, task in names] == [1, 2, 1, 1]
    assert [(v.tenant, v.name) for v in models.all_live()] == [(1, "shop@2"), (1, "text@1"), (2, "shop@1")]
    assert [v.name for v in models.all_live(2)] == ["shop@1"]
    assert [v.name for v in models.list(1)] == ["shop@2", "shop@1", "text@1"]
    with pytest.raises(NotFound):
        models.show(2, "shop", 2)


def test_rolling_back_goes_further_back_each_time_and_says_when_there_is_no_further(models):
    for _ in range(3):
        models.make()
    assert [models.rollback(1, "shop").version for _ in range(2)] == [2, 1]
    with pytest.raises(Conflict):
        models.rollback(1, "shop")
    assert models.live(1, "shop").version == 1
    assert models.promote(1, "shop", 3).live
    assert models.rollback(1, "shop").version == 1
    with pytest.raises(NoModel):
        models.rollback(1, "text")


def test_after_a_roll_back_the_next_training_is_live_again(models):
    models.make(), models.make(), models.rollback(1, "shop")
    assert models.make().version == 3
    assert models.live(1, "shop").version == 3
    assert models.rollback(1, "shop").version == 1


def test_promoting_what_is_live_already_does_not_forget_the_way_back(models):
    models.make(), models.make()
    models.promote(1, "shop", 2)
    assert models.rollback(1, "shop").version == 1


@pytest.mark.parametrize("name", ["card.json", "config.json", "labels.json", "net/weights.bin"])
def test_one_flipped_bit_is_found_and_named_and_the_version_is_not_promoted(models, name):
    damaged = models.make()
    models.make()
    path = damaged.folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(Misconfigured, match=f"shop@1.*{name} is damaged.*aisle models rollback shop"):
        models.verify(damaged)
    with pytest.raises(Misconfigured):
        models.promote(1, "shop", 1)
    assert models.live(1, "shop").version == 2


def test_missing_and_added_files_are_found(models):
    version = models.make()
    (version.folder / "labels.json").unlink()
    (version.folder / "extra.bin").write_bytes(b"")
    with pytest.raises(Misconfigured, match=r"labels.json is missing, extra.bin does not belong to it"):
        models.verify(version)
    version.folder.rename(version.folder.with_name("elsewhere"))
    with pytest.raises(Misconfigured, match="is gone"):
        models.verify(version)


def plant_pickle(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(b"\x80\x04.")


def plant_torch(folder: Path) -> None:
    with zipfile.ZipFile(folder / "weights.bin", "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x04.")


def plant_objects(folder: Path) -> None:
    np.save(folder / "array.npy", np.array([{"any": "code"}], dtype=object))


def plant_objects_in_archive(folder: Path) -> None:
    np.savez(folder / "arrays.npz", fine=np.zeros(3), bad=np.array([None, "x"], dtype=object))


def plant_link(folder: Path) -> None:
    (folder / "link.bin").symlink_to("/etc/hostname")


def plant_linked_folder(folder: Path) -> None:
    (folder / "linked").symlink_to(folder.parent)


def plant_pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def plant_broken_archive(folder: Path) -> None:
    (folder / "arrays.npz").write_bytes(b"PK\x03\x04 and no more")


PLANTS = [plant_pickle, plant_torch, plant_objects, plant_objects_in_archive, plant_link, plant_linked_folder, plant_pipe]


@pytest.mark.parametrize("plant", [*PLANTS, plant_broken_archive])
def test_links_pickles_and_other_dangers_are_neither_published_nor_opened(models, plant):
    fitted = models.scratch("shop")
    plant(fitted)
    with pytest.raises(Misconfigured):
        models.publish(1, "shop", fitted, config={}, scores={}, facts={})
    assert models.live(1, "shop") is None
    version = models.make()
    plant(version.folder)
    with pytest.raises(Misconfigured):
        models.verify(version)


def test_plain_arrays_of_every_kind_are_welcome(models):
    fitted = models.scratch("shop")
    for kind in ("f4", "i8", "U8", "?", "S4", "M8[us]"):
        np.save(fitted / f"{np.dtype(kind).name}.npy", np.zeros(5, dtype=kind))
    np.savez_compressed(fitted / "arrays.npz", a=np.zeros((100, 100)), b=np.array(["x"]))
    assert models.publish(1, "shop", fitted, config={}, scores={}, facts={}).live


@pytest.mark.parametrize("task", ["..", "a/b", "", "UPPER", ".hidden", "1st", "x" * 65])
def test_names_that_are_no_folder_names_are_refused(models, task):
    with pytest.raises(BadInput):
        models.scratch(task)


def test_only_a_scratch_folder_can_be_published(models, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.raises(BadInput):
        models.publish(1, "shop", elsewhere, config={}, scores={}, facts={})


def test_a_row_that_points_outside_the_models_folder_is_not_opened(models, tmp_path):
    version = models.make()
    outside = tmp_path / "outside"
    version.folder.rename(outside)
    version.folder.symlink_to(outside)
    with pytest.raises(Misconfigured, match="outside"):
        models.verify(version)


def test_many_publishers_at_once_get_different_numbers_and_all_are_whole(models, tmp_path):
    begin = time.monotonic() + 0.2
    children = []
    for _ in range(4):
        children.append(os.fork())
        if children[-1] == 0:
            try:
                mine = Store(Database(f"sqlite:///{tmp_path / 'aisle.db'}"), tmp_path / "models")
                while time.monotonic() < begin:
                    pass
                for number in range(15):
                    mine.make(content=bytes([number]))
                os._exit(0)
            finally:
                os._exit(1)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    versions = models.list(1)
    assert [version.version for version in versions] == list(range(60, 0, -1))
    for version in versions:
        models.verify(version)
    assert models.live(1, "shop").version == 60


def test_a_publisher_that_was_overtaken_does_not_push_the_newer_version_aside(models, monkeypatch):
    def overtaken(folder: Path) -> None:
        monkeypatch.setattr(store, "sync_all", sync_all)
        assert models.make().version == 2
        sync_all(folder)

    monkeypatch.setattr(store, "sync_all", overtaken)
    assert models.make().version == 1
    assert models.live(1, "shop").version == 2
    assert [version.name for version in models.list(1)] == ["shop@2", "shop@1"]


def test_sweeping_removes_old_rubbish_only(models):
    live, old = models.make(), models.make()
    models.rollback(1, "shop")
    working, orphan = models.scratch("shop"), old.folder.with_name("17")
    orphan.mkdir()
    assert models.sweep() == []
    long_ago = 1_000_000_000
    for path in (working, orphan, live.folder, old.folder):
        for file in [*path.rglob("*"), path]:
            os.utime(file, (long_ago, long_ago))
    (working / "still at work").touch()
    assert models.sweep() == [orphan]
    assert working.exists()
    assert models.verify(live) and models.verify(old)
    assert models.make().version == 3


def test_older_versions_can_be_forgotten_with_their_files_but_never_the_live_one(models):
    first, second, third = (models.make() for _ in range(3))
    models.promote(1, "shop", 2)
    with pytest.raises(Conflict, match="shop@2 is live"):
        models.forget(1, "shop", 3)
    assert models.verify(second) == second.folder
    models.promote(1, "shop", 3)
    assert models.forget(1, "shop", 3) == ["shop@1", "shop@2"]
    assert [v.name for v in models.list(1)] == ["shop@3"]
    assert not first.folder.exists()
    assert not second.folder.exists()
    with pytest.raises(Conflict):
        models.rollback(1, "shop")
    assert models.verify(third) == third.folder
    assert models.make().version == 4
