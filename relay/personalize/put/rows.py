"""Rows of CSV and JSON Lines, one at a time from a stream of any size, each with the offset where it ends.

The offset is what makes a file resumable: a row begins where the one before it ended. Memory stays flat: a line
has a bound, and a quoted field that is never closed gives up at that bound instead of swallowing the file.
"""

import csv
import hashlib
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from typing import BinaryIO, Final, Literal, NamedTuple

import msgspec

from relay.personalize.errors import InvalidInputError
from relay.personalize.put.problem import Problem

Format = Literal["csv", "jsonl"]

MAX_ROW_BYTES: Final = 1024 * 1024
"""One row with its line ends: 32,000 characters of properties are 192 KB at their widest in JSON."""

_SHOWN_BYTES: Final = 65_536
"""How much of a refused row is kept for the person who mends it."""

BAD_ROW: Final = "bad_row"


class Row(msgspec.Struct, frozen=True):
    """One row as it was read."""

    number: int
    """1 for the first row of data."""
    end: int
    """Offset of the first byte after it."""
    content: Mapping[str, object] | Problem
    """Names to cells or values, or why it cannot be read."""
    raw: bytes
    """The bytes it was read from; of an overlong one the beginning."""
    sha256: str
    """Of every byte of the stream before `end`."""


class _Line(NamedTuple):
    data: bytes
    end: int
    sha256: str
    overlong: bool = False


class RowReader:
    """Reads rows from a binary stream that stands at `offset`."""

    def __init__(self, stream: BinaryIO, file_format: Format, *, delimiter: str = ",") -> None:
        self._stream = stream
        self._format = file_format
        self._delimiter = delimiter
        self._offset = 0
        self._number = 0
        self._again: deque[_Line] = deque()
        self._digest = hashlib.sha256()
        self.header: list[str] = []
        """Column names of a CSV file, once `start` was called; empty for JSON Lines."""

    def start(self) -> None:
        """Read the header of a CSV file.

        Raises:
            InvalidInputError: there is none, or it cannot be read.
        """
        if self._format == "jsonl":
            return
        row = next(self._csv_rows(header=None), None)
        if row is None:
            message = "the file is empty: the first line of CSV names the columns"
            raise InvalidInputError(message)
        if isinstance(row.content, Problem):
            message = f"the first line of CSV names the columns, but {row.content.detail}"
            raise InvalidInputError(message)
        self.header = [str(name) for name in row.content.values()]
        self._number = 0

    def skip_to(self, offset: int, number: int, expected_digest: str) -> bool:
        """Go on behind a row that was read earlier; False when the bytes before it are not the same any more."""
        while self._offset < offset:
            data = self._stream.read(min(1 << 20, offset - self._offset))
            if not data:
                return False
            self._digest.update(data)
            self._offset += len(data)
        self._number = number
        return self._offset == offset and self._digest.hexdigest() == expected_digest

    def rows(self) -> Iterator[Row]:
        """The rows from here to the end of the stream; blank lines are none."""
        return self._json_rows() if self._format == "jsonl" else self._csv_rows(header=self.header)

    def _json_rows(self) -> Generator[Row, None, None]:
        while line := self._next_line():
            if not line.data.strip():
                continue
            self._number += 1
            yield Row(self._number, line.end, _object(line), line.data, line.sha256)

    def _csv_rows(self, header: list[str] | None) -> Generator[Row, None, None]:
        taken: list[_Line] = []

        def lines() -> Generator[str, None, None]:
            while line := self._next_line():
                taken.append(line)
                if line.overlong or line.end - taken[0].end > MAX_ROW_BYTES:
                    message = f"it is longer than {MAX_ROW_BYTES} bytes, or a quote is not closed"
                    raise csv.Error(message)
                yield line.data.decode("utf-8-sig" if line.end == len(line.data) else "utf-8")

        parser = csv.reader(lines(), delimiter=self._delimiter, strict=True)
        while True:
            taken.clear()
            problem: Problem | None = None
            cells: list[str] = []
            try:
                cells = next(parser)
            except StopIteration:
                return
            except (csv.Error, UnicodeDecodeError) as error:
                # The parser's state is lost; go on with the line after the one the row began with.
                problem = Problem(BAD_ROW, _told(error))
                self._again.extendleft(reversed(taken[1:]))
                del taken[1:]
                parser = csv.reader(lines(), delimiter=self._delimiter, strict=True)
            if not cells and problem is None:
                continue
            self._number += 1
            raw = b"".join(line.data for line in taken)
            yield Row(self._number, taken[-1].end, problem or _named(header, cells), raw, taken[-1].sha256)

    def _next_line(self) -> _Line | None:
        if self._again:
            return self._again.popleft()
        data = self._read_line()
        if not data:
            return None
        if data.endswith(b"\n") or len(data) < MAX_ROW_BYTES:
            return _Line(data, self._offset, self._digest.hexdigest())
        rest = data
        while rest and not rest.endswith(b"\n"):
            rest = self._read_line()
        return _Line(data[:_SHOWN_BYTES], self._offset, self._digest.hexdigest(), overlong=True)

    def _read_line(self) -> bytes:
        data = self._stream.readline(MAX_ROW_BYTES)
        self._digest.update(data)
        self._offset += len(data)
        return data


def guessed_format(name: str, beginning: bytes) -> Format:
    """The format of a file by its name, else by how it begins."""
    lowered = name.lower()
    if lowered.endswith((".jsonl", ".ndjson", ".json")):
        return "jsonl"
    if lowered.endswith((".csv", ".tsv")):
        return "csv"
    return "jsonl" if beginning.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") else "csv"


def _object(line: _Line) -> Mapping[str, object] | Problem:
    if line.overlong:
        return Problem(BAD_ROW, f"the line is longer than {MAX_ROW_BYTES} bytes")
    try:
        return msgspec.json.decode(line.data.removeprefix(b"\xef\xbb\xbf"), type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Problem(BAD_ROW, _told(error))


def _named(header: list[str] | None, cells: list[str]) -> Mapping[str, object] | Problem:
    if header is None:
        return {str(position): cell for position, cell in enumerate(cells)}
    if len(cells) != len(header):
        return Problem(BAD_ROW, f"{len(cells)} cells, but {len(header)} columns")
    return dict(zip(header, cells, strict=True))


def _told(error: Exception) -> str:
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
