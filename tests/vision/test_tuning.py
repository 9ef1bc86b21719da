"""`aisle doctor --tune`: ways of running the networks are measured, the fastest that answers alike is kept and used."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from aisle.cli import main
from aisle.errors import Misconfigured
from aisle.kit.sessions import USUAL, Way, open_session
from aisle.runtime import tuning
from aisle.runtime.tuning import FILE, LOSS, Choices, Tuning, digest
from aisle.task import Probe
from aisle.tasks.vision import TASK, tiny
from aisle.tasks.vision.engine import VisionEngine
from aisle.tasks.vision.probes import accuracy_lost, boxes_differ, probes

Trained = tuple[VisionEngine, tiny.Squares, Path, dict[str, float]]


def test_every_way_is_measured_and_the_fastest_that_answers_alike_is_kept(trained: Trained, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    _, world, folder, _ = trained
    trunk = probes(folder, world)[0]
    found = Tuning(tmp_path).tune([("vision", folder, [trunk])])
    names = [row.way.name for row in found]
    assert names[0] == USUAL.name and "onnxruntime int8" in names and all(row.cpu_ms > 0 for row in found)
    fit = [row for row in found if row.loss <= LOSS]
    assert [row for row in found if row.chosen] == [min(fit, key=lambda row: row.cpu_ms)]
    kept = Tuning(tmp_path).choices()
    assert kept.ways == {digest(folder / trunk.file): next(row.way for row in found if row.chosen)} and kept.measured == found


def test_a_way_that_answers_otherwise_is_not_chosen_however_fast(trained: Trained, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    _, world, folder, _ = trained
    one = probes(folder, world)[0]
    strict = Probe(one.file, one.outputs, one.examples, one.inputs, lambda true, other: 1.0)
    found = Tuning(tmp_path).tune([("vision", folder, [strict])])
    assert len(found) > 1 and all(row.loss == 1.0 for row in found if row.way != USUAL)
    assert [row.way for row in found if row.chosen] == [USUAL]


def test_engines_run_in_the_chosen_way_on_the_machine_that_was_measured(trained: Trained, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from aisle.kit import int8

    engine, world, folder, _ = trained
    one = probes(folder, world)[0]
    rewritten = tmp_path / "small.onnx"
    int8.quantise(folder / one.file, rewritten, one.examples)
    assert rewritten.stat().st_size < 0.7 * (folder / one.file).stat().st_size
    kept = Choices(tuning.machine(), {digest(folder / one.file): Way("onnxruntime", "int8", str(rewritten))})
    (tmp_path / FILE).write_bytes(msgspec.json.encode(kept))
    usual = engine.model.trunk.session.run(one.outputs, one.inputs[0])[0]
    chosen = Tuning(tmp_path).load(TASK, folder)
    assert isinstance(chosen, VisionEngine)
    small = chosen.model.trunk.session.run(one.outputs, one.inputs[0])[0]
    assert not np.array_equal(usual, small) and np.corrcoef(usual[0], small[0])[0, 1] > 0.95
    (tmp_path / FILE).write_bytes(msgspec.json.encode(msgspec.structs.replace(kept, machine="another")))
    elsewhere = Tuning(tmp_path).load(TASK, folder)
    assert isinstance(elsewhere, VisionEngine)
    assert np.array_equal(usual, elsewhere.model.trunk.session.run(one.outputs, one.inputs[0])[0])


def test_what_was_rewritten_and_is_gone_is_replaced_by_the_models_own_file(trained: Trained, tmp_path: Path) -> None:
    _, world, folder, _ = trained
    one = probes(folder, world)[0]
    usual = open_session(folder / one.file).run(one.outputs, one.inputs[0])[0]
    gone = open_session(folder / one.file, Way("onnxruntime", "int8", str(tmp_path / "gone.onnx")))
    assert np.array_equal(usual, gone.run(one.outputs, one.inputs[0])[0])
    with pytest.raises(Misconfigured, match="missing"):
        open_session(tmp_path / "never.onnx", Way("onnxruntime", "int8", str(folder / one.file)))


def test_the_loss_is_of_accuracy_and_of_boxes(trained: Trained, starter: VisionEngine) -> None:
    engine, world, folder, _ = trained
    one = probes(folder, world)[0]
    true = [open_session(folder / one.file).run(one.outputs, row) for row in one.inputs]
    assert one.loss(true, true) == 0.0
    turned = true[1:] + true[:1]
    assert 0.2 < one.loss(true, turned) <= 1.0
    bare = msgspec.structs.replace(engine.model.card, heads=[])
    headless = VisionEngine(type(engine.model)(bare, engine.model.trunk, engine.model.heads, engine.model.space)).model
    assert abs(accuracy_lost(headless, [], true, true)) < 1e-5 < 1e-3 < accuracy_lost(headless, [], true, turned)
    detector = starter.model.detector
    assert detector is not None
    rng = np.random.default_rng(0)
    places = sum((detector.card.side // stride) ** 2 for stride in (8, 16, 32))
    seen = np.zeros((1, places, 85), np.float32)
    seen[0, :, 4] = rng.random(places) > 0.995
    seen[0, :, 5] = 1.0
    other = seen.copy()
    other[0, :, 5], other[0, :, 6] = 0.0, 1.0  # the same boxes, another label
    assert boxes_differ(detector, [[seen]], [[seen]]) == 0.0 and boxes_differ(detector, [[seen]], [[other]]) == 1.0


def test_a_shop_without_pictures_is_tuned_with_drawn_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "doctor", "--tune", "--home", str(tmp_path / "shop")]) == 0
    rows = msgspec.json.decode(capsys.readouterr().out)
    assert {row["network"] for row in rows} == {"trunk.onnx", "detector.onnx"}
    assert sum(row["chosen"] == "yes" for row in rows) == 2 and not any("int8" in row["way"] for row in rows)
    assert main(["doctor", "--home", str(tmp_path / "shop")]) == 0
    assert "trunk.onnx: " in capsys.readouterr().out
