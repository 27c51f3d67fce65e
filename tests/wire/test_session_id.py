"""Session ids: the shape, and that no two visitors can share one by mistake."""

import pytest

from relay.wire.session_id import is_session_id


@pytest.mark.parametrize(
    "text",
    [
        "0b6e9d3c5a7f41e28c90d1b2a3f4e5d6",
        "a" * 16,
        "Z" * 256,
        "._~-._~-._~-a1b2",
        "0b6e9d3c-5a7f-41e2-8c90-d1b2a3f4e5d6",
    ],
)
def test_a_session_id_of_the_shape_is_taken(text: str) -> None:
    assert is_session_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 15,
        "a" * 257,
        "a" * 16 + "\n",
        "a" * 15 + "é",
        "a b" * 8,
        "null",
        "nullnullnullnull",
        "undefinedundefined",
        "NaN-NaN-NaN-NaN-NaN",
        "00000000-0000-0000-0000-000000000000",
        "-" * 16,
        "a" * 15 + "%",
    ],
)
def test_what_is_no_session_id_is_refused(text: str) -> None:
    assert not is_session_id(text)
