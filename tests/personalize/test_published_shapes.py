"""The shapes of the files and schemas that guides and samples publish, in rows of our own: what they must become.

Films, a shop and flights are what AWS's samples and workshops use. Names and types of columns are theirs.
"""

from typing import Any, NamedTuple

import msgspec
import pytest

from relay.personalize.history.past_events import HistoryRows, PastEvent
from relay.personalize.put.catalog import ITEMS, USERS, CatalogKind, CatalogRecord, CatalogRows
from relay.personalize.schema.columns import guesses, parse_schema
from tests.personalize.test_file_kinds import read


def avro(*fields: str) -> str:
    """A schema of lines `NAME type`, with `?` behind the type for a union with null, and what it is marked as."""
    made: list[dict[str, Any]] = []
    for field in fields:
        name, kind, *marks = field.split()
        nullable, plain = kind.endswith("?"), kind.removesuffix("?")
        made.append({"name": name, "type": ["null", plain] if nullable else plain} | dict.fromkeys(marks, True))
    document = {"type": "record", "name": "S", "namespace": "com.amazonaws.personalize.schema", "version": "1.0"}
    return msgspec.json.encode(document | {"fields": made}).decode()


class Catalog(NamedTuple):
    kind: CatalogKind
    schema: str
    csv: str
    properties: list[dict[str, Any]]


CATALOGS = {
    "films": Catalog(
        ITEMS,
        avro("ITEM_ID string", "GENRES string? categorical", "YEAR int?", "CREATION_TIMESTAMP long"),
        "ITEM_ID,GENRES,YEAR,CREATION_TIMESTAMP\n1,Adventure|Animation|Children,1995.0,788918400\n2,,,1.0\n",
        [
            {"genres": "Adventure|Animation|Children", "year": 1995, "creationTimestamp": 788918400},
            {"genres": None, "year": None, "creationTimestamp": 1},
        ],
    ),
    "video on demand": Catalog(
        ITEMS,
        avro(
            "ITEM_ID string", "PRICE float?", "DURATION float?", "GENRE_L2 string? categorical",
            "GENRES string categorical", "CREATION_TIMESTAMP long", "DESCRIPTION string? textual",
        ),
        "ITEM_ID,GENRES,GENRE_L2,CREATION_TIMESTAMP,DESCRIPTION\n"
        'tt1,Drama,,1609459200,"Two sisters, ""one"" house.\nA second line."\n',
        [
            {
                "genres": "Drama", "genreL2": None, "creationTimestamp": 1609459200,
                "description": 'Two sisters, "one" house.\nA second line.',
            }
        ],
    ),
    "a shop's products": Catalog(
        ITEMS,
        avro(
            "ITEM_ID string", "PRICE float", "CATEGORY_L1 string categorical", "CATEGORY_L2 string categorical",
            "PRODUCT_DESCRIPTION string textual", "GENDER string categorical", "PROMOTED string? categorical",
        ),
        "ITEM_ID,PRICE,CATEGORY_L1,CATEGORY_L2,PRODUCT_DESCRIPTION,GENDER,PROMOTED\n"
        f"6579c22f-be2b-444c-a52b-0116dd82df6c,90.99,accessories,backpack,{'grey ' * 300},Any,\n",
        [
            {
                "price": 90.99, "categoryL1": "accessories", "categoryL2": "backpack",
                "productDescription": "grey " * 300, "gender": "Any", "promoted": None,
            }
        ],
    ),
    "a shop's customers": Catalog(
        USERS,
        avro("USER_ID string", "AGE int", "GENDER string categorical"),
        "USER_ID,AGE,GENDER\n1,31,M\n2,42.0,F\n",
        [{"age": 31, "gender": "M"}, {"age": 42, "gender": "F"}],
    ),
    "flights": Catalog(
        ITEMS,
        avro(
            "ITEM_ID string", "DSTN string categorical", "MONTH string categorical", "DURATION_DAYS int",
            "PROMOTION string? categorical", "AVG_PRICE double?",
        ),
        "ITEM_ID,DSTN,MONTH,DURATION_DAYS,PROMOTION,AVG_PRICE\nLIS-7,Lisbon,June,7,Yes,1.2e2\n",
        [{"dstn": "Lisbon", "month": "June", "durationDays": 7, "promotion": "Yes", "avgPrice": 120.0}],
    ),
    "passengers": Catalog(
        USERS,
        avro("USER_ID string", "memberClass string categorical", "Nationality string? categorical"),
        "USER_ID,memberClass,Nationality\n17,Gold,\n18,None,PT\n",
        [{"memberClass": "Gold", "nationality": None}, {"memberClass": "None", "nationality": "PT"}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CATALOGS)
def test_a_published_catalogue_becomes_records(name: str) -> None:
    kind, schema, csv, expected = CATALOGS[name]
    rows = CatalogRows(kind, parse_schema(schema))
    found = read(csv.encode(), "file.csv")
    assert rows.header_problems(csv.partition("\n")[0].split(",")) == []
    records = [rows.from_csv(row.content) for row in found]  # type: ignore[arg-type] # none is a problem
    assert [msgspec.json.decode(one.properties) for one in records if isinstance(one, CatalogRecord)] == expected


def test_only_the_columns_that_are_not_upper_snake_are_a_guess() -> None:
    guessed = {name: guesses(parse_schema(one.schema).columns) for name, one in CATALOGS.items()}
    assert {name for name, lines in guessed.items() if lines} == {"passengers"}


class History(NamedTuple):
    schema: str
    csv: str
    event_type: str | None
    events: list[dict[str, Any]]


REQUIRED = ("USER_ID string", "ITEM_ID string", "TIMESTAMP long")
HISTORIES = {
    "the first sample, without types": History(
        avro(*REQUIRED),
        "USER_ID,ITEM_ID,TIMESTAMP\n298,474,884182806\n",
        "Watch",
        [{"eventType": "Watch", "itemId": "474"}],
    ),
    "ratings as numbers": History(
        avro(*REQUIRED, "EVENT_TYPE string", "EVENT_VALUE float?"),
        "USER_ID,ITEM_ID,EVENT_VALUE,TIMESTAMP,EVENT_TYPE\n1,1,4.0,964982703.0,Watch\n1,3,,964981247,Click\n",
        None,
        [{"eventType": "Watch", "itemId": "1", "eventValue": 4.0}, {"eventType": "Click", "itemId": "3"}],
    ),
    "a shop with discounts": History(
        avro("ITEM_ID string", "USER_ID string", "EVENT_TYPE string", "TIMESTAMP long", "DISCOUNT string categorical"),
        "ITEM_ID,USER_ID,EVENT_TYPE,TIMESTAMP,DISCOUNT\nb93b7b15,3156,View,1591803788,Yes\n",
        None,
        [{"eventType": "View", "itemId": "b93b7b15", "properties": {"discount": "Yes"}}],
    ),
    "flights with a cabin and what was shown": History(
        avro(*REQUIRED, "EVENT_TYPE string", "CABIN_TYPE string? categorical", "IMPRESSION string?"),
        "USER_ID,ITEM_ID,EVENT_TYPE,CABIN_TYPE,IMPRESSION,TIMESTAMP\n17,LIS-7,BOOK,Economy,LIS-7|OPO-3,1586731606\n",
        None,
        [
            {
                "eventType": "BOOK", "itemId": "LIS-7", "impression": ["LIS-7", "OPO-3"],
                "properties": {"cabinType": "Economy"},
            }
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_a_published_history_becomes_events(name: str) -> None:
    schema, csv, event_type, expected = HISTORIES[name]
    rows = HistoryRows(parse_schema(schema), "csv", event_type=event_type)
    assert rows.header_problems(csv.partition("\n")[0].split(",")) == []
    events = [rows.event(row) for row in read(csv.encode(), "file.csv")]
    assert [dict(event.fields) for event in events if isinstance(event, PastEvent)] == expected


def test_a_type_of_the_command_line_is_for_rows_that_have_none() -> None:
    rows = HistoryRows(parse_schema(avro(*REQUIRED, "EVENT_TYPE string?")), "csv", event_type="Watch")
    csv = b"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n1,1,964982703,Click\n1,2,964982703,\n"
    events = [rows.event(row) for row in read(csv, "file.csv")]
    assert [event.fields["eventType"] for event in events if isinstance(event, PastEvent)] == ["Click", "Watch"]


def test_a_download_that_was_not_renamed_is_told_what_is_missing_and_event_type_is_named() -> None:
    rows = HistoryRows(parse_schema(avro(*REQUIRED)), "csv", ignore_unknown=True)
    problems = rows.header_problems(["userId", "movieId", "rating", "timestamp"])
    assert problems == [
        "column EVENT_TYPE is missing; --event-type says it for all rows",
        "column ITEM_ID is missing",
    ]
