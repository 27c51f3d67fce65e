"""httptools with bounds: pieces of bytes in, requests out; nothing behind a head changes it."""

import logging
from collections.abc import Callable
from typing import Final

import httptools

from relay.web.listener import bounds
from relay.web.listener.request import Request, closing
from relay.web.routes.answer import Refusal
from relay.web.routes.header_fields import Pairs

_DROPPED_WITH_UPGRADE: Final = (b"upgrade", b"http2-settings", b"connection")
_log = logging.getLogger("relay")


class RequestParser:
    """Of one connection. After a refusal, and behind the last request of a connection, it is deaf."""

    def __init__(self, came: Callable[[Request], None], grew: Callable[[Request], None]) -> None:
        """Take whom to tell.

        Args:
            came: Gets each request when its head is there.
            grew: Gets it again with more of its body, or `whole`.
        """
        self._came = came
        self._grew = grew
        self._parser = httptools.HttpRequestParser(self)
        self._request: Request | None = None  # whose body comes in
        self._target = b""
        self._headers: Pairs = []
        self._too_many = False
        self._run = 0  # bytes since the head began, or since the last byte of body
        self.in_head = False
        """Whether a head has begun that has no end yet."""
        self.deaf = False

    def feed(self, piece: bytes) -> Refusal | None:
        """Parse some bytes; why nothing behind them can be understood, if so."""
        if not self.deaf:
            refusal = self._fed(piece)
            if refusal is None or self.deaf:
                return None
            self.deaf = True
            return refusal
        return None

    def _fed(self, piece: bytes) -> Refusal | None:
        self._run += len(piece)
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            return None if self.deaf else self._without_upgrade(piece[int(upgrade.args[0]) :])
        except httptools.HttpParserCallbackError as error:
            _log.error("a request could not be taken", exc_info=error)
            return closing(500, "internal", "the relay failed")
        except httptools.HttpParserError:
            return closing(400, "bad_request", "this is not HTTP/1.1")
        if self._request is not None:
            if self._run > bounds.MAX_FRAMING_BYTES:
                return closing(400, "bad_request", "too much beside the body")
        elif self._too_many or self._run > bounds.MAX_HEAD_BYTES:
            return closing(431, "headers_too_large", "the headers are too large, or too many")
        return None

    def _without_upgrade(self, rest: bytes) -> Refusal | None:
        """No other protocol is spoken here, so that an upgrade is ignored (RFC 9110, 7.8).

        The parser has stopped before the body. A new one gets the head without the request for an upgrade.
        """
        if self._parser.get_method() == b"CONNECT":
            return closing(405, "method_not_allowed", "this is no proxy")
        kept = [pair for pair in self._headers if pair[0] not in _DROPPED_WITH_UPGRADE]
        lines = b"".join([b"%b: %b\r\n" % pair for pair in kept])
        version = self._parser.get_http_version().encode()
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (self._parser.get_method(), self._target, version, lines)
        self._parser = httptools.HttpRequestParser(self)
        return self._fed(head) or (self._fed(rest) if rest and not self.deaf else None)

    # ── what httptools calls ───────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        """A request begins."""
        self._target = b""
        self._headers = []
        self.in_head = True

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; or a trailer, which is dropped."""
        if self.in_head:
            if len(self._headers) < bounds.MAX_HEADERS:
                self._headers.append((name.lower(), value))
            else:
                self._too_many = True

    def on_headers_complete(self) -> None:
        """The head is there."""
        parser = self._parser
        if self._run > bounds.MAX_HEAD_BYTES:  # perhaps: what came behind it in the same piece was counted, too
            self._too_many = self._too_many or self._head_bytes() > bounds.MAX_HEAD_BYTES
        if self.deaf or self._too_many or parser.should_upgrade():
            return
        self.in_head = False
        self._run = 0
        version = parser.get_http_version()
        self._request = request = Request(
            parser.get_method(),
            self._target,
            self._headers,
            version=version,
            keep_alive=version == "1.1" and parser.should_keep_alive(),
        )
        self._came(request)

    def _head_bytes(self) -> int:
        return len(self._target) + sum(len(name) + len(value) + 4 for name, value in self._headers)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._run = 0
        request = self._request
        if request is not None and not self.deaf:
            request.add(body)
            self._grew(request)

    def on_message_complete(self) -> None:
        """The whole request is there."""
        request, self._request = self._request, None
        self._run = 0
        if request is not None and not self.deaf:
            request.whole = True
            self.deaf = not request.keep_alive  # nothing behind it counts
            self._grew(request)
