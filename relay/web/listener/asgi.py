"""One request run as an ASGI application (HTTP, 3.0): a task, a body read with back pressure, an answer in pieces."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

import httptools
from starlette.types import ASGIApp, Message, Scope

from relay.web.listener.exchange import Line
from relay.web.listener.head_bytes import CONTINUE, head_lines, status_line
from relay.web.listener.request import Request

LATE_S: Final = 2.0
"""An application has its own deadline for a body, and so long to say so; then the connection is reset."""

_log = logging.getLogger("relay")


def scope_of(request: Request, line: Line, state: dict[str, Any]) -> Scope | None:
    """The request as ASGI has it; None when its target is none."""
    try:
        url = httptools.parse_url(request.target)
        raw_path = url.path or b"/"
        path = raw_path.decode("ascii")
    except (httptools.HttpParserError, UnicodeDecodeError):
        return None
    headers = request.headers
    if url.host:  # absolute form: what it names is what counts (RFC 9112, 3.2.2)
        host = url.host + (b":%d" % url.port if url.port else b"")
        headers = [(b"host", host), *(pair for pair in headers if pair[0] != b"host")]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": request.version,
        "method": request.method.decode("ascii"),
        "scheme": "http",
        "root_path": "",
        "path": unquote(path) if "%" in path else path,
        "raw_path": raw_path,
        "query_string": url.query or b"",
        "headers": headers,
        "client": (line.peer, 0) if line.peer else None,
        "server": line.local,
        "state": state.copy(),
    }


class AsgiExchange:
    """A request and its task."""

    def __init__(
        self, line: Line, request: Request, scope: Scope, *, app: ASGIApp, spawn: Callable[[Any], "asyncio.Task[None]"]
    ) -> None:
        """Take who answers.

        Args:
            line: Where to.
            request: What was asked; its body may still be coming.
            scope: The same for ASGI.
            app: Answers.
            spawn: Starts a task that is known to the server.
        """
        self._line = line
        self._request = request
        self._scope = scope
        self._app = app
        self._spawn = spawn
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()  # more body, room to write, or nobody there
        self._is_gone = False
        self._is_cut = False
        self._body_told = False
        self._head: bytes | None = None
        self._started = False
        self._complete = False
        self._chunked = False
        self._bodiless = request.method == b"HEAD"
        self._left: int | None = None  # of the length that was announced
        self._close = False

    def begin(self) -> None:
        """Start."""
        self._task = self._spawn(self._run())

    def body_came(self) -> None:
        """More of the body is there."""
        self._changed.set()

    def may_write(self) -> None:
        """The client takes again what it is sent."""
        self._changed.set()

    def gone(self) -> None:
        """Nobody waits for the answer."""
        self._is_gone = True
        self._changed.set()

    def is_streaming(self) -> bool:
        """Whether an answer has begun that has no end yet."""
        return self._started and not self._complete

    def cut_short(self) -> None:
        """The rest of the body never comes; the application may have something to say about what did."""
        self._is_cut = True
        self._changed.set()

    def give_up(self) -> None:
        """The task is told, and may still answer."""
        if self._task is not None:
            self._task.cancel()

    def too_slow(self, over_s: float) -> None:
        """The application has its own deadline."""
        if over_s > LATE_S:
            self._line.hang_up()

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
        except asyncio.CancelledError:
            if not self._complete:
                self._line.hang_up()
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it is this request's and no other's
            _log.exception("a request could not be answered")
        if self._complete or self._is_gone:
            return
        if self._is_cut and not self._started:
            self._complete = True
            self._line.answered(close=True)
            return
        if self._started:
            self._line.hang_up()  # it has said a part, and there will be no more
            return
        await self._send({"type": "http.response.start", "status": 500, "headers": [(b"connection", b"close")]})
        await self._send({"type": "http.response.body"})

    async def _receive(self) -> Message:
        request = self._request
        if request.expects_continue and not (self._started or request.body or request.whole):
            request.expects_continue = False
            self._line.write(CONTINUE)
        while not (self._is_gone or self._complete):
            if request.body or (request.whole and not self._body_told):
                self._body_told = request.whole
                return {
                    "type": "http.request",
                    "body": self._line.take_body(request),
                    "more_body": not request.whole,
                }
            if self._is_cut:
                break
            self._changed.clear()
            await self._changed.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._is_gone:
            return
        if message["type"] == "http.response.start":
            if self._head is not None:
                raise RuntimeError("an answer that begins twice")
            self._head = self._begin_answer(message["status"], list(message.get("headers", ())))
            return
        if message["type"] != "http.response.body" or self._head is None or self._complete:
            raise RuntimeError(f"not now: {message['type']}")
        more = bool(message.get("more_body", False))
        data = self._framed(bytes(message.get("body", b"")), more=more)
        if not self._started:
            self._started = True
            data = self._head + data
        if data:
            self._line.write(data)
        if not more:
            self._end()
            return
        while not (self._line.writable() or self._is_gone):
            self._changed.clear()
            await self._changed.wait()

    def _begin_answer(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        names = {name.lower(): value for name, value in headers}
        self._bodiless = self._bodiless or status in (204, 304)
        length = names.get(b"content-length")
        if length is not None and not self._bodiless:
            self._left = int(length)
        self._close = names.get(b"connection", b"").lower() == b"close" or self._line.ends(self._request)
        more = b""
        if length is None and not self._bodiless:
            if self._request.version == "1.1":
                self._chunked = True
                more = b"transfer-encoding: chunked\r\n"
            else:
                self._close = True
        if self._close and b"connection" not in names:
            more += b"connection: close\r\n"
        date = b"" if b"date" in names else self._line.date()
        return status_line(status) + date + head_lines(headers) + more + b"\r\n"

    def _framed(self, body: bytes, *, more: bool) -> bytes:
        if self._bodiless:
            return b""
        if self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return chunk if more else chunk + b"0\r\n\r\n"
        if self._left is not None:
            self._left -= len(body)
            if self._left < 0:
                raise RuntimeError("more body than Content-Length says")
        return body

    def _end(self) -> None:
        self._complete = True
        short = bool(self._left)
        if short:
            _log.error("less body than Content-Length says: %s", self._scope["path"])
        self._line.answered(close=self._close or short or not self._request.whole)
