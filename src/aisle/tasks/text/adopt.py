"""Models made elsewhere: a classifier with its labels, or a sentence encoder, from a folder or a hub's name."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from aisle.task import Progress, Scores
from aisle.tasks.text import classifiers, export
from aisle.tasks.text.classifiers import Spec
from aisle.tasks.text.encoder import MODEL
from aisle.tasks.text.fit import begin
from aisle.tasks.text.inherit import SENTENCES

LONGEST = 256  # tokens of a text that are read, where the model says no less


def adopt(source: str, folder: Path, progress: Progress) -> Scores:
    """Convert it, check it against the original, and write a model's folder. Raises BadInput, Misconfigured."""
    _, transformers = export.libraries()
    progress(0, 3, f"reading {source}")
    config = export.pretrained(transformers.AutoConfig, source)
    tokenizer = export.pretrained(transformers.AutoTokenizer, source)
    most = getattr(config, "max_position_embeddings", None) or LONGEST
    longest = min(LONGEST, most - 2)  # RoBERTa's positions begin at 2
    begin(folder)
    progress(1, 3, "converting and checking")
    if any(name.endswith("ForSequenceClassification") for name in config.architectures or []):
        scores = _classifier(source, folder, tokenizer, longest)
    else:
        scores = _sentences(source, folder, tokenizer, longest)
    progress(3, 3, "done")
    return scores


def _classifier(source: str, folder: Path, tokenizer: object, longest: int) -> Scores:
    torch, transformers = export.libraries()
    model = export.pretrained(transformers.AutoModelForSequenceClassification, source, use_safetensors=True)
    labels = [str(model.config.id2label[place]) for place in range(model.config.num_labels)]
    name = re.sub(r"\W+", "_", Path(source).name.lower()).strip("_")[:64] or "pulled"
    shutil.rmtree(folder / "classifiers" / name, ignore_errors=True)
    multi = getattr(model.config, "problem_type", None) == "multi_label_classification"
    spec = Spec(name=name, kind="encoder", labels=labels, multi=multi, source=source, about=f"pulled from {source}")
    place = classifiers.save(folder, spec, None)
    module = export.heads(torch)[0](model, export.inputs_of(model, tokenizer))
    made = export.export(module, model, tokenizer, place, output=len(labels), longest=longest, source=source)
    differs = export.difference(made, lambda texts: export.original(module, made, texts), export.TRIED)
    return {"difference": differs, "labels": float(len(labels)), "bytes": float((place / MODEL).stat().st_size)}


def _sentences(source: str, folder: Path, tokenizer: object, longest: int) -> Scores:
    torch, transformers = export.libraries()
    model = export.pretrained(transformers.AutoModel, source, use_safetensors=True)
    place, size = (
        folder / SENTENCES,
        int(model.config.hidden_size if hasattr(model.config, "hidden_size") else model.config.dim),
    )
    shutil.rmtree(place, ignore_errors=True)  # the one before
    place.mkdir()
    module = export.heads(torch)[1](model, export.inputs_of(model, tokenizer), _first(source))
    made = export.export(module, model, tokenizer, place, output=size, longest=longest, source=source)
    differs = export.difference(made, lambda texts: export.original(module, made, texts), export.TRIED)
    return {"difference": differs, "dimensions": float(size), "bytes": float((place / MODEL).stat().st_size)}


def _first(source: str) -> bool:
    """Whether its sentence vector is that of the first token, as sentence-transformers' folders say; else the mean."""
    said = Path(source).expanduser() / "1_Pooling" / "config.json"
    return said.exists() and bool(json.loads(said.read_text("utf-8")).get("pooling_mode_cls_token"))
