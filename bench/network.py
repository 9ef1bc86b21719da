"""The sequence network on the public sequence sets, alone and blended with sequence neighbours, beside published figures.

    python -m bench.network [ml-1m|beauty|sports] [--seeds N] [--keep FOLDER] [--set NAME=VALUE ...]

Leave-last-one-out: the last item is the test. The network learns from what is before the second-last, by the task's own `learn`
(which stops by the third-last of some users); the share of the blend is chosen on the second-last. All items are ranked, seen
ones left out. Scores come from the served arrays, without torch. With `--keep` the arrays are written there, and a later run
starts from them. `--speed` measures one answer and its reasons in numpy, and the same network in ONNX Runtime.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from bench.sequences import FILMS, SHOP, _gains, _rises, _said, faded, ones
from bench.shared_data import DATASETS
from numpy.typing import NDArray

from aisle.tasks.recommend import content
from aisle.tasks.recommend import sequence_neighbours as sn
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.sequence import learn as network
from aisle.tasks.recommend.sequence.served import Served, contributions, follow, served_from
from aisle.tasks.recommend.world import World, arrange

Floats = NDArray[np.float64]
Scores = NDArray[np.float32]
SHARES = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8)  # of sequence neighbours in the blend
ASKED = 2000  # users whose second-last item chooses among them
BLOCK = 1000  # users scored at once
SPOKEN = 20.0  # seconds between two lines of progress
PUBLISHED = {
    "ml-1m": "SASRec full softmax .3152 / .1821; HSTU-large .3294 / .1893",
    "beauty": "SASRec .0605 / .0318; HSTU .0708 / .0412; LCRec .0791 / .0438",
    "sports": "SASRec .0350 / .0192; HSTU .0365 / .0207; LCRec .0422 / .0226",
}


class Shop:
    """A data set in the numbering of the task, and what is asked of it."""

    def __init__(self, name: str) -> None:
        data = DATASETS[name]()
        self.name, self.world = name, arrange(list(data.items()), data.events())
        ends = np.searchsorted(self.world.user, np.arange(len(self.world.users)), side="right")
        self.from_end = ends[self.world.user] - np.arange(len(self.world.user))

    def without(self, left: int) -> World:
        """The shop before everybody's last `left` events."""
        return self.world.part(self.from_end > left)

    def before(self, left: int) -> sn.Sequences:
        keep = self.from_end > left
        return sn.Sequences.of(self.world.user[keep], self.world.item[keep].astype(np.int64))

    def target(self, left: int) -> NDArray[np.int64]:
        found: NDArray[np.int64] = self.world.item[self.from_end == left].astype(np.int64)
        return found


def learnt(shop: Shop, config: Config, keep: Path | None) -> tuple[Served, float]:
    """The network, from `keep` where it is there, and the processor minutes it took."""
    folder = None if keep is None else keep / f"{shop.name}-{config.sequence_seed}"
    if folder is not None and (found := network.load(folder)) is not None:
        return found, float((folder / "minutes").read_text("utf-8"))
    texts, said, started = content.read(shop.world.items), [0.0], time.process_time()

    def step(done: int, total: int, word: str) -> None:
        if time.monotonic() - said[0] > SPOKEN:
            said[0] = time.monotonic()
            print(f"  {done / total:.1%} {word}; {(time.process_time() - started) / 60:.1f} processor minutes", flush=True)

    served = network.learn(shop.without(2), config, texts, step)
    minutes = (time.process_time() - started) / 60
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        network.save(served, folder)
        (folder / "minutes").write_text(f"{minutes:.3f}", "utf-8")
    return served, minutes


def probabilities(served: list[Served], histories: sn.Sequences, events: int) -> Scores:
    """(users, N) by the newest `events` of each history: the geometric mean of all networks, of sum 1."""
    total = np.zeros((len(histories.start) - 1, len(served[0].outputs)), np.float32)
    for one in served:
        for user, (start, stop) in enumerate(zip(histories.start[:-1], histories.start[1:], strict=True)):
            newest = histories.item[max(start, stop - events) : stop]
            total[user] += _log_softmax(one.outputs @ follow(one, one.inputs[newest]).last)
    found = np.exp(total / len(served))
    return np.asarray(found / found.sum(axis=1, keepdims=True), np.float32)


def _log_softmax(logits: Scores) -> Scores:
    above = logits - logits.max()
    return np.asarray(above - np.log(np.exp(above).sum()), np.float32)


class Neighbours:
    """Sequence neighbours learnt from the same events, asked with the same histories."""

    def __init__(self, shop: Shop, items: int) -> None:
        self.items = items
        self.model = sn.learn(shop.before(2), items, **(FILMS if shop.name == "ml-1m" else SHOP))

    def scores(self, histories: sn.Sequences) -> Scores:
        """(users, N) of sum 1."""
        found = sn.score_all(self.model.lists, faded(histories, self.items, self.model.fade)).toarray()
        return np.asarray(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12), np.float32)


def ranks(found: Scores, seen: Any, target: NDArray[np.int64]) -> Floats:
    """How many unseen items stand above each user's target; of equals half."""
    rank = np.zeros(len(target))
    for user in range(len(target)):
        row = found[user].copy()
        own = row[target[user]]
        row[seen.indices[seen.indptr[user] : seen.indptr[user + 1]]] = -np.inf
        rank[user] = (row > own).sum() + max(float((row == own).sum()) - 1.0, 0.0) / 2.0
    return rank


def best_share(shop: Shop, served: list[Served], near: Neighbours) -> float:
    """The share of the neighbours with the highest nDCG@10 on the second-last items of some users."""
    users = np.sort(np.random.default_rng(0).permutation(len(shop.world.users))[:ASKED])
    histories, target = shop.before(2).only(users), shop.target(2)[users]
    seen = ones(histories, near.items)
    mine, theirs = probabilities(served, histories, served[0].length), near.scores(histories)
    gains = {share: _gains(ranks((1 - share) * mine + share * theirs, seen, target))[1].mean() for share in SHARES}
    print("validation nDCG@10 by share of neighbours: " + ", ".join(f"{share} {gain:.4f}" for share, gain in gains.items()))
    return max(SHARES, key=lambda share: gains[share])


def tested(shop: Shop, served: list[Served], near: Neighbours, share: float) -> Iterator[tuple[str, Floats]]:
    """Each way of answering with its ranks of the last items."""
    histories, target = shop.before(1), shop.target(1)
    parts: dict[str, list[Floats]] = {}
    for start in range(0, len(target), BLOCK):
        users = np.arange(start, min(start + BLOCK, len(target)))
        some = histories.only(users)
        seen, theirs = ones(some, near.items), near.scores(some)
        for events in sorted({50, served[0].length}):
            mine = probabilities(served, some, events)
            parts.setdefault(f"network, {events} events", []).append(ranks(mine, seen, target[users]))
            both = (1 - share) * mine + share * theirs
            parts.setdefault(f"with {share} neighbours, {events} events", []).append(ranks(both, seen, target[users]))
        parts.setdefault("sequence_neighbours", []).append(ranks(theirs, seen, target[users]))
    yield from ((name, np.concatenate(rank)) for name, rank in parts.items())


# ---- speed -----------------------------------------------------------------------------------------------------


def speed(items: int = 3416, length: int = 50, rounds: int = 30) -> None:
    """The same network with random weights in numpy and in ONNX Runtime, one thread each, in turns; the least of all rounds."""
    import torch

    from aisle.tasks.recommend.sequence.net import Net, Size, arrays

    net = Net(Size(items, 0, length)).eval()
    served = served_from(arrays(net), arrays(net)["own"], np.zeros((0, net.size.dimensions), np.float32))
    session = _onnx(net, length)
    histories = np.random.default_rng(0).integers(0, items, (64, length))
    with torch.no_grad():
        right = (net(torch.from_numpy(histories), net.vectors())[:, -1] @ net.vectors().T).numpy()

    def in_numpy(rows: NDArray[np.int64]) -> Scores:
        return np.stack([served.outputs @ follow(served, served.inputs[row]).last for row in rows])

    def in_onnx(rows: NDArray[np.int64]) -> Scores:
        return np.asarray(session.run(None, {"items": rows})[0], np.float32)

    def explained(rows: NDArray[np.int64]) -> None:
        for row in rows:
            contributions(served, follow(served, served.inputs[row]), served.outputs[:10])

    apart = float(np.abs(in_numpy(histories) - (right - right.mean(axis=1, keepdims=True))).max())
    print(f"numpy to torch {apart:.1e}, ONNX Runtime to torch {float(np.abs(in_onnx(histories) - right).max()):.1e}")
    print(f"{items:,} items, {length} events, {net.size.dimensions} dimensions, ms\n\n| | one user | 64 users |\n|---|---|---|")
    for name, way in (("numpy", in_numpy), ("ONNX Runtime", in_onnx), ("numpy, with the reasons of 10 items", explained)):
        times = [min(_timed(way, histories[:count]) for _ in range(rounds)) for count in (1, 64)]
        print(f"| {name} | {times[0]:.2f} | {times[1]:.1f} |", flush=True)


def _timed(way: Any, rows: NDArray[np.int64]) -> float:
    started = time.process_time()
    way(rows)
    return (time.process_time() - started) * 1000


def _onnx(net: Any, length: int) -> Any:
    """The whole network as one graph, (users, length) items -> (users, items) logits."""
    import onnxruntime
    import torch

    class Norm(torch.nn.Module):  # written out: the exporter does not know RMSNorm
        def __init__(self, norm: Any) -> None:
            super().__init__()
            self.norm = norm

        def forward(self, x: Any) -> Any:
            return x * (x.square().mean(-1, keepdim=True) + self.norm.eps).rsqrt() * self.norm.weight

    net = copy.deepcopy(net)
    net.last = Norm(net.last)
    for block in net.blocks:
        block.before_attention, block.before_gated = Norm(block.before_attention), Norm(block.before_gated)

    class Scored(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, items: Any) -> Any:
            vectors = self.net.vectors()
            return self.net(items, vectors)[:, -1] @ vectors.T

    file = Path(tempfile.mkdtemp()) / "network.onnx"
    torch.onnx.export(
        Scored(), (torch.zeros(2, length, dtype=torch.int64),), file, input_names=["items"], output_names=["logits"],
        dynamic_axes={"items": {0: "users"}, "logits": {0: "users"}}, opset_version=18, dynamo=False,
    )  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("dataset", choices=sorted(PUBLISHED))
    options.add_argument("--seeds", type=int, default=1, help="so many networks, their probabilities multiplied")
    options.add_argument("--keep", type=Path, help="a folder for the learnt arrays")
    options.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings of `aisle train recommend`")
    options.add_argument("--speed", action="store_true", help="one answer in numpy and in ONNX Runtime, and nothing else")
    options.add_argument("--untested", action="store_true", help="stop after the validation")
    given = options.parse_args()
    if given.speed:
        speed()
        return
    config = msgspec.convert(dict(pair.split("=") for pair in given.set), Config, strict=False)
    shop, served, minutes = Shop(given.dataset), [], 0.0
    for seed in range(given.seeds):
        one, more = learnt(shop, msgspec.structs.replace(config, sequence_seed=config.sequence_seed + seed), given.keep)
        served.append(one)
        minutes += more
    near = Neighbours(shop, len(served[0].outputs))
    share = best_share(shop, served, near)
    if given.untested:
        return
    print(f"\n{given.dataset}, test; {minutes:.1f} processor minutes of training\n\n| | HR@10 | nDCG@10 |\n|---|---|---|")
    rising = _rises(shop.name, shop.before(1), shop.target(1)) if shop.name != "ml-1m" else None
    for name, rank in tested(shop, served, near, share):
        print(f"| {name} | {' | '.join(map(_said, _gains(rank)))} |", flush=True)
        for word, users in (("rises", rising), ("falls", None if rising is None else ~rising)):
            if users is not None:
                print(f"| ... last step {word} | {' | '.join(map(_said, _gains(rank[users])))} |", flush=True)
    print(f"\nPublished: {PUBLISHED[given.dataset]}")


if __name__ == "__main__":
    main()
