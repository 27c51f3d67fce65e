"""The admin listener: its page, its data, and that none of it is public."""

from collections.abc import AsyncGenerator

import pytest

from tests.support.relay import RunningEdge, running_edge


@pytest.fixture
async def relay() -> AsyncGenerator[RunningEdge]:
    async with running_edge() as running:
        yield running


@pytest.mark.parametrize("path", ["/", "/status.css", "/status.js", "/status.json"])
async def test_the_page_is_self_contained_and_not_public(relay: RunningEdge, path: str) -> None:
    answer = await relay.http.get(relay.admin_url + path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "//" not in answer.text.replace("// Shows status.json once a second.", "")
    assert "innerHTML" not in answer.text
    assert (await relay.http.get(relay.url + path)).status_code == 404


async def test_the_data_is_counts_only_and_balances(relay: RunningEdge) -> None:
    await relay.send(
        {"eventType": "View", "itemId": "secret-item"}, {"eventType": ""}, identity=relay.login("secret-user")
    )
    answer = await relay.http.get(f"{relay.admin_url}/status.json")
    data = answer.json()
    assert data["spool"]["accepted"] == data["spool"]["pending"] == 1
    assert data["rejected"] == {"empty": 1}
    assert data["beacons"] == {"202": 1}
    assert data["identities"] == {"ok": 1}
    assert data["readiness"] == {"ready": True, "reasons": [], "problems": []}
    assert "secret" not in answer.text
