"""`POST /api/v1/...`: what backends send, over real HTTP, up to the emulator."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest

from relay.core.clock import SystemClock
from relay.identity.tokens import ALL_SCOPES, IdentityClaims, Scope, ServerClaims, Tokens
from relay.spool.memory import MemorySpool
from tests.support.clock import FakeClock
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import KEY, SESSION, Client, RunningEdge, RunningRelay, running_edge, running_relay

ITEMS_ARN = "arn:aws:personalize:us-east-1:000000000000:dataset/demo/ITEMS"
USERS_ARN = "arn:aws:personalize:us-east-1:000000000000:dataset/demo/USERS"
ACTIONS_ID = "66666666-7777-4888-8999-000000000000"
"""The tracking id of a dataset of action interactions."""


async def call(relay: Client, path: str, body: Any, *scopes: Scope, token: str | None = None) -> httpx2.Response:
    claims = ServerClaims(relay.settings.site, scopes or ALL_SCOPES)
    bearer = token if token is not None else Tokens([KEY], clock=relay.clock).mint(claims)
    headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
    return await relay.http.post(f"{relay.url}/api/v1/{path}", json=body, headers=headers)


def actions(*entries: object) -> dict[str, Any]:
    """A request with these interactions with actions."""
    return {"trackingId": ACTIONS_ID, "actionInteractions": list(entries)}


@pytest.fixture
async def edge() -> AsyncGenerator[RunningEdge]:
    async with running_edge() as running:
        yield running


@pytest.fixture
async def emulator() -> AsyncGenerator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


@pytest.fixture
async def relay(emulator: RunningEmulator) -> AsyncGenerator[RunningRelay]:
    async with running_relay(env=emulator.env) as running:
        yield running


PATHS = ["events", "users", "items", "actions", "action-interactions", "identity", "erase", "allow"]
NEEDED: dict[str, Scope] = {
    "action-interactions": "events",
    "users": "records",
    "items": "records",
    "actions": "records",
}


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_goes_without_a_server_token_of_the_right_scope(edge: RunningEdge, path: str) -> None:
    for token in ("", "junk", edge.site_token, edge.login("u1")):
        answer = await call(edge, path, {}, token=token)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    needed = NEEDED.get(path, path)
    others = [scope for scope in ALL_SCOPES if scope != needed]
    answer = await call(edge, path, {}, *others)
    assert (answer.status_code, answer.json()["error"]) == (403, "scope")
    assert (await edge.http.get(f"{edge.url}/api/v1/{path}")).status_code == 405


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", [None, [], 5, {}, {"users": 5, "userId": [], "sessionId": "x"}], ids=repr)
async def test_what_is_no_request_is_400(edge: RunningEdge, path: str, body: object) -> None:
    answer = await call(edge, path, body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "detail", "field"}


@pytest.mark.parametrize("second", ["authorization", "content-type"])
async def test_no_second_line_of_a_header_hides_the_first(edge: RunningEdge, second: str) -> None:
    token = Tokens([KEY], clock=edge.clock).mint(ServerClaims(edge.settings.site, ALL_SCOPES))
    good = [("authorization", f"Bearer {token}"), ("content-type", "application/json")]
    url, body = f"{edge.url}/api/v1/identity", b'{"userId": "u1"}'
    assert (await edge.http.post(url, content=body, headers=good)).status_code == 200
    bad = [(second, "text/plain" if second == "content-type" else "Bearer x"), *good]
    assert (await edge.http.post(url, content=body, headers=bad)).status_code in (401, 415)


async def test_the_admin_listener_has_no_api(edge: RunningEdge) -> None:
    for path in PATHS:
        assert (await edge.http.post(f"{edge.admin_url}/api/v1/{path}", json={})).status_code in (401, 404)


async def test_a_backend_s_user_is_trusted_and_binds_the_session(
    relay: RunningRelay, emulator: RunningEmulator
) -> None:
    await relay.send({"eventType": "View", "itemId": "p1"})
    await relay.delivered()
    purchase = {"eventType": "Purchase", "itemId": "p1", "eventId": "order-1"}
    answer = await call(relay, "events", {"sessionId": SESSION, "userId": "u1", "eventList": [purchase, {"bad": 1}]})
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 1,
        "rejected": [{"index": 1, "reason": "missing_field", "field": "eventType"}],
        "identity": "ok",
    }
    await relay.send({"eventType": "View", "itemId": "p2"})
    await relay.delivered()
    assert [(one["itemId"], one.get("userId")) for one in emulator.events()] == [
        ("p1", None),
        ("p1", "u1"),
        ("p2", "u1"),
    ]


async def test_items_go_ten_a_call_and_bad_ones_alone_are_refused(
    relay: RunningRelay, emulator: RunningEmulator
) -> None:
    items: list[Any] = [{"itemId": f"p{number}", "properties": {"price": number}} for number in range(25)]
    items[3] = {"itemId": ""}
    arn = emulator.emulator.arn("dataset/demo/ITEMS")
    answer = await call(relay, "items", {"datasetArn": arn, "items": items})
    assert answer.json() == {"accepted": 24, "rejected": [{"index": 3, "reason": "empty", "field": "itemId"}]}
    await relay.delivered()
    calls = emulator.bodies("PutItems")
    assert max(len(one["items"]) for one in calls) == 10
    assert [item["itemId"] for one in calls for item in one["items"]] == [f"p{n}" for n in range(25) if n != 3]


async def test_a_user_without_properties_is_a_user(edge: RunningEdge) -> None:
    answer = await call(edge, "users", {"datasetArn": USERS_ARN, "users": [{"userId": "u1", "properties": "{}"}]})
    assert answer.json() == {"accepted": 1, "rejected": []}
    (record,) = await edge.records()
    assert (record.key.operation, record.key.target, record.body) == ("PutUsers", USERS_ARN, b'{"userId":"u1"}')


@pytest.mark.parametrize(
    ("entry", "reason", "field"),
    [
        (None, "bad_type", "items"),
        ({}, "missing_field", "itemId"),
        ({"itemId": None}, "missing_field", "itemId"),
        ({"itemId": True}, "bad_type", "itemId"),
        ({"itemId": "x" * 257}, "too_long", "itemId"),
        ({"itemId": "a\0"}, "bad_unicode", "itemId"),
        ({"itemId": "p", "properties": {"a": "x" * 32_000}}, "too_long", "properties"),
        ({"itemId": "p", "properties": []}, "bad_type", "properties"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_an_entry_past_a_limit_is_refused_with_the_reason(
    edge: RunningEdge, entry: object, reason: str, field: str
) -> None:
    answer = await call(edge, "items", {"datasetArn": ITEMS_ARN, "items": [entry, {"itemId": "good"}]})
    assert answer.json() == {"accepted": 1, "rejected": [{"index": 0, "reason": reason, "field": field}]}


async def test_long_lists_are_taken(edge: RunningEdge) -> None:
    items = [{"itemId": f"p{number}", "properties": {"a": "x" * 300}} for number in range(5000)]
    answer = await call(edge, "items", {"datasetArn": ITEMS_ARN, "items": items})
    assert answer.json() == {"accepted": 5000, "rejected": []}


@pytest.mark.parametrize("arn", ["", "x", "arn:aws:s3:::b", "arn:aws:personalize:us-east-1:1:event-tracker/x", 5])
async def test_only_the_arn_of_a_dataset_is_one(edge: RunningEdge, arn: object) -> None:
    assert (await call(edge, "items", {"datasetArn": arn, "items": []})).status_code == 400


async def test_action_interactions_keep_the_service_s_fields(edge: RunningEdge) -> None:
    one = {"actionId": "a1", "sessionId": SESSION, "eventType": "Taken", "timestamp": 1795312345, "userId": "u1"}
    bad = [{**one, "timestamp": "now"}, {**one, "actionId": None}, {"actionId": "a1"}]
    answer = await call(edge, "action-interactions", actions(one, *bad))
    assert answer.json()["accepted"] == 1
    assert [(entry["reason"], entry["field"]) for entry in answer.json()["rejected"]] == [
        ("bad_time", "timestamp"),
        ("missing_field", "actionId"),
        ("missing_field", "sessionId"),
    ]
    (record,) = await edge.records()
    assert (record.key.target, record.key.session_id, record.user_id) == (ACTIONS_ID, SESSION, "u1")
    assert b'"timestamp":1795312345' in record.body


async def test_identity_tokens_for_backends_without_itsdangerous(edge: RunningEdge) -> None:
    answer = await call(edge, "identity", {"userId": "u1", "sessionId": SESSION, "ttl": 60})
    assert answer.status_code == 200
    claims = edge.edge.tokens.identity(answer.json()["identity"])
    assert isinstance(claims, IdentityClaims)
    assert (claims.sub, claims.sid) == ("u1", SESSION)
    assert (await edge.send(identity=answer.json()["identity"]))["identity"] == "ok"
    for bad in ({"userId": "undefined"}, {"userId": "u", "ttl": 0}, {"userId": "u", "ttl": "x"}):
        assert (await call(edge, "identity", bad)).status_code == 400


async def test_an_erased_user_is_gone_and_stays_refused(edge: RunningEdge) -> None:
    token = edge.login("u1")
    await edge.send(*[{"eventType": "View"}] * 3, identity=token)
    await edge.send({"eventType": "View", "eventId": "other"}, session="b" * 20, identity=edge.login("u2"))
    answer = await call(edge, "erase", {"userId": "u1"})
    assert answer.json() == {"erased": 3}
    assert (await edge.send())["identity"] == "none"
    assert (await edge.send(identity=token))["identity"] == "invalid"
    refused = await call(edge, "events", {"sessionId": SESSION, "userId": "u1", "eventList": [{"eventType": "View"}]})
    assert refused.status_code == 403
    users = await call(edge, "users", {"datasetArn": USERS_ARN, "users": [{"userId": "u1"}]})
    assert users.json() == {"accepted": 0, "rejected": [{"index": 0, "reason": "erased", "field": "userId"}]}
    assert [record.user_id for record in await edge.records() if record.user_id] == ["u2"]
    assert (await call(edge, "erase", {"userId": "u1"})).json() == {"erased": 0}


async def test_an_erasure_survives_a_restart() -> None:
    clock = SystemClock()
    spool = MemorySpool(clock=clock, max_bytes=1 << 20)
    async with running_edge(clock=clock, spool=spool) as edge:
        await call(edge, "erase", {"userId": "u1"})
    async with running_edge(clock=clock, spool=spool) as edge:
        assert (await edge.send(identity=edge.login("u1")))["identity"] == "invalid"
        assert (await edge.send(identity=edge.login("u2")))["identity"] == "ok"


async def test_a_revoked_server_token_is_401() -> None:
    clock = FakeClock()
    async with running_edge(clock=clock, server_tokens_not_before=str(clock.now_ms() // 1000 + 1)) as edge:
        answer = await call(edge, "erase", {"userId": "u1"})
        assert (answer.status_code, answer.json()["error"]) == (401, "token_revoked")


async def test_a_body_past_the_limit_is_413_and_a_form_is_415(edge: RunningEdge) -> None:
    token = Tokens([KEY], clock=edge.clock).mint(ServerClaims("default", ALL_SCOPES))
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    large = await edge.http.post(f"{edge.url}/api/v1/items", content=b" " * ((8 << 20) + 1), headers=headers)
    assert large.status_code == 413
    form = await edge.http.post(
        f"{edge.url}/api/v1/items",
        content=b"a=b",
        headers={**headers, "content-type": "application/x-www-form-urlencoded"},
    )
    assert form.status_code == 415
