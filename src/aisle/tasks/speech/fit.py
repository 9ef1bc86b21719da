"""Learning the shop's language: words, phrases and grammar from the catalogue, voices from recordings where there are any."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from aisle.errors import BadInput, Misconfigured
from aisle.task import Data, Progress, Scores
from aisle.tasks.speech import ctc, ngram, shopwords
from aisle.tasks.speech.calibrate import Curve, brier, expected_error, fitted
from aisle.tasks.speech.ngram import Counts
from aisle.tasks.speech.recordings import Recording, divided, error_rate, heard_rightly, read
from aisle.tasks.speech.schema import Config

STEPS = 100.0
NETWORK = ("acoustic.onnx", "acoustic.json")
CALIBRATED = 400  # recordings at most: hearing them takes time


def fit(data: Data, config: Config, folder: Path, progress: Progress, starter: Path | None) -> Scores:
    """Learn everything, write it, say how well it hears. Raises BadInput for an empty shop, Misconfigured for no torch."""
    progress(0, STEPS, "reading the catalogue and the recordings")
    words = shopwords.of(list(data.items()))
    recordings = read(data)
    if not words.phrases and not recordings:
        raise BadInput(
            "there are no items and no recordings: import the catalogue, or recordings with `aisle import recordings FILE`"
        )
    train, held = divided(recordings)
    network(config, train, folder, progress, starter)
    progress(80, STEPS, "the shop's language")
    settings = language(config, words, [one.text for one in train], folder, starter)
    msgspec_write(folder / "recogniser.json", settings)
    msgspec_write(folder / "grammar.json", words.grammar) if words.grammar else None
    progress(85, STEPS, f"listening to {len(held)} recordings that were kept aside")
    scores = calibrate(folder, held[:CALIBRATED])
    progress(STEPS, STEPS, "done")
    return {**scores, "phrases": float(len(words.phrases)), "recordings": float(len(recordings))}


def network(config: Config, train: Sequence[Recording], folder: Path, progress: Progress, starter: Path | None) -> None:
    """The acoustic network's files: the starter's, or trained here."""
    if config.network == "starter":
        for name in NETWORK:
            shutil.copyfile(needed(starter, name), folder / name)
        return
    if not train:
        raise BadInput(f"network={config.network} learns from recordings: import some with `aisle import recordings FILE`")
    try:
        from aisle.tasks.speech import train as training
    except ImportError as error:
        raise Misconfigured(f"training a network needs torch: pip install 'aisle[train]' ({error.name} is missing)") from None
    source = needed(starter, "acoustic.onnx").parent if config.network == "fine_tune" else None
    training.network(config, train, folder, source, lambda share, message: progress(5 + 75 * share, STEPS, message))


def needed(starter: Path | None, name: str) -> Path:
    """A file of the starter. Raises Misconfigured where it was left out of the installation."""
    if starter is None or not (starter / name).exists():
        raise Misconfigured("the starter of speech is missing from this installation: reinstall aisle, or train with network=new")
    return starter / name


def language(config: Config, words: shopwords.ShopWords, said: Sequence[str], folder: Path, starter: Path | None) -> ctc.Settings:
    """Write the mixture of sources; the settings they are decoded with."""
    sources, base = [], starter / "base.jsonl" if starter else None
    has_base = base is not None and base.exists() and config.network != "new"
    if has_base and base is not None:
        shutil.copyfile(base, folder / "base.jsonl")
        sources.append({"file": "base.jsonl", "weight": 1.0 - config.shop})
    shop = Counts()
    for text in (*words.texts, *said):
        shop.add(text)
    if shop.grams and (config.shop > 0 or not has_base):
        ngram.save(shop, folder / "shop.jsonl")
        sources.append({"file": "shop.jsonl", "weight": config.shop or 1.0})
    phrases = list(words.phrases) if config.gain > 0 and config.shop > 0 else []
    (folder / "language.json").write_text(json.dumps({"sources": sources, "phrases": phrases}, indent=0) + "\n", "utf-8")
    before = json.loads((starter / "recogniser.json").read_text("utf-8")) if has_base and starter else {}
    kept = msgspec.convert(before, ctc.Settings)
    search = dataclasses.replace(kept.search, width=config.beam, language=config.language)
    return msgspec.structs.replace(kept, search=search, gain=config.gain)


def calibrate(folder: Path, held: Sequence[Recording]) -> Scores:
    """Curves through what was right on recordings kept aside; the error of words there, with the shop's language and without."""
    if not held:
        return {}
    model = ctc.load(folder)
    raw = msgspec.structs.replace(model.settings, text=Curve(), word=Curve())
    model.settings = raw
    heard = model.hear([one.samples for one in held], language=None, hints=None)
    texts = [one.text for one in held]
    whole = [(one.probability, one.text == text) for one, text in zip(heard, texts, strict=True) if one.text]
    single = [pair for one, text in zip(heard, texts, strict=True) for pair in heard_rightly(one, text)]
    curves = {"text": fitted(*_columns(whole)), "word": fitted(*_columns(single))}
    msgspec_write(folder / "recogniser.json", msgspec.structs.replace(raw, command=ctc.load(folder).settings.command, **curves))
    sound = ctc.CTC(model.acoustic, None, (), raw).hear([one.samples for one in held], language=None, hints=None)
    sure = [curves["word"](probability) for probability, _ in single]
    return {
        "word_error_rate": error_rate([one.text for one in heard], texts),
        "word_error_rate_by_sound_alone": error_rate([one.text for one in sound], texts),
        "word_brier": brier(sure, [right for _, right in single]),
        "word_calibration_error": expected_error(sure, [right for _, right in single]),
    }


def _columns(pairs: Sequence[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [probability for probability, _ in pairs], [right for _, right in pairs]


def msgspec_write(path: Path, value: object) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1) + b"\n")
