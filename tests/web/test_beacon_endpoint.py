"""`POST /r/e` over real HTTP: statuses, bodies, headers."""

import json
from collections.abc import AsyncGenerator

import pytest

from relay.core.clock import SystemClock
from tests.support.clock import FakeClock
from tests.support.golden import Example, examples, filled_in
from tests.support.relay import KEY, ORIGIN, SESSION, RunningEdge, running_edge


@pytest.fixture
async def relay() -> AsyncGenerator[RunningEdge]:
    async with running_edge() as running:
        yield running


FILES = ("beacons-taken", "events-rejected", "fields-dropped", "beacons-refused")
ALL = [one for name in FILES for one in examples(name)]


@pytest.mark.parametrize("example", ALL, ids=lambda one: one.name)
async def test_the_wire_is_as_the_examples_say(example: Example, relay: RunningEdge) -> None:
    now = SystemClock()
    body = filled_in(
        example, key=KEY, site="default", clock=now, expired=FakeClock(now_ms=now.now_ms() - 10 * 86_400_000)
    )
    answer = await relay.post(body)
    assert answer.status_code == example.status, answer.text
    if example.answer is not None:
        assert answer.json() == example.answer
    if answer.status_code != 202:
        assert set(answer.json()) == {"error", "detail", "field"}
        assert answer.json()["field"] == example.field
    assert answer.headers["cache-control"] == "no-store"


async def test_what_was_accepted_is_in_the_spool_as_the_call_will_have_it(relay: RunningEdge) -> None:
    event = {"eventId": "e1", "eventType": "Click", "itemId": "p1", "properties": {"a": 1}, "impression": ["p1", "p2"]}
    assert await relay.send(event) == {"accepted": 1, "rejected": [], "identity": "none"}
    (record,) = await relay.records()
    assert record.key.session_id == SESSION
    assert (record.user_id, record.event_id) == (None, "e1")
    body = json.loads(record.body)
    assert isinstance(body.pop("sentAt"), int)
    assert body == event | {"properties": '{"a":1}'}


async def test_ids_are_made_where_none_came_and_are_unique(relay: RunningEdge) -> None:
    await relay.send(*({"eventType": "View"} for _ in range(10)))
    assert len({record.event_id for record in await relay.records()}) == 10


async def test_a_repeated_event_is_a_duplicate_and_stored_once(relay: RunningEdge) -> None:
    event = {"eventId": "e1", "eventType": "View"}
    again = {"index": 1, "eventId": "e1", "reason": "duplicate", "field": "eventId"}
    assert await relay.send(event, event) == {"accepted": 1, "rejected": [again], "identity": "none"}
    assert (await relay.send(event))["rejected"] == [again | {"index": 0}]
    assert (await relay.send(event, session="another-" + SESSION))["accepted"] == 1
    assert len(await relay.records()) == 2


async def test_a_user_id_in_the_beacon_is_ignored(relay: RunningEdge) -> None:
    await relay.send({"eventType": "View", "userId": "mallory"}, userId="mallory")
    (record,) = await relay.records()
    assert record.user_id is None
    assert b"mallory" not in record.body


async def test_a_login_gives_its_user_to_what_waits_and_to_what_comes(relay: RunningEdge) -> None:
    await relay.send({"eventType": "View", "eventId": "before"})
    assert (await relay.send({"eventType": "View", "eventId": "with"}, identity=relay.login("u1")))["identity"] == "ok"
    await relay.send({"eventType": "View", "eventId": "after"})
    assert [(one.event_id, one.user_id) for one in await relay.records()] == [
        ("before", "u1"),
        ("with", "u1"),
        ("after", "u1"),
    ]


async def test_an_empty_beacon_with_an_identity_binds(relay: RunningEdge) -> None:
    answer = await relay.post(relay.beacon(eventList=[], identity=relay.login("u1")))
    assert answer.json() == {"accepted": 0, "rejected": [], "identity": "ok"}
    await relay.send()
    (record,) = await relay.records()
    assert record.user_id == "u1"


async def test_two_users_of_one_session_never_share_it(relay: RunningEdge) -> None:
    await relay.send({"eventType": "View", "eventId": "a"}, identity=relay.login("u1"))
    answer = await relay.send({"eventType": "View", "eventId": "b"}, identity=relay.login("u2"))
    assert answer["identity"] == "conflict"
    sessions = {record.user_id: record.key.session_id for record in await relay.records()}
    assert set(sessions) == {"u1", "u2"}
    assert sessions["u1"] == SESSION != sessions["u2"]


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain;charset=UTF-8", "application/json", ""])
async def test_the_types_a_page_can_send_are_taken(relay: RunningEdge, content_type: str) -> None:
    assert (await relay.post(relay.beacon(), content_type=content_type)).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "multipart/form-data; boundary=x"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "text/plain; charset=utf-16"},
        {"content_encoding": "gzip"},
        {"content_encoding": "br"},
    ],
    ids=str,
)
async def test_other_types_and_encodings_are_415(relay: RunningEdge, headers: dict[str, str]) -> None:
    assert (await relay.post(relay.beacon(), **headers)).status_code == 415


async def test_cors_is_for_the_allowed_origin_with_credentials(relay: RunningEdge) -> None:
    answer = await relay.post(relay.beacon())
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-expose-headers"] == "Retry-After"
    assert answer.headers["vary"] == "Origin"
    refused = await relay.post(b"")
    assert refused.headers["access-control-allow-origin"] == ORIGIN


async def test_a_preflight_is_cached_for_a_day(relay: RunningEdge) -> None:
    answer = await relay.http.options(f"{relay.url}/r/e", headers={"origin": ORIGIN})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-max-age"] == "86400"
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"].lower() == "content-type"
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        "https://shop.example.evil",
        "http://shop.example",
        "https://shop.example:8443",
        "https://SHOP.example",
        "https://shop.example/",
        "*",
        "https://évil.example",
    ],
)
async def test_every_other_origin_is_403_without_cors(relay: RunningEdge, origin: str) -> None:
    for answer in (
        await relay.post(relay.beacon(), origin=origin),
        await relay.http.options(f"{relay.url}/r/e", headers={b"origin": origin.encode()}),
    ):
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert await relay.records() == []


async def test_no_origin_is_no_page_and_is_taken_by_its_token(relay: RunningEdge) -> None:
    answer = await relay.post(relay.beacon(), origin="")
    assert answer.status_code == 202
    assert "access-control-allow-origin" not in answer.headers
    refused = await relay.post(relay.beacon(), origin="", sec_fetch_site="cross-site")
    assert refused.status_code == 403


async def test_any_origin_is_mirrored_in_development_but_not_null() -> None:
    async with running_edge(allowed_origins="*", dev="1") as relay:
        answer = await relay.post(relay.beacon(), origin="http://localhost:9999")
        assert answer.headers["access-control-allow-origin"] == "http://localhost:9999"
        assert (await relay.post(relay.beacon(), origin="null")).status_code == 403


@pytest.mark.parametrize("token", [None, "", 5, [], "junk", "a.b.c", "\ud800", "x" * 50_000], ids=lambda x: repr(x)[:9])
async def test_a_site_token_that_is_none_is_401(relay: RunningEdge, token: object) -> None:
    answer = await relay.post(relay.beacon(token=token))
    assert answer.status_code == 401
    assert answer.json()["error"].startswith("token_")


async def test_an_identity_token_is_no_site_token(relay: RunningEdge) -> None:
    assert (await relay.post(relay.beacon(token=relay.login("u1")))).status_code == 401


async def test_a_revoked_site_token_is_401_and_a_new_one_is_taken() -> None:
    clock = FakeClock()
    not_before = str(clock.now_ms() // 1000 + 10)
    async with running_edge(clock=clock, site_tokens_not_before=not_before) as relay:
        answer = await relay.post(relay.beacon())
        assert (answer.status_code, answer.json()["error"]) == (401, "token_revoked")
        clock.advance(11)
        assert (await relay.post(relay.beacon())).status_code == 202


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
async def test_only_posts_are_taken(relay: RunningEdge, method: str) -> None:
    answer = await relay.http.request(method, f"{relay.url}/r/e", headers={"origin": ORIGIN})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("path", ["/", "/r", "/r/e/", "/r//e", "/e", "/r/x", "/metrics", "/r/../metrics", "/R/E"])
async def test_nothing_else_is_on_the_public_listener(relay: RunningEdge, path: str) -> None:
    answer = await relay.http.post(relay.url + path, content=b"")
    assert answer.status_code in (404, 405)
    assert {"error", "detail"} <= set(answer.json()) <= {"error", "detail", "field"}


async def test_a_body_of_the_largest_size_is_taken_and_one_byte_more_is_413(relay: RunningEdge) -> None:
    body = json.dumps(relay.beacon()).encode()
    assert (await relay.post(body.ljust(65536))).status_code == 202
    answer = await relay.post(body.ljust(65537))
    assert answer.status_code == 413
    assert answer.headers["access-control-allow-origin"] == ORIGIN


async def test_a_spool_without_room_is_503_and_not_ready() -> None:
    async with running_edge(spool_max_bytes=str(1 << 20)) as relay:
        big = [{"eventType": "V" * 256, "properties": {"a": "x" * 1000}} for _ in range(40)]
        for _ in range(100):
            answer = await relay.post(relay.beacon(*big))
            if answer.status_code == 503:
                break
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["error"] == "spool_full"
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        ready = await relay.http.get(f"{relay.url}/readyz")
        assert (ready.status_code, ready.json()["reasons"]) == (503, ["spool_full"])


async def test_rate_limits_count_events_by_session_and_by_address() -> None:
    clock = FakeClock()
    async with running_edge(clock=clock, rate_limit_session="1/s", rate_limit_ip="3/s") as relay:
        ten = [{"eventType": "View"}] * 10
        assert (await relay.post(relay.beacon(*ten))).status_code == 202
        answer = await relay.post(relay.beacon())
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "1"
        assert (await relay.post(relay.beacon(*ten, session="b" * 20))).status_code == 202
        by_address = await relay.post(relay.beacon(*ten, session="c" * 20))
        assert by_address.status_code == 429
        clock.advance(10)
        assert (await relay.post(relay.beacon(*ten))).status_code == 202


async def test_a_stranger_cannot_choose_the_address_that_is_limited() -> None:
    async with running_edge(
        clock=FakeClock(), rate_limit_ip="1/s", client_ip_header="X-Real-IP", trusted_proxies="10.0.0.0/8"
    ) as relay:
        statuses = {(await relay.post(relay.beacon(), x_real_ip=f"1.2.3.{number}")).status_code for number in range(12)}
        assert statuses == {202, 429}


async def test_clients_behind_a_trusted_proxy_are_told_apart() -> None:
    async with running_edge(
        clock=FakeClock(), rate_limit_ip="1/s", client_ip_header="X-Real-IP", trusted_proxies="127.0.0.0/8"
    ) as relay:
        statuses = {(await relay.post(relay.beacon(), x_real_ip=f"1.2.3.{number}")).status_code for number in range(12)}
        assert statuses == {202}


async def test_identity_from_a_cookie_needs_the_setting_and_an_origin() -> None:
    async with running_edge(identity_cookie="__Host-relay") as relay:
        cookie = f"other=1; __Host-relay={relay.login('u1')}"
        assert (await relay.post(relay.beacon(), cookie=cookie)).json()["identity"] == "ok"
        no_origin = await relay.post(relay.beacon(session="b" * 20), cookie=cookie, origin="")
        assert no_origin.json()["identity"] == "none"
        in_body = await relay.post(relay.beacon(session="c" * 20, identity="junk"), cookie=cookie)
        assert in_body.json()["identity"] == "invalid"
    async with running_edge() as relay:
        cookie = f"__Host-relay={relay.login('u1')}"
        assert (await relay.post(relay.beacon(), cookie=cookie)).json()["identity"] == "none"


async def test_metrics_are_on_the_admin_listener(relay: RunningEdge) -> None:
    await relay.send({"eventType": "View"}, {"eventType": ""}, lost={"outbox_full": 2, "<script>": 1})
    await relay.post(b"")
    text = (await relay.http.get(f"{relay.admin_url}/metrics")).text
    for line in (
        'relay_beacons_total{error="",status="202"} 1.0',
        'relay_beacons_total{error="not_json",status="400"} 1.0',
        "relay_events_accepted_total 1.0",
        "relay_events_pending 1.0",
        'relay_events_rejected_total{reason="empty"} 1.0',
        "relay_events_without_item_total 1.0",
        'relay_events_lost_total{reason="outbox_full"} 2.0',
        'relay_events_lost_total{reason="other"} 1.0',
        'relay_identities_total{result="none"} 1.0',
    ):
        assert line in text


async def test_a_beacon_of_a_prerendered_page_is_taken_like_any_other(relay: RunningEdge) -> None:
    answer = await relay.post(relay.beacon(), Sec_Purpose="prefetch;prerender")
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)


async def test_what_was_left_out_is_named_in_the_order_of_the_events_whoever_found_it() -> None:
    too_long = {"eventType": "Click", "itemId": "p1", "impression": ["x" * 256] * 5}
    bad_value = {"eventType": "Click", "itemId": "p1", "eventValue": "much"}
    async with running_edge() as edge:
        taken = await edge.send(too_long, bad_value, too_long, bad_value, seq="x")
        assert [(one.get("index"), one["field"]) for one in taken["dropped"]] == [
            (None, "seq"), (0, "impression"), (1, "eventValue"), (2, "impression"), (3, "eventValue"),
        ]  # fmt: skip
