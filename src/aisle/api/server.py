"""Runs the ASGI application under uvicorn, with limits on slow and greedy connections, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import gc
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from aisle.api import create, problems
from aisle.api.problems import HeadTooLarge, TooSlow
from aisle.api.routing import Route
from aisle.api.shell import LEFT, TASK, WHOLE, headers_of
from aisle.app import App
from aisle.errors import AisleError, Conflict, Malformed, Misconfigured

GRACE = 9  # seconds that requests have to finish after SIGTERM
KEEP_ALIVE = 65  # seconds of silence on a kept connection; longer than the 60 of most proxies, so that they close first
HEAD_SECONDS = 10.0  # for a request's line and headers to arrive
HEAD_BYTES = 64 * 1024
MESSAGE_BYTES = 2 * 1024 * 1024  # of one WebSocket message: half a minute of sound in base64
PING = 20.0  # seconds between looks whether the other side of a WebSocket is still there, and for its answer
BODY_SECONDS = 120.0  # for a body to arrive
LINGER = 2.0  # seconds that a refused body may still arrive, so that its sender gets to read why
SWEEP = 1.0
OWN_FILES = 64  # descriptors kept for the database, models and the process itself
MOST_CONNECTIONS = 10_000
BACKLOG = 2048
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
KEPT = 32 * 1024 * 1024  # bytes, the most that glibc takes
GARBAGE = 20_000  # new containers between looks for cycles: a request makes some dozens, and leaves no cycle behind
TAKEN = (errno.EADDRINUSE,)


class Cycle(RequestResponseCycle):
    """uvicorn's answer to one request; one that is whole goes out in one write, its head made by the shell."""

    async def receive(self) -> Any:
        if not self.body or self.more_body or self.disconnected or self.response_complete or self.waiting_for_100_continue:
            return await super().receive()
        body, self.body = bytes(self.body), bytearray()  # it is all there: nothing to wait for
        self.message_event.clear()
        self.flow.resume_reading()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        head = message.get(WHOLE)
        if head is None:
            await super().send(message)
        elif self.disconnected or self.flow.write_paused or self.response_started or self.scope["method"] == "HEAD":
            await super().send({"type": "http.response.start", "status": message["status"], "headers": headers_of(head)})
            await super().send({"type": "http.response.body", "body": message["body"]})
        else:
            self.write(message["status"], head, message["body"])

    def write(self, status: int, head: bytes, body: bytes) -> None:
        """What uvicorn's `send` does for a start and a whole body."""
        own = b"".join([b"%b: %b\r\n" % header for header in self.default_headers])
        close = b"" if self.keep_alive else b"\r\nconnection: close"
        self.transport.write(b"%b%b%b%b\r\n\r\n%b" % (STATUS_LINE[status], own, head, close, body))
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.expected_content_length = 0
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, for callers that dawdle: a head has a size and an end, a refused body does not come for ever."""

    began: float | None = None  # when the request began that has not wholly arrived; None between requests
    in_head = True
    head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.began = self.loop.time()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.in_head and self.began is not None:
            self.head_bytes += len(data)
            if self.head_bytes > HEAD_BYTES:
                self.refuse(HeadTooLarge(f"the request's line and headers are longer than {HEAD_BYTES:,} bytes"))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.began, self.in_head, self.head_bytes = self.loop.time(), True, 0

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.in_head = False
        if not (self.parser.should_upgrade() and self._should_upgrade()):  # a WebSocket has no cycle
            self.cycle.__class__ = Cycle  # made by uvicorn just now, not begun yet: there is no other place to choose its class
            self.scope[WHOLE] = True  # type: ignore[literal-required]

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.began = None

    def send_400_response(self, msg: str) -> None:
        self.refuse(Malformed("this is not HTTP/1.1"))

    def refuse(self, error: AisleError) -> None:
        """Say why, and close: nothing more on this connection can be trusted."""
        if self.transport.is_closing():
            return
        body = problems.body(error, "", "")
        head = f"HTTP/1.1 {error.status} {error.title}\r\ncontent-length: {len(body)}\r\nconnection: close\r\ncontent-type: "
        self.transport.write(head.encode() + problems.CONTENT_TYPE + b"\r\n\r\n" + body)
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop what nobody waits for any more."""
        super().connection_lost(exc)
        if self.cycle is not None and self.cycle.disconnected:
            scope: dict[str, Any] = self.cycle.scope  # type: ignore[assignment]
            if TASK in scope:
                scope[LEFT] = True
                scope[TASK].cancel()

    def sweep(self, now: float) -> None:
        """Close where a request has had its time to arrive."""
        if self.began is None:
            return
        waited = now - self.began
        if self.in_head:
            if waited > HEAD_SECONDS:
                self.transport.abort()
        elif self.cycle.response_started:
            if waited > (LINGER if self.cycle.response_complete else BODY_SECONDS):
                self.transport.abort()
        elif waited > BODY_SECONDS:
            self.refuse(TooSlow(f"the body did not arrive within {BODY_SECONDS:.0f} seconds"))


class Server(uvicorn.Server):
    """Says when it is ready, stops on a signal with exit status 0, and sweeps overdue connections."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Finish what is being answered, take nothing new; a second time: drop it."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self._stopping()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._sweep()
        self._ready()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self.server_state.connections):
            if isinstance(connection, Protocol):
                connection.sweep(now)
        loop.call_later(SWEEP, self._sweep)


def serve(
    app: App, host: str, port: int, on_ready: Callable[[str], None] = lambda address: None, extra: Iterable[Route] = ()
) -> int:
    """Serve until SIGTERM or SIGINT; 0 is the exit status of a quiet end. Port 0 takes a free one.

    Raises Conflict where the port is taken, and what App.start raises.
    """
    listener = listen(host, port)
    runner = asyncio.Runner(loop_factory=_loop_factory())
    with listener, runner:
        runner.run(_serve(app, listener, on_ready, extra))
    return 0


async def _serve(app: App, listener: socket.socket, on_ready: Callable[[str], None], extra: Iterable[Route]) -> None:
    await app.start()
    gc.collect()
    gc.freeze()  # what was loaded stays: the collector need not walk it while requests wait
    gc.set_threshold(GARBAGE)
    keep_memory()

    def stopping() -> None:
        app.draining = True

    try:
        server = Server(config(create(app, extra)), lambda: on_ready(address(listener)), stopping)
        await server.serve([listener])
    finally:
        await app.close()


def keep_memory() -> None:
    """Ask glibc to keep freed arrays instead of giving their pages back after every batch (about a tenth of an answer's cost)."""
    with contextlib.suppress(OSError, AttributeError):  # another C library
        libc = ctypes.CDLL(None)
        for option in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
            libc.mallopt(option, KEPT)


def config(application: Any) -> uvicorn.Config:
    """uvicorn's settings."""
    return uvicorn.Config(
        application,
        http=Protocol,
        ws="websockets-sansio",
        ws_max_size=MESSAGE_BYTES,
        ws_ping_interval=PING,
        ws_ping_timeout=PING,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        limit_concurrency=most_connections(),
        backlog=BACKLOG,
    )


def most_connections() -> int:
    """Connections that may be open, so that files can still be opened when they are; beyond it callers get 503."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(8, min(MOST_CONNECTIONS, soft - OWN_FILES))


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises Conflict, Misconfigured."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if isinstance(error, PermissionError) or error.errno not in TAKEN:
            raise Misconfigured(f"cannot listen on {host}:{port}: {error.strerror}: choose another --host or --port") from None
        raise Conflict(f"port {port} of {host} is taken: stop what listens there, or choose another with --port") from None
    listener.setblocking(False)
    return listener


def address(listener: socket.socket) -> str:
    """http://host:port of a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # Windows
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
