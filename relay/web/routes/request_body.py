"""Reads a request's body within bounds of size and time, whatever the client does."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.types import Receive

from relay.web.routes.answer import Refusal

DEADLINE_S: Final = 10.0
"""From the end of the headers to the end of the body, however slowly it drips."""

_USUAL: Final = frozenset({b"text/plain;charset=UTF-8", b"text/plain", b"application/json"})


class ClientGoneError(Exception):
    """The client left before the end of its body."""


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], *, max_bytes: int) -> bytes:
    """All of the body.

    Raises:
        Refusal: 413 past `max_bytes`, before anything is read where the length is announced; 408 past the deadline;
            400 for a length that is none.
        ClientGoneError: there is nobody to answer.
    """
    check_length(headers, max_bytes=max_bytes)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise ClientGoneError
                part: bytes = message.get("body", b"")
                size += len(part)
                if size > max_bytes:
                    raise too_large(max_bytes)
                if not message.get("more_body", False):
                    return part if not parts else b"".join((*parts, part))
                parts.append(part)
    except TimeoutError:
        raise too_slow() from None


def too_slow() -> Refusal:
    """The body did not come in time; nothing more can be asked on its connection."""
    return Refusal(408, "too_slow", "the body took too long", headers=((b"connection", b"close"),))


def too_large(max_bytes: int) -> Refusal:
    """The body is more than is taken."""
    return Refusal(413, "too_large", f"the body is larger than {max_bytes} bytes")


def check_length(headers: Mapping[bytes, bytes], *, max_bytes: int) -> None:
    """Whether the length that is announced, if one is, is one that is taken.

    Raises:
        Refusal: 413; 400 for a length that is none.
    """
    announced = headers.get(b"content-length")
    if announced is not None:
        if not announced.isdigit():
            raise Refusal(400, "bad_length", "Content-Length is not a number")
        if len(announced) > 18 or int(announced) > max_bytes:
            raise too_large(max_bytes)


def check_plain_json(headers: Mapping[bytes, bytes]) -> None:
    """What the body may be: uncompressed UTF-8, as text/plain, as application/json, or without a type.

    Raises:
        Refusal: 415.
    """
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() not in (b"", b"identity"):
        raise Refusal(415, "bad_encoding", "send the body without Content-Encoding")
    given = headers.get(b"content-type")
    if not given or given in _USUAL:
        return
    kind, _, parameters = given.lower().partition(b";")
    if kind.strip() not in (b"text/plain", b"application/json"):
        raise Refusal(415, "bad_content_type", "send text/plain, application/json, or no content type")
    charset = parameters.replace(b" ", b"").replace(b'"', b"").partition(b"charset=")[2].partition(b";")[0]
    if charset not in (b"", b"utf-8", b"utf8", b"us-ascii"):
        raise Refusal(415, "bad_charset", "send UTF-8")
