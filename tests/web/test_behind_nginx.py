"""A real nginx in front, with the documented file: what it keeps, passes on and keeps out; and nothing is lost."""

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.nginx import nginx_before
from tests.support.raw_http import connected, request
from tests.support.relay import RunningEdge, running_edge, until

pytestmark = pytest.mark.process


@pytest.fixture
async def relay() -> AsyncGenerator[RunningEdge]:
    async with running_edge(client_ip_header="X-Forwarded-For", trusted_proxies="127.0.0.1,::1") as running:
        yield running


@pytest.fixture
async def front(relay: RunningEdge, tmp_path: Path) -> AsyncGenerator[RunningEdge]:
    """The relay, reached through nginx."""
    async with nginx_before(relay.url, tmp_path) as url:
        yield replace(relay, url=url)


async def test_a_beacon_and_its_preflight_get_through(front: RunningEdge) -> None:
    answer = await front.post(front.beacon())
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"]
    preflight = await front.http.options(f"{front.url}/r/e", headers={"origin": "https://shop.example"})
    assert preflight.status_code == 204


async def test_a_413_of_the_relay_s_can_be_read_by_the_page(front: RunningEdge) -> None:
    answer = await front.post(b"x" * 70_000)
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")
    assert answer.headers["access-control-allow-origin"]


async def test_the_snippet_is_kept_each_encoding_by_itself(tmp_path: Path) -> None:
    async with running_edge() as relay, nginx_before(relay.url, tmp_path) as url:
        path = f"{url}/r/s.js"
        plain, packed = {"accept-encoding": "identity"}, {"accept-encoding": "gzip"}
        kept = []
        for headers in (plain, plain, packed, packed):
            answer = await relay.http.get(path, headers=headers)
            kept.append(answer.headers["x-cache-status"])
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.headers.get("content-encoding", "identity") == headers["accept-encoding"]
        assert kept == ["MISS", "HIT", "MISS", "HIT"]
        posted = await relay.http.post(path)
        assert posted.status_code == 405


async def test_a_made_up_address_is_no_way_around_the_rate_limit(tmp_path: Path) -> None:
    async with (
        running_edge(client_ip_header="X-Forwarded-For", trusted_proxies="127.0.0.1,::1", rate_limit_ip="1/s") as relay,
        nginx_before(relay.url, tmp_path) as url,
    ):
        front = replace(relay, url=url)
        statuses = [
            (await front.post(front.beacon(), x_forwarded_for=f"203.0.113.{number}")).status_code
            for number in range(20)
        ]
        assert 429 in statuses


async def test_trailers_are_nobody_s_headers(front: RunningEdge) -> None:
    body = json.dumps(front.beacon()).encode()
    head = b"POST /r/e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with connected(front) as client:
        await client.say(head + b"%x\r\n%b\r\n0\r\nOrigin: https://evil.example\r\n\r\n" % (len(body), body))
        status, lines, _ = await client.whole_answer()
    assert status == 202
    assert not any(b"evil" in line for line in lines)


async def test_who_leaves_before_the_answer_and_sends_again_counts_once(front: RunningEdge, relay: RunningEdge) -> None:
    for number in range(10):
        event = {"eventType": "View", "eventId": f"the-same-{number}"}
        body = json.dumps(front.beacon(event)).encode()
        async with connected(front) as client:
            await client.say(request(front, body))  # nginx notes a 499, and may or may not have passed it on
        answer = await front.post(body)
        assert answer.status_code == 202
        await until(lambda: relay.spool.stats().accepted == number + 1)  # noqa: B023 - awaited within the round


async def test_while_the_relay_is_away_the_page_is_told_to_come_again_and_nothing_counts_twice(tmp_path: Path) -> None:
    async with running_edge() as away:
        beacon = json.dumps(away.beacon({"eventType": "View", "eventId": "the-same"})).encode()
        url = away.url
    async with nginx_before(url, tmp_path) as front_url, running_edge() as other:
        answer = await other.http.post(f"{front_url}/r/e", content=beacon)
        assert answer.status_code == 502
        assert answer.headers["content-type"] != "application/json", (
            "no word of the relay's, so the snippet tries again"
        )


@pytest.mark.parametrize(
    ("path", "status"), [("/metrics", 404), ("/readyz", 404), ("/", 404), ("/api/v1/events", 403), ("/r/nothing", 404)]
)
async def test_what_is_not_for_strangers_stays_inside(front: RunningEdge, path: str, status: int) -> None:
    assert (await front.http.get(front.url + path)).status_code == status


async def test_many_beacons_through_it_are_all_there(front: RunningEdge, relay: RunningEdge) -> None:
    for number in range(200):
        assert (await front.post(front.beacon(session=f"0123456789abcdef{number}"))).status_code == 202
    assert relay.spool.stats().accepted == 200
