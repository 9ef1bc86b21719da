"""Pictures: explanations, boxes, and pictures per second through HTTP.

python -m bench vision explain     deletion and insertion beside random order
python -m bench vision fridge      boxes learnt from 20 photos, AP50 on 5
python -m bench vision speed       HTTP beside the bare loop and torch
python -m bench vision step        a step of training, with and without the quick way back through halving convolutions
"""

from __future__ import annotations

import argparse
import base64
import os
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np
from bench.shared_data import REC
from PIL import Image

from aisle.kit import images
from aisle.kit import softmax as sm
from aisle.kit.sessions import USUAL, Session, Way, installed, open_session
from aisle.tasks.vision import heat
from aisle.tasks.vision.engine import Look, VisionEngine, load
from aisle.tasks.vision.model import STARTER

IMAGES = REC.parent / "image"
CELLS = 8  # per side, in deletion and insertion
Floats = sm.Floats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["explain", "fridge", "speed", "step"])
    parser.add_argument("--photos", type=int, default=60, help="explain and speed: how many photos")
    given = parser.parse_args()
    engine = load(STARTER)
    if given.what == "explain":
        explain(engine, given.photos)
    elif given.what == "fridge":
        fridge()
    elif given.what == "step":
        step()
    else:
        speed(engine, given.photos)


# ---- explanations ---------------------------------------------------------------------------------------------------


def explain(engine: VisionEngine, count: int) -> None:
    """The probability of the first label while cells are covered with the border's colour, warmest first or in random order."""
    found: list[list[float]] = []
    for content in photos(count):
        image = images.decode(content).image
        view = engine.model.trunk.view(images.Decoded(image, *image.size))
        look = Look.at(engine.model, view, maps=True)
        label = look.labels(0, 1)[0].label
        side = view.square.width
        density = heat.heat(look.parts(0, label)[0], side=side)
        step = side // CELLS
        warmth = density[: step * CELLS, : step * CELLS].reshape(CELLS, step, CELLS, step).sum((1, 3)).ravel()
        ground = np.tile(np.array(images.border_colour(view.square), np.uint8), (side, side, 1))
        orders = [np.argsort(-warmth), np.random.default_rng(len(found)).permutation(CELLS * CELLS)]
        pixels = np.asarray(view.square)
        found.append(
            [
                area(engine, start, end, order, label, step)
                for start, end in ((pixels, ground), (ground, pixels))
                for order in orders
            ]
        )
    deletion, by_chance, insertion, insertion_by_chance = np.mean(found, 0)
    print(f"{len(found)} photos: deletion {deletion:.3f}, random order {by_chance:.3f} ({1 - deletion / by_chance:.0%} better)")
    print(f"insertion {insertion:.3f}, random order {insertion_by_chance:.3f}")


def area(engine: VisionEngine, start: Any, end: Any, order: Any, label: str, step: int) -> float:
    sure = []
    for done in range(0, CELLS * CELLS + 1, 8):
        mixed = start.copy()
        for cell in order[:done].tolist():
            y, x = divmod(cell, CELLS)
            part = slice(y * step, (y + 1) * step), slice(x * step, (x + 1) * step)
            mixed[part] = end[part]
        image = Image.fromarray(mixed)
        look = Look.at(engine.model, engine.model.trunk.view(images.Decoded(image, *image.size)), maps=False)
        sure.append(next(one.probability for one in look.labels(0, 1000) if one.label == label))
    return float(np.mean(sure))


def photos(count: int) -> list[bytes]:
    """Product photos of 224 pixels that were never trained on (crc32(id) mod 10 = 0)."""
    with zipfile.ZipFile(IMAGES / "myntra-fashion-small" / "images224-sample.zip") as archive:
        names = [name for name in archive.namelist() if zlib.crc32(name.removesuffix(".webp").encode()) % 10 == 0]
        return [archive.read(name) for name in names[:count]]


# ---- boxes ----------------------------------------------------------------------------------------------------------


def fridge() -> None:
    """The source's boxes as a COCO file, imported and learnt as a shop would."""
    from aisle.embedded import Shop
    from aisle.feeds.samples import open_samples
    from aisle.jobs.sampling import import_samples

    folder = IMAGES / "fridge-detection"
    said = msgspec.json.decode((folder / "annotations.json").read_bytes())
    kinds = sorted({label for one in said for label in one["labels"]})
    coco: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": k, "name": name} for k, name in enumerate(kinds)],
    }
    for number, one in enumerate(said):
        split = "test" if one["image"].startswith("test") else "train"
        coco["images"].append({"id": number, "file_name": one["image"], "split": split})
        for (x0, y0, x1, y1), label in zip(one["boxes_xyxy"], one["labels"], strict=True):
            coco["annotations"].append(
                {"image_id": number, "category_id": kinds.index(label), "bbox": [x0, y0, x1 - x0, y1 - y0]}
            )
    with tempfile.TemporaryDirectory() as where:
        with zipfile.ZipFile(folder / "images.zip") as archive:
            archive.extractall(where)
        listed = Path(where) / "boxes.json"
        listed.write_bytes(msgspec.json.encode(coco))
        with Shop(f"{where}/shop") as shop:
            reader = open_samples(listed, "pictures", {}, {})
            report = import_samples(
                reader, "pictures", 1, shop.app.samples, shop.app.media, Path(where) / "rejects.csv", lambda *_: None
            )
            print(f"{report.accepted} photos imported, {report.rejected} rejected")
            began = time.perf_counter()
            result = shop.train("vision")
            scores = result.card["scores"] if hasattr(result, "card") else result["scores"]
            print(
                f"learnt in {time.perf_counter() - began:.0f} s:",
                {k: round(v, 3) for k, v in scores.items() if "detect" in k or "box" in k},
            )


# ---- speed ------------------------------------------------------------------------------------------------------------


def speed(engine: VisionEngine, count: int) -> None:
    """Pictures per second: the network alone in ONNX Runtime and in torch; whole answers in a bare loop and over HTTP."""
    contents = photos(count)
    network(engine, contents)
    from aisle.demo.build import server
    from aisle.embedded import Shop
    from aisle.settings import Settings

    with tempfile.TemporaryDirectory() as where:
        settings = Settings(home=f"{where}/shop", worker=False)
        with Shop(settings.home) as shop:
            key = shop.app.access.create(1, "bench", ["admin"])[1]
        with server(settings) as address:
            over_http(address, key, contents)  # the starter is opened by the first request
            bare(engine, contents)
            loops, served = [], []
            for _ in range(5):
                loops.append(cpu(lambda: bare(engine, contents)))
                before = cpu_of_children()
                over_http(address, key, contents)
                served.append(cpu_of_children() - before)
            loop, http = (1000 * min(one) / count for one in (loops, served))
            print(f"whole answers, CPU ms a picture: bare loop {loop:.1f}, HTTP server {http:.1f}, ratio {loop / http:.2f}")
            half_load(address, key, contents)


def network(engine: VisionEngine, contents: Sequence[bytes]) -> None:
    import torch

    from aisle.tasks.vision.nets import build, restore

    torch.set_num_threads(1)
    net = build("mobilenet_v2")
    restore(net, STARTER / "trunk.onnx")
    net.body.eval()
    views = [engine.model.trunk.view(images.decode(content)) for content in contents]
    ways = [USUAL] + ([Way("openvino", "fp32"), Way("openvino", "bf16")] if installed("openvino") else [])
    sessions = {way.name: open_session(STARTER / "trunk.onnx", way) for way in ways}

    def ours(session: Session) -> None:
        for view in views:
            session.run(["features"], {"pixels": view.pixels[None]})

    def torchs() -> None:
        for view in views:
            net.body(torch.from_numpy(view.pixels[None])).mean((2, 3))

    spent = dict.fromkeys(["torch fp32", *sessions], 1e9)
    with torch.no_grad():
        for _ in range(3):
            spent["torch fp32"] = min(spent["torch fp32"], cpu(torchs))
            for name, session in sessions.items():
                spent[name] = min(spent[name], cpu(lambda session=session: ours(session)))  # type: ignore[misc]
    for name, seconds in spent.items():
        times = spent["torch fp32"] / seconds
        print(f"network alone, CPU ms a picture: {name} {1000 * seconds / len(views):.1f} ({times:.1f}x as fast as torch fp32)")


def step(pictures: int = 32, side: int = 192) -> None:
    """CPU seconds of a forward and backward pass of the starter's network in bf16, best of four, interleaved."""
    import torch
    from torch.nn import functional

    from aisle.tasks.vision.nets import build, halving, mobilenet_v2

    torch.set_num_threads(1)
    net = build("mobilenet_v2").body.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.rand(pictures, 3, side, side).contiguous(memory_format=torch.channels_last)

    def usual(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(x, weight, bias, stride=2, groups=len(weight))

    def one() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            found = net(x).mean()
        found.backward()

    spent = {"usual": 1e9, "quick": 1e9}
    ways = {"usual": usual, "quick": halving.halved}
    for _ in range(4):
        for name, way in ways.items():
            with patch.object(mobilenet_v2, "halved", way):
                spent[name] = min(spent[name], cpu(one))
    usually, quickly = spent["usual"], spent["quick"]
    print(f"a step, CPU s: usual {usually:.2f}, quick {quickly:.2f} ({usually / quickly:.2f}x as fast)")


def bare(engine: VisionEngine, contents: Sequence[bytes]) -> None:
    for content in contents:
        view = engine.model.trunk.view(images.decode(content, side=engine.model.card.trunk.side))
        engine.model.space.embed(engine.model.trunk.features([view]))


def over_http(address: str, key: str, contents: Sequence[bytes], clients: int = 4) -> None:
    """The same pictures from several connections at once."""
    bodies = [msgspec.json.encode({"image": {"base64": base64.b64encode(content).decode()}}) for content in contents]
    threads = [threading.Thread(target=ask, args=(address, key, bodies[k::clients])) for k in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ask(address: str, key: str, bodies: Sequence[bytes]) -> None:
    host, _, port = address.removeprefix("http://").partition(":")
    connection = HTTPConnection(host, int(port), timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for body in bodies:
        connection.request("POST", "/v1/vision/embed", body, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(answer.read())
        answer.read()
    connection.close()


def half_load(address: str, key: str, contents: Sequence[bytes]) -> None:
    """How long answers take where pictures come one by one at half the pace that one connection can keep."""
    host, _, port = address.removeprefix("http://").partition(":")
    connection = HTTPConnection(host, int(port), timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    bodies = [msgspec.json.encode({"image": {"base64": base64.b64encode(content).decode()}}) for content in contents]
    waits = list[float]()
    for body in bodies * max(400 // len(bodies), 1):
        began = time.perf_counter()
        connection.request("POST", "/v1/vision/embed", body, headers)
        connection.getresponse().read()
        waits.append(time.perf_counter() - began)
        time.sleep(float(np.median(waits)))
    connection.close()
    p50, p99 = np.percentile(waits, [50, 99]) * 1000
    print(f"at half load ({len(waits)} pictures): p50 {p50:.1f} ms, p99 {p99:.1f} ms by the clock")


def cpu_of_children() -> float:
    """Processor seconds of the processes that this one has started, and that still run."""
    ticks = 0
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            cells = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            ticks += int(cells[11]) + int(cells[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def cpu(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


if __name__ == "__main__":
    main()
