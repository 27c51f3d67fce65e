"""Looking into the emulator over HTTP."""

import json
from collections.abc import AsyncGenerator

import pytest

from relay.emulator.store.calls import CallLog
from tests.emulator.raw_client import RawClient, raw_client
from tests.support.emulator import running_emulator


@pytest.fixture
async def raw() -> AsyncGenerator[RawClient]:
    async with running_emulator() as running, raw_client(running) as client:
        yield client


async def _numbers(raw: RawClient, query: str) -> list[int]:
    answer = await raw.get("/_emulator/calls" + query)
    assert answer.status_code == 200
    return [json.loads(line)["n"] for line in answer.text.splitlines()]


async def test_a_call_is_a_line_with_time_operation_status_and_body(raw: RawClient) -> None:
    await raw.put_event(itemId="p1")
    [line] = (await raw.get("/_emulator/calls")).text.splitlines()
    call = json.loads(line)
    assert (call["n"], call["operation"], call["status"], call["taken"]) == (1, "PutEvents", 200, True)
    assert call["body"] == raw.put_events_body(itemId="p1")
    assert (call["accessKeyId"], call["region"]) == ("AKIDRAW", "us-east-1")
    assert call["time"].endswith("Z")
    assert call["requestId"]


async def test_a_refused_call_says_why(raw: RawClient) -> None:
    await raw.put_event(itemId="")
    call = json.loads((await raw.get("/_emulator/calls")).text)
    assert (call["status"], call["taken"], call["error"]) == (400, False, "InvalidInputException")
    assert "itemId" in call["message"]


async def test_a_body_over_several_lines_is_one_line_and_one_that_is_no_json_is_text(raw: RawClient) -> None:
    await raw.call("/events", json.dumps(raw.put_events_body(), indent=2).encode())
    await raw.call("/events", b'{"a":\n')
    first, second = map(json.loads, (await raw.get("/_emulator/calls")).text.splitlines())
    assert first["body"] == raw.put_events_body()
    assert (second["bodyText"], "body" in second) == ('{"a":\n', False)


async def test_calls_are_chosen_by_number_operation_limit_and_tail(raw: RawClient) -> None:
    for _ in range(3):
        await raw.put_event()
        await raw.call("/", {}, target="ListSchemas")
    assert await _numbers(raw, "") == [1, 2, 3, 4, 5, 6]
    assert await _numbers(raw, "?after=4") == [5, 6]
    assert await _numbers(raw, "?after=99") == []
    assert await _numbers(raw, "?operation=PutEvents") == [1, 3, 5]
    assert await _numbers(raw, "?operation=PutEvents&after=1&limit=1") == [3]
    assert await _numbers(raw, "?operation=ListSchemas&tail=2") == [4, 6]
    assert await _numbers(raw, "?limit=0") == []


@pytest.mark.parametrize("query", ["?after=-1", "?limit=x", "?tail=1e3", "?after=" + "9" * 40, "?after=²"])
async def test_numbers_that_are_none_are_refused(raw: RawClient, query: str) -> None:
    assert (await raw.get("/_emulator/calls" + query)).status_code == 400


async def test_numbers_go_on_after_forgetting(raw: RawClient) -> None:
    await raw.put_event()
    assert (await raw.forget()).status_code == 204
    await raw.put_event()
    assert await _numbers(raw, "") == [2]


async def test_statistics_count_what_came(raw: RawClient) -> None:
    event = {"eventType": "View", "sentAt": 1}
    await raw.put_event(eventId="e1", call={"sessionId": "s1"})
    await raw.put_event(eventId="e1", call={"sessionId": "s1", "userId": "ada"})
    await raw.put_event(call={"sessionId": "s2", "eventList": [event] * 4})
    await raw.put_event(itemId="")
    stats = (await raw.get("/_emulator/stats")).json()
    assert stats["calls"] == {"PutEvents": 4}
    assert stats["refused"] == {"InvalidInputException": 1}
    assert (stats["events"], stats["events_repeated"], stats["events_distinct"]) == (6, 1, 5)
    assert stats["events_without_item"] == 4
    assert (stats["sessions"], stats["users"]) == (2, 1)
    assert stats["events_per_call"] == {"1": 2, "4": 1}
    assert stats["event_types"] == {"View": 6}
    assert (stats["last_call"], stats["calls_kept"], stats["calls_forgotten"]) == (4, 4, 0)


async def test_no_page_of_another_origin_may_read_unless_it_was_named() -> None:
    shop = "http://127.0.0.1:8083"
    async with running_emulator(allow_origins=[shop]) as running, raw_client(running) as raw:
        answer = await raw.get("/_emulator/stats", Origin=shop)
        assert answer.headers["access-control-allow-origin"] == shop
        for origin in ("https://evil.example", "http://127.0.0.1:8084", "http://localhost:8083", "null", "http://["):
            assert "access-control-allow-origin" not in (await raw.get("/_emulator/calls", Origin=origin)).headers


async def test_the_pages_answer_to_their_own_names_only() -> None:
    async with running_emulator(allow_hosts=["emulator", "Build.Example"]) as running, raw_client(running) as raw:
        for path in ("/", "/_emulator/calls", "/_emulator/faults", "/_emulator/page/page.js", "/_emulator/nothing"):
            for host in ("localhost", "127.0.0.1:8082", "[::1]", "shop.localhost:1", "emulator:8082", "BUILD.example"):
                assert (await raw.get(path, Host=host)).status_code in {200, 404}, (path, host)
            for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil", "10.0.0.1", "a@localhost@b", "["):
                assert (await raw.get(path, Host=host)).status_code == 421, (path, host)


async def test_the_services_answer_to_any_name_a_client_calls_them_by(raw: RawClient) -> None:
    answer = await raw.call(
        "/events", raw.put_events_body(), headers={"Host": "personalize-events.us-east-1.amazonaws.com"}
    )
    assert answer.status == 200


async def test_the_page_allows_nothing_but_its_own_files(raw: RawClient) -> None:
    page = await raw.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for path in ("/_emulator/page/page.js", "/_emulator/page/page.css", "/_emulator/page/icon.svg"):
        assert path in page.text
        assert (await raw.get(path)).status_code == 200
    assert " style=" not in page.text
    assert "innerHTML" not in (await raw.get("/_emulator/page/page.js")).text


async def test_old_calls_make_room_but_stay_counted() -> None:
    async with running_emulator(max_bytes=20_000) as running, raw_client(running) as raw:
        for number in range(60):
            await raw.put_event(itemId=f"p{number}")
        stats = (await raw.get("/_emulator/stats")).json()
        assert stats["events"] == 60
        assert 0 < stats["calls_kept"] < 60
        assert stats["calls_kept"] + stats["calls_forgotten"] == 60
        assert (await _numbers(raw, ""))[-1] == 60
        assert len(await _numbers(raw, "?after=57")) == 3


def test_an_empty_log_has_no_calls() -> None:
    assert list(CallLog().after(0)) == []
