"""Item neighbours in forty plain lines that use nothing of ours: a second opinion on `quality` for Beauty and Sports.

    python -m bench.plain_neighbours [beauty|sports]

Last item hidden, learnt from the others, all items ranked, seen ones left out, ties against us. likeness = cosine · n/(n+β).
"""

from __future__ import annotations

import argparse
import gzip
from typing import Any

import numpy as np
import scipy.sparse as sp
from bench.shared_data import REC

FOLDERS = {"beauty": "Beauty", "sports": "Sports_and_Outdoors"}
BLOCK = 2000


def likeness(met: Any, beta: float) -> Any:
    """(items, items) csr: cosine of who met what, held back where few users met both."""
    together = (met.T @ met).tocsr()
    together.setdiag(0)
    together.eliminate_zeros()
    pairs, count = together.tocoo(), np.asarray(met.sum(axis=0)).ravel()
    cosine = pairs.data / np.sqrt(count[pairs.row] * count[pairs.col])
    return sp.csr_array((cosine * pairs.data / (pairs.data + beta), (pairs.row, pairs.col)), shape=together.shape)


def quality(sequences: list[list[int]], met: Any, alike: Any) -> tuple[float, float]:
    """HR@10 and nDCG@10."""
    gains = []
    for start in range(0, len(sequences), BLOCK):
        scores = (met[start : start + BLOCK] @ alike).toarray()
        for row, sequence in zip(scores, sequences[start : start + BLOCK], strict=True):
            row[sequence[:-1]] = -1
            mine = row[sequence[-1]]
            rank = int((row >= mine).sum()) - 1
            gains.append(1 / np.log2(rank + 2) if mine > 0 and rank < 10 else 0.0)
    return float(np.mean(np.array(gains) > 0)), float(np.mean(gains))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("dataset", nargs="?", default="beauty", choices=sorted(FOLDERS))
    name = options.parse_args().dataset
    with gzip.open(REC / "amazon-2014-5core" / FOLDERS[name] / "sequences.txt.gz", "rt") as file:
        sequences = [[int(item) for item in line.split()[1:]] for line in file]
    rows = [(user, item) for user, sequence in enumerate(sequences) for item in sequence[:-1]]
    users, items = (np.array(column) for column in zip(*rows, strict=True))
    shape = (len(sequences), max(map(max, sequences)) + 1)
    met = sp.csr_array((np.ones(len(rows)), (users, items)), shape=shape)
    met.data[:] = 1
    for beta in (0.0, 10.0):
        hit, gain = quality(sequences, met, likeness(met, beta))
        print(f"{name}, β = {beta:.0f}: HR@10 {hit:.4f}, nDCG@10 {gain:.4f}")


if __name__ == "__main__":
    main()
