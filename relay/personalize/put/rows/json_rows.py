"""Rows of JSON: an object a line, an array of objects, or objects that go over several lines."""

import re
from collections.abc import Generator, Iterator, Mapping
from typing import Final

import msgspec

from relay.personalize.errors import BadFileError
from relay.personalize.put.problem import RowProblem
from relay.personalize.put.rows.row import BAD_ROW, MAX_ROW_BYTES, SHOWN_BYTES, Row, explained, is_overlong
from relay.personalize.put.rows.source import Source

BOM: Final = b"\xef\xbb\xbf"
_BETWEEN: Final = b" \t\r\n,"
_STRUCTURE: Final = re.compile(rb'["{}\[\]]')
_IN_STRING: Final = re.compile(rb'["\\]')
_PLAIN_END: Final = re.compile(rb"[\s,\]]")


def starts_like_json(beginning: bytes) -> bool:
    """Whether the first byte that is no blank opens an object or an array."""
    return beginning.removeprefix(BOM).lstrip().startswith((b"{", b"["))


def spans_lines(source: Source) -> bool:
    """Whether rows are values rather than lines, by the beginning of the file; uses nothing up.

    Raises:
        BadFileError: it does not begin like JSON.
    """
    position = 0
    while (line := source.look(position)) and not line.removeprefix(BOM).strip():
        position += 1
    first = line.removeprefix(BOM).strip()
    if not starts_like_json(first) and first:
        message = "it does not begin with { or [; --format csv reads CSV"
        raise BadFileError(message)
    if first.startswith(b"["):
        return True
    if not first or not isinstance(_object(first), RowProblem):
        return False
    # A bad first row, or one that goes on: behind the bracket that opens an object comes a name, or the other bracket.
    return source.look(position + 1).lstrip().startswith((b'"', b"}"))


def json_rows(source: Source, number: int, *, by_lines: bool) -> Iterator[Row]:
    """The rows behind what is used up already.

    Args:
        source: At its beginning, or behind a row.
        number: Of the last row that was read before.
        by_lines: A row is a line; else see `spans_lines`.
    """
    return _lines(source, number) if by_lines else _Values(source, number).rows()


def _lines(source: Source, number: int) -> Generator[Row, None, None]:
    while line := source.line():
        if not line.strip():
            continue
        number += 1
        if not is_overlong(line):
            yield Row(number, source.offset, _object(line.removeprefix(BOM)), line, source.sha256)
            continue
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = source.line()
        problem = RowProblem(BAD_ROW, f"the line is longer than {MAX_ROW_BYTES} bytes")
        yield Row(number, source.offset, problem, line[:SHOWN_BYTES], source.sha256)


class _Values:
    """Values with blanks, commas or the brackets of one array around them."""

    def __init__(self, source: Source, number: int) -> None:
        self._source = source
        self._number = number
        self._buffer = bytearray()
        self._is_array = False

    def rows(self) -> Generator[Row, None, None]:
        while self._to_value():
            end = self._end_of_value()
            data = bytes(self._buffer[:end])
            self._use(end)
            self._number += 1
            yield Row(self._number, self._source.offset, _object(data), data, self._source.sha256)

    def _to_value(self) -> bool:
        """Go to the next value; False at the end."""
        while True:
            if self._source.offset == 0 and self._buffer.startswith(BOM):
                self._use(len(BOM))
            blanks = len(self._buffer) - len(self._buffer.lstrip(_BETWEEN))
            self._use(blanks)
            if not self._buffer:
                if not self._more():
                    return False
            elif self._begins(b"]") or (self._begins(b"[") and self._number == 0 and not self._is_array):
                self._is_array = True
                self._use(1)
            else:
                return True

    def _end_of_value(self) -> int:
        """Length of the value the buffer begins with."""
        depth, position, in_string = 0, 0, False
        if not self._begins(b"{", b"[", b'"'):
            return self._end_of_word()
        while True:
            found = (_IN_STRING if in_string else _STRUCTURE).search(self._buffer, position)
            if found is None:
                position = len(self._buffer)
                self._more_of_value()
                continue
            position = found.end()
            what = found[0]
            if what == b"\\":
                if position == len(self._buffer):
                    self._more_of_value()
                position += 1
            elif what == b'"':
                in_string = not in_string
            else:
                depth += 1 if what in b"{[" else -1
            if depth == 0 and not in_string:
                return position

    def _end_of_word(self) -> int:
        while (found := _PLAIN_END.search(self._buffer)) is None:
            if not self._more():
                return len(self._buffer)
            self._bounded()
        return max(1, found.start())

    def _more_of_value(self) -> None:
        if not self._more():
            message = f"row {self._number + 1} is not closed: the file ends within it"
            raise BadFileError(message)
        self._bounded()

    def _bounded(self) -> None:
        if len(self._buffer) > 2 * MAX_ROW_BYTES:
            message = f"row {self._number + 1} is longer than {MAX_ROW_BYTES} bytes, or not closed"
            raise BadFileError(message)

    def _begins(self, *beginnings: bytes) -> bool:
        return self._buffer.startswith(beginnings)

    def _more(self) -> bool:
        piece = self._source.piece()
        self._buffer += piece
        return bool(piece)

    def _use(self, count: int) -> None:
        self._source.use(self._buffer[:count])
        del self._buffer[:count]


def _object(data: bytes) -> Mapping[str, object] | RowProblem:
    if len(data) > MAX_ROW_BYTES:
        return RowProblem(BAD_ROW, f"it is longer than {MAX_ROW_BYTES} bytes")
    try:
        return msgspec.json.decode(data, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return RowProblem(BAD_ROW, explained(error))
