"""One row as it was read."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from relay.personalize.put.problem import RowProblem

Format = Literal["csv", "jsonl"]
"""`jsonl` is JSON of any kind: an object a line, an array of objects, objects over several lines."""

MAX_ROW_BYTES: Final = 1024 * 1024
"""One row with its line ends: 32,000 characters of properties are 192 KB at their widest in JSON."""

SHOWN_BYTES: Final = 65_536
"""How much of a refused row is kept for the person who mends it."""

BAD_ROW: Final = "bad_row"


class Row(msgspec.Struct, frozen=True):
    """One row as it was read."""

    number: int
    """1 for the first row of data."""
    end: int
    """Offset of the first byte after it, in the stream as UTF-8."""
    content: Mapping[str, object] | RowProblem
    """Names to cells or values, or why it cannot be read."""
    raw: bytes
    """The bytes it was read from; of an overlong one the beginning."""
    sha256: str
    """Of every byte of the stream before `end`."""


def explained(error: Exception) -> str:
    """Why a row cannot be read, in words."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 (`iconv -f WINDOWS-1252 -t UTF-8` converts what most programs write else)"
    return str(error)


def is_overlong(line: bytes) -> bool:
    """Whether a line as `Source.line` gives it goes on past the bound."""
    return len(line) >= MAX_ROW_BYTES and not line.endswith(b"\n")
