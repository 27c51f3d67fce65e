"""Heads of answers as bytes, and the answers a listener gives by itself."""

from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from relay.web.routes.answer import EVERY_ANSWER, JSON, Headers, Refusal, encode

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS: Final = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}


def status_line(status: int) -> bytes:
    """With its phrase, where it has one."""
    return _STATUS.get(status) or b"HTTP/1.1 %d \r\n" % status


def whole_answer(status: int, body: bytes, headers: Headers, date: bytes, *, close: bool = False) -> bytes:
    """One JSON answer, head and body.

    Args:
        status: Of it.
        body: JSON, or nothing.
        headers: Beside those that every answer has.
        date: The line that tells it.
        close: Whether the connection ends behind it.
    """
    return b"%b%b%bcontent-length: %d\r\n%b\r\n%b" % (
        status_line(status),
        date,
        _lines(headers),
        len(body),
        b"connection: close\r\n" if close else b"",
        body,
    )


@lru_cache(maxsize=256)
def _lines(headers: Headers) -> bytes:
    kept = [pair for pair in headers if pair[0] != b"connection"]
    return b"".join([b"%b: %b\r\n" % pair for pair in (*EVERY_ANSWER, JSON, *kept)])


def refusal_bytes(refusal: Refusal, date: bytes) -> bytes:
    """What a refusal of the listener's own says; the connection ends behind it."""
    return whole_answer(refusal.status, encode(refusal.problem), refusal.headers, date, close=True)


def head_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers of an application.

    Raises:
        ValueError: one would end before its line does, and begin another.
    """
    lines: list[bytes] = []
    for name, value in headers:
        if b"\n" in value or b"\r" in value or b"\n" in name or b"\r" in name or b":" in name:
            raise ValueError("a header with a line break in it")
        lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join(lines)
