"""Rows of CSV, as RFC 4180 and the programs that write it have them."""

import csv
import re
from collections import deque
from collections.abc import Generator, Mapping
from typing import Final, NamedTuple

from relay.personalize.errors import BadFileError
from relay.personalize.put.problem import RowProblem
from relay.personalize.put.rows.json_rows import starts_like_json
from relay.personalize.put.rows.row import BAD_ROW, MAX_ROW_BYTES, SHOWN_BYTES, Row, explained, is_overlong
from relay.personalize.put.rows.source import Source

_SEP: Final = re.compile(rb'(?:\xef\xbb\xbf)?"?sep=(.)"?\r?\n', re.IGNORECASE)
"""The line by which Excel is told the delimiter."""
_DELIMITERS: Final = {";": "';'", "\t": "tab", "|": "'|'", ",": "','"}
"""What is between cells in the world, and how one writes it behind --delimiter."""


class _Line(NamedTuple):
    data: bytes
    end: int
    sha256: str
    overlong: bool = False


class CsvRows:
    """Reads rows from a source that stands at its beginning; `start` first."""

    def __init__(self, source: Source, delimiter: str | None) -> None:
        self._source = source
        self._delimiter = delimiter or ","
        self._is_given = delimiter is not None
        self._again: deque[_Line] = deque()
        self.header: list[str] = []
        """Column names, once `start` was called."""

    def start(self) -> None:
        """Read the header.

        Raises:
            BadFileError: there is none, or the file is not CSV as it was said to be.
        """
        if sep := _SEP.fullmatch(self._source.look(0)):
            self._source.line()
            if not self._is_given:
                self._delimiter = sep[1].decode("latin-1")
        first = self._source.look(0)
        if starts_like_json(first):
            message = "it begins like JSON; --format jsonl reads JSON, an object a line or an array of them"
            raise BadFileError(message)
        if b"\r" in first.rstrip(b"\r\n") and not first.endswith(b"\n"):
            message = r"its lines end with CR alone; `tr '\r' '\n'` makes lines of them"
            raise BadFileError(message)
        row = next(self._rows(header=None, number=0), None)
        if row is None:
            message = "the file is empty: the first line of CSV names the columns"
            raise BadFileError(message)
        if isinstance(row.content, RowProblem):
            message = f"the first line of CSV names the columns, but {row.content.detail}"
            raise BadFileError(message)
        self.header = [str(name) for name in row.content.values()]
        self._check_delimiter()

    def rows(self, number: int) -> Generator[Row, None, None]:
        """The rows from here on; `number` is that of the last one read before. Blank lines are none."""
        return self._rows(header=self.header, number=number)

    def _check_delimiter(self) -> None:
        if len(self.header) != 1:
            return
        for other, written in _DELIMITERS.items():
            if other != self._delimiter and other in self.header[0]:
                message = (
                    f"its first line has no {_DELIMITERS.get(self._delimiter, repr(self._delimiter))}, "
                    f"but {written}: give --delimiter {written}"
                )
                raise BadFileError(message)

    def _rows(self, header: list[str] | None, number: int) -> Generator[Row, None, None]:
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
            problem: RowProblem | None = None
            cells: list[str] = []
            try:
                cells = next(parser)
            except StopIteration:
                return
            except (csv.Error, UnicodeDecodeError) as error:
                # The parser's state is lost; go on with the line after the one the row began with.
                problem = RowProblem(BAD_ROW, explained(error))
                self._again.extendleft(reversed(taken[1:]))
                del taken[1:]
                parser = csv.reader(lines(), delimiter=self._delimiter, strict=True)
            if not cells and problem is None:
                continue
            number += 1
            raw = b"".join(line.data for line in taken)
            yield Row(number, taken[-1].end, problem or _named(header, cells), raw, taken[-1].sha256)

    def _next_line(self) -> _Line | None:
        if self._again:
            return self._again.popleft()
        data = self._source.line()
        if not data:
            return None
        if not is_overlong(data):
            return _Line(data, self._source.offset, self._source.sha256)
        rest = data
        while rest and not rest.endswith(b"\n"):
            rest = self._source.line()
        return _Line(data[:SHOWN_BYTES], self._source.offset, self._source.sha256, overlong=True)


def _named(header: list[str] | None, cells: list[str]) -> Mapping[str, object] | RowProblem:
    if header is None:
        return {str(position): cell for position, cell in enumerate(cells)}
    if len(cells) != len(header):
        return RowProblem(BAD_ROW, f"{len(cells)} cells, but {len(header)} columns")
    return dict(zip(header, cells, strict=True))
