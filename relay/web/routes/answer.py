"""Answers as raw ASGI messages: small, complete, never cached."""

from typing import Final

import msgspec
from starlette.types import Send

from relay.wire.values import Field

Headers = tuple[tuple[bytes, bytes], ...]

JSON: Final = (b"content-type", b"application/json")
EVERY_ANSWER: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
"""Browsers must not cache an answer, or guess its type."""
encode: Final = msgspec.json.Encoder().encode
"""A body as JSON."""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of every answer that is not a success."""

    error: str
    """For programs, from a short list."""
    detail: str
    """For people, one line; nothing of the request in it."""
    field: Field | None = None
    """Which part of the request it is about, where it is about one."""


class Refusal(Exception):  # noqa: N818 - an answer, not an error
    """Ends a request with a status and a `Problem`."""

    def __init__(
        self,
        status: int,
        error: str,
        detail: str,
        *,
        field: Field | None = None,
        retry_after_s: int | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(error)
        self.status = status
        self.problem = Problem(error, detail, field)
        self.headers = headers
        if retry_after_s is not None:
            self.headers += ((b"retry-after", str(retry_after_s).encode()),)


class Answered(msgspec.Struct, frozen=True, gc=False):
    """What a request is told, in bytes."""

    status: int
    body: bytes
    """JSON, or nothing."""
    headers: Headers
    """Beside those that every answer has."""
    error: str = ""
    """The `error` of its `Problem`, if it is one."""


async def send_json(send: Send, status: int, body: object, headers: Headers) -> None:
    """One JSON answer."""
    await send_bytes(send, status, encode(body), (JSON, *headers))


async def send_bytes(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """One answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *EVERY_ANSWER, *headers]})
    await send({"type": "http.response.body", "body": body})
