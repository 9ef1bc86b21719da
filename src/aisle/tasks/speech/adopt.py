"""Models made elsewhere: finds a folder or a name on the hub, sees which family it is of, and has it converted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from aisle.errors import BadInput, Misconfigured, NotFound
from aisle.task import Progress, Scores

FILES = ("*.json", "*.txt", "*.safetensors", "model.bin", "*.model")  # no pickles are ever fetched
WAV2VEC2 = frozenset({"wav2vec2", "hubert", "wavlm"})


def adopt(source: str, folder: Path, progress: Progress) -> Scores:
    """Convert a model folder, or a name on the model hub, into what `engine.load` opens. Raises NotFound, BadInput."""
    found = locate(source, progress)
    kind = family(found)
    progress(1, 4, f"a model of the family {kind}")
    if kind == "whisper":
        from aisle.tasks.speech.whisper.adopt import convert

        return convert(found, folder, source, progress)
    from aisle.tasks.speech.wav2vec2.adopt import convert as export

    return export(found, folder, source, progress)


def locate(source: str, progress: Progress) -> Path:
    """The folder; a name like openai/whisper-tiny is fetched from the hub, which only this command ever does."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if source.count("/") != 1 or source.startswith((".", "/", "~")):
        raise NotFound(f"there is no folder {source}: give a model's folder, or a name on the hub such as openai/whisper-tiny")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise Misconfigured("fetching from the hub needs huggingface_hub: pip install 'aisle[whisper]'") from None
    progress(0, 4, f"fetching {source}")
    try:
        return Path(snapshot_download(source, allow_patterns=list(FILES)))
    except (OSError, ValueError) as error:  # the hub's errors are among them
        raise NotFound(f"{source} could not be fetched from the hub: {str(error).splitlines()[0][:200]}") from None


def family(folder: Path) -> str:
    """whisper or wav2vec2, by the folder's config.json. Raises BadInput."""
    if (folder / "model.bin").exists() and not is_pickle(folder / "model.bin"):
        return "whisper"  # CTranslate2's own format; its config.json names no family
    kind = str(facts(folder).get("model_type"))
    if kind == "whisper" or kind in WAV2VEC2:
        return "whisper" if kind == "whisper" else "wav2vec2"
    raise BadInput(f"{folder.name} is a model of the type {kind!r}: speech takes whisper, {', '.join(sorted(WAV2VEC2))}")


def facts(folder: Path) -> dict[str, Any]:
    """Its config.json. Raises BadInput."""
    try:
        return msgspec.json.decode((folder / "config.json").read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError):
        raise BadInput(f"{folder} holds no model: there is no readable config.json in it") from None


def is_pickle(file: Path) -> bool:
    """Whether a file begins as pickles or torch's archives of them do."""
    with file.open("rb") as opened:
        return opened.read(2) in (b"\x80\x02", b"PK")
