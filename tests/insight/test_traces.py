"""`RELAY_TRACE=otlp`: a span a beacon, linked to the call it left in, at a real receiver of the protocol."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.insight.otlp import attributes, receiving
from tests.support.browser import until
from tests.support.emulator import running_emulator
from tests.support.relay import make_settings, running_relay


async def test_a_beacon_is_a_span_and_the_call_it_left_in_has_a_link_to_it() -> None:
    async with receiving() as receiver, running_emulator(state_seconds=0) as emulator:
        settings = {"trace": "otlp", "tracking_id": emulator.tracking_id}
        async with running_relay(env={**emulator.env, **receiver.env}, **settings) as relay:
            await relay.send({"eventType": "View", "itemId": "p1"}, {"eventType": "Click", "itemId": 1.5})
            await relay.delivered()
            await relay.send(session="another-session-0123456789")
            await relay.delivered()
    beacons, calls = receiver.named("beacon"), receiver.named("PutEvents")
    assert [(len(call.links), call.kind) for call in calls] == [(1, Span.SPAN_KIND_CLIENT)] * 2
    assert [call.links[0].span_id for call in calls] == [beacon.span_id for beacon in beacons]
    said = attributes(beacons[0])
    assert (said["relay.accepted"], said["relay.rejected"], said["http.response.status_code"]) == (1, 1, 202)
    assert attributes(calls[0])["aws.request_id"]
    assert attributes(calls[0])["relay.outcome"] == "delivered"
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano > 0 for span in receiver.spans)
    assert receiver.services == {"personalize-relay"}


async def test_a_refused_beacon_says_why_and_nothing_of_a_person_is_in_any_span() -> None:
    async with receiving() as receiver, running_emulator(state_seconds=0) as emulator:
        settings = {"trace": "otlp", "tracking_id": emulator.tracking_id}
        env = {**emulator.env, **receiver.env, "OTEL_SERVICE_NAME": "shop-relay"}
        async with running_relay(env=env, **settings) as relay:
            token = relay.login("canary-user")
            await relay.send(
                {"eventType": "View", "itemId": "p1", "properties": {"note": "canary-property"}, "canary_name": 1},
                identity=token,
            )
            await relay.delivered()
            answer = await relay.post(relay.beacon() | {"token": "canary.to.ken"})
            assert answer.status_code == 401
            site_token = relay.site_token
    [refused] = [one for one in receiver.named("beacon") if attributes(one)["http.response.status_code"] == 401]
    assert attributes(refused)["error.type"] == "token_malformed"
    for canary in ("canary", token, site_token, site_token.partition(".")[0]):
        assert canary.encode() not in receiver.raw
    assert receiver.services == {"shop-relay"}


async def test_a_call_that_is_tried_again_links_to_its_beacon_every_time() -> None:
    async with (
        receiving() as receiver,
        running_emulator(state_seconds=0) as emulator,
        running_relay(env={**emulator.env, **receiver.env}, trace="otlp", tracking_id=emulator.tracking_id) as relay,
    ):
        await relay.http.put(f"{emulator.url}/_emulator/faults", json={"throttling": 1})
        await relay.send()
        await until(lambda: throttled(relay.http, emulator.url))
        await relay.http.put(f"{emulator.url}/_emulator/faults", json={})
        await relay.delivered()
    [beacon] = receiver.named("beacon")
    outcomes = [attributes(call)["relay.outcome"] for call in receiver.named("PutEvents")]
    assert outcomes[0] == "throttled"
    assert outcomes[-1] == "delivered"
    assert {call.links[0].span_id for call in receiver.named("PutEvents")} == {beacon.span_id}


async def throttled(http: Any, url: str) -> bool:
    """Whether a call was."""
    return bool((await http.get(f"{url}/_emulator/faults")).json()["struck"].get("throttling"))


async def test_a_collector_that_is_not_there_costs_no_event_and_holds_up_no_exit() -> None:
    async with running_emulator(state_seconds=0) as emulator, asyncio.timeout(60):
        env = {**emulator.env, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
        async with running_relay(env=env, trace="otlp", tracking_id=emulator.tracking_id) as relay:
            await relay.send()
            await relay.delivered()
        assert len(emulator.events()) == 1


def test_any_other_kind_of_traces_is_refused_at_the_start() -> None:
    with pytest.raises(Exception, match="RELAY_TRACE"):
        make_settings(None, trace="zipkin")


def test_without_it_the_library_is_not_even_read() -> None:
    code = "import relay.compose.relay, relay.cli, sys; sys.exit('opentelemetry' in str(list(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
