"""What the recogniser answers: labels, boxes, vectors, what is unknown, and why."""

import io
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from aisle.errors import BadInput, TooLarge, Unsupported
from aisle.kit import images
from aisle.task import Context
from aisle.tasks.vision import heat, tiny
from aisle.tasks.vision.engine import Look, VisionEngine
from aisle.tasks.vision.schema import Classify, Describe, Detect, Embed
from aisle.tasks.vision.trunk import Trunk
from aisle.types import Picture

SENT = Picture(base64=b"")
Trained = tuple[VisionEngine, tiny.Squares, Path, dict[str, float]]


def ask(engine: VisionEngine, op: str, content: bytes, **more: Any) -> Any:
    kinds = {"classify": Classify, "describe": Describe, "detect": Detect, "embed": Embed}
    request = kinds[op](image=SENT, **more)
    prepared = engine.prepare(op, request, Context(media=content))
    return engine.finish(op, request, engine.run(op, [prepared])[0])


def fresh(shape: str, colour: str, seed: int = 9000) -> bytes:
    return tiny.picture(shape, colour, seed)


def as_png(pixels: np.ndarray) -> bytes:
    return images.png(pixels.astype(np.uint8))


def test_shapes_and_colours_that_were_not_seen_are_named(trained: Trained) -> None:
    engine, *_ = trained
    shapes, colours = [], []
    for seed in range(9000, 9006):
        for shape in tiny.SHAPES:
            for colour in tiny.COLOURS:
                content = fresh(shape, colour, seed)
                shapes.append(ask(engine, "classify", content).labels[0].label == f"Shapes > {shape}")
                colours.append(ask(engine, "describe", content).attributes["colour"][0].label == colour)
    assert np.mean(shapes) >= 0.8 and np.mean(colours) >= 0.95


def test_probabilities_of_all_labels_are_one_in_all_and_fall(trained: Trained) -> None:
    labels = ask(trained[0], "classify", fresh("disc", "red"), n=100).labels
    assert sum(label.probability for label in labels) == pytest.approx(1, abs=1e-5)
    assert [label.probability for label in labels] == sorted((label.probability for label in labels), reverse=True)


def test_reasons_add_up_to_the_logit(trained: Trained, starter: VisionEngine) -> None:
    for engine in (trained[0], starter):
        answer = ask(engine, "classify", fresh("square", "blue"), explain="full")
        assert sum(reason.contribution for reason in answer.reasons) == pytest.approx(answer.labels[0].logit, rel=1e-3, abs=2e-3)
        assert len(answer.reasons) == 10
        brief = ask(engine, "classify", fresh("square", "blue"), explain="brief")
        assert sum(r.contribution for r in brief.reasons) == pytest.approx(answer.labels[0].logit, rel=1e-3, abs=2e-3)
        assert ask(engine, "classify", fresh("square", "blue"), explain="none").reasons == []


def test_a_heat_map_is_a_png_over_the_picture_and_its_sum_is_the_logit(trained: Trained) -> None:
    engine, *_ = trained
    content = fresh("cross", "green")
    answer = ask(engine, "classify", content, explain="full")
    first = answer.heat_maps[0]
    assert Image.open(io.BytesIO(first.png)).size == (heat.SIDE, heat.SIDE) and first.box == (0, 0, tiny.SIDE, tiny.SIDE)
    look = Look.at(engine.model, engine.model.trunk.view(images.decode(content)), maps=True)
    parts, bias = look.parts(0, first.label)
    assert float(heat.heat(parts).sum()) + bias == pytest.approx(answer.labels[0].logit, rel=0.02, abs=0.05)


def test_heat_lies_on_the_thing(trained: Trained) -> None:
    """The warmest tenth of the colour's map is on the shape, which covers less than a third of the picture."""
    engine, *_ = trained
    inside = []
    for seed in range(9000, 9010):
        content = fresh("square", "red", seed)
        decoded = images.decode(content)
        look = Look.at(engine.model, engine.model.trunk.view(decoded), maps=True)
        density = heat.heat(look.parts(1, "red")[0], side=tiny.SIDE)
        thing = np.asarray(decoded.image, int)[..., 1] < 150
        inside.append(float(thing[density >= np.quantile(density, 0.9)].mean()))
    assert np.mean(inside) > 0.6


def test_what_explains_a_label_matters_more_than_chance_by_deletion_and_insertion(trained: Trained) -> None:
    """Petsiuk et al. (2018): covering warm places first hurts sooner than covering in random order, showing them helps sooner."""
    engine, *_ = trained
    kept = [curve_areas(engine, fresh(shape, colour, 9100)) for shape in tiny.SHAPES for colour in ("red", "blue")]
    deletion, deletion_random, insertion, insertion_random = np.mean(kept, axis=0)
    assert deletion < 0.9 * deletion_random and insertion > insertion_random


def curve_areas(engine: VisionEngine, content: bytes) -> tuple[float, float, float, float]:
    """Mean probability of the colour while its cells are deleted or inserted: by heat, and in random order."""
    decoded = images.decode(content)
    view = engine.model.trunk.view(decoded)
    look = Look.at(engine.model, view, maps=True)
    label = look.labels(1, 1)[0].label
    cells = 8
    density = heat.heat(look.parts(1, label)[0], side=tiny.SIDE)
    grid = density.reshape(cells, tiny.SIDE // cells, cells, tiny.SIDE // cells).sum((1, 3)).ravel()
    pixels, ground = np.asarray(decoded.image), np.full((tiny.SIDE, tiny.SIDE, 3), 250, np.uint8)
    orders = [np.argsort(-grid), np.random.default_rng(0).permutation(cells * cells)]
    areas = []
    for start, end in ((pixels, ground), (ground, pixels)):
        for order in orders:
            steps = [chance(engine, mixed(start, end, order[:k], cells), label) for k in range(0, 65, 8)]
            areas.append(np.mean(steps))
    return areas[0], areas[1], areas[2], areas[3]


def mixed(start: np.ndarray, end: np.ndarray, cells: np.ndarray, per_side: int) -> Image.Image:
    found, step = start.copy(), tiny.SIDE // per_side
    for cell in cells.tolist():
        y, x = divmod(cell, per_side)
        found[y * step : (y + 1) * step, x * step : (x + 1) * step] = end[y * step : (y + 1) * step, x * step : (x + 1) * step]
    return Image.fromarray(found)


def chance(engine: VisionEngine, image: Image.Image, label: str) -> float:
    look = Look.at(engine.model, engine.model.trunk.view(images.Decoded(image, *image.size)), maps=False)
    return next(one.probability for one in look.labels(1, 100) if one.label == label)


def test_examples_are_training_pictures_and_the_nearest_is_of_the_same_kind(trained: Trained) -> None:
    engine, world, *_ = trained
    answer = ask(engine, "classify", fresh("disc", "blue"), explain="full")
    known = {item.item_id: item for item in world.catalogue}
    assert answer.examples and all(example.picture_id in known for example in answer.examples)
    assert known[answer.examples[0].picture_id].attributes == {"colour": "blue"}


def test_blank_pictures_and_noise_are_not_known_things(starter: VisionEngine) -> None:
    blank = ask(starter, "classify", as_png(np.full((200, 200, 3), 255)))
    assert not blank.known and blank.familiarity == 0
    rng = np.random.default_rng(0)
    noise = [ask(starter, "classify", as_png(rng.integers(0, 255, (200, 200, 3)))) for _ in range(5)]
    assert sum(answer.known for answer in noise) <= 1


def test_pictures_that_were_trained_on_are_known_things(trained: Trained) -> None:
    engine, world, *_ = trained
    known = [ask(engine, "classify", content).known for content in world.files.values()]
    assert np.mean(known) > 0.95


def test_a_box_is_looked_at_alone(trained: Trained) -> None:
    engine, *_ = trained
    left, right = (np.asarray(Image.open(io.BytesIO(fresh("square", colour)))) for colour in ("red", "blue"))
    both = as_png(np.concatenate([left, right], 1))
    side = float(tiny.SIDE)
    for box, colour in (((0.0, 0.0, side, side), "red"), ((side, 0.0, 2 * side, side), "blue")):
        answer = ask(engine, "describe", both, box=box, explain="full")
        assert answer.attributes["colour"][0].label == colour
        assert answer.heat_maps[0].box == box
        alone = ask(engine, "embed", fresh("square", colour)).embedding
        assert float(np.dot(alone, ask(engine, "embed", both, box=box).embedding)) > 0.99


@pytest.mark.parametrize("box", [(5, 5, 5, 9), (9, 9, 2, 2), (500, 0, 600, 50)])
def test_a_box_that_is_none_is_refused(trained: Trained, box: tuple[float, ...]) -> None:
    with pytest.raises(BadInput, match="box"):
        ask(trained[0], "embed", fresh("disc", "red"), box=box)


def test_vectors_have_length_one_and_alike_pictures_lie_closer(trained: Trained) -> None:
    engine, *_ = trained
    red, red_too, blue = (
        np.array(ask(engine, "embed", fresh("disc", c, s)).embedding) for c, s in (("red", 1), ("red", 2), ("blue", 3))
    )
    assert np.linalg.norm(red) == pytest.approx(1, abs=1e-5)
    assert red @ red_too > red @ blue


def test_items_are_left_vectors_that_other_tasks_read(trained: Trained) -> None:
    engine, world, *_ = trained
    vectors = world.spaces["image"]
    assert set(vectors) == {item.item_id for item in world.catalogue}
    content = world.files["/pictures/item-0001.png"]
    stored = np.frombuffer(vectors["item-0001"], "<f4")
    assert float(stored @ np.array(ask(engine, "embed", content).embedding)) == pytest.approx(1, abs=1e-4)


def test_what_stands_out_from_a_plain_background_is_found(starter: VisionEngine) -> None:
    pixels = np.full((120, 200, 3), 245)
    pixels[30:90, 50:140] = (180, 40, 60)
    answer = ask(starter, "detect", as_png(pixels))
    assert (answer.width, answer.height) == (200, 120)
    assert answer.objects[0].by == "background"
    assert np.allclose(answer.objects[0].box, (50, 30, 140, 90), atol=3)
    assert ask(starter, "detect", as_png(np.full((50, 50, 3), 9))).objects == []


def test_boxes_are_in_pixels_of_the_whole_upright_picture_however_it_was_decoded(starter: VisionEngine) -> None:
    pixels = np.full((2400, 3200, 3), 245, np.uint8)
    pixels[600:1800, 800:2400] = (30, 60, 160)
    exif = Image.Exif()
    exif[images.ORIENTATION] = 6  # must be turned by a quarter
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", exif=exif)
    answer = ask(starter, "detect", file.getvalue())
    assert (answer.width, answer.height) == (2400, 3200)
    assert np.allclose(answer.objects[0].box, (600, 800, 1800, 2400), atol=60)


def test_each_object_can_be_named_in_the_shops_own_categories(trained: Trained) -> None:
    answer = ask(trained[0], "detect", fresh("cross", "red"), classify=True)
    assert all(label.label.startswith("Shapes > ") for label in answer.objects[0].categories)


@pytest.mark.parametrize("op", ["classify", "describe", "detect", "embed"])
def test_bad_pictures_are_our_errors_in_every_operation(starter: VisionEngine, op: str) -> None:
    for content, kind in ((b"", BadInput), (b"<svg/>", Unsupported), (bytes(images.MOST_BYTES + 1), TooLarge)):
        with pytest.raises(kind):
            ask(starter, op, content)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
def test_slivers_are_answered(starter: VisionEngine, size: tuple[int, int]) -> None:
    content = as_png(np.zeros((size[1], size[0], 3)))
    assert not ask(starter, "classify", content).known
    assert ask(starter, "detect", content).width == size[0]


def test_a_trunk_that_looks_at_a_part_sees_the_middle_alone(starter: VisionEngine) -> None:
    trunk = starter.model.trunk
    card = msgspec.structs.replace(trunk.card, whole=False, share=0.5, side=64)
    edge = np.random.default_rng(1).integers(0, 255, (128, 160, 3), np.uint8)
    other = edge.copy()
    other[:32], other[96:], other[:, :48], other[:, 112:] = 0, 255, 0, 255
    views = [Trunk(card, trunk.session).view(images.Decoded(Image.fromarray(one), 320, 256)) for one in (edge, other)]
    assert views[0].box == (96.0, 64.0, 224.0, 192.0) and card.short == 128
    assert np.abs(views[0].pixels - views[1].pixels)[:, 4:-4, 4:-4].max() < 1e-6


def test_a_trunk_that_looks_in_the_mirror_sees_both_sides_alike(starter: VisionEngine) -> None:
    card = msgspec.structs.replace(starter.model.card.trunk, mirror=True, colours=False)
    trunk = Trunk(card, starter.model.trunk.session)
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8))
    other = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    (a, maps_a), (b, maps_b) = (trunk.maps([trunk.view(images.Decoded(one, *one.size))]) for one in (photo, other))
    assert np.allclose(a, b, atol=1e-4) and np.allclose(maps_a, maps_b[..., ::-1], atol=1e-4)
    assert np.allclose(maps_a.mean((2, 3)), a, atol=1e-4)
    once = Trunk(msgspec.structs.replace(card, mirror=False), trunk.session)
    assert not np.allclose(a, once.features([once.view(images.Decoded(photo, *photo.size))]), atol=1e-3)
