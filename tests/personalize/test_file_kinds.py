"""Files as other programs write them: taken where nothing can go wrong, else one line that says what to do."""

import codecs
import gzip
import io
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.personalize.errors import InvalidInputError
from relay.personalize.put.catalog import ITEMS, CatalogRows
from relay.personalize.put.chunks import ChunkReader
from relay.personalize.put.problem import RowProblem
from relay.personalize.put.rows import MAX_ROW_BYTES, Row, RowReader
from relay.personalize.schema.columns import parse_schema

CSV = b"ITEM_ID,PRICE\na,1.5\nb,2\n"
TAKEN = [{"ITEM_ID": "a", "PRICE": "1.5"}, {"ITEM_ID": "b", "PRICE": "2"}]
OBJECTS = [{"ITEM_ID": "a", "NOTE": 'he said "]}", \\ and {['}, {"ITEM_ID": "b", "TAGS": ["x", {"y": "}"}]}]


def read(data: bytes, name: str = "", **options: str) -> list[Row]:
    reader = RowReader(io.BytesIO(data), name=name, **options)  # type: ignore[arg-type] # options are texts
    reader.start()
    return list(reader.rows())


def contents(rows: list[Row]) -> list[object]:
    return ["bad" if isinstance(row.content, RowProblem) else dict(row.content) for row in rows]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("items.csv.gz", gzip.compress(CSV)),
        ("items.csv", gzip.compress(CSV)),
        ("items.csv.gz", gzip.compress(CSV[:20]) + gzip.compress(CSV[20:])),
        ("utf16.csv", codecs.BOM_UTF16_LE + CSV.decode().encode("utf-16-le")),
        ("utf16.csv", codecs.BOM_UTF16_BE + CSV.decode().encode("utf-16-be")),
        ("utf16.csv.gz", gzip.compress(CSV.decode().encode("utf-16"))),
        ("excel.csv", b"sep=;\r\n" + CSV.replace(b",", b";")),
        ("excel.csv", b"\xef\xbb\xbfsep=\t\r\n" + CSV.replace(b",", b"\t")),
        ("excel.csv", b"sep=,\n" + CSV),
        ("items.tsv", CSV.replace(b",", b"\t")),
        ("items.tsv.gz", gzip.compress(CSV.replace(b",", b"\t"))),
        ("", CSV),
    ],
)
def test_a_file_that_can_be_understood_is_taken(name: str, data: bytes) -> None:
    assert contents(read(data, name)) == TAKEN


def test_what_is_given_goes_before_what_the_file_says() -> None:
    data = b"sep=,\n" + CSV.replace(b",", b";")
    assert contents(read(data, "a.csv", delimiter=";")) == TAKEN


@pytest.mark.parametrize(
    ("name", "data", "remedy"),
    [
        ("semicolon.csv", CSV.replace(b",", b";"), "--delimiter ';'"),
        ("tabs.csv", CSV.replace(b",", b"\t"), "--delimiter tab"),
        ("bars.csv", CSV.replace(b",", b"|"), "--delimiter '|'"),
        ("commas.tsv", CSV, "--delimiter ','"),
        ("old-mac.csv", CSV.replace(b"\n", b"\r"), "tr '"),
        ("utf16.csv", CSV.decode().encode("utf-16-le"), "iconv -f UTF-16LE"),
        ("utf32.csv", CSV.decode().encode("utf-32"), "UTF-32"),
        ("items.csv", b'[{"ITEM_ID":"a"}]', "--format jsonl"),
        ("items.csv", b'{"ITEM_ID":"a"}', "--format jsonl"),
        ("items.json", CSV, "--format csv"),
        ("items.xlsx", b"PK\x03\x04....", "save the sheet as CSV"),
        ("items.parquet", b"PAR1....", "Parquet"),
        ("items.csv.bz2", b"BZh9....", "bunzip2"),
        ("items.csv.zst", b"\x28\xb5\x2f\xfd....", "unzstd"),
        ("items.csv.xz", b"\xfd7zXZ\x00...", "unxz"),
        ("items.csv", b"", "empty"),
    ],
)
def test_a_file_that_is_something_else_is_one_line_with_what_to_do(name: str, data: bytes, remedy: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(data, name)
    assert remedy in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", ""])
@pytest.mark.parametrize(
    "written",
    [
        json.dumps(OBJECTS),
        json.dumps(OBJECTS, indent=2),
        json.dumps(OBJECTS, indent="\t").replace("\n", "\r\n"),
        "\ufeff" + json.dumps(OBJECTS),
        " \n\n" + json.dumps(OBJECTS, separators=(",", ":")) + "\n\n",
        "\n".join(json.dumps(one, indent=2) for one in OBJECTS),
        ",\n".join(json.dumps(one, indent=2) for one in OBJECTS),
        "\n".join(json.dumps(one) for one in OBJECTS),
        "\r\n\r\n".join(json.dumps(one) for one in OBJECTS) + "\r\n",
    ],
    ids=["array", "pretty array", "windows", "mark", "tight", "pretty objects", "with commas", "lines", "blank lines"],
)
def test_json_of_any_kind_is_taken(name: str, written: str) -> None:
    rows = read(written.encode(), name)
    assert contents(rows) == OBJECTS
    assert [row.number for row in rows] == [1, 2]


def test_an_empty_array_has_no_rows() -> None:
    for data in (b"[]", b" [ ] \n", b"[\n]"):
        assert read(data, "a.json") == []


def test_what_is_no_object_in_an_array_is_refused_alone() -> None:
    data = b'[{"A":"1"}, 5, "x, ]", null, [1, {"B":2}], {"A": tru}, {"A":"2"}]'
    assert contents(read(data)) == [{"A": "1"}, "bad", "bad", "bad", "bad", "bad", {"A": "2"}]


@pytest.mark.parametrize("data", [b'[{"A":"1"},{"A":', b'[{"A":"1"},{"A":"', b'[{"A":"1"},{"A":"\\', b'[{"A":"1"},['])
def test_an_array_that_breaks_off_gives_its_whole_rows_and_is_told(data: bytes) -> None:
    reader = RowReader(io.BytesIO(data), name="a.json")
    reader.start()
    rows = reader.rows()
    assert next(rows).content == {"A": "1"}
    with pytest.raises(InvalidInputError, match="row 2 is not closed"):
        next(rows)


def test_a_value_that_never_ends_is_not_held_in_memory() -> None:
    reader = RowReader(io.BytesIO(b'[{"A":"' + b"x" * (8 * MAX_ROW_BYTES)), name="a.json")
    reader.start()
    with pytest.raises(InvalidInputError, match="row 1 is longer"):
        next(reader.rows())


@pytest.mark.parametrize("cut", [0.01, 15, 40, 99])
def test_a_packed_file_that_breaks_off_is_told(cut: float) -> None:
    rng = random.Random(1)
    data = gzip.compress(b"ITEM_ID\n" + b"".join(b"p%d\n" % rng.randrange(10**9) for _ in range(20_000)))
    with pytest.raises(InvalidInputError, match="damaged gzip"):
        read(data[: max(2, int(len(data) * cut // 100))], "a.csv.gz")


def test_a_broken_utf16_file_is_told() -> None:
    with pytest.raises(InvalidInputError, match="damaged UTF-16"):
        read(codecs.BOM_UTF16_LE + "A\n1\n".encode("utf-16-le") + b"x", "a.csv")


def test_a_row_that_is_not_utf8_names_the_converter() -> None:
    (row,) = read("A\nMüller\n".encode("latin-1"), "a.csv")
    assert isinstance(row.content, RowProblem)
    assert "iconv" in row.content.detail


@given(
    objects=st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=12) | st.none(), max_size=3), max_size=6),
    indent=st.sampled_from([None, 1]),
    packed=st.booleans(),
    cut=st.integers(min_value=0, max_value=5),
)
def test_an_array_is_gone_on_with_behind_any_row(
    objects: list[dict[str, str | None]], indent: int | None, packed: bool, cut: int
) -> None:
    data = json.dumps(objects, indent=indent).encode()
    data = gzip.compress(data) if packed else data
    rows = read(data, "a.json")
    assert contents(rows) == objects
    if cut >= len(rows):
        return
    later = RowReader(io.BytesIO(data), name="a.json")
    later.start()
    assert later.skip_to(rows[cut].end, rows[cut].number, rows[cut].sha256)
    assert list(later.rows()) == rows[cut + 1 :]


def test_rows_before_damage_are_packed_and_the_damage_is_told_behind_them() -> None:
    schema = parse_schema('{"type":"record","fields":[{"name":"ITEM_ID","type":"string"}]}')
    for rows in (["a", "b"], ["a", "a"], ["a"] * 3):
        data = json.dumps([{"ITEM_ID": one} for one in rows])[:-1] + ', {"ITEM_ID": "z'
        reader = RowReader(io.BytesIO(data.encode()), name="a.json")
        reader.start()
        chunks = ChunkReader(reader.rows(), CatalogRows(ITEMS, schema), "jsonl")
        packed: list[str] = []
        with pytest.raises(InvalidInputError, match="is not closed"):  # noqa: PT012 - it is told behind all chunks
            while chunk := chunks.next():
                packed += [record.id for _, record in chunk.records]
        assert packed == rows
