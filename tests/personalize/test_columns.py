"""Columns and properties find each other; a schema that is none is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.personalize.errors import InvalidInputError
from relay.personalize.schema.columns import Column, ColumnType, Schema, camel_case, column_case, guesses, parse_schema
from relay.personalize.schema.ready_made import Domain, interactions_schema, items_schema


@pytest.mark.parametrize(
    ("column", "property_name"),
    [
        ("NUM_RATINGS", "numRatings"),
        ("CATEGORY_L1", "categoryL1"),
        ("CREATION_TIMESTAMP", "creationTimestamp"),
        ("PRICE", "price"),
        ("A_B_C", "aBC"),
        ("memberClass", "memberClass"),
        ("MemberClass", "memberClass"),
        ("member_class", "memberClass"),
        ("Member_CLASS", "memberClass"),
        ("genres", "genres"),
    ],
)
def test_a_column_has_the_property_name_the_service_wants(column: str, property_name: str) -> None:
    assert camel_case(column) == property_name


@given(st.lists(st.from_regex(r"[A-Z]{2,8}", fullmatch=True), min_size=1, max_size=5).map("_".join))
def test_a_property_name_leads_back_to_its_column(column: str) -> None:
    assert column_case(camel_case(column)) == column


def test_a_column_is_found_by_any_spelling_and_the_exact_one_wins() -> None:
    schema = Schema((Column("A_B", ColumnType.STRING), Column("AB", ColumnType.LONG)))
    for name, expected in {"A_B": "A_B", "aB": "A_B", "AB": "AB", "ab": "AB", " A_B ": "A_B"}.items():
        found = schema.column(name)
        assert found is not None
        assert found.name == expected
    other = parse_schema(items_schema("e-commerce"))
    for name in ("CATEGORY_L1", "categoryL1", "category_l1", "Category L1", "category-l1"):
        found = other.column(name)
        assert found is not None
        assert found.name == "CATEGORY_L1"
    assert other.column("CATEGORY_L3") is None


def test_types_nulls_and_categories_are_read() -> None:
    schema = parse_schema(
        """{"type": "record", "name": "Items", "namespace": "com.amazonaws.personalize.schema", "version": "1.0",
        "fields": [{"name": "ITEM_ID", "type": "string"}, {"name": "PRICE", "type": ["float", "null"]},
        {"name": "GENRES", "type": ["null", "string"], "categorical": true}, {"name": "STOCK", "type": ["int"]}]}"""
    )
    assert [(c.name, c.kind, c.nullable, c.categorical) for c in schema.columns] == [
        ("ITEM_ID", ColumnType.STRING, False, False),
        ("PRICE", ColumnType.FLOAT, True, False),
        ("GENRES", ColumnType.STRING, True, True),
        ("STOCK", ColumnType.INT, False, False),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not JSON"),
        ("[]", "not an Avro record"),
        ('{"type": "record", "fields": []}', "not an Avro record"),
        ('{"type": "record", "fields": [{"name": "A"}]}', "no name or no type"),
        ('{"type": "record", "fields": [{"name": "A", "type": "bytes"}]}', "column A: the type 'bytes'"),
        ('{"type": "record", "fields": [{"name": "A", "type": ["int", "string"]}]}', "column A"),
        ('{"type": "record", "fields": [{"name": "A", "type": "int"}]}' + " " * 20_000, "at most 20000"),
        (
            '{"type": "record", "fields": [{"name": "GENRES_1", "type": "int"}, {"name": "GENRES1", "type": "int"}]}',
            "GENRES_1 and GENRES1",
        ),
    ],
)
def test_what_is_no_schema_is_told_in_words(text: str, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        parse_schema(text)


def test_a_name_that_is_not_upper_snake_is_told_to_be_a_guess() -> None:
    columns = [Column(name, ColumnType.STRING) for name in ("GENRES", "CATEGORY_L1", "memberClass", "Interests")]
    (line,) = guesses(columns)
    assert "memberClass (as memberClass), Interests (as interests): a guess" in line
    assert guesses(columns[:2]) == []


@pytest.mark.parametrize("domain", ["e-commerce", "video", "custom"])
def test_the_ready_made_schemas_are_schemas(domain: Domain) -> None:
    names = {column.name for column in parse_schema(interactions_schema()).columns}
    assert {"USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE", "IMPRESSION", "RECOMMENDATION_ID"} <= names
    assert parse_schema(items_schema(domain)).column("itemId") is not None
