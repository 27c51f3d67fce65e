"""One request as it came, and whether its head is one that HTTP/1.1 (RFC 9110, RFC 9112) lets us answer."""

import re
from functools import lru_cache
from typing import Final

import msgspec

from relay.web.listener import bounds
from relay.web.routes.answer import Headers, Refusal
from relay.web.routes.header_fields import Pairs

_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?")
_CLOSE: Final = ((b"connection", b"close"),)


class Request(msgspec.Struct, eq=False):
    """One request. Its body grows until it is `whole`; who answers it takes bytes out."""

    method: bytes
    """Upper case."""
    target: bytes
    """Of the request line, as it stood there."""
    headers: Pairs
    """Names in lower case."""
    version: str
    """`1.1`."""
    keep_alive: bool
    """Whether the client may ask again on this connection."""
    expects_continue: bool = False
    body: bytes | bytearray = b""
    ahead_bytes: int = bounds.BODY_BUFFER_BYTES
    """Of the body, what may be read before it is wanted."""
    whole: bool = False

    def add(self, body: bytes) -> None:
        """A further piece of the body."""
        if not self.body:
            self.body = body
        elif isinstance(self.body, bytearray):
            self.body += body
        else:
            self.body = bytearray(self.body) + body


def check_head(request: Request, fields: dict[bytes, bytes]) -> None:
    """Whether the head is one we answer; notes `Expect`.

    Raises:
        Refusal: and the connection is to be closed, for what follows on it cannot be told from this request.
    """
    version = request.version
    if version not in ("1.1", "1.0"):
        status = 505 if version[:1] > "1" else 400
        raise closing(status, "bad_version", "send HTTP/1.1")
    host = fields.get(b"host")
    if host is None:
        if version == "1.1":
            raise closing(400, "bad_host", "send one Host")
    elif not _is_host(host):  # two lines are joined by a blank, which no name has
        raise closing(400, "bad_host", "send one Host, a name and at most a port")
    coding = fields.get(b"transfer-encoding")
    if coding is not None:
        if request.version == "1.0":
            raise closing(400, "bad_encoding", "HTTP/1.0 knows no Transfer-Encoding")
        codings = [one.strip() for one in coding.lower().split(b",")]
        if codings != [b"chunked"]:
            # Where chunks are not the last coding, nobody knows where the body ends (RFC 9112, 6.3).
            status = 501 if codings[-1] == b"chunked" else 400
            raise closing(status, "bad_encoding", "send the body plain, or in chunks")
    if request.method == b"CONNECT":
        raise closing(405, "method_not_allowed", "this is no proxy")
    expected = fields.get(b"expect")
    if expected is not None and request.version == "1.1":
        if expected.lower() != b"100-continue":
            raise closing(417, "bad_expectation", "only 100-continue is understood")
        request.expects_continue = True


@lru_cache(maxsize=64)  # nearly every request names the same; of the longest head 2 MB
def _is_host(host: bytes) -> bool:
    return _HOST.fullmatch(host) is not None


def closing(status: int, error: str, detail: str, *, retry_after_s: int | None = None) -> Refusal:
    """A refusal after which the connection ends."""
    return Refusal(status, error, detail, retry_after_s=retry_after_s, headers=_CLOSE)


@lru_cache(maxsize=256)  # nearly every answer has the same
def closes(headers: Headers) -> bool:
    """Whether an answer's headers say that the connection ends."""
    return any(name == b"connection" and value.lower() == b"close" for name, value in headers)
