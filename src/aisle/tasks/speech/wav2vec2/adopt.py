"""Exports a Wav2Vec2, HuBERT or WavLM with a CTC head from transformers' format to ONNX, and checks that both say the same."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aisle.errors import BadInput, Misconfigured
from aisle.task import Progress, Scores
from aisle.tasks.speech.wav2vec2.network import NETWORK, Config, Network

OPSET = 17
PROBE = 2.0  # seconds of noise that both networks hear
ALIKE = 1e-3  # most difference of their logits


def convert(source: Path, folder: Path, name: str, progress: Progress) -> Scores:
    """Write `folder`; returns its size and the largest difference of a logit. Raises BadInput, Misconfigured."""
    try:
        import torch
        from transformers import AutoModelForCTC
    except ImportError as error:
        raise Misconfigured(f"exporting needs torch and transformers: pip install 'aisle[train]' ({error})") from None
    try:
        network = AutoModelForCTC.from_pretrained(source, local_files_only=True).eval()
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{source.name} cannot be read by transformers: {str(error).splitlines()[0][:200]}") from None
    config = described(source, network, name)
    progress(2, 4, "exporting")
    _export(network, folder / NETWORK)
    (folder / "recogniser.json").write_bytes(msgspec.json.format(msgspec.json.encode(config), indent=2))
    progress(3, 4, "comparing both")
    sound = np.random.default_rng(0).normal(0, 0.1, round(PROBE * 16_000)).astype(np.float32)
    ours = Network(folder)
    given = torch.from_numpy(sound)[None]
    if config.normalise:
        given = (given - given.mean()) / torch.sqrt(given.var(unbiased=False) + 1e-7)
    with torch.no_grad():
        difference = float(np.abs(network(given).logits[0].numpy() - ours.logits(sound)).max())
    if difference > ALIKE:
        raise BadInput(f"the exported network differs from the original by {difference:.2g} in a logit: it cannot be used")
    progress(4, 4, "converted")
    return {"megabytes": (folder / NETWORK).stat().st_size / 1e6, "largest_logit_difference": difference}


def described(source: Path, network: Any, name: str) -> Config:
    """The letters, which column is which, and how sound is prepared. Raises BadInput for a vocabulary that is not of letters."""
    vocabulary = _json(source / "vocab.json")
    if vocabulary and all(isinstance(part, dict) for part in vocabulary.values()):
        raise BadInput("this model has vocabularies of several languages: export it with one of them")
    marks, prepared = _json(source / "tokenizer_config.json"), _json(source / "preprocessor_config.json")
    blank = vocabulary.get(marks.get("pad_token") or "<pad>", network.config.pad_token_id)
    divider = marks.get("word_delimiter_token") or "|"
    letters = {" " if token == divider else token: column for token, column in vocabulary.items() if column != blank}
    letters = {letter: column for letter, column in letters.items() if len(letter) == 1}
    if len(letters) < 2:
        raise BadInput(f"{source.name} has no vocab.json of letters: only networks that write letters can be decoded")
    lower = {letter.lower(): column for letter, column in letters.items()}
    if len(lower) == len(letters) and all(len(letter) == 1 for letter in lower):
        letters = lower
    stride = math.prod(network.config.conv_stride)
    return Config(
        alphabet="".join(letters), columns=[int(blank), *letters.values()], stride=stride, least=_least(network.config),
        source=Path(name).name if Path(name).is_dir() else name, normalise=bool(prepared.get("do_normalize", True)),
    )  # fmt: skip


def _least(config: Any) -> int:
    """Samples that the convolutions need for one frame."""
    samples = 1
    for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True):
        samples = (samples - 1) * stride + kernel
    return samples


def _export(network: Any, path: Path) -> None:
    import torch

    class Logits(torch.nn.Module):
        """Samples to logits alone."""

        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, input_values: Any) -> Any:
            return self.inner(input_values).logits

    axes = {"input_values": {0: "batch", 1: "samples"}, "logits": {0: "batch", 1: "frames"}}
    torch.onnx.export(
        Logits(network).eval(), (torch.zeros(1, 16_000),), str(path), input_names=["input_values"], output_names=["logits"],
        dynamic_axes=axes, opset_version=OPSET, dynamo=False,
    )  # fmt: skip


def _json(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError):
        return {}
