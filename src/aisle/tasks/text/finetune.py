"""Fine-tuning a BERT-type network on the shop's labels (Devlin et al., 2019), with transformers on torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.text import calibration, encoder, export
from aisle.tasks.text.datasets import Dataset
from aisle.tasks.text.encoder import MODEL, Encoder
from aisle.tasks.text.schema import Config

Step = Callable[[float, str], None]
Floats = NDArray[np.float32]
HEAD = 10.0  # times the learning rate for the layer that knows nothing yet: the labels' own
VALIDATION = 0.1  # of the training texts: the scaling, and whether 8 bits are good enough
MOST_VALIDATION = 1000
LOST = 0.01  # accuracy that 8 bits may cost
WARM = 0.1  # share of the steps in which the learning rate rises
DECAY = 0.01
LARGEST = 1.0  # norm of the gradient
HALF_WIDTH = 256  # dimensions from which half-width numbers are worth their conversion
LAYERS = ("layer", "layers")  # what networks call the list of their layers
POOL = 32  # batches whose texts are sorted by length together


@dataclass(frozen=True, slots=True)
class Found:
    """A fine-tuned network as it is served."""

    model: Encoder
    calibrated: calibration.Calibrated
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Part:
    ids: list[list[int]]
    targets: Floats


def finetune(dataset: Dataset, config: Config, folder: Path, step: Step) -> Found:
    """Train, export, check, measure on what was held out; files are left in `folder`."""
    torch, transformers = export.libraries()
    torch.manual_seed(config.seed)
    tokenizer = export.pretrained(transformers.AutoTokenizer, config.encoder)
    model = export.pretrained(
        transformers.AutoModelForSequenceClassification, config.encoder, num_labels=len(dataset.labels),
        problem_type="multi_label_classification" if dataset.multi else "single_label_classification",
        ignore_mismatched_sizes=True, use_safetensors=True,
    )  # fmt: skip
    _drop(torch, model, config.dropout)
    rows, checks = dataset.divided(VALIDATION, MOST_VALIDATION, config.seed)
    learnt, checked = dataset.part(_drawn(rows, config)), dataset.part(checks)
    _freeze(model, config.frozen)
    names = export.inputs_of(model, tokenizer)
    began = time.process_time()
    with _plain_attention(model):
        _train(torch, model, names, _read(tokenizer, *learnt, config), config, dataset, step)
    spent = time.process_time() - began
    step(0.9, f"{dataset.name}: exporting")
    logits_of, _ = export.heads(torch)
    made = export.export(
        logits_of(model, names),
        model,
        tokenizer,
        folder,
        output=len(dataset.labels),
        longest=config.longest,
        source=config.encoder,
    )
    reference = evaluate(torch, model, names, _read(tokenizer, *checked, config), dataset.multi)
    if config.int8:
        made = _smaller(made, folder, checked, dataset.multi)
    calibrated = calibration.Calibrated.of(made.logits(checked[0]), checked[1], dataset, config)
    texts, targets = dataset.part(dataset.held_out)
    scores = calibrated.quality(made.logits(texts), targets)
    scores |= {"texts": float(len(dataset.texts)), "held_out": float(len(texts)), "train_cpu_seconds": spent}
    scores["validation_loss"] = reference[0]
    return Found(encoder.load(folder, calibrated.scaling), calibrated, scores)


def evaluate(torch: Any, model: Any, names: Sequence[str], part: _Part, multi: bool) -> tuple[float, Floats]:
    """(loss, logits) as the original gives them."""
    model.eval()
    losses, logits = [], np.zeros(part.targets.shape, np.float32)
    with torch.inference_mode():
        for rows in _batches(part, 64, None):
            found = model(**_tensors(torch, model, names, part, rows), labels=_labels(torch, part, rows, multi))
            losses.append(float(found.loss) * len(rows))
            logits[rows] = found.logits.float().numpy()
    return sum(losses) / max(len(part.ids), 1), logits


def _train(torch: Any, model: Any, names: Sequence[str], part: _Part, config: Config, dataset: Dataset, step: Step) -> None:
    steps = config.epochs * -(-len(part.ids) // config.batch)
    optimiser = _optimiser(torch, model, config.learning_rate)
    warm = max(1, round(WARM * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda number: min((number + 1) / warm, max(steps - number, 0) / max(steps - warm, 1))
    )
    rng, until, number = np.random.default_rng(config.seed), time.monotonic() + config.seconds, 0
    model.train()
    for _ in range(config.epochs):
        for rows in _batches(part, config.batch, rng):
            with torch.autocast("cpu", torch.bfloat16, enabled=half(torch, model)):
                loss = model(**_tensors(torch, model, names, part, rows), labels=_labels(torch, part, rows, dataset.multi)).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), LARGEST)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            number += 1
            step(0.9 * number / steps, f"{dataset.name}: step {number} of {steps}, loss {float(loss.detach()):.3f}")
            if time.monotonic() > until:
                return


def _drawn(rows: NDArray[np.bool_], config: Config) -> NDArray[np.bool_]:
    """As many of the rows as may be learnt from."""
    places = np.flatnonzero(rows)
    if not config.most_texts or len(places) <= config.most_texts:
        return rows
    found = np.zeros_like(rows)
    found[np.random.default_rng(config.seed).choice(places, config.most_texts, replace=False)] = True
    return found


def _freeze(model: Any, count: int) -> None:
    """The embeddings and the lowest layers stay as they were pre-trained: nothing is propagated back to them."""
    layers = next((part for name, part in model.base_model.named_modules() if name.split(".")[-1] in LAYERS), None)
    if not count or layers is None:
        return
    below = [part for name, part in model.base_model.named_children() if name == "embeddings"]
    for part in [*below, *list(layers)[:count]]:
        part.requires_grad_(False)


def _drop(torch: Any, model: Any, share: float) -> None:
    """The share of the numbers between layers left out while it learns; none of the attention's: drawing those is dear."""
    for name, part in model.named_modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0 if "self" in name.split(".") or "attention.dropout" in name else share


@contextmanager
def _plain_attention(model: Any) -> Iterator[None]:
    """Attention as matrix products: torch's fused one takes a third of a step longer on a processor for texts of this length."""
    usual = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(usual)


def _optimiser(torch: Any, model: Any, rate: float) -> Any:
    """AdamW in one pass over the weights. What was not pre-trained, the head, learns faster than what was."""
    body = {id(weight) for weight in model.base_model.parameters()}
    learnt = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in learnt if id(weight) in body], "lr": rate},
        {"params": [weight for weight in learnt if id(weight) not in body], "lr": rate * HEAD},
    ]
    return torch.optim.AdamW(groups, weight_decay=DECAY, fused=True)


def half(torch: Any, model: Any) -> bool:
    """Whether bfloat16 is faster: where the processor has instructions for it, and the network is wide enough to gain."""
    width = getattr(model.config, "hidden_size", 0) or getattr(model.config, "dim", 0)
    return bool(torch.cpu._is_avx512_bf16_supported()) and width >= HALF_WIDTH


def _smaller(made: Encoder, folder: Path, checked: tuple[list[str], Floats], multi: bool) -> Encoder:
    """The 8-bit network where it is good enough, in the place of the other."""
    texts, targets = checked
    small = export.quantise(folder)
    before = calibration.quality(made.logits(texts), targets, multi)["accuracy"]
    large = folder / "full.onnx"
    (folder / MODEL).replace(large)
    small.replace(folder / MODEL)
    smaller = encoder.load(folder)
    if calibration.quality(smaller.logits(texts), targets, multi)["accuracy"] < before - LOST:
        large.replace(folder / MODEL)
        return encoder.load(folder)
    large.unlink()
    return smaller


def _read(tokenizer: Any, texts: list[str], targets: Floats, config: Config) -> _Part:
    ids = tokenizer(texts, truncation=True, max_length=config.longest, padding=False)["input_ids"]
    return _Part(ids, targets)


def _batches(part: _Part, size: int, rng: np.random.Generator | None) -> Iterator[NDArray[np.int64]]:
    """Rows of alike length together; shuffled, where there is a generator, first as texts and then as batches."""
    lengths = np.array([len(one) for one in part.ids])
    order = np.arange(len(lengths)) if rng is None else rng.permutation(len(lengths))
    pools = [order[start : start + size * POOL] for start in range(0, len(order), size * POOL)]
    found = []
    for pool in pools:
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        found += [pool[start : start + size] for start in range(0, len(pool), size)]
    places = range(len(found)) if rng is None else rng.permutation(len(found)).tolist()
    yield from (found[place] for place in places)


def _tensors(torch: Any, model: Any, names: Sequence[str], part: _Part, rows: NDArray[np.int64]) -> dict[str, Any]:
    longest = max(len(part.ids[row]) for row in rows)
    padding = getattr(model.config, "pad_token_id", None) or 0
    ids = torch.full((len(rows), longest), padding, dtype=torch.long)
    known = torch.zeros((len(rows), longest), dtype=torch.long)
    for place, row in enumerate(rows):
        ids[place, : len(part.ids[row])] = torch.tensor(part.ids[row])
        known[place, : len(part.ids[row])] = 1
    every = {"input_ids": ids, "attention_mask": known, "token_type_ids": torch.zeros_like(ids)}
    return {name: every[name] for name in names}


def _labels(torch: Any, part: _Part, rows: NDArray[np.int64], multi: bool) -> Any:
    targets = torch.from_numpy(part.targets[rows])
    return targets if multi else targets.argmax(dim=1)
