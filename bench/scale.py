"""Neighbours and ALS at 1, 5 and 20 million events of a generated shop with 100,000 items: processor time, peak memory, a plot.

    OMP_NUM_THREADS=1 python -m bench.scale [--events 1 5 20] [--items 100000] [--steps …] [--out docs/scale.svg]

Each step runs in a process of its own, so that its peak memory is its own (the interpreter and the matrix, 8 bytes an event,
included). similaripy is asked for some rows (`--rows`) and the rest is extrapolated by the row; ours is run to its end. Items
have a long tail (the r-th sells like 1 / (r + 50)), users log-normal numbers of events, 140 on average.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

EACH, K, FACTORS = 140, 100, 64
CHEAP = 20  # a row of items costs so much less than one of users
WIDTH, HEIGHT, LEFT, BOTTOM, GAP = 400, 300, 56, 40, 24
COLOURS = {"user neighbours": "#2a78d6", "item neighbours": "#008300", "ALS, an epoch": "#e87ba4", "lists from ALS": "#eda100"}


def shop(events: int, items: int, seed: int = 7) -> Any:
    """(users, items) csr of ones; who meets an item twice counts once."""
    rng = np.random.default_rng(seed)
    users = events // EACH
    activity = rng.lognormal(0.0, 1.0, users)
    user = np.repeat(np.arange(users, dtype=np.int32), rng.poisson(activity / activity.sum() * events))
    popularity = np.cumsum(1 / (np.arange(items) + 50.0))
    item = np.searchsorted(popularity, rng.random(len(user)) * popularity[-1]).astype(np.int32)
    item = rng.permutation(items).astype(np.int32)[item]
    key = np.unique(user.astype(np.int64) * items + item)
    starts = np.searchsorted(key, np.arange(users + 1, dtype=np.int64) * items).astype(np.int32)
    return sp.csr_array((np.ones(len(key), np.float32), (key % items).astype(np.int32), starts), shape=(users, items))


# ---- what is measured: each takes the matrix and a number of rows, and does its work ------------------------------------------


def user_neighbours(met: Any, rows: int) -> None:
    from aisle.kit.nearest import top_k_neighbours

    top_k_neighbours(met, "cosine", K, threads=1)


def item_neighbours(met: Any, rows: int) -> None:
    from aisle.kit.nearest import top_k_neighbours

    top_k_neighbours(met.T.tocsr(), "cosine", K, threads=1)


def epoch(met: Any, rows: int) -> None:
    from aisle.tasks.recommend import als

    als.learn(met, factors=FACTORS, epochs=rows)


def lists(met: Any, rows: int) -> None:
    from aisle.tasks.recommend import als

    rng = np.random.default_rng(0)
    users, items = (rng.standard_normal((size, FACTORS)).astype(np.float32) for size in met.shape)
    als.best_items(als.Factors(users, items, 0.1, 0.003, 1.0), met, 10)


def their_users(met: Any, rows: int) -> None:
    import similaripy

    chosen = np.random.default_rng(0).choice(met.shape[0], rows, replace=False)
    similaripy.cosine(sp.csr_matrix(met), k=K + 1, target_rows=chosen.astype(np.int32), num_threads=1, verbose=False)


def their_items(met: Any, rows: int) -> None:
    their_users(met.T.tocsr(), rows)


def their_epochs(met: Any, rows: int) -> None:
    from implicit.als import AlternatingLeastSquares

    peer = AlternatingLeastSquares(factors=FACTORS, iterations=rows, num_threads=1, calculate_training_loss=False)
    peer.fit(sp.csr_matrix(met), show_progress=False)


Work = Callable[[Any, int], None]
OURS: dict[str, Work] = {
    "user neighbours": user_neighbours, "item neighbours": item_neighbours, "ALS, an epoch": epoch, "lists from ALS": lists,
}  # fmt: skip
PEERS: dict[str, Work] = {
    "user neighbours": their_users, "item neighbours": their_items, "ALS, an epoch": their_epochs,
}  # fmt: skip


def measured(side: str, name: str, path: str, rows: int) -> dict[str, float]:
    """In a process of its own: CPU-seconds and the peak of its memory."""
    starts, columns = (np.load(Path(path) / f"{part}.npy") for part in ("starts", "columns"))
    items = int(np.load(Path(path) / "items.npy"))
    met = sp.csr_array((np.ones(len(columns), np.float32), columns, starts), shape=(len(starts) - 1, items))
    begun = time.process_time()
    (OURS if side == "aisle" else PEERS)[name](met, rows)
    return {"cpu": time.process_time() - begun, "mib": peak()}


def peak() -> float:
    with Path("/proc/self/status").open(encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


# ---- the run ----------------------------------------------------------------------------------------------------------------


def asked(side: str, name: str, path: str, rows: int = 0) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.scale", "--measure", side, name, path, str(rows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def an_epoch(side: str, name: str, path: str) -> dict[str, float]:
    """What the second and third epoch take, so that neither side pays for setting up or ending."""
    one, three = asked(side, name, path, 1), asked(side, name, path, 3)
    return {"cpu": (three["cpu"] - one["cpu"]) / 2, "mib": three["mib"]}


def some_rows(name: str, path: str, rows: int, of: int) -> dict[str, float]:
    """The peer's CPU-seconds for all rows, from what a tenth of `rows` and `rows` took."""
    rows = min(rows, of)
    few, more = asked("peer", name, path, rows // 10), asked("peer", name, path, rows)
    return {"cpu": few["cpu"] + (more["cpu"] - few["cpu"]) * (of - rows // 10) / (rows - rows // 10), "mib": more["mib"]}


def both(name: str, path: str, rows: int, of: int) -> tuple[dict[str, float], dict[str, float]]:
    if name.startswith("ALS"):
        return an_epoch("aisle", name, path), an_epoch("peer", name, path)
    nothing = {"cpu": float("nan"), "mib": float("nan")}
    return asked("aisle", name, path), some_rows(name, path, rows, of) if name in PEERS else nothing


def run(millions: float, items: int, names: Iterable[str], rows: int, path: str) -> list[dict[str, Any]]:
    met = shop(int(millions * 1e6), items)
    for part, array in {"starts": met.indptr, "columns": met.indices, "items": np.array(items)}.items():
        np.save(Path(path) / f"{part}.npy", array)
    found = []
    for name in names:
        by_item = name == "item neighbours"
        ours, theirs = both(name, path, rows * (CHEAP if by_item else 1), met.shape[int(by_item)])
        found.append({"name": name, "millions": met.nnz / 1e6, **ours, "peer_cpu": theirs["cpu"], "peer_mib": theirs["mib"]})
        print(
            f"| {met.nnz / 1e6:.1f} M, {met.shape[0]:,} x {items:,} | {name} | {ours['cpu']:.1f} | {theirs['cpu']:.1f}"
            f" | {ours['cpu'] / theirs['cpu']:.2f} | {ours['mib']:,.0f} | {theirs['mib']:,.0f} |",
            flush=True,
        )
    return found


def plot(found: list[dict[str, Any]]) -> str:
    """Two panels over events, both axes logarithmic: CPU-seconds and peak memory; dashed: the peers."""
    panels = [_panel(found, "cpu", "CPU-seconds, one thread", 0), _panel(found, "mib", "peak memory, MiB", LEFT + WIDTH + GAP)]
    names = [name for name in COLOURS if any(one["name"] == name for one in found)]
    legend = [
        f'<text x="{LEFT + 190 * place}" y="{HEIGHT + 34}" fill="{COLOURS[name]}">{name}</text>'
        for place, name in enumerate(names)
    ]
    size = f'viewBox="0 0 {2 * (LEFT + WIDTH) + GAP} {HEIGHT + 50}"'
    title = "<title>CPU-seconds and peak memory over millions of events; dashed: similaripy and implicit</title>"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12" fill="#666">{title}'
    return "\n".join([head, *panels, *legend, "</svg>"]) + "\n"


def _panel(found: list[dict[str, Any]], key: str, title: str, left: float) -> str:
    values = [one[part] for one in found for part in (key, f"peer_{key}") if one[part] > 0]
    events = sorted({one["millions"] for one in found})
    low, high = np.floor(np.log10(min(values))), np.ceil(np.log10(max(values)))
    wide = np.log10(events[-1] / events[0]) or 1.0

    def x(value: float) -> float:
        return float(left + LEFT + (WIDTH - 20) * np.log10(value / events[0]) / wide)

    def y(value: float) -> float:
        return float(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 30) * (np.log10(value) - low) / (high - low))

    parts = [f'<text x="{left + LEFT}" y="16" font-weight="bold">{title}</text>']
    for power in np.arange(low, high + 1):
        up, start, end = y(10**power), left + LEFT, left + LEFT + WIDTH - 20
        parts.append(f'<line x1="{start}" x2="{end}" y1="{up:.1f}" y2="{up:.1f}" stroke="#ccc"/>')
        parts.append(f'<text x="{start - 6}" y="{up + 4:.1f}" text-anchor="end">{10**power:g}</text>')
    parts += [f'<text x="{x(one):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{one:.1f} M</text>' for one in events]
    for name, colour in COLOURS.items():
        for part, dashes in ((key, ""), (f"peer_{key}", ' stroke-dasharray="5 4"')):
            points = [(x(one["millions"]), y(one[part])) for one in found if one["name"] == name and one[part] > 0]
            line = " ".join(f"{across:.1f},{up:.1f}" for across, up in points)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
            parts += [f'<circle cx="{across:.1f}" cy="{up:.1f}" r="3" fill="{colour}"/>' for across, up in points]
    return "\n".join(parts)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=float, nargs="+", default=[1, 5, 20], metavar="MILLIONS")
    options.add_argument("--items", type=int, default=100_000)
    options.add_argument("--steps", nargs="+", default=list(OURS), choices=list(OURS))
    options.add_argument("--rows", type=int, default=2000, help="rows the peers are asked for")
    options.add_argument("--out", type=Path, help="an SVG of time and memory")
    options.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.measure:
        side, name, path, rows = given.measure
        print(json.dumps(measured(side, name, path, int(rows))))
        return
    found: list[dict[str, Any]] = []
    print(
        "| events, users x items | step | aisle CPU s | peer | ratio | aisle MiB | peer MiB |\n|---|---|---|---|---|---|---|",
        flush=True,
    )
    for millions in given.events:
        with tempfile.TemporaryDirectory(prefix="aisle-scale-") as path:
            found += run(millions, given.items, given.steps, given.rows, path)
    if given.out:
        given.out.write_text(plot(found), "utf-8")


if __name__ == "__main__":
    main()
