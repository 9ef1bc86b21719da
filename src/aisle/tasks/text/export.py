"""From transformers on torch to files that serve without either: exported to ONNX, and checked against the original."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aisle.errors import BadInput, Misconfigured
from aisle.tasks.text import encoder
from aisle.tasks.text.encoder import ABOUT, MODEL, TOKENIZER, About, Encoder

SAME = 1e-4  # the export may differ so much from the original, relative to numbers of size 1
OPSET = 17
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
TRIED = ("a warm lamp for the bedroom", "It broke after a week. Very disappointed!", "卧室台灯", "x")
Floats = NDArray[np.float32]


def libraries() -> tuple[Any, Any]:
    """torch and transformers. Raises Misconfigured where they are not installed."""
    try:
        import torch
        import transformers
    except ImportError:
        raise Misconfigured("networks are trained and converted with torch: pip install 'aisle[train]'") from None
    said: Any = transformers.logging
    said.set_verbosity_error()
    said.disable_progress_bar()
    return torch, transformers


def pretrained(kind: Any, source: str, **more: Any) -> Any:
    """What a folder or a hub's name holds; weights are read from safetensors alone, and no code of theirs is run.

    Raises BadInput where it holds nothing of the kind.
    """
    folder = Path(source).expanduser()
    local = folder.is_dir()
    if not local and (source.startswith((".", "/", "~")) or source.count("/") > 1):
        raise BadInput(f"there is no folder {source}: name one with config.json, model.safetensors and a tokenizer")
    try:
        return kind.from_pretrained(str(folder) if local else source, local_files_only=local, trust_remote_code=False, **more)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadInput(f"{source} cannot be used: {first}") from None


def inputs_of(model: Any, tokenizer: Any) -> list[str]:
    """What the network is given: what its tokenizer makes and it takes."""
    taken = inspect.signature(model.forward).parameters
    return [name for name in INPUTS if name in tokenizer.model_input_names and name in taken]


def export(module: Any, model: Any, tokenizer: Any, folder: Path, *, output: int, longest: int, source: str) -> Encoder:
    """Write model.onnx, the tokenizer and how to ask them; `module` gives one row of numbers a text.

    Raises Misconfigured where the export differs from the original.
    """
    torch, _ = libraries()
    names = inputs_of(model, tokenizer)
    if not getattr(tokenizer, "is_fast", False):
        raise BadInput(f"{source} has no fast tokenizer (tokenizer.json): convert it with transformers first")
    tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
    mask = next(one for one in (tokenizer.mask_token_id, tokenizer.unk_token_id, tokenizer.pad_token_id, 0) if one is not None)
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    about = About(longest=longest, padding=padding, mask=mask, output=output, source=source)
    (folder / ABOUT).write_bytes(msgspec.json.encode(about))
    example = tuple(torch.ones(2, 8, dtype=torch.long) for _ in names)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), example, str(folder / MODEL), input_names=names, output_names=["output"], opset_version=OPSET,
            dynamic_axes={name: {0: "texts", 1: "tokens"} for name in names} | {"output": {0: "texts"}}, dynamo=False,
        )  # fmt: skip
    made = encoder.load(folder)
    differs = difference(made, lambda texts: original(module, made, texts), TRIED)
    if not differs <= SAME:
        raise Misconfigured(f"the export of {source} differs from the original by {differs:.2g}: it is not used")
    return made


def original(module: Any, made: Encoder, texts: Sequence[str]) -> Floats:
    """What torch gives for texts, one by one: no padding can hide a difference."""
    torch, _ = libraries()
    rows = []
    for text in texts:
        ids = made.tokenizer.encode(text).ids
        every = {"input_ids": [ids], "attention_mask": [[1] * len(ids)], "token_type_ids": [[0] * len(ids)]}
        with torch.inference_mode():
            rows.append(module(*(torch.tensor(every[name]) for name in module.names))[0].numpy())
    return np.array(rows, np.float32)


def difference(made: Encoder, reference: Callable[[Sequence[str]], Floats], texts: Sequence[str]) -> float:
    """The largest difference between what is served, in one padded batch, and the reference, relative to the largest number."""
    wanted = reference(texts)
    found = made._outputs([encoding.ids for encoding in made.tokenizer.encode_batch_fast(list(texts))])
    return float(np.abs(found - wanted).max() / max(1.0, float(np.abs(wanted).max())))


def quantise(folder: Path) -> Path:
    """Weights in 8 bits, a scale a channel; the file beside the model. Raises Misconfigured without onnx."""
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError:
        raise Misconfigured("8 bits need onnx: pip install 'aisle[train]'") from None
    target = folder / "int8.onnx"
    quantize_dynamic(folder / MODEL, target, per_channel=True, weight_type=QuantType.QInt8)
    return target


def heads(torch: Any) -> tuple[type, type]:
    """Modules that take input tensors in order and give one row a text: (logits, mean of the hidden states)."""

    class Logits(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, model: Any, names: Sequence[str]) -> None:
            super().__init__()
            self.model, self.names = model, list(names)

        def forward(self, *given: Any) -> Any:
            return self.model(**dict(zip(self.names, given, strict=True))).logits

    class Pooled(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, model: Any, names: Sequence[str], first: bool) -> None:
            super().__init__()
            self.model, self.names, self.first = model, list(names), first

        def forward(self, *given: Any) -> Any:
            named = dict(zip(self.names, given, strict=True))
            hidden = self.model(**named).last_hidden_state  # (texts, tokens, dimensions)
            if self.first:
                return hidden[:, 0]
            known = named["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            return (hidden * known).sum(1) / known.sum(1).clamp(min=1.0)

    return Logits, Pooled
