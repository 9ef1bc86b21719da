"""WS /v1/realtime?intent=transcription: a live voice, in OpenAI's events; every turn of speech is one metered answer.

Sound is read no faster than it is heard (TCP holds the caller back). What the model cannot keep up with ends the session with an
`overloaded` error and the code 1013. Beyond OpenAI's fields, `delta` events carry `partial` (all that is heard so far, its end
may change) and `completed` carries `answer` (words with times and probabilities, alternatives, answer_id).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec

from aisle.api import openai_events as events
from aisle.api import problems
from aisle.api.openai_events import Append, Clear, Commit, Event, Hearing, OldUpdate, Update
from aisle.api.openai_models import require_model
from aisle.api.problems import dotted
from aisle.api.reply import Reply
from aisle.api.routing import Call, Route
from aisle.api.sockets import GOING, KEY_PROTOCOL, LATER, NORMAL, POLICY, Socket
from aisle.app import App
from aisle.errors import AisleError, BadInput, NoModel, Overloaded, RateLimited, Unauthorized, Unavailable
from aisle.runtime.streams import OpenStream
from aisle.task import Answer

TASK, OPERATION = "speech", "transcribe"
PROTOCOL = "realtime"  # the subprotocol that browsers name
PART_MS = 200  # longer sound is heard in parts of this length, so that others are heard in between
LAG = 3.0  # seconds that a voice may be heard behind its speaker; TCP hides that from the queue of the model
EACH = 0.5  # seconds between two voices that are let go of
IDLE = 300.0  # seconds without an event after which a session is closed
LONGEST = 3600.0  # seconds of a session, as OpenAI's
BYTES_A_SAMPLE = {"audio/pcm": 2, "audio/pcmu": 1, "audio/pcma": 1}


class Upgrade(AisleError):
    """This address takes WebSockets: connect with ws:// or wss:// instead of a plain request."""

    status, code, title = 426, "upgrade_required", "This address takes WebSockets"


class Realtime:
    """The handlers of /v1/realtime."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._shedding = Shedding()

    async def plain(self, call: Call) -> Reply:
        raise Upgrade("connect to this address with a WebSocket: ws:// or wss:// instead of http:// or https://")

    async def socket(self, socket: Socket) -> None:
        query = parse_qs(socket.call.query.decode("latin-1"))
        if query.get("intent", ["transcription"]) != ["transcription"]:
            raise BadInput("the intent is transcription: there is nobody to converse with here", param="/intent")
        if "model" in query:
            await require_model(self._app, socket.call.who, TASK, query["model"][0])
        await socket.accept(PROTOCOL if PROTOCOL in socket.offered else None)
        await Session(self._app, socket, self._shedding).run()

    def routes(self) -> Iterator[Route]:
        yield Route(
            "GET", "/v1/realtime", self.plain, "A live voice, over a WebSocket", "openai", socket=self.socket, errors=(426,),
            description="OpenAI's realtime transcription: connect with a WebSocket to /v1/realtime?intent=transcription. "
            f"Browsers send the key as a subprotocol: `{PROTOCOL}`, `{KEY_PROTOCOL}<key>`.",
        )  # fmt: skip


class Session:
    """One caller's session. Events are handled one after the other: nothing is read while something is heard."""

    def __init__(self, app: App, socket: Socket, shedding: Shedding) -> None:
        self._app, self._socket, self._who, self._shedding = app, socket, socket.call.who, shedding
        self._hearing = Hearing()
        self._opened: contextlib.AsyncExitStack = contextlib.AsyncExitStack()  # holds the stream while one is open
        self._stream: OpenStream | None = None
        self._name = socket.call.request_id.removeprefix("req_")
        self._events = self._items = 0
        self._item: str | None = None  # of the turn that is being spoken
        self._previous: str | None = None
        self._told = ""  # of this turn, in deltas
        self._heard = 0  # bytes of sound since the last answer
        self._until = time.monotonic() + LONGEST
        self._lag = 0.0  # seconds: by how much hearing took longer than the sound did, as far as nobody waited since

    async def run(self) -> None:
        """Until the caller leaves, is idle, or cannot be served."""
        try:
            await self._send("session.created", session=self._session())
            while not self._app.draining:
                before = time.monotonic()
                left = self._until - before
                try:
                    async with asyncio.timeout(min(IDLE, left)):
                        message = await self._socket.receive()
                except TimeoutError:
                    why = "a session lasts an hour" if left < IDLE else "no event came for 5 minutes"
                    return await self._socket.close(NORMAL, why)
                self._lag = max(0.0, self._lag - (time.monotonic() - before))
                await self._answer(message)
            await self._socket.close(GOING, "the server is shutting down")
        except Fatal as fatal:
            await self._socket.close(fatal.code, fatal.reason)
        finally:
            await self._opened.aclose()

    async def _answer(self, message: str | bytes) -> None:
        """Handle one event; what is wrong with it is told, and ends the session only where nothing more can be heard."""
        event: Event | None = None
        try:
            event = events.read(message)
            await self._handle(event)
        except AisleError as error:
            name = event.event_id if event is not None else events.event_id(message)
            await self._wrong(error, name)

    async def _handle(self, event: Event) -> None:
        if isinstance(event, Append):
            await self._append(event.audio)
        elif isinstance(event, Commit):
            await self._commit()
        elif isinstance(event, Clear):
            await self._forget()
            await self._send("input_audio_buffer.cleared")
        else:
            await self._update(event)

    async def _update(self, event: Update | OldUpdate) -> None:
        hearing = self._hearing.changed(event)
        if hearing.transcription.model is not None:
            await require_model(self._app, self._who, TASK, hearing.transcription.model)
        if hearing != self._hearing:
            await self._forget()
            self._hearing = hearing
        kind = "transcription_session.updated" if isinstance(event, OldUpdate) else "session.updated"
        await self._send(kind, session=self._session())

    # ---- sound -------------------------------------------------------------------------------------------------

    async def _append(self, sound: bytes) -> None:
        form = self._hearing.format
        a_second = (form.rate or 8_000) * BYTES_A_SAMPLE[form.type]
        size = a_second * PART_MS // 1000
        for at in range(0, len(sound), size):
            part, began = sound[at : at + size], time.monotonic()
            stream = await self._listening()
            self._heard += len(part)
            await self._tell(await stream.push(part))
            self._lag = max(0.0, self._lag + time.monotonic() - began - len(part) / a_second)
            if self._lag > LAG and self._shedding.may_go():
                raise Overloaded(f"this voice is heard {LAG:.0f} s behind its speaker: try again in a few seconds", retry_after=5)

    async def _commit(self) -> None:
        """The caller says that what was said ends here."""
        if self._stream is None or not self._heard or (self._hearing.turns is not None and self._item is None):
            raise BadInput("there is no speech to be committed: append sound first", param="/type")
        await self._tell([await self._stream.finish()])

    async def _listening(self) -> OpenStream:
        """The open stream, or a new one: where there is none, or a newer model is live and nobody is in the middle of a turn."""
        if self._stream is not None and self._stream.stale and self._item is None:
            await self._forget()
        if self._stream is None:
            kind = self._app.registry.operation(TASK, OPERATION).stream
            request = msgspec.convert(self._hearing.listen(), kind) if kind is not None else None
            self._stream = await self._opened.enter_async_context(self._app.stream(self._who, TASK, OPERATION, request))
        return self._stream

    async def _forget(self) -> None:
        """Drop the stream, and what was not answered with it."""
        self._stream, self._item, self._heard, self._told = None, None, 0, ""
        await self._opened.aclose()
        self._opened = contextlib.AsyncExitStack()

    # ---- what became known -------------------------------------------------------------------------------------

    async def _tell(self, found: Sequence[Any]) -> None:
        for one in found:
            if isinstance(one, Answer):
                await self._completed(msgspec.to_builtins(one))
                continue
            plain = msgspec.to_builtins(one)
            if plain["type"] == "speech_started":
                await self._send("input_audio_buffer.speech_started", audio_start_ms=plain["at_ms"], item_id=self._begun())
            elif plain["type"] == "speech_stopped":
                await self._send("input_audio_buffer.speech_stopped", audio_end_ms=plain["at_ms"], item_id=self._begun())
            else:
                stable = plain["text"][: plain.get("stable", 0)]
                await self._delta(stable if stable.startswith(self._told) else self._told, plain["text"])

    async def _delta(self, told: str, partial: str) -> None:
        """Tell the text so far, and of it as a delta what is certain now and was not told yet."""
        delta, self._told = told[len(self._told) :], told
        await self._send(
            "conversation.item.input_audio_transcription.delta",
            item_id=self._begun(), content_index=0, delta=delta, partial=partial,
        )  # fmt: skip

    async def _completed(self, answer: dict[str, Any]) -> None:
        """An utterance is over. It counts as one request of the key: what is used up, or revoked, ends the session here."""
        item, text = self._begun(), answer["text"]
        await self._send("input_audio_buffer.committed", item_id=item, previous_item_id=self._previous)
        if text != self._told and text.startswith(self._told):
            await self._delta(text, text)
        await self._send(
            "conversation.item.input_audio_transcription.completed",
            item_id=item, content_index=0, transcript=text,
            usage={"type": "duration", "seconds": answer["duration"]}, answer=answer,
        )  # fmt: skip
        self._previous, self._item, self._heard, self._told = item, None, 0, ""
        self._socket.still_welcome()
        self._app.access.spend(self._who)

    def _begun(self) -> str:
        """The item of the turn that is being spoken."""
        if self._item is None:
            self._items += 1
            self._item = f"item_{self._name}_{self._items}"
        return self._item

    # ---- out ---------------------------------------------------------------------------------------------------

    async def _send(self, kind: str, **fields: Any) -> None:
        self._events += 1
        await self._socket.send({"type": kind, "event_id": f"event_{self._name}_{self._events}", **fields})

    async def _wrong(self, error: AisleError, event_id: str | None) -> None:
        """Tell the caller; raises Fatal where the session cannot go on."""
        told = problems.problem(error, "", "").error
        body = {
            "type": told.type, "code": told.code, "message": told.message, "param": dotted(error.param), "event_id": event_id
        }  # fmt: skip
        await self._send("error", error=body)
        if isinstance(error, Unavailable | RateLimited):
            raise Fatal(LATER, error.code)
        if isinstance(error, Unauthorized) or (isinstance(error, NoModel) and error.param is None):
            raise Fatal(POLICY, error.code)
        if not isinstance(error, BadInput | NoModel):
            await self._forget()

    def _session(self) -> dict[str, Any]:
        """The session, as OpenAI shows it."""
        said, form = self._hearing.transcription, self._hearing.format
        hearing = {
            "format": {"type": form.type, "rate": form.rate} if form.type == "audio/pcm" else {"type": form.type},
            "noise_reduction": None,
            "transcription": {"model": said.model or TASK, "language": said.language, "prompt": said.prompt or "",
                              "keywords": said.keywords or []},
            "turn_detection": self._hearing.turns,
        }  # fmt: skip
        left = self._until - time.monotonic()
        return {
            "id": f"sess_{self._name}", "object": "realtime.transcription_session", "type": "transcription",
            "audio": {"input": hearing}, "include": None, "expires_at": int(time.time() + left),
        }  # fmt: skip


class Shedding:
    """One voice at a time is let go of, so that the others, who lag as it does, catch up instead of being lost with it."""

    def __init__(self) -> None:
        self._next = 0.0  # a moment of the monotonic clock

    def may_go(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + EACH
        return True


class Fatal(Exception):  # not an error of ours: the end of a session
    """The session cannot go on."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason
