"""Which of the ways to read a file is, by its name, else by how it begins."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from relay.personalize.errors import BadFileError
from relay.personalize.put.rows.csv_rows import CsvRows
from relay.personalize.put.rows.json_rows import json_rows, spans_lines, starts_like_json
from relay.personalize.put.rows.plain import peeked, plain
from relay.personalize.put.rows.row import Format, Row
from relay.personalize.put.rows.source import Source


class RowReader:
    """Reads rows from a binary stream that stands at its beginning; `start` first, which reads and so may block."""

    def __init__(
        self,
        stream: BinaryIO,
        file_format: Format | None = None,
        *,
        name: str = "",
        delimiter: str | None = None,
    ) -> None:
        """Take the stream.

        Args:
            stream: Of CSV or JSON, in UTF-8, in UTF-16 with a byte order mark, or either of them packed with gzip.
            file_format: None: by the name, else by how it begins.
            name: Of the file.
            delimiter: Between the cells of CSV; None: as its first line says (`sep=;`), a tab in `.tsv`, else a comma.
        """
        self._stream = stream
        self._shown_name = name or "standard input"
        self._name = name.lower().removesuffix(".gz")
        self._delimiter = delimiter or ("\t" if self._name.endswith(".tsv") else None)
        self._given = file_format
        self._source = Source(stream)
        self._csv: CsvRows | None = None
        self._by_lines = True
        self._number = 0

    @property
    def file_format(self) -> Format:
        """The format, once `start` was called."""
        return "jsonl" if self._csv is None else "csv"

    @property
    def header(self) -> list[str]:
        """Column names of CSV, once `start` was called; empty for JSON."""
        return [] if self._csv is None else self._csv.header

    def start(self) -> None:
        """Find the format, and read the header of CSV.

        Raises:
            BadFileError: it cannot be read like this, with what to do about it.
        """
        try:
            self._start()
        except BadFileError as error:
            raise self._named(error) from error

    def _start(self) -> None:
        stream = plain(self._stream)
        self._source = Source(stream)
        if (self._given or _format(self._name, peeked(stream))) == "csv":
            self._csv = CsvRows(self._source, self._delimiter)
            self._csv.start()
        else:
            self._by_lines = not spans_lines(self._source)

    def skip_to(self, offset: int, number: int, expected_sha256: str) -> bool:
        """Go on behind a row that was read earlier; False when the bytes before it are not the same any more."""
        self._number = number
        return self._source.skip_to(offset, expected_sha256)

    def rows(self) -> Iterator[Row]:
        """The rows from here to the end of the stream.

        Raises:
            BadFileError: the file is damaged from here on; said again whenever one asks for more.
        """
        if self._csv is not None:
            return _Rows(self._csv.rows(self._number), self._named)
        return _Rows(json_rows(self._source, self._number, by_lines=self._by_lines), self._named)

    def _named(self, error: BadFileError) -> BadFileError:
        return BadFileError(f"{self._shown_name}: {error.said}")


class _Rows:
    """Rows that do not just seem to be at their end after damage, as a generator would."""

    def __init__(self, rows: Iterator[Row], named: Callable[[BadFileError], BadFileError]) -> None:
        self._rows = rows
        self._named = named
        self._damage: BadFileError | None = None

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        if self._damage is not None:
            raise self._damage
        try:
            return next(self._rows)
        except BadFileError as error:
            self._damage = self._named(error)
            raise self._damage from error


def _format(name: str, beginning: bytes) -> Format:
    if name.endswith((".jsonl", ".ndjson", ".json")):
        return "jsonl"
    if name.endswith((".csv", ".tsv")):
        return "csv"
    return "jsonl" if starts_like_json(beginning) else "csv"
