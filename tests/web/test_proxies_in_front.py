"""A CDN or a load balancer in front: the secret it adds, and what is said when nobody has named it."""

import asyncio
import json

import pytest

from relay.cli.check.running import RunningRelaySays, look_at_running
from relay.core.errors import SettingsError
from relay.web.listener import bind
from relay.web.routes.proxy_secret import REMEMBER_S
from relay.web.routes.unseen_proxy import LOOK_AT
from tests.support.clock import FakeClock
from tests.support.relay import RunningEdge, make_settings, running_edge

OLD, NEW = "the-old-value-of-it", "the-new-value-of-it"
SECRET = f"X-From-CDN: {OLD}, {NEW}"


async def problems(relay: RunningEdge) -> list[str]:
    lines: list[str] = (await relay.http.get(f"{relay.admin_url}/readyz")).json()["problems"]
    return lines


@pytest.mark.parametrize("straight", [True, False], ids=["straight", "ASGI"])
async def test_without_the_proxy_s_secret_everything_is_503_but_health(straight: bool) -> None:
    async with running_edge(proxy_secret=SECRET, straight=straight) as relay:
        for wrong in ("", "x", OLD + "x", f"{OLD}, {NEW}"):
            answer = await relay.post(relay.beacon(), x_from_cdn=wrong)
            assert (answer.status_code, answer.json()["error"]) == (503, "not_through_proxy")
            assert answer.headers["retry-after"]
            assert answer.headers["access-control-allow-origin"], "the page can read it, and comes again"
        for path in ("/r/s.js", "/api/v1/events", "/nothing"):
            assert (await relay.http.get(relay.url + path)).status_code == 503
        for path in ("/healthz", "/readyz"):
            assert (await relay.http.get(relay.url + path)).status_code == 200
        for value in (OLD, NEW):
            assert (await relay.post(relay.beacon(), x_from_cdn=value)).status_code == 202
            assert (await relay.http.get(f"{relay.url}/r/s.js", headers={"X-FROM-cdn": value})).status_code == 200


async def test_readyz_says_that_requests_come_past_the_proxy_and_for_how_long() -> None:
    clock = FakeClock()
    async with running_edge(proxy_secret=SECRET, clock=clock) as relay:
        assert await problems(relay) == []
        await relay.post(relay.beacon())
        (line,) = await problems(relay)
        assert "RELAY_PROXY_SECRET" in line
        assert OLD not in line
        clock.advance(REMEMBER_S)
        assert await problems(relay) == []


@pytest.mark.parametrize(
    "text", ["just-a-value-of-it", "X-From-CDN:", "X-From-CDN: short", "X From: the-value-of-it-is"]
)
def test_a_secret_that_is_none_is_refused_at_the_start_and_not_shown(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        make_settings(proxy_secret=text)
    assert "RELAY_PROXY_SECRET" in str(refused.value)
    assert "short" not in str(refused.value)


async def test_a_proxy_that_nobody_has_named_is_said_loudly(caplog: pytest.LogCaptureFixture) -> None:
    async with running_edge(rate_limit_ip="1000/s") as relay:
        for number in range(LOOK_AT):
            await relay.post(relay.beacon(), x_forwarded_for=f"203.0.113.{number % 250}")
        (line,) = await problems(relay)
        assert "RELAY_TRUSTED_PROXIES" in line
        assert "x-forwarded-for" in line
        assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [line]
        for _ in range(LOOK_AT):
            await relay.post(relay.beacon(), x_forwarded_for="203.0.113.7")
        assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1, "once, while it lasts"
        port = relay.admin_url.rpartition(":")[2]
        warnings = (await asyncio.to_thread(look_at_running, make_settings(admin_port=port))).warnings
        assert warnings == [f"the running relay: {line}"], "which `check` prints"


async def test_check_says_nothing_of_a_relay_that_does_not_run() -> None:
    with bind("127.0.0.1", 0, variable="RELAY_ADMIN_PORT") as free:
        port = str(free.getsockname()[1])
    assert look_at_running(make_settings(admin_port=port)) == RunningRelaySays()


async def test_a_few_with_such_a_header_are_nothing() -> None:
    async with running_edge() as relay:
        for number in range(LOOK_AT):
            await relay.post(relay.beacon(), x_forwarded_for="203.0.113.1" if number % 2 else "")
        assert await problems(relay) == []


async def test_trusting_every_address_is_said() -> None:
    async with running_edge(client_ip_header="X-Forwarded-For", trusted_proxies="0.0.0.0/0") as relay:
        (line,) = await problems(relay)
        assert "trusts every address" in line


async def test_forwarded_is_understood() -> None:
    async with running_edge(
        client_ip_header="Forwarded", trusted_proxies="127.0.0.0/8", rate_limit_ip="1/s", clock=FakeClock()
    ) as relay:
        for last in range(30):
            element = f'for="198.51.100.{last}:4711";proto=https;by=_x, For=127.0.0.1'
            assert (await relay.post(relay.beacon(), forwarded=element)).status_code == 202
        statuses = {(await relay.post(relay.beacon(), forwarded='for="[2001:db8::1]"')).status_code for _ in range(30)}
        assert statuses == {202, 429}


async def test_two_lines_of_the_address_header_are_read_as_one_from_the_right() -> None:
    async with running_edge(
        client_ip_header="X-Forwarded-For", trusted_proxies="127.0.0.0/8", rate_limit_ip="1/s", clock=FakeClock()
    ) as relay:
        statuses = set()
        for last in range(30):
            headers = [
                ("origin", relay.settings.all_sites()["default"].allowed_origins[0]),
                ("x-forwarded-for", f"203.0.113.{last}"),  # what the client made up
                ("x-forwarded-for", "198.51.100.7"),  # what the proxy added
            ]
            answer = await relay.http.post(f"{relay.url}/r/e", content=json.dumps(relay.beacon()), headers=headers)
            statuses.add(answer.status_code)
        assert statuses == {202, 429}
