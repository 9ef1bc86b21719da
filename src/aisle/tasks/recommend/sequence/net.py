"""A causal self-attention network over what a user took up, one item after another: what comes next?

SASRec (Kang & McAuley, 2018) with a softmax over the items in place of a sampled yes or no (Klenitskiy & Vasilev, 2023; Petrov &
Macdonald, 2023), and the block of today's language models: RMSNorm before each part, gated linear units (Shazeer, 2020), and in
place of positions a learnt bias for every distance between two events (Raffel et al., 2020; HSTU: Zhai et al., 2024).
Ours differs in two things. Nothing has a bias, so the score is a sum over the events once attention, gates and norms are held
fixed: the reasons (`served.py`). And an item is its own vector plus a projection of its text; in training some items lose their
own vector now and then, so that an item nobody has met is placed by its text alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import embedding, silu

EPSILON = 1e-6  # of the norms
CHUNK = 512  # rows of logits that exist at one time, so that they stay in the cache
# Products in half the width where the processor has instructions for it: 2.5 times as fast; without, it would be slower.
NARROW = torch.bfloat16 if getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)() else torch.float32


MANY = 1000  # events from which it is: below, making a product of each new shape ready takes longer than the product


def width(events: int) -> torch.dtype:
    """In which products of so many rows are made."""
    return NARROW if events >= MANY else torch.float32


def fast(events: int) -> AbstractContextManager[Any]:
    """Where products are narrow and sums are not."""
    return torch.autocast("cpu", NARROW, enabled=width(events) != torch.float32)


@dataclass(frozen=True, slots=True)
class Size:
    """Dimensions of the network."""

    items: int
    texts: int  # length of an item's text vector, 0: none
    length: int = 50  # newest events that are looked at
    dimensions: int = 128
    blocks: int = 2
    heads: int = 2
    widening: int = 2  # inner width of the gated unit / dimensions


class Attention(nn.Module):
    """Every event looks at itself and those before it; each head also learns what each distance is worth."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.heads = size.heads
        self.inputs = nn.Linear(size.dimensions, 3 * size.dimensions, bias=False)  # queries, keys, values
        self.output = nn.Linear(size.dimensions, size.dimensions, bias=False)
        self.distance = nn.Parameter(torch.zeros(size.heads, size.length))  # added to the logits; column 0: the event itself

    def forward(self, x: Tensor) -> Tensor:
        rows, length, dimensions = x.shape
        parts = self.inputs(x).view(rows, length, 3, self.heads, -1).transpose(1, 3)  # (rows, heads, 3, length, head)
        query, key, value = (part.contiguous() for part in parts.unbind(2))
        # Written out: torch's own attention is three times as slow backwards on processors without AMX.
        alike = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5  # (rows, heads, length, length)
        attention = (alike + self.bias(length).to(alike.dtype)).softmax(dim=-1)
        found: Tensor = self.output((attention @ value).transpose(1, 2).reshape(rows, length, dimensions))
        return found

    def bias(self, length: int) -> Tensor:
        """(heads, length, length) −∞ for what comes later."""
        back = torch.arange(length)[:, None] - torch.arange(length)[None, :]
        return self.distance[:, back.clamp(min=0)].masked_fill(back < 0, -math.inf)


class Gated(nn.Module):
    """silu(x G) · (x U), brought back: a gate opens what the other half proposes."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        inner = size.widening * size.dimensions
        self.inputs = nn.Linear(size.dimensions, 2 * inner, bias=False)  # gate, proposal
        self.output = nn.Linear(inner, size.dimensions, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, proposal = self.inputs(x).chunk(2, dim=-1)  # (rows, length, inner)
        found: Tensor = self.output(silu(gate) * proposal)
        return found


class Block(nn.Module):
    """Look around, then think; each adds to what was there."""

    def __init__(self, size: Size, dropout: float) -> None:
        super().__init__()
        self.before_attention = nn.RMSNorm(size.dimensions, EPSILON)
        self.attention = Attention(size)
        self.before_gated = nn.RMSNorm(size.dimensions, EPSILON)
        self.gated = Gated(size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.before_attention(x)))
        found: Tensor = x + self.dropout(self.gated(self.before_gated(x)))
        return found


class Net(nn.Module):
    """Items in, for every position a vector whose products with the items' vectors are the logits of what comes next."""

    texts: Tensor

    def __init__(self, size: Size, texts: NDArray[Any] | None = None, dropout: float = 0.2) -> None:
        super().__init__()
        self.size = size
        self.own = nn.Parameter(torch.randn(size.items, size.dimensions) * 0.02)
        self.project = nn.Linear(size.texts, size.dimensions, bias=False) if size.texts else None
        self.register_buffer("texts", torch.from_numpy(texts) if texts is not None else torch.zeros(size.items, 0), False)
        self.blocks = nn.ModuleList(Block(size, dropout) for _ in range(size.blocks))
        self.last = nn.RMSNorm(size.dimensions, EPSILON)
        self.dropout = nn.Dropout(dropout)
        self._start()

    def _start(self) -> None:
        """Smaller weights where parts add up (Radford et al., 2019), and texts as quiet as the items' own vectors."""
        for name, weight in self.named_parameters():
            if name.endswith("output.weight"):
                weight.data /= math.sqrt(2 * self.size.blocks)
            elif name == "project.weight":
                nn.init.normal_(weight, std=0.02)

    def vectors(self, keep: Tensor | None = None) -> Tensor:
        """(items, dimensions) what each item is; `keep` (items, 1) is 0 where its own vector is left out."""
        own = self.own if keep is None else self.own * keep
        return own if self.project is None else own + self.project(self.texts)

    def forward(self, items: Tensor, vectors: Tensor) -> Tensor:
        """(rows, length) item numbers, oldest first and padded at the end with any -> (rows, length, dimensions)."""
        x: Tensor = self.dropout(embedding(items, vectors) * math.sqrt(self.size.dimensions))  # (rows, length, dimensions)
        for block in self.blocks:
            x = block(x)
        found: Tensor = self.last(x)
        return found


class SoftmaxLoss(torch.autograd.Function):
    """Mean of −log softmax(states · vectorsᵀ)[target], a few rows at a time; gradients are made with it, so that the
    (rows, items) logits never exist as a whole. With `sample`, item numbers drawn evenly, these stand for all others in the
    denominator, each for as many as it was drawn from (Bengio & Senécal, 2008): its expectation is the whole denominator."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, vectors: Tensor, target: Tensor, sample: Tensor | None = None) -> Tensor:
        rows, others = len(states), vectors if sample is None else vectors[sample]
        column, more = _columns(len(vectors), sample)
        narrow = width(rows)
        half, table, own = states.to(narrow), others.to(narrow), vectors[target].to(narrow)
        to_states, to_own = torch.empty_like(states), torch.empty_like(states)
        to_others, loss = torch.zeros_like(others), torch.zeros(())
        for part in (slice(start, start + CHUNK) for start in range(0, rows, CHUNK)):
            right = (half[part].float() * own[part].float()).sum(dim=1, keepdim=True)  # (chunk, 1)
            logits = (half[part] @ table.T).float() + more  # (chunk, others)
            place = column[target[part]]
            row = (place >= 0).nonzero()[:, 0]
            logits[row, place[row]] = -math.inf  # it is counted once, as `right`
            total = torch.logaddexp(torch.logsumexp(logits, dim=1, keepdim=True), right)
            loss += (total - right).sum()
            given, missing = logits.sub_(total).exp_().to(narrow), (right - total).exp() - 1.0
            to_states[part] = (given @ table).float() + missing * own[part]
            to_own[part] = missing * half[part]
            to_others += given.T @ half[part]
        to_vectors = to_others if sample is None else torch.zeros_like(vectors).index_add_(0, sample, to_others)
        to_vectors.index_add_(0, target, to_own)
        ctx.save_for_backward(to_states / rows, to_vectors / rows)
        return loss / rows

    @staticmethod
    def backward(ctx: Any, grown: Tensor) -> tuple[Tensor, Tensor, None, None]:
        to_states, to_vectors = ctx.saved_tensors
        return to_states * grown, to_vectors * grown, None, None


softmax_loss: Callable[..., Tensor] = SoftmaxLoss.apply


def _columns(items: int, sample: Tensor | None) -> tuple[Tensor, float]:
    """(items,) the column of each item among the others, -1: none, and the logarithm of how many items a column stands for."""
    if sample is None:
        return torch.arange(items), 0.0
    column = torch.full((items,), -1).scatter_(0, sample, torch.arange(len(sample)))
    return column, math.log(items / len(sample))


def arrays(net: Net) -> dict[str, NDArray[np.float32]]:
    """Every weight by name, for `served.py`."""
    return {name: weight.detach().numpy().copy() for name, weight in net.state_dict().items()}
