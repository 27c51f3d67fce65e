"""A CSV file against the schema of its dataset: its rows, or the report of what is wrong with it."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from relay.core import limits
from relay.emulator.control.schemas import Column, columns_of
from relay.emulator.data.events import MAX_TIME_S
from relay.emulator.jobs.problem import JobProblem

MAX_PROBLEMS: Final = 10
"""Rows a report names; the rest is counted."""

_TEXT_CHARS: Final = 20_000
"""Of a value that is text and not categorical [the quotas page of the developer guide]."""
_IDS: Final = frozenset({"USER_ID", "ITEM_ID", "ACTION_ID", "EVENT_TYPE"})
_TRUTHS: Final = frozenset({"true", "false"})


class _Cell(NamedTuple):
    place: int
    column: Column
    check: Callable[[str], str | None]


def rows_of(name: str, content: bytes, schema: str) -> Iterator[dict[str, str]]:
    """Each row: column to text, empty ones left out.

    Raises:
        JobProblem: After the last row, or at once where there is no reading on.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JobProblem(f"{name}: not UTF-8 from byte {error.start} on.") from None
    lines = csv.reader(io.StringIO(text, newline=""))
    try:
        cells = _cells(name, next(lines, list[str]()), columns_of(schema))
        problems: list[str] = []
        wrong = 0
        for row in lines:
            if not row:
                continue
            problem = _problem(row, cells)
            if problem is None:
                yield {cell.column.name: row[cell.place] for cell in cells if row[cell.place] != ""}
                continue
            wrong += 1
            if len(problems) < MAX_PROBLEMS:
                problems.append(f"line {lines.line_num}: {problem}")
    except csv.Error as error:
        raise JobProblem(f"{name}, line {lines.line_num}: {error}.") from None
    if wrong:
        more = f", and {wrong - len(problems)} more" if wrong > len(problems) else ""
        raise JobProblem(
            f"Input csv has rows that do not conform to the dataset schema. {name}: {'; '.join(problems)}{more}."
        )


def _cells(name: str, header: list[str], columns: Mapping[str, Column]) -> list[_Cell]:
    missing = [column.name for column in columns.values() if column.name not in header and not column.nullable]
    if missing:
        raise JobProblem(f"Input csv is missing the following headers: [{', '.join(missing)}]. {name} has {header}.")
    twice = sorted({column for column in header if header.count(column) > 1 and column in columns})
    if twice:
        raise JobProblem(f"{name}: the header names {', '.join(twice)} more than once.")
    return [_Cell(header.index(one.name), one, _check(one)) for one in columns.values() if one.name in header]


def _problem(row: list[str], cells: list[_Cell]) -> str | None:
    for cell in cells:
        if cell.place >= len(row):
            return f"{cell.column.name} is missing"
        value = row[cell.place]
        if value == "":
            if not cell.column.nullable:
                return f"{cell.column.name} is empty"
            continue
        problem = cell.check(value)
        if problem is not None:
            return f"{cell.column.name} {problem}"
    return None


def _check(column: Column) -> Callable[[str], str | None]:
    if column.name == "TIMESTAMP":
        return _time
    match column.type:
        case "int" | "long":
            return lambda value: None if _is_whole(value) else f"is no {column.type}: {value[:40]!r}"
        case "float" | "double":
            return lambda value: None if _is_number(value) else f"is no {column.type}: {value[:40]!r}"
        case "boolean":
            return lambda value: None if value.lower() in _TRUTHS else f"is no boolean: {value[:40]!r}"
        case _:
            most = _most_chars(column)
            return lambda value: None if len(value) <= most else f"has more than {most} characters"


def _most_chars(column: Column) -> int:
    if column.name in _IDS:
        return limits.MAX_ID_CHARS
    return limits.MAX_CATEGORICAL_CHARS if column.categorical or column.name == "IMPRESSION" else _TEXT_CHARS


def _time(value: str) -> str | None:
    if not _is_whole(value):
        return f"is no long: {value[:40]!r}"
    return None if 0 <= int(value) <= MAX_TIME_S else f"is no time in seconds since the Unix epoch: {value[:40]}"


def _is_whole(value: str) -> bool:
    digits = value.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) <= 19


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return "_" not in value
