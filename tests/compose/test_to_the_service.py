"""From the page's POST to PutEvents: a whole relay over HTTP against the emulator over HTTP."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import SESSION, RunningRelay, running_relay


@pytest.fixture
async def emulator() -> AsyncGenerator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


@pytest.fixture
async def relay(emulator: RunningEmulator) -> AsyncGenerator[RunningRelay]:
    async with running_relay(env=emulator.env) as running:
        yield running


async def test_a_click_arrives_as_it_happened(relay: RunningRelay, emulator: RunningEmulator) -> None:
    event: dict[str, object] = {
        "eventId": "e1",
        "eventType": "Click",
        "itemId": "p1",
        "sentAt": relay.clock.now_ms() - 3000,
        "eventValue": 19.9,
        "properties": {"price": 19.9},
        "recommendationId": "RID-1",
        "impression": ["p1", "p2"],
        "metricAttribution": {"eventAttributionSource": "home-top"},
    }
    await relay.send(event)
    await relay.delivered()
    (call,) = emulator.bodies()
    assert (call["sessionId"], call["trackingId"]) == (SESSION, emulator.tracking_id)
    assert "userId" not in call
    (sent,) = call["eventList"]
    assert sent.pop("sentAt") == pytest.approx(relay.clock.now_ms() / 1000 - 3, abs=3)
    del event["sentAt"]
    assert sent == event | {"properties": '{"price":19.9}'}


async def test_calls_never_mix_sessions_or_users_and_hold_at_most_ten(
    relay: RunningRelay, emulator: RunningEmulator
) -> None:
    sessions = [f"session-{number:08}" for number in range(5)]
    for session in sessions:
        many = [{"eventType": "View", "itemId": f"{session}.{number}"} for number in range(25)]
        await relay.send(*many, session=session)
    await relay.delivered()
    calls = emulator.bodies()
    assert all(len(call["eventList"]) <= 10 for call in calls)
    assert all(event["itemId"].startswith(call["sessionId"]) for call in calls for event in call["eventList"])
    for session in sessions:
        items = [event["itemId"] for event in emulator.events() if event["sessionId"] == session]
        assert items == [f"{session}.{number}" for number in range(25)]


async def test_after_login_the_user_goes_with_every_event_and_never_before(
    relay: RunningRelay, emulator: RunningEmulator
) -> None:
    await relay.send({"eventType": "View", "itemId": "anonymous"})
    await relay.delivered()
    await relay.send({"eventType": "View", "itemId": "login"}, identity=relay.login("u1"))
    await relay.send({"eventType": "View", "itemId": "after"})
    await relay.delivered()
    assert [(event["itemId"], event.get("userId")) for event in emulator.events()] == [
        ("anonymous", None),
        ("login", "u1"),
        ("after", "u1"),
    ]


async def test_the_ledger_balances_and_metrics_show_it(relay: RunningRelay, emulator: RunningEmulator) -> None:
    await relay.send(*[{"eventType": "View", "itemId": "p"}] * 30)
    await relay.delivered()
    text = (await relay.http.get(f"{relay.admin_url}/metrics")).text
    assert "relay_events_accepted_total 30.0" in text
    assert "relay_events_delivered_total 30.0" in text
    assert "relay_events_pending 0.0" in text
    assert f'relay_put_events_calls_total{{outcome="delivered"}} {len(emulator.bodies())}.0' in text


async def test_a_file_can_stand_in_for_the_service(tmp_path: Path) -> None:
    async with running_relay(sink=f"jsonl:{tmp_path / 'calls.jsonl'}") as relay:
        await relay.send({"eventType": "View", "itemId": "p1"})
        await relay.delivered()
    assert '"itemId":"p1"' in (tmp_path / "calls.jsonl").read_text()
