"""Click streams on file, in each format there is."""

from pathlib import Path

import pytest

from relay.core.bundled import bundled
from relay.demo.offer import click_stream
from relay.demo.replay.streams import Stream, StreamError, read_stream
from relay.wire.session_id import is_session_id

YOOCHOOSE = """SESSION_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE
2,i1,1396314153.088,Click
1,i2,1396314141.719,Click
2,i3,1396314160.000,Click
"""
REES46 = """event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session
2019-10-01 00:00:00 UTC,view,p1,7,,b,35.79,u1,s1
2019-10-01 00:00:01 UTC,cart,p1,7,,b,35.79,u1,s1
2019-10-01 00:00:02 UTC,purchase,p1,7,,b,35.79,u1,s1
2019-10-01 00:00:03 UTC,view,p2,7,,b,,u2,s1
"""
OTTO = """{"session":0,"events":[{"aid":11,"ts":25,"type":"clicks"},{"aid":12,"ts":30,"type":"carts"}]}
{"session":1,"events":[{"aid":13,"ts":27,"type":"orders"}]}
"""
TRACE = """{"at": 0, "session": "v1", "event": {"eventType": "View", "itemId": "p1"}}
{"at": 4000, "session": "v1", "user": "ada", "event": {"eventType": "Click", "itemId": "p2", "impression": ["p2"]}}
"""


@pytest.fixture
def read(tmp_path: Path) -> "Reader":
    return Reader(tmp_path)


class Reader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, text: str, name: str = "stream") -> Stream:
        path = self._folder / name
        path.write_text(text, encoding="utf-8")
        return read_stream(path)


def _told(stream: Stream) -> list[tuple[int, object, object, str | None]]:
    return [(event.at_ms, event.fields["eventType"], event.fields["itemId"], event.user_id) for event in stream.events]


def test_yoochoose_comes_in_order_of_time_with_milliseconds(read: Reader) -> None:
    stream = read(YOOCHOOSE)
    assert stream.kind == "YOOCHOOSE clicks"
    assert _told(stream) == [
        (1396314141719, "Click", "i2", None),
        (1396314153088, "Click", "i1", None),
        (1396314160000, "Click", "i3", None),
    ]
    first, second, third = (event.session_id for event in stream.events)
    assert second == third != first


def test_rees46_has_users_and_prices_of_what_was_bought(read: Reader) -> None:
    stream = read(REES46)
    assert [(what, user) for _, what, _, user in _told(stream)] == [
        ("View", "u1"),
        ("AddToCart", "u1"),
        ("Purchase", "u1"),
        ("View", "u2"),
    ]
    assert [event.fields.get("eventValue") for event in stream.events] == [None, 35.79, 35.79, None]


def test_two_users_of_one_session_on_file_get_a_session_each(read: Reader) -> None:
    events = read(REES46).events
    assert len({(event.session_id, event.user_id) for event in events}) == 2
    assert len({event.session_id for event in events}) == 2


def test_otto_sessions_are_woven_into_one_stream(read: Reader) -> None:
    assert [(what, item) for _, what, item, _ in _told(read(OTTO))] == [
        ("Click", "11"),
        ("Purchase", "13"),
        ("AddToCart", "12"),
    ]


def test_a_trace_has_whole_events_and_the_user_from_the_login_on(read: Reader) -> None:
    stream = read(TRACE)
    assert _told(stream) == [(0, "View", "p1", None), (4000, "Click", "p2", "ada")]
    assert stream.events[1].fields["impression"] == ["p2"]
    assert len({event.session_id for event in stream.events}) == 1


@pytest.mark.parametrize("text", [YOOCHOOSE, REES46, OTTO, TRACE])
def test_ids_are_good_for_a_relay_and_the_same_at_every_reading(read: Reader, text: str) -> None:
    stream, again, renamed = read(text), read(text), read(text, "another")
    ids = [event.fields["eventId"] for event in stream.events]
    assert len(set(ids)) == len(ids)
    assert stream == again
    assert not set(ids) & {event.fields["eventId"] for event in renamed.events}
    assert all(is_session_id(event.session_id) for event in stream.events)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no known format"),
        ("a,b\n1,2\n", "no known format"),
        (YOOCHOOSE.splitlines()[0], "no events"),
        (YOOCHOOSE + "3,i4,soon,Click\n", "soon"),
        (YOOCHOOSE + "3\n", "not as a click stream"),
        (OTTO + "{\n", "not as a click stream"),
        ('{"session":0,"events":[{"aid":1,"ts":1,"type":"wishes"}]}\n', "wishes"),
    ],
)
def test_what_is_no_click_stream_is_refused_with_the_reason(read: Reader, text: str, problem: str) -> None:
    with pytest.raises(StreamError, match=problem):
        read(text)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StreamError, match="No such file"):
        read_stream(tmp_path / "nothing")


def test_the_trace_that_ships_is_a_click_stream_of_a_shop_with_logins() -> None:
    stream = read_stream(bundled("shop") / "trace.jsonl")
    assert stream.kind == "trace of the demo"
    assert {"Click", "View", "AddToCart", "Purchase"} <= {event.fields["eventType"] for event in stream.events}
    assert {event.user_id for event in stream.events} == {None, "ada", "grace"}
    assert any("recommendationId" in event.fields and "impression" in event.fields for event in stream.events)


def test_a_real_click_stream_beside_the_checkout_is_offered_first_else_the_trace(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    assert click_stream(checkout) == bundled("shop") / "trace.jsonl"
    real = tmp_path / "shared" / "data" / "otto-sample.jsonl"
    real.parent.mkdir(parents=True)
    real.write_text(OTTO, encoding="utf-8")
    assert click_stream(checkout) == real
