"""The admin listener: its pages, their data, and that none of it is public."""

from collections.abc import AsyncGenerator

import pytest

from tests.support.relay import RunningEdge, running_edge

PAGES = ("/", "/events", "/sessions", "/refusals", "/lists", "/losses", "/properties", "/buried", "/words")
FILES = ("/relay.css", "/age.js", "/refresh.js", "/tail.js", "/status.json")
JSON = {"accept": "application/json"}


@pytest.fixture
async def relay() -> AsyncGenerator[RunningEdge]:
    async with running_edge() as running:
        yield running


@pytest.mark.parametrize("path", PAGES + FILES)
async def test_a_page_is_self_contained_and_not_public(relay: RunningEdge, path: str) -> None:
    answer = await relay.http.get(relay.admin_url + path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert "innerHTML" not in answer.text
    assert " style=" not in answer.text
    assert (await relay.http.get(relay.url + path)).status_code == 404


@pytest.mark.parametrize("path", PAGES)
async def test_each_page_is_json_too_and_says_as_of_when(relay: RunningEdge, path: str) -> None:
    answer = await relay.http.get(relay.admin_url + path, headers=JSON)
    assert answer.headers["content-type"] == "application/json"
    assert abs(answer.json()["atMs"] - relay.clock.now_ms()) < 60_000


@pytest.mark.parametrize("path", ["/status.json", "/"])
async def test_the_data_is_counts_only_and_balances(relay: RunningEdge, path: str) -> None:
    await relay.send(
        {"eventType": "View", "itemId": "secret-item"}, {"eventType": ""}, identity=relay.login("secret-user")
    )
    answer = await relay.http.get(relay.admin_url + path, headers=JSON)
    data = answer.json()
    assert data["spool"]["accepted"] == data["spool"]["pending"] == 1
    assert data["rejected"] == {"empty": 1}
    assert data["beacons"] == {"202": 1}
    assert data["identities"] == {"ok": 1}
    assert data["readiness"] == {"ready": True, "reasons": [], "problems": []}
    assert "secret" not in answer.text


async def test_what_is_since_the_spool_was_made_and_since_the_start_is_told_apart(relay: RunningEdge) -> None:
    await relay.send()
    data = (await relay.http.get(relay.admin_url, headers=JSON)).json()
    assert (data["spool"]["accepted"], data["sinceStart"]["accepted"], data["lastHour"]["ledger"]["accepted"]) == (
        1,
        1,
        1,
    )
    page = (await relay.http.get(relay.admin_url)).text
    assert "since the start" in page
    assert "since the spool was made" in page
