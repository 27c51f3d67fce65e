"""What of the service's refusals may be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.service_message import MOST_CHARS, without_values


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Tracker is not ACTIVE", "Tracker is not ACTIVE"),
        ("The tracker can't be used", "The tracker can't be used"),
        ("'properties' is too long", "'properties' is too long"),
        ("one of 'itemId', 'userId' is missing", "one of 'itemId', 'userId' is missing"),
        ("Value 'red' at 'eventList.1.member.itemId' failed", "Value '…' at 'eventList.1.member.itemId' failed"),
        ('Unknown "red" here', "Unknown '…' here"),
        ("Value 'it's red' is odd", "Value '…' is odd"),
        ("Value 'say 'hi' to Bob' is odd", "Value '…' is odd"),
        ("Value 'red", "Value '…'"),
        ("Value 'itemId' is 'red", "Value 'itemId' is '…'"),
        (f"Value 'say 'hi' to Bob {'x' * 500}", "Value '…'"),
    ],
)
def test_what_stands_in_quotes_is_left_out_but_for_names_of_fields(said: str, shown: str) -> None:
    assert without_values(said) == shown


@given(st.text(min_size=1).filter(lambda one: not one.endswith((" ", "'", '"'))))
def test_no_value_is_shown_whatever_quotes_it_has(value: str) -> None:
    secret = f"SECRET{value}SECRET"
    assert "SECRET" not in without_values(f"Value '{secret}' at 'eventList.1.member.properties' failed")
    assert len(without_values(secret * 100)) <= MOST_CHARS
