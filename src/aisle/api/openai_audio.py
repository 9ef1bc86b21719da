"""POST /v1/audio/transcriptions: OpenAI's form in, every one of its response formats out; asked of speech.transcribe."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from aisle.api import multipart, openai_transcripts
from aisle.api.decode import converted
from aisle.api.endpoint import DEADLINE, FORM, timeout_ms
from aisle.api.openai_models import require_model
from aisle.api.openai_transcripts import Said, VerboseTranscript
from aisle.api.reply import Reply, json
from aisle.api.routing import Call, Route
from aisle.app import App
from aisle.errors import BadInput, Unsupported
from aisle.kit import audio
from aisle.runtime.streams import OpenStream
from aisle.task import Answer
from aisle.types import Sound

TASK, OPERATION = "speech", "transcribe"
PART = audio.RATE  # samples of a file that is streamed which are heard at a time: a second
PATIENCE = 30.0  # seconds one of them may take: a file waits, unlike a live voice
PLAIN, EVENTS = b"text/plain; charset=utf-8", b"text/event-stream; charset=utf-8"
FORMATS = ("json", "text", "srt", "verbose_json", "vtt")


class Form(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recording and what is wanted of it, as OpenAI's clients send it."""

    file: Annotated[Sound, Meta(description="The recording: wav, flac, mp3, ogg, webm or m4a.")]
    model: Annotated[str, Meta(max_length=200, description="speech, one of its versions, or a name of OpenAI's for the same.")]
    language: Annotated[str, Meta(min_length=2, max_length=16, description="en, de, …; absent: found out.")] | None = None
    prompt: Annotated[str, Meta(max_length=2_000, description="What was said or written before.")] | None = None
    keywords: Annotated[list[str], Meta(max_length=500, description="Words and phrases to favour, one each.")] = []
    response_format: Annotated[Literal[FORMATS], Meta(description="How the answer is written.")] = "json"  # type: ignore[valid-type]
    temperature: Annotated[
        float, Meta(ge=0, le=1, description="0 is the only one there is: the model tries others by itself.")
    ] = 0.0
    timestamp_granularities: Annotated[
        list[Literal["word", "segment"]], Meta(max_length=2, description="Of verbose_json; segment where none is named.")
    ] = []
    stream: Annotated[bool, Meta(description="Answer with events while the recording is heard.")] = False
    include: Annotated[list[str], Meta(max_length=10, description="Only the empty list.")] = []
    chunking_strategy: Annotated[Any, Meta(description="auto, as it is without: voice activity is always looked for.")] = "auto"

    def hearing(self) -> dict[str, Any]:
        """What of it the recogniser is asked."""
        return {"language": self.language, "prompt": self.prompt or None, "phrases": self.keywords}


class Audio:
    """The handlers of OpenAI's audio routes."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def transcriptions(self, call: Call) -> Reply:
        form = read(call)
        await require_model(self._app, call.who, TASK, form.model)
        if form.stream:
            samples = await self._app.work(audio.decode, form.file.base64)
            return Reply(media=EVENTS, stream=await self._begun(call, form, samples))
        operation = self._app.registry.operation(TASK, OPERATION)
        request = converted({"audio": form.file, **form.hearing()}, operation.request)
        answer = await self._app.ask(
            call.who, TASK, OPERATION, request, timeout_ms=timeout_ms(call.headers.get(DEADLINE)) or self._patience()
        )
        reply = written(said_of(answer), form)
        reply.cpu_ms = answer.usage.cpu_ms if answer.usage is not None else None
        return reply

    async def translations(self, call: Call) -> Reply:
        raise Unsupported("nothing is translated here: POST /v1/audio/transcriptions writes down what was said, in its language")

    def _patience(self) -> int:
        """Milliseconds: a recording of minutes takes longer than an answer of any other kind."""
        return max(self._app.settings.timeout_ms, 120_000)

    async def _begun(self, call: Call, form: Form, samples: audio.Samples) -> AsyncIterator[bytes]:
        """The events, with the first of them already made: what is wrong is still answered with a status."""
        events = self._events(call, form, samples)
        first = await anext(events)

        async def all_of_them() -> AsyncIterator[bytes]:
            yield first
            async for event in events:
                yield event

        return all_of_them()

    async def _events(self, call: Call, form: Form, samples: audio.Samples) -> AsyncIterator[bytes]:
        """`transcript.text.delta` while it is heard, `transcript.text.done` at the end."""
        kind = self._app.registry.operation(TASK, OPERATION).stream
        if kind is None:
            raise Unsupported("the model does not answer streams: leave `stream` out", param="/stream")
        request, told = converted({"rate": audio.RATE, "turns": None, **form.hearing()}, kind), ""
        async with self._app.stream(call.who, TASK, OPERATION, request) as stream:
            async for stable in stables(stream, samples):
                if len(stable) > len(told) and stable.startswith(told):
                    yield event("transcript.text.delta", delta=stable[len(told) :])
                    told = stable
            said = said_of(await stream.finish(PATIENCE))
        if said.text != told:
            yield event("transcript.text.delta", delta=said.text.removeprefix(told))
        yield event("transcript.text.done", text=said.text, usage={"type": "duration", "seconds": said.duration})

    def routes(self) -> Iterator[Route]:
        yield Route(
            "POST", "/v1/audio/transcriptions", self.transcriptions, "Write down a recording (OpenAI's form)", "openai",
            request=Form, request_media=(FORM,), answer=VerboseTranscript, errors=(404, 503, 504), abandon=True,
            description="Answers in the `response_format` that is asked for; with `stream`, server-sent events.",
        )  # fmt: skip
        yield Route(
            "POST", "/v1/audio/translations", self.translations, "Refused: nothing is translated here", "openai", errors=(415,),
        )  # fmt: skip


async def stables(stream: OpenStream, samples: audio.Samples) -> AsyncIterator[str]:
    """What is certain of the text, as a recording is heard second by second."""
    for at in range(0, len(samples), PART):
        part = (samples[at : at + PART] * 32767).astype("<i2").tobytes()
        for one in await stream.push(part, PATIENCE):
            plain = msgspec.to_builtins(one)
            yield plain["text"][: plain.get("stable", 0)]


def read(call: Call) -> Form:
    """The form of a request. Raises Unsupported, BadInput."""
    boundary = multipart.boundary_of(call.headers.get(b"content-type"))
    if boundary is None:
        raise Unsupported(f"send the recording as a form ({FORM}) with the fields `file` and `model`")
    fields = multipart.read(call.body, boundary)
    if "file" in fields and not isinstance(fields["file"], dict):
        raise BadInput("the field `file` is a file: send it with a filename", param="/file")
    form = converted(fields, Form)
    if form.temperature:
        raise BadInput("temperature is 0: a recording is written down, not guessed at", param="/temperature")
    if form.include:
        raise BadInput("nothing more can be included: response_format=verbose_json has what there is", param="/include")
    if form.timestamp_granularities and form.response_format != "verbose_json":
        raise BadInput("timestamp_granularities belong to response_format=verbose_json", param="/timestamp_granularities")
    if form.stream and form.response_format not in ("json", "text"):
        raise BadInput("with stream, response_format is json or text", param="/response_format")
    return form


def written(said: Said, form: Form) -> Reply:
    """The answer in the format that was asked for."""
    if form.response_format == "verbose_json":
        return json(openai_transcripts.verbose(said, form.timestamp_granularities))
    if form.response_format == "json":
        return json(openai_transcripts.plain(said))
    subtitles = {"srt": openai_transcripts.srt, "vtt": openai_transcripts.vtt}.get(form.response_format)
    return Reply((subtitles(said) if subtitles else f"{said.text}\n").encode(), media=PLAIN)


def said_of(answer: Answer) -> Said:
    return msgspec.convert(msgspec.to_builtins(answer), Said)


def event(kind: str, **fields: Any) -> bytes:
    """A server-sent event."""
    return b"data: " + msgspec.json.encode({"type": kind, **fields}) + b"\n\n"
