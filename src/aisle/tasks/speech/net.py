"""The acoustic network: a small streaming Conformer with a CTC output, in plain torch.

Conformer blocks are Gulati et al. 2020 (half feed-forward, attention, convolution, half feed-forward); CTC over letters and
the plain recipe around it are Graves et al. 2006 and Deep Speech 2 (Amodei et al. 2015); the loss on a middle block too is Lee
and Watanabe 2021. Ours differs in what it may look at: time is cut into chunks, a frame attends to its own chunk and a few
before it, and convolutions look only back. So a stream that is fed chunk by chunk, carrying `State`, gives the very numbers of
the whole recording, and cost grows linearly with time. LayerNorm stands where BatchNorm did: the same at any batch size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

SUBSAMPLING = 4  # mel frames per output frame: 30 ms
CONTEXT = 5  # mel frames before the first that the first output looks at


@dataclass(frozen=True)
class Dimensions:
    """The size of a network. A chunk is `chunk` output frames of 30 ms; `left` chunks before it are attended to."""

    mels: int = 40
    width: int = 160
    blocks: int = 6
    heads: int = 4
    kernel: int = 15  # output frames a convolution looks back
    expand: int = 2  # of the feed-forward layers
    chunk: int = 16
    left: int = 3
    outputs: int = 29  # blank, then spoken.ALPHABET

    @property
    def memory(self) -> int:
        """Output frames of the past that attention sees."""
        return self.chunk * self.left


class Front(nn.Module):
    """Mel frames to a quarter as many vectors, by two strided convolutions over time."""

    def __init__(self, size: Dimensions, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv1d(size.mels, size.width, 5, 2)
        self.second = nn.Conv1d(size.width, size.width, 3, 2)
        self.norm = nn.LayerNorm(size.width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, mel: Tensor) -> Tensor:
        found = functional.silu(self.first(mel.transpose(1, 2)))
        found = functional.silu(self.second(found))
        out: Tensor = self.dropout(self.norm(found.transpose(1, 2)))  # (batch, frames, width)
        return out


class FeedForward(nn.Module):
    def __init__(self, size: Dimensions, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size.width)
        self.open = nn.Linear(size.width, size.width * size.expand)
        self.close = nn.Linear(size.width * size.expand, size.width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.dropout(self.close(functional.silu(self.open(self.norm(x)))))
        return out


class ChunkAttention(nn.Module):
    """Each chunk of queries against itself and the chunks before it, with a learnt bias for every distance."""

    place: Tensor

    def __init__(self, size: Dimensions, dropout: float) -> None:
        super().__init__()
        self.size = size
        self.norm = nn.LayerNorm(size.width)
        self.queries = nn.Linear(size.width, size.width)
        self.keys_values = nn.Linear(size.width, 2 * size.width)
        self.out = nn.Linear(size.width, size.width)
        self.distance = nn.Parameter(torch.zeros(size.heads, size.memory + 2 * size.chunk - 1))
        self.dropout = nn.Dropout(dropout)
        window = torch.arange(size.memory + size.chunk)
        self.register_buffer("place", window[None] - torch.arange(size.chunk)[:, None] + size.chunk - 1, persistent=False)

    def forward(self, x: Tensor, past: Tensor, seen: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`past` (batch, memory, 2 · width): keys and values before x, of which `seen` (batch,) are real."""
        size, batch, chunks = self.size, x.shape[0], x.shape[1] // self.size.chunk
        window, depth = size.memory + size.chunk, size.width // size.heads
        x = self.norm(x)
        both = torch.cat([past, self.keys_values(x)], 1)  # (batch, memory + frames, 2 · width)
        index = torch.arange(chunks, device=x.device)[:, None] * size.chunk + torch.arange(window, device=x.device)[None]
        near = both[:, index].view(batch, chunks, window, 2, size.heads, depth)
        keys, values = near[:, :, :, 0].permute(0, 1, 3, 4, 2), near[:, :, :, 1].transpose(2, 3)
        queries = self.queries(x).view(batch, chunks, size.chunk, size.heads, depth).transpose(2, 3)
        scores = queries @ keys * depth**-0.5 + self.distance[:, self.place]  # (batch, chunks, heads, chunk, window)
        real = (index[None] >= size.memory - seen[:, None, None]) & (index[None] < size.memory + lengths[:, None, None])
        scores = scores.masked_fill(~real[:, :, None, None], -1e4)
        found = (self.dropout(scores.softmax(-1)) @ values).transpose(2, 3).reshape(batch, -1, size.width)
        return self.dropout(self.out(found)), both[:, -size.memory :]


class Convolution(nn.Module):
    """Gate, depthwise convolution over the past, gate back. `past` (batch, kernel - 1, width)."""

    def __init__(self, size: Dimensions, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size.width)
        self.open = nn.Linear(size.width, 2 * size.width)
        self.depthwise = nn.Conv1d(size.width, size.width, size.kernel, groups=size.width)
        self.inner = nn.LayerNorm(size.width)
        self.close = nn.Linear(size.width, size.width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        gated = torch.cat([past, functional.glu(self.open(self.norm(x)), -1)], 1)
        found = self.depthwise(gated.transpose(1, 2)).transpose(1, 2)
        return self.dropout(self.close(functional.silu(self.inner(found)))), gated[:, -past.shape[1] :]


class Block(nn.Module):
    def __init__(self, size: Dimensions, dropout: float) -> None:
        super().__init__()
        self.before = FeedForward(size, dropout)
        self.attention = ChunkAttention(size, dropout)
        self.convolution = Convolution(size, dropout)
        self.after = FeedForward(size, dropout)
        self.norm = nn.LayerNorm(size.width)

    def forward(self, x: Tensor, heard: Tensor, swept: Tensor, seen: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = x + 0.5 * self.before(x)
        found, heard = self.attention(x, heard, seen, lengths)
        x = x + found
        found, swept = self.convolution(x, swept)
        x = x + found
        return self.norm(x + 0.5 * self.after(x)), heard, swept


class Acoustic(nn.Module):
    """Features to log-probabilities of letters."""

    def __init__(self, size: Dimensions, dropout: float = 0.1) -> None:
        super().__init__()
        self.size = size
        self.front = Front(size, dropout)
        self.blocks = nn.ModuleList([Block(size, dropout) for _ in range(size.blocks)])
        self.out = nn.Linear(size.width, size.outputs)

    def state(self, batch: int) -> tuple[Tensor, Tensor, Tensor]:
        """Nothing heard yet: attention's past, the convolutions' past, and how many frames of it are real."""
        size = self.size
        heard = torch.zeros(size.blocks, batch, size.memory, 2 * size.width)
        return heard, torch.zeros(size.blocks, batch, size.kernel - 1, size.width), torch.zeros(batch, dtype=torch.long)

    def forward(
        self, mel: Tensor, lengths: Tensor, heard: Tensor, swept: Tensor, seen: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """`mel` (batch, CONTEXT + 4 · chunk · n, mels), `lengths` (batch,) real output frames.

        Returns log-probabilities (batch, chunk · n, outputs) and the state after the last frame.
        """
        x = self.front(mel)
        kept, passed = [], []
        for place, block in enumerate(self.blocks):
            x, keys, gated = block(x, heard[place], swept[place], seen, lengths)
            kept.append(keys)
            passed.append(gated)
        after = torch.clamp(seen + x.shape[1], max=self.size.memory)
        return self.out(x).log_softmax(-1), torch.stack(kept), torch.stack(passed), after

    def losses(self, mel: Tensor, lengths: Tensor) -> list[Tensor]:
        """Log-probabilities after the middle and the last block, for training."""
        x = self.front(mel)
        heard, swept, seen = self.state(mel.shape[0])
        found = []
        for place, block in enumerate(self.blocks):
            x = block(x, heard[place].to(x.dtype), swept[place].to(x.dtype), seen, lengths)[0]
            if place in (len(self.blocks) // 2 - 1, len(self.blocks) - 1):
                found.append(self.out(x).float().log_softmax(-1))
        return found
