"""The space in which pictures are compared, learnt so that things of one kind lie close: linear discriminant analysis.

Fisher (1936) as a generalised eigenproblem: directions in which all pictures vary much while pictures of one group vary little.
The within-group covariance is shrunk towards a multiple of the identity (Ledoit and Wolf, 2004), so few pictures suffice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import eigh

from aisle.kit.softmax import Floats
from aisle.tasks.vision.model import Space

SHRINK = 0.4


def learn(features: Floats, groups: Sequence[str], dimensions: int) -> Space:
    """A space from pictures (rows, features) and what group each belongs to; its axes have within-group variance one."""
    centre, spread = features.mean(0), features.std(0) + 1e-3
    x = (features - centre) / spread
    _, of, counts = np.unique(np.array(groups), return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), x.shape[1]), np.float32)
    np.add.at(means, of, x)
    means /= counts[:, None]
    away = x - means[of]
    within = away.T @ away / len(x)
    within = (1 - SHRINK) * within + SHRINK * np.eye(len(within), dtype=np.float32) * np.trace(within) / len(within)
    _, axes = eigh(x.T @ x / len(x), within, subset_by_index=[len(within) - min(dimensions, len(within)), len(within) - 1])
    projection = (axes[:, ::-1] / spread[:, None]).T
    return Space(centre.astype(np.float32), projection.astype(np.float32))
