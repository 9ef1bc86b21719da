"""Which of OpenAI's model names mean a model here."""

from __future__ import annotations

from aisle.access import Who
from aisle.app import App
from aisle.errors import NoModel

THEIRS = {
    "speech": ("whisper-1", "gpt-transcribe", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-realtime-whisper"),
}  # what programs written for OpenAI ask for by default, so that they run unchanged


async def require_model(app: App, who: Who, task: str, name: str) -> None:
    """Raises NoModel unless the name is the task's, that of its live version, or one of OpenAI's for the same thing."""
    if name == task or name in THEIRS.get(task, ()):
        return
    live = await app.work(app.models.all_live, who.tenant)
    versions = [version.name for version in live if version.task == task] or [f"{task}@0"]
    if name not in versions:
        raise NoModel(f"there is no model {name!r} for this: say {task!r}, or {', '.join(versions)}", param="/model")
