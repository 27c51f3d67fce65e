"""Rows are read one at a time with the offset where each ends; a bad one never takes its neighbours with it."""

import hashlib
import io
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.personalize.errors import InvalidInputError
from relay.personalize.put.problem import RowProblem
from relay.personalize.put.rows import MAX_ROW_BYTES, Format, Row, RowReader


def reader_of(data: bytes, file_format: Format = "csv", **options: str) -> RowReader:
    reader = RowReader(io.BytesIO(data), file_format, **options)
    reader.start()
    return reader


def contents(rows: Iterator[Row]) -> list[object]:
    return ["bad" if isinstance(row.content, RowProblem) else dict(row.content) for row in rows]


def test_csv_is_read_with_quotes_line_ends_and_a_byte_order_mark() -> None:
    data = '\ufeffITEM_ID,TITLE\r\np1,"two\nlines, ""quoted"""\r\n\r\np2,ä'.encode()
    reader = reader_of(data)
    assert reader.header == ["ITEM_ID", "TITLE"]
    rows = list(reader.rows())
    assert contents(iter(rows)) == [
        {"ITEM_ID": "p1", "TITLE": 'two\nlines, "quoted"'},
        {"ITEM_ID": "p2", "TITLE": "ä"},
    ]
    assert [row.number for row in rows] == [1, 2]
    assert data[: rows[0].end].endswith(b'"""\r\n')
    assert rows[1].end == len(data)
    assert rows[0].sha256 == hashlib.sha256(data[: rows[0].end]).hexdigest()


def test_another_delimiter_can_be_given() -> None:
    assert contents(reader_of(b"A\tB\n1\t2\n", delimiter="\t").rows()) == [{"A": "1", "B": "2"}]


@pytest.mark.parametrize(
    "bad", [b"p1", b"p1,a,b", b"p1,\xff", b'p1,"a"b', b'p1,"never closed', b"p1," + b"x" * 140_000]
)
def test_a_bad_row_of_csv_is_refused_alone(bad: bytes) -> None:
    data = b"ITEM_ID,TITLE\np0,a\n" + bad + b"\np2,c\np3,d\n"
    rows = list(reader_of(data).rows())
    assert contents(iter(rows)) == [
        {"ITEM_ID": "p0", "TITLE": "a"},
        "bad",
        {"ITEM_ID": "p2", "TITLE": "c"},
        {"ITEM_ID": "p3", "TITLE": "d"},
    ]
    assert rows[1].raw.rstrip() == bad
    assert [row.number for row in rows] == [1, 2, 3, 4]
    for row in rows:
        assert row.sha256 == hashlib.sha256(data[: row.end]).hexdigest()


def test_json_lines_are_read_and_a_bad_line_is_refused_alone() -> None:
    data = b'{"itemId":"p1","n":1}\n\n{"itemId":\n[1]\n{"a":"\\ud800"}\n{"itemId":"p2"}'
    rows = list(reader_of(data, "jsonl").rows())
    assert contents(iter(rows)) == [{"itemId": "p1", "n": 1}, "bad", "bad", "bad", {"itemId": "p2"}]
    assert rows[-1].end == len(data)


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_an_endless_line_is_refused_without_being_held_in_memory(file_format: Format) -> None:
    long = (b'"' if file_format == "csv" else b'{"') + b"x" * (4 * MAX_ROW_BYTES) + b'"\n'
    good = {"csv": b"p2\n", "jsonl": b'{"A":"p2"}\n'}[file_format]
    reader = RowReader(
        io.BufferedReader(io.BytesIO((b"A\n" if file_format == "csv" else b"") + long + good)), file_format
    )
    reader.start()
    assert contents(reader.rows()) == ["bad", {"A": "p2"}]


def test_a_quote_that_is_never_closed_costs_one_row_not_the_file() -> None:
    body = b"".join(b"p%d,x\n" % n for n in range(40_000))
    data = b'ITEM_ID,TITLE\np,"open\n' + body
    tracemalloc.start()
    rows = reader_of(data).rows()
    count = sum(1 for row in rows if not isinstance(row.content, RowProblem))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 40_000
    assert peak < 20_000_000


def test_reading_goes_on_behind_a_row_that_was_read_earlier() -> None:
    data = b"ITEM_ID\n" + b"".join(b"p%d\n" % n for n in range(100))
    first = list(reader_of(data).rows())[41]
    later = reader_of(data)
    assert later.skip_to(first.end, first.number, first.sha256)
    rest = list(later.rows())
    assert rest[0].content == {"ITEM_ID": "p42"}
    assert rest[0].number == 43
    assert rest[-1].sha256 == hashlib.sha256(data).hexdigest()


def test_a_file_that_was_changed_before_that_row_is_recognised() -> None:
    data = b"ITEM_ID\np1\np2\np3\n"
    row = list(reader_of(data).rows())[1]
    assert not reader_of(data.replace(b"p1", b"p9")).skip_to(row.end, row.number, row.sha256)
    assert not reader_of(data[:10]).skip_to(row.end, row.number, row.sha256)
    assert reader_of(data + b"p4\n").skip_to(row.end, row.number, row.sha256)


@given(
    cells=st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=12),
    cut=st.integers(min_value=0, max_value=11),
)
def test_resuming_anywhere_gives_exactly_the_rows_that_were_left(cells: list[tuple[str, str]], cut: int) -> None:
    quoted = ('"' + a.replace('"', '""') + '","' + b.replace('"', '""') + '"\n' for a, b in cells)
    data = ("A,B\n" + "".join(quoted)).encode(errors="replace")
    rows = list(reader_of(data).rows())
    if cut >= len(rows):
        return
    later = reader_of(data)
    assert later.skip_to(rows[cut].end, rows[cut].number, rows[cut].sha256)
    assert list(later.rows()) == rows[cut + 1 :]


@pytest.mark.parametrize("data", [b"", b'"open', b"\xff\n"])
def test_a_file_without_a_header_is_told(data: bytes) -> None:
    with pytest.raises(InvalidInputError, match="names the columns"):
        reader_of(data)


@pytest.mark.parametrize(
    ("name", "beginning", "expected"),
    [
        ("items.csv", b"A", "csv"),
        ("items.JSONL", b"{}", "jsonl"),
        ("items.json.gz", b"{}", "jsonl"),
        ("items", b"\xef\xbb\xbf[{}]", "jsonl"),
        ("items.ndjson", b"", "jsonl"),
        ("items", b' \n{"a":1}', "jsonl"),
        ("", b"ITEM_ID,TITLE", "csv"),
    ],
)
def test_the_format_is_told_by_the_name_or_the_beginning(name: str, beginning: bytes, expected: str) -> None:
    reader = RowReader(io.BytesIO(beginning), name=name)
    reader.start()
    assert reader.file_format == expected
