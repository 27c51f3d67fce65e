"""The admin listener: its pages, their data, and that none of it is public."""

import re
from collections.abc import AsyncGenerator

import pytest

from relay.core.errors import SpoolFullError
from relay.insight.remedies import REMEDIES
from relay.web.admin.live_page import chart
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


async def test_a_problem_is_told_with_what_it_means_and_what_to_do(relay: RunningEdge) -> None:
    relay.edge.readiness.spool_refused(SpoolFullError("full"))
    page = (await relay.http.get(relay.admin_url)).text
    assert '<a href="/words#spool_full">spool_full</a>' in page
    assert REMEDIES["spool_full"].do in page
    assert 'id="spool_full"' in (await relay.http.get(f"{relay.admin_url}/words")).text


async def test_every_total_leads_to_what_it_means(relay: RunningEdge) -> None:
    page = (await relay.http.get(relay.admin_url)).text
    words = (await relay.http.get(f"{relay.admin_url}/words")).text
    for name in ("accepted", "pending", "delivered", "buried", "erased"):
        assert f'<dt><a href="/words#{name}">' in page
        assert f'id="{name}"' in words


def test_the_chart_is_told_in_words_beside_it() -> None:
    drawn = chart([(1000, 10, 0), (2000, 14, 3), (3000, 0, 0), (4000, 2, 1)])
    said = " ".join(re.sub(r"<[^>]*>", " ", drawn).split())
    assert said == "Accepted 2 a second now. Delivered 1 a second now. At most 4 a second in the last two minutes."
    assert 'aria-hidden="true"><polyline' in drawn
    assert "-" not in drawn.partition('points="')[2].partition('"')[0], "a counter that begins anew is no negative rate"


async def test_the_tail_says_whose_it_is_and_that_it_is_a_sample(relay: RunningEdge) -> None:
    many = [{"eventType": "View", "itemId": f"p{number}"} for number in range(450)]
    await relay.send(*many)
    await relay.send(*many, session="another-session-0123456789")
    page = (await relay.http.get(f"{relay.admin_url}/events")).text
    assert "of this relay, if there are several" in page
    data = (await relay.http.get(f"{relay.admin_url}/events", headers=JSON)).json()
    assert data["leftOut"] >= 450 - 200
    assert f'{data["leftOut"]:,} events were left out: it is <a href="/words#sampled">sampled</a>' in page


async def test_pages_that_ask_for_an_unknown_snippet_are_a_refusal(relay: RunningEdge) -> None:
    hash_ = "0123456789abcdef"
    for origin in ("https://shop.example", "https://other.example"):
        answer = await relay.http.get(f"{relay.url}/r/s.{hash_}.js", headers={"origin": origin})
        assert answer.status_code == 404
    rows = (await relay.http.get(f"{relay.admin_url}/refusals", headers=JSON)).json()["refusals"]
    assert {(row["what"], row["reason"], row["origin"], row["trusted"]) for row in rows} == {
        ("snippet", "unknown_snippet", "https://shop.example", True),
        ("snippet", "unknown_snippet", "https://other.example", False),
    }
