"""BERT-type networks as they are served: `tokenizers` and ONNX Runtime, without torch.

A classifier's words are explained by occlusion: each is masked in turn, and what the label's logit loses is its contribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from aisle.errors import Misconfigured
from aisle.kit import ngrams
from aisle.kit.sessions import USUAL, Session, Way, open_session
from aisle.tasks.text.calibration import Scaling
from aisle.tasks.text.static import one_thread

Floats = NDArray[np.float32]
MODEL, ABOUT, TOKENIZER = "model.onnx", "encoder.json", "tokenizer.json"
OUTPUTS = ("output",)
AT_ONCE = 256  # tokens of a batch, padding counted: what lies between layers stays in a core's cache; 4,096 take twice as long
CHARACTERS = 20.0  # of text that cost as much as a request otherwise does
AS_IS = Scaling()
MOST_PIECES = 64  # words masked one by one; in longer texts, equal stretches of words


class About(Struct, kw_only=True):
    """How an exported network is asked."""

    inputs: list[str] = []  # which of input_ids, attention_mask, token_type_ids it takes: the file itself says
    longest: int  # tokens
    padding: int
    mask: int  # the token that stands for "nothing known"
    output: int  # labels, or dimensions of a sentence's vector
    source: str = ""


@dataclass(frozen=True, slots=True)
class Encoder:
    """An exported network and its tokenizer; `session` gives one row of numbers for each text."""

    session: Session
    tokenizer: Any
    about: About
    scaling: Scaling = AS_IS

    @property
    def dimensions(self) -> int:
        return self.about.output

    def logits(self, texts: Sequence[str]) -> Floats:
        """(texts, labels)"""
        return self.scaling.of(self._outputs([encoding.ids for encoding in self.tokenizer.encode_batch_fast(list(texts))]))

    def embed(self, texts: Sequence[str]) -> tuple[Floats, NDArray[np.int64]]:
        """(texts, dimensions) of length 1, and the tokens of each text."""
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(list(texts))]
        vectors = self._outputs(ids)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors, np.array([len(row) for row in ids], np.int64)

    def cost(self, text: str) -> float:
        """What a text costs; a token is about four characters, and no text is longer than what is read."""
        return min(len(text), 4 * self.about.longest) / CHARACTERS

    def explain(self, text: str, label: int) -> tuple[list[tuple[int, int, float]], float]:
        """(start, stop, what the logit loses without it) of every word, and the logit of a text of which nothing is known."""
        encoding = self.tokenizer.encode(text)
        pieces = _joined(ngrams.pieces(text))
        whose = _whose(pieces, encoding.offsets)
        ids = np.array(encoding.ids)
        rows = [ids] + [np.where(whose == place, self.about.mask, ids) for place in range(len(pieces))]
        rows.append(np.where(whose >= 0, self.about.mask, ids))
        found = self.scaling.of(self._outputs([row.tolist() for row in rows]))[:, label]
        lost = found[0] - found[1:-1]
        return [(start, stop, float(lost[place])) for place, (start, stop) in enumerate(pieces)], float(found[-1])

    def _outputs(self, ids: Sequence[list[int]]) -> Floats:
        """(texts, output): texts of alike length go in together, so that little is computed for padding."""
        found = np.zeros((len(ids), self.about.output), np.float32)
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        while order:
            longest = len(ids[order[-1]])
            take = max(1, AT_ONCE // max(longest, 1))
            places, order = order[-take:], order[:-take]
            found[places] = self.session.run(OUTPUTS, self.inputs([ids[place] for place in places], longest))[0]
        return found

    def inputs(self, ids: Sequence[list[int]], longest: int) -> dict[str, NDArray[np.int64]]:
        """A batch as the network takes it: padded to its longest."""
        padded = np.full((len(ids), longest), self.about.padding, np.int64)
        known = np.zeros((len(ids), longest), np.int64)
        for row, one in enumerate(ids):
            padded[row, : len(one)] = one
            known[row, : len(one)] = 1
        every = {"input_ids": padded, "attention_mask": known, "token_type_ids": np.zeros_like(padded)}
        return {name: every[name] for name in self.about.inputs}


def load(folder: Path, scaling: Scaling = AS_IS, way: Way = USUAL) -> Encoder:
    """Open an exported network. Raises Misconfigured where it is missing or damaged."""
    from tokenizers import Tokenizer

    one_thread()
    try:
        about = msgspec.json.decode((folder / ABOUT).read_bytes(), type=About)
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:  # noqa: BLE001 (tokenizers raises Exception itself)
        raise Misconfigured(f"the network in {folder.name} cannot be opened ({error}): train or pull it again") from None
    session = open_session(folder / MODEL, way)
    about.inputs = session.inputs
    tokenizer.no_padding()
    tokenizer.enable_truncation(about.longest)
    return Encoder(session, tokenizer, about, scaling)


def load_sentences(folder: Path, way: Way = USUAL) -> Encoder | None:
    """The shop's own sentence encoder, where it pulled one."""
    return load(folder, way=way) if (folder / MODEL).exists() else None


def _whose(pieces: Sequence[tuple[int, int]], offsets: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Which piece each token is of; -1 for [CLS], [SEP] and their like."""
    starts = np.array([start for start, _ in pieces])
    found = np.array([np.searchsorted(starts, stop - 1, side="right") - 1 if stop > start else -1 for start, stop in offsets])
    return found.astype(np.int64)


def _joined(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """At most MOST_PIECES stretches of words."""
    step = -(-len(pieces) // MOST_PIECES) if pieces else 1
    return [(pieces[at][0], pieces[min(at + step, len(pieces)) - 1][1]) for at in range(0, len(pieces), step)]
