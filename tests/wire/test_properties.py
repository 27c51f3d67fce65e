"""Properties as one text: what is left out of it, and what keeps it from being one."""

import json
from typing import Any

import pytest

from relay.core import limits
from relay.core.model import Reason
from relay.wire import properties as properties_module
from relay.wire.properties import Packed, PropertyNames, packed_properties


def packed(properties: Any, **options: Any) -> str:
    result = packed_properties(properties, **options)
    assert isinstance(result, Packed)
    return result.text


def test_properties_are_packed_whether_object_or_string() -> None:
    assert packed({"a": 1, "b": [True, None]}) == '{"a":1,"b":[true,null]}'
    assert packed(' { "a" : 1.5 } ') == '{"a":1.5}'


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ("", Reason.EMPTY),
        ("  ", Reason.EMPTY),
        ("x", Reason.BAD_TYPE),
        ("[]", Reason.BAD_TYPE),
        ('"{}"', Reason.BAD_TYPE),
        ('{"a":NaN}', Reason.BAD_NUMBER),
        ('{"a":1e999}', Reason.BAD_NUMBER),
        ('{"a":"\\ud800"}', Reason.BAD_UNICODE),
        ('{"a":"\\u0000"}', Reason.BAD_UNICODE),
        ('{"a":' + "[" * 500 + "]" * 500 + "}", Reason.TOO_LONG),
        ('{"a":' + "[" * 30_000 + "]" * 30_000 + "}", Reason.TOO_LONG),
        ('{"a":' + " " * 6144 + "1}", Reason.TOO_LONG),
        ({"a": "x" * 1017}, Reason.TOO_LONG),
        ({"a": "é" * 1017}, Reason.TOO_LONG),
        ({"a": '"' * 509}, Reason.TOO_LONG),
    ],
    ids=lambda value: f"{str(value)[:30]} of {len(str(value))}",
)
def test_properties_the_service_would_refuse_are_refused(properties: Any, reason: Reason) -> None:
    assert packed_properties(properties) is reason


@pytest.mark.parametrize("value", ["x" * 1016, "é" * 1016, '"' * 508])
def test_1024_characters_of_properties_fit_and_so_does_a_longer_text_of_them(value: str) -> None:
    text = packed({"a": value})
    assert len(text) == 1024
    assert json.loads(text) == {"a": value}
    assert packed(json.dumps({"a": value}, indent=4)) == text


@pytest.mark.parametrize("key", sorted(limits.RESERVED_PROPERTY_KEYS))
def test_a_name_the_service_keeps_to_itself_is_left_out_in_any_case(key: str) -> None:
    for given in (key, key.upper(), key.title()):
        assert packed_properties({given: 1, "a": 2}) == Packed('{"a":2}', (Reason.RESERVED_KEY,))


def test_only_names_that_may_pass_do() -> None:
    given = {"Price": 1, "email": "e", "name": "n"}
    allowed = PropertyNames(allow=frozenset({"price", "email"}), deny=frozenset({"email"}))
    assert packed_properties(given, names=allowed) == Packed('{"Price":1}', (Reason.DENIED,))
    assert packed_properties(given, names=PropertyNames(allow=frozenset(given) | {"price"})).left_out == ()  # type: ignore[union-attr]  # it is Packed
    assert packed(json.dumps(given), names=PropertyNames(deny=frozenset({"name"}))) == '{"Price":1,"email":"e"}'


@pytest.mark.parametrize(
    "text",
    ["[" * 60_000, '{"a":' * 12_000, '"' * 60_000, '{"a":"' + "\\\\" * 30_000, "{" + '"a":1,' * 9000, "[" * 1025],
    ids=lambda value: f"{value[:8]} of {len(value)}",
)
def test_a_text_made_to_be_slow_is_refused_before_it_is_parsed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(properties_module, "parse", lambda _: pytest.fail("it was parsed"))
    assert packed_properties(text) is Reason.TOO_LONG
