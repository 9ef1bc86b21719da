"""Learning from a shop's pictures: what is trained, what is left out and said, and the whole network in torch."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from aisle.errors import BadInput, Cancelled
from aisle.kit import images
from aisle.kit import softmax as sm
from aisle.tasks.vision import tiny
from aisle.tasks.vision.engine import VisionEngine, load
from aisle.tasks.vision.fit import fit
from aisle.tasks.vision.schema import Config
from aisle.types import Box, Sample

Trained = tuple[VisionEngine, tiny.Squares, Path, dict[str, float]]


def quiet(done: float, total: float, message: str) -> None:
    return None


def add(
    world: tiny.Squares, name: str, content: bytes, label: str, split: str | None = None, boxes: list[Box] | None = None
) -> None:
    world.files[name] = content
    world.labelled.append(
        Sample(sample_id=name, kind="picture", labels={"label": label} if label else {}, media=name, split=split, boxes=boxes)  # type: ignore[arg-type]
    )


def samples(per_label: int = 8) -> tiny.Squares:
    world = tiny.Squares()
    for k in range(per_label):
        for shape in tiny.SHAPES:
            split = ("train", "train", "train", "validation", "test")[k % 5]
            add(world, f"{shape}-{k}", tiny.picture(shape, "red", k), shape, split)
    return world


def test_the_scores_beat_always_saying_the_commonest(trained: Trained) -> None:
    scores = trained[3]
    assert scores["colour_top1"] > scores["colour_commonest"] + 0.3
    assert scores["category_top1"] > scores["category_commonest"] + 0.3
    assert scores["pictures"] == tiny.ITEMS


def test_broken_pictures_among_good_ones_are_named_and_the_rest_is_trained(tmp_path: Path) -> None:
    world = samples()
    whole = tiny.picture("disc", "red", 99)
    add(world, "cut", whole[: len(whole) // 2], "disc", "train")
    add(world, "text", b"<svg/>", "disc", "train")
    add(world, "lonely", tiny.picture("disc", "blue", 5), "only one of these", "train")
    scores = fit(world, Config(side=64), tmp_path, quiet)
    about = msgspec.json.decode((tmp_path / "about.json").read_bytes())
    assert scores["unreadable"] == 2 and "cut (" in about["unreadable"] and "text (" in about["unreadable"]
    assert "1 of 4 labels of category have fewer than 3 pictures" in about["labels_left_out"]
    assert load(tmp_path).model.card.heads[0].labels == sorted(tiny.SHAPES)


def test_a_training_picture_of_which_a_copy_is_held_out_is_not_trained_on_and_said(tmp_path: Path) -> None:
    world = samples()
    add(world, "again", world.files["disc-4"], "disc", "train")  # disc-4 is in the test
    scores = fit(world, Config(side=64), tmp_path, quiet)
    about = msgspec.json.decode((tmp_path / "about.json").read_bytes())
    assert scores["copies"] == 1 and scores["copies_across_splits"] == 1 and "again" in about["copies_across_splits"]
    assert "again" not in (load(tmp_path).model.examples.names if load(tmp_path).model.examples else [])


def test_without_pictures_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="import pictures"):
        fit(tiny.Squares(), Config(), tmp_path, quiet)


def test_boxes_teach_the_detector_the_shops_own_labels(tmp_path: Path) -> None:
    world = samples(5)
    rng = np.random.default_rng(0)
    for k in range(10):
        image = np.full((160, 160, 3), 250, np.uint8)
        x, y = (int(v) for v in rng.integers(5, 80, 2))
        image[y : y + 70, x : x + 70] = (200, 40, 40)
        from aisle.kit import images

        add(world, f"boxed-{k}", images.png(image), "", "test" if k >= 7 else "train", [Box("crate", x, y, x + 70, y + 70)])
    scores = fit(world, Config(side=64), tmp_path, quiet)
    assert scores["boxes"] == 10 and scores["boxes_tested_on"] == 3 and 0 <= scores["detect_ap50"] <= 1
    assert load(tmp_path).model.card.detector.shop == ["crate"]  # type: ignore[union-attr]


# ---- the softmax --------------------------------------------------------------------------------------------------


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(7, 5)).astype(np.float32), rng.integers(-1, 2, (7, 2)).astype(np.int64)
    weight = np.stack([sm.row_weights(labels[:, k], 2 + k, 0.5) for k in range(2)], 1)
    value, slope = sm._cross_entropy(logits, labels, weight, (0, 2, 5))
    for row, column in ((0, 0), (3, 1), (5, 4)):
        moved = logits.astype(np.float64).copy()
        moved[row, column] += 1e-4
        more, _ = sm._cross_entropy(moved, labels, weight, (0, 2, 5))  # type: ignore[arg-type]
        assert (more - value) / 1e-4 == pytest.approx(float(slope[row, column]), abs=2e-3)


def test_temperature_calibrates_what_is_too_sure() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(4000, 6)).astype(np.float32)
    true = sm.probabilities(logits)
    labels = np.array([rng.choice(6, p=row / row.sum()) for row in true.astype(np.float64)])
    t = sm.temperature(logits * 4, labels)
    assert t == pytest.approx(4, rel=0.1)
    before, after = (
        sm.calibration_error(sm.probabilities(logits * 4), labels),
        sm.calibration_error(sm.probabilities(logits * 4, t), labels),
    )
    assert before > 0.15 and after < 0.03


def test_heads_learn_beside_each_other_as_they_would_alone() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, 8)).astype(np.float32)
    labels = np.stack([(x[:, 0] > 0).astype(np.int64), np.argmax(x[:, 1:4], 1)], 1)
    both = sm.learn(x, labels, [2, 3], decay=1e-3, steps=300)
    alone = sm.learn(x, labels[:, 1:], [3], decay=1e-3, steps=300)
    assert (both.part(both.logits(x), 1).argmax(1) == alone.logits(x).argmax(1)).mean() > 0.98
    assert (both.part(both.logits(x), 0).argmax(1) == labels[:, 0]).mean() > 0.97


def test_a_label_inherits_from_the_one_it_lies_in_and_from_no_other() -> None:
    rng = np.random.default_rng(4)
    fine, x = rng.integers(0, 4, 400), rng.normal(size=(400, 5)).astype(np.float32)
    labels = np.stack([fine, fine // 2, rng.integers(0, 3, 400)], 1)  # a sort, its kind, a colour of its own
    labels[:5, 1] = sm.MISSING
    heads = sm.learn(x, labels, [4, 2, 3], decay=1e-2)
    found = sm.nested(heads, labels)
    before, after = heads.logits(x), found.logits(x)
    wanted = before[:, :4] + sm.INHERITED * before[:, 4:6][:, [0, 0, 1, 1]]
    assert np.allclose(after[:, :4], wanted, atol=1e-4) and np.allclose(after[:, 4:], before[:, 4:])
    labels[0, 1] = 1 - fine[0] // 2  # one row that says otherwise: nothing lies in anything
    assert np.array_equal(sm.nested(heads, labels).weights, heads.weights)


def test_labels_that_lie_in_others_are_found() -> None:
    found = sm.above_of(np.array([0, 1, 1, -1]), np.array([1, 0, 0, 0]), 2)
    assert found is not None and found.tolist() == [1, 0]
    assert sm.above_of(np.array([0, 1, 1]), np.array([1, 0, 1]), 2) is None
    assert sm.above_of(np.array([0, 0]), np.array([1, 1]), 2) is None  # nothing is known of label 1


# ---- the whole network ----------------------------------------------------------------------------------------------


def test_full_training_is_served_as_onnx_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    config = Config(training="full", side=64, epochs=2, batch=6, frozen=12, bf16=False, least_pictures=1)
    seen: list[str] = []

    def killed(done: float, total: float, message: str) -> None:
        seen.append(message)
        if "epoch 1 of 2" in message:
            raise Cancelled("killed")

    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with pytest.raises(Cancelled):
        fit(samples(5), config, first, killed)
    seen.clear()
    scores = fit(samples(5), config, second, lambda done, total, message: seen.append(message))
    epochs = [message for message in seen if message.startswith("epoch")]
    assert len(epochs) == 1 and "epoch 2 of 2" in epochs[0] and "left" in epochs[0]
    model = load(second).model
    assert model.card.trunk.name == "mobilenet_v2" and not model.card.trunk.colours and "category_top1" in scores
    assert not list(tmp_path.glob("vision-training-*"))


def test_networks_that_answer_together_are_one_whose_logits_are_the_mean_of_theirs(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    alone = Config(training="full", side=64, epochs=1, batch=6, frozen=12, bf16=False, least_pictures=1, mirror=False)
    seen: list[str] = []

    def killed(done: float, total: float, message: str) -> None:
        seen.append(message)
        if "network 2 of 2, epoch 1" in message:
            raise Cancelled("killed")

    found = {}
    for name, config in (
        ("first", alone),
        ("second", msgspec.structs.replace(alone, seed=1)),
        ("both", msgspec.structs.replace(alone, networks=2)),
    ):
        (tmp_path / name).mkdir()
        if name == "both":
            with pytest.raises(Cancelled):
                fit(samples(5), config, tmp_path / name, killed)
            seen.clear()
        fit(samples(5), config, tmp_path / name, lambda done, total, message: seen.append(message))
        model = load(tmp_path / name).model
        view = model.trunk.view(images.decode(tiny.picture("disc", "red", 77), side=64))
        found[name] = model.heads.logits(model.trunk.features([view]))
    assert not [message for message in seen if "epoch" in message]  # the second had done all it had to
    assert model.trunk.width == 2 * 1280
    assert np.allclose(found["both"], (found["first"] + found["second"]) / 2, atol=1e-3)
    assert np.abs(found["first"] - found["second"]).max() > 0.01


def test_a_network_that_starts_from_nothing_cannot_have_frozen_blocks(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    with pytest.raises(BadInput, match="frozen=0"):
        fit(samples(5), Config(training="full", network="resnet18", frozen=3, side=64), tmp_path, quiet)


@pytest.mark.parametrize(
    "name, width, millions",
    [
        ("mobilenet_v2", 1280, 2.19),
        ("resnet18", 512, 11.2),
        ("resnet34", 512, 21.3),
        ("resnet50", 2048, 23.5),
        ("inception_v3", 2048, 21.8),
    ],
)
def test_networks_have_the_shapes_and_sizes_of_their_papers(name: str, width: int, millions: float) -> None:
    torch = pytest.importorskip("torch")
    from aisle.tasks.vision.nets import build

    network = build(name)
    with torch.no_grad():
        assert tuple(network.body.eval()(torch.zeros(1, 3, 64, 64)).shape) == (1, width, 2, 2)
    assert sum(p.numel() for p in network.body.parameters()) / 1e6 == pytest.approx(millions, rel=0.02)
    start, tail = network.split(2)
    assert start is not None and len(tail) == len(network.stages(network.body)) - 2


def test_the_quick_way_back_gives_the_gradients_of_the_usual_convolution() -> None:
    torch = pytest.importorskip("torch")
    from aisle.tasks.vision.nets.halving import halved

    torch.manual_seed(1)
    start, weight, bias, slope = torch.randn(2, 8, 13, 17), torch.randn(8, 1, 3, 3), torch.randn(8), torch.randn(2, 8, 6, 8)
    found = []
    for quick in (True, False):
        given = [value.clone().bfloat16().requires_grad_() for value in (start, weight, bias)]
        with torch.autocast("cpu", torch.bfloat16):
            y = halved(*given) if quick else torch.nn.functional.conv2d(*given, stride=2, groups=8)
        y.backward(slope.bfloat16())
        assert quick == ("Halving" in type(y.grad_fn).__name__)
        found.append([y.detach(), *(value.grad for value in given)])
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one.float(), other.float(), rtol=0.02, atol=0.02)
