"""One HTTP/1.1 connection: idle, or with one request in flight. Parsing is httptools' (llhttp).

An answer is only ever that to its own request: a connection on which anything was not as it should be, or on which
more came than was asked for, is not used again.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol, cast

import httptools

MAX_ANSWER_BYTES: Final = 64 * 1024
"""Of an answer's body; an answer of the service is empty or one short message."""
MAX_HEAD_BYTES: Final = 16 * 1024
MAX_BYTES: Final = 1024 * 1024
"""Of a whole answer, with chunk sizes and trailers, which need not end either."""


class HttpError(Exception):
    """The far side does not speak HTTP as it should, or hung up."""


class Response(NamedTuple):
    """An answer."""

    status: int
    headers: Mapping[str, str]
    """By name in small letters; what came several times is joined by ", "."""
    body: bytes
    """The first 64 KiB."""


Done = Callable[[Response | Exception], None]
"""Is told once how a request went; must not raise."""


class Owner(Protocol):
    """Who a connection belongs to."""

    def freed(self, connection: "KeptConnection") -> None:
        """It may take the next request."""
        ...

    def gone(self, connection: "KeptConnection") -> None:
        """It will take none any more."""
        ...


class KeptConnection(asyncio.Protocol):
    """One connection of an owner, who is told before anybody else that it is free, or gone."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._parser = httptools.HttpResponseParser(self)
        self._done: Done | None = None
        self.is_open = False
        self.until_s = 0.0
        """When the request in flight is overdue, or, idle, since when it is."""
        self._forget()

    def _forget(self) -> None:
        self._headers: dict[str, str] = {}
        self._body = b""
        self._bytes = 0
        self._head_is_read = False
        self._keep = False
        self._answered: Response | None = None

    def request(self, data: bytes, until_s: float, done: Done) -> None:
        """Send. Who sends keeps an eye on `until_s`."""
        self._done, self.until_s = done, until_s
        self._transport.write(data)

    def fail(self, error: Exception) -> None:
        """Give up what is in flight: an answer may still come, so the connection goes with it."""
        done, self._done = self._done, None
        self.abort()
        if done is not None:
            done(error)

    def abort(self) -> None:
        """Close at once."""
        if self.is_open:
            self.is_open = False
            self._owner.gone(self)
            self._transport.abort()

    def _settle(self, answered: Response, *, keep: bool) -> None:
        done, self._done = self._done, None
        self._forget()
        if keep:
            self._owner.freed(self)
        else:
            self.abort()
        if done is not None:
            done(answered)

    # ── called by the transport ─────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is there."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone, which is how an answer without a length ends."""
        ends_by_closing = "content-length" not in self._headers and "transfer-encoding" not in self._headers
        if self._done is not None and self._head_is_read and ends_by_closing and exc is None:
            self._settle(self._as_read(), keep=False)
        self.fail(HttpError(f"the connection broke: {exc}" if exc else "the far side hung up"))

    def data_received(self, data: bytes) -> None:
        """Something came."""
        if self._done is None:
            self.abort()  # nobody has asked
            return
        self._bytes += len(data)
        wrong: HttpError | None = None
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            wrong = HttpError(f"not an answer: {error}")
        if self._answered is not None:
            self._settle(self._answered, keep=wrong is None and self._keep)
        elif wrong is not None:
            self.fail(wrong)
        elif self._bytes > (MAX_BYTES if self._head_is_read else MAX_HEAD_BYTES):
            self.fail(HttpError("the answer does not end"))

    # ── called by the parser ────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        """An answer begins."""
        if self._answered is not None:
            raise HttpError("an answer nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One line of a head, or of trailers."""
        if len(name) + len(value) > MAX_HEAD_BYTES:
            raise HttpError("a header is too long")
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        earlier = self._headers.get(key)
        self._headers[key] = text if earlier is None else f"{earlier}, {text}"

    def on_headers_complete(self) -> None:
        """The head is read."""
        self._head_is_read = True

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body += body
        if len(self._body) >= MAX_ANSWER_BYTES:
            self._body = self._body[:MAX_ANSWER_BYTES]
            self._answered = self._as_read()
            raise HttpError("no more of it is read")

    def on_message_complete(self) -> None:
        """An answer ends."""
        if self._parser.get_status_code() < 200:
            self._forget()  # "100 Continue" and the like: the answer is still to come
        else:
            self._keep = self._parser.should_keep_alive()
            self._answered = self._as_read()

    def _as_read(self) -> Response:
        return Response(self._parser.get_status_code(), self._headers, self._body)
