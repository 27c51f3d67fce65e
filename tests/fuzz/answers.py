"""Answers of a connection taken apart, and whether those of two relays say the same."""

import re
from typing import Final

_START: Final = re.compile(rb"(?=HTTP/1\.1 \d{3} )")
_ERROR: Final = re.compile(rb'"(?:error|reason)": ?"([a-z0-9_]+)"')
_CLOSE: Final = b"\r\nconnection: close\r\n"
_CONTINUE: Final = b"100"
"""Said or not by whether the body came along."""


def answers(raw: bytes) -> list[bytes]:
    """Each answer by itself."""
    return [one for one in _START.split(raw) if one.startswith(b"HTTP/1.1 ") and one[9:12] != _CONTINUE]


def statuses(raw: bytes) -> list[int]:
    """Of every answer, in order."""
    return [int(one[9:12]) for one in answers(raw) if one[9:12].isdigit()]


def words(raw: bytes) -> frozenset[str]:
    """Errors, reasons and statuses named: two inputs with the same words did the same."""
    return frozenset({*(found.decode() for found in _ERROR.findall(raw)), *map(str, statuses(raw))})


def alike(straight: bytes, through_asgi: bytes) -> bool:
    """Whether both say the same.

    Where a connection ends depends on what had arrived: a task may refuse before it has all of a body, and a parser may
    find the fault of a request before it is that one's turn. So one may say more, behind an answer that ends the other;
    and of what is refused so, the word may be another.
    """
    first, second = answers(straight), answers(through_asgi)
    common = min(len(first), len(second))
    for place, (one, other) in enumerate(zip(first, second, strict=False)):
        both_end = _CLOSE in one.lower() and _CLOSE in other.lower()
        if _normal(one) != _normal(other) and not (place == common - 1 and both_end and _is_refusal(one, other)):
            return False
    longer, shorter = (first, second) if len(first) > len(second) else (second, first)
    return len(longer) == len(shorter) or (common > 0 and _CLOSE in shorter[-1].lower())


def _is_refusal(*some: bytes) -> bool:
    return all(one[9:10] == b"4" or one[9:12] == b"501" for one in some)


def _normal(answer: bytes) -> bytes:
    """Without what may differ, its lines in one order."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = sorted(line for line in head.split(b"\r\n") if not line.lower().startswith((b"date:", b"connection:")))
    return b"\r\n".join([*lines, b"", body])
