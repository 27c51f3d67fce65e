"""Rows become records exactly as the dataset's schema and the limits of the service say, or are refused alone."""

import shlex
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.personalize.errors import InvalidInputError
from relay.personalize.put.catalog import ACTIONS, ITEMS, USERS, CatalogRecord, CatalogRows
from relay.personalize.put.cells import Cells
from relay.personalize.put.problem import RowProblem
from relay.personalize.schema.columns import parse_schema

SCHEMA = parse_schema(
    """{"type": "record", "name": "Items", "fields": [
    {"name": "ITEM_ID", "type": "string"},
    {"name": "TITLE", "type": "string"},
    {"name": "CATEGORY_L1", "type": ["null", "string"], "categorical": true},
    {"name": "PRICE", "type": ["null", "float"]},
    {"name": "RATIO", "type": ["null", "double"]},
    {"name": "STOCK", "type": ["null", "int"]},
    {"name": "CREATION_TIMESTAMP", "type": ["null", "long"]},
    {"name": "ABOUT", "type": ["null", "string"], "textual": true},
    {"name": "STORY", "type": ["null", "string"], "textual": true},
    {"name": "ON_SALE", "type": ["null", "boolean"]}]}"""
)
ROWS = CatalogRows(ITEMS, SCHEMA)


def csv_row(**cells: str) -> CatalogRecord | RowProblem:
    return ROWS.from_csv({"ITEM_ID": "p1", "TITLE": "Lamp"} | cells)


def json_row(**values: Any) -> CatalogRecord | RowProblem:
    return ROWS.from_object({"itemId": "p1", "title": "Lamp"} | values)


def properties(record: CatalogRecord | RowProblem) -> dict[str, Any]:
    assert isinstance(record, CatalogRecord), record
    found: dict[str, Any] = msgspec.json.decode(record.properties)
    return found


def test_cells_get_the_types_of_the_schema() -> None:
    record = csv_row(
        CATEGORY_L1="lamps|light", PRICE="12", RATIO="1e-3", STOCK="-3", CREATION_TIMESTAMP="1719511760", ON_SALE="True"
    )
    assert isinstance(record, CatalogRecord)
    assert record.entry(ITEMS) == {"itemId": "p1", "properties": record.properties}
    assert record.properties == (
        '{"title":"Lamp","categoryL1":"lamps|light","price":12.0,"ratio":0.001,"stock":-3,'
        '"creationTimestamp":1719511760,"onSale":true}'
    )


@pytest.mark.parametrize("text", ["3.0", "3.", "3.000", "+3", " 3 "])
def test_a_whole_number_is_one_however_it_is_written(text: str) -> None:
    assert properties(csv_row(STOCK=text))["stock"] == 3
    assert properties(json_row(STOCK=text))["stock"] == 3
    assert properties(csv_row(CREATION_TIMESTAMP="1700000000.0"))["creationTimestamp"] == 1_700_000_000
    assert properties(json_row(stock=3.0))["stock"] == 3


def test_milliseconds_are_refused_in_json_too() -> None:
    for value in (1_700_000_000_000, -5, 0, 1.7e12, "1700000000000"):
        problem = json_row(creationTimestamp=value)
        assert isinstance(problem, RowProblem)
        assert problem.reason == "bad_time"


@pytest.mark.parametrize("word", ["NULL", "\\N", "NaN", "None"])
def test_a_word_for_nothing_is_told_once_a_column_and_is_nothing_where_one_says_so(word: str) -> None:
    told: list[str] = []
    rows = CatalogRows(ITEMS, SCHEMA, cells=Cells(notice=told.append))
    for n in range(3):
        record = rows.from_csv({"ITEM_ID": f"p{n}", "TITLE": "Lamp", "CATEGORY_L1": word})
        assert properties(record)["categoryL1"] == word
        assert isinstance(rows.from_csv({"ITEM_ID": f"p{n}", "TITLE": "Lamp", "PRICE": word}), RowProblem)
    assert [line.partition(":")[0] for line in told] == ["column CATEGORY_L1", "column PRICE"]
    assert all(f"--null {shlex.quote(word)}" in line for line in told)
    told.clear()
    rows = CatalogRows(ITEMS, SCHEMA, cells=Cells(null=[word], notice=told.append))
    record = rows.from_csv({"ITEM_ID": "p1", "TITLE": "Lamp", "CATEGORY_L1": word, "PRICE": word})
    assert properties(record) == {"title": "Lamp", "categoryL1": None, "price": None}
    assert rows.from_object({"itemId": "p1", "title": "Lamp", "price": word}) == rows.from_csv(
        {"ITEM_ID": "p1", "TITLE": "Lamp", "PRICE": word}
    )
    assert isinstance(rows.from_csv({"ITEM_ID": "p1", "TITLE": word}), RowProblem), "the schema wants a title"
    assert told == []


def test_blanks_are_no_number_but_nothing() -> None:
    assert properties(csv_row(PRICE="  ")) == {"title": "Lamp", "price": None}


def test_plain_strings_of_users_and_actions_have_no_limit_of_their_own() -> None:
    schema = parse_schema(
        '{"type":"record","fields":[{"name":"USER_ID","type":"string"},{"name":"ABOUT","type":"string"}]}'
    )
    assert isinstance(CatalogRows(USERS, schema).from_csv({"USER_ID": "u", "ABOUT": "x" * 5000}), CatalogRecord)


def test_camel_case_columns_are_the_same_columns() -> None:
    assert ROWS.from_csv({"itemId": "p1", "title": "Lamp", "categoryL1": "a"}) == csv_row(CATEGORY_L1="a")


def test_an_empty_cell_is_null_where_the_schema_allows_it_and_refused_elsewhere() -> None:
    assert properties(csv_row(PRICE="", CATEGORY_L1="")) == {"title": "Lamp", "price": None, "categoryL1": None}
    assert csv_row(TITLE="") == RowProblem("empty", "TITLE: is empty, and the schema allows no null")
    assert json_row(title=None) == RowProblem("empty", "TITLE: is empty, and the schema allows no null")


@pytest.mark.parametrize(
    ("cells", "reason", "told"),
    [
        ({"PRICE": "12,5"}, "bad_number", "PRICE: '12,5' is not a number; decimals are written with a point"),
        ({"PRICE": "1_000"}, "bad_number", "PRICE"),
        ({"PRICE": "nan"}, "bad_number", "PRICE"),
        ({"PRICE": "1e39"}, "bad_number", "out of range of float"),
        ({"RATIO": "1e400"}, "bad_number", "out of range of double"),
        ({"STOCK": "1.5"}, "bad_number", "STOCK: '1.5' is not a whole number"),
        ({"STOCK": "2147483648"}, "bad_number", "out of range of int"),
        ({"CREATION_TIMESTAMP": "9223372036854775808"}, "bad_number", "out of range of long"),
        ({"ON_SALE": "yes"}, "bad_type", "not true or false"),
        ({"CATEGORY_L1": "x" * 1001}, "too_long", "CATEGORY_L1: has 1001 characters"),
        ({"ITEM_ID": ""}, "empty", "ITEM_ID"),
        ({"ITEM_ID": "  "}, "empty", "ITEM_ID"),
        ({"ITEM_ID": "x" * 257}, "too_long", "ITEM_ID: has 257 characters, at most 256"),
        ({"TITLE": "x" * 1001}, "too_long", "TITLE: has 1001 characters, at most 1000, as the schema does not call"),
        ({"ABOUT": "x" * 20_001}, "too_long", "ABOUT: has 20001 characters, at most 20000"),
        ({"ABOUT": "x" * 16_000, "STORY": "x" * 16_000}, "too_long", "at most 32000"),
        ({"CREATION_TIMESTAMP": "1700000000000"}, "bad_time", "in milliseconds"),
        ({"CREATION_TIMESTAMP": "-5"}, "bad_time", "no Unix time"),
        ({"CREATION_TIMESTAMP": "0"}, "bad_time", "no Unix time"),
        ({"CREATION_TIMESTAMP": "2023-11-14"}, "bad_number", "is not a whole number of Unix seconds"),
        ({"CREATION_TIMESTAMP": "1.7E+09"}, "bad_number", "is not a whole number"),
        ({"STOCK": "3.5.0"}, "bad_number", "STOCK"),
        ({"PRICE": "\\N"}, "bad_number", "is not a number"),
        ({"COLOUR": "red"}, "unknown_column", "'COLOUR' is not in the dataset's schema"),
    ],
)
def test_a_cell_that_does_not_fit_refuses_its_row(cells: dict[str, str], reason: str, told: str) -> None:
    problem = csv_row(**cells)
    assert isinstance(problem, RowProblem)
    assert problem.reason == reason
    assert told in problem.detail


def test_values_of_json_keep_their_type_or_get_that_of_the_schema() -> None:
    found = properties(json_row(price=12, stock=3.0, categoryL1=["a", "b"], onSale=False, creationTimestamp="17"))
    assert found == {
        "title": "Lamp", "price": 12.0, "stock": 3, "categoryL1": "a|b", "onSale": False, "creationTimestamp": 17
    }  # fmt: skip
    record = ROWS.from_object({"ITEM_ID": 17, "TITLE": "Lamp"})
    assert isinstance(record, CatalogRecord)
    assert record.id == "17"


@pytest.mark.parametrize("nested", [{"title": "Lamp", "price": 1}, '{"title": "Lamp", "price": 1}'])
def test_a_row_as_the_api_has_it_is_taken_too(nested: object) -> None:
    record = ROWS.from_object({"itemId": "p1", "properties": nested})
    assert properties(record) == {"title": "Lamp", "price": 1.0}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"price": True}, "bad_type"),
        ({"price": []}, "bad_type"),
        ({"price": 10**400}, "bad_number"),
        ({"stock": 1.5}, "bad_number"),
        ({"title": ["a"]}, "bad_type"),
        ({"title": True}, "bad_type"),
        ({"title": {}}, "bad_type"),
        ({"categoryL1": ["a|b"]}, "bad_type"),
        ({"categoryL1": ["a", 1]}, "bad_type"),
        ({"onSale": 1}, "bad_type"),
        ({"properties": 1}, "bad_type"),
        ({"properties": "{"}, "bad_type"),
        ({"TITLE": "twice"}, "unknown_column"),
    ],
)
def test_a_value_of_json_that_does_not_fit_refuses_its_row(values: dict[str, Any], reason: str) -> None:
    problem = json_row(**values)
    assert isinstance(problem, RowProblem)
    assert problem.reason == reason


def test_a_row_without_a_required_column_is_refused() -> None:
    assert ROWS.from_object({"itemId": "p1"}) == RowProblem(
        "missing_field", "TITLE: missing, and the schema requires it"
    )
    assert ROWS.from_object({"title": "Lamp"}) == RowProblem("missing_field", "ITEM_ID: missing")


def test_unknown_columns_can_be_left_out() -> None:
    rows = CatalogRows(ITEMS, SCHEMA, ignore_unknown=True)
    assert properties(rows.from_csv({"ITEM_ID": "p1", "TITLE": "Lamp", "COLOUR": "red"})) == {"title": "Lamp"}
    assert rows.header_problems(["ITEM_ID", "TITLE", "COLOUR"]) == []


def test_every_problem_of_a_header_is_told_at_once() -> None:
    problems = ROWS.header_problems(["COLOUR", "PRICE", "price"])
    assert [line.partition(" ")[0] for line in problems] == ["column", "columns", "column", "column"]
    assert "'COLOUR'" in problems[0]
    assert "PRICE" in problems[1]
    assert "ITEM_ID is missing" in problems[2]
    assert "TITLE is missing" in problems[3]
    assert ROWS.header_problems(["title", "ItemId"]) == []


def test_a_dataset_of_another_kind_is_told() -> None:
    with pytest.raises(InvalidInputError, match="no column USER_ID"):
        CatalogRows(USERS, SCHEMA)


def test_users_have_less_room_for_properties() -> None:
    schema = '{"type":"record","fields":[{"name":"%s","type":"string"},{"name":"ABOUT","type":"string"}]}'
    users = CatalogRows(USERS, parse_schema(schema % "USER_ID"))
    actions = CatalogRows(ACTIONS, parse_schema(schema % "ACTION_ID"))
    about = "x" * 24_000
    assert isinstance(users.from_csv({"USER_ID": "u", "ABOUT": about}), RowProblem)
    taken = actions.from_csv({"ACTION_ID": "a", "ABOUT": about})
    assert isinstance(taken, CatalogRecord)
    assert set(taken.entry(ACTIONS)) == {"actionId", "properties"}


@given(st.dictionaries(st.sampled_from([c.name for c in SCHEMA.columns] + ["X"]), st.text(max_size=30)))
def test_any_row_is_a_record_within_the_limits_or_a_problem(cells: dict[str, str]) -> None:
    record = ROWS.from_csv(cells)
    if isinstance(record, CatalogRecord):
        assert 1 <= len(record.id) <= 256
        assert set(properties(record)) <= {c.property_name for c in SCHEMA.columns}
    else:
        assert record.detail
