"""The relay inside other people's applications."""

import json
from pathlib import Path

import httpx2
import pytest

from examples.embed.app import create_app as create_host_app
from relay import RelayError, create_app, open_edge
from relay.core.clock import SystemClock
from relay.tokens import SiteClaims, Tokens
from tests.support.http_server import serving
from tests.support.relay import KEY, ORIGIN, make_settings, relay_environ


def beacon(item: str) -> str:
    token = Tokens([KEY], clock=SystemClock()).mint(SiteClaims("default"))
    return json.dumps(
        {"v": 1, "token": token, "sessionId": "s" * 20, "eventList": [{"eventType": "View", "itemId": item}]}
    )


async def test_the_application_runs_under_any_server_and_drains_at_the_end(tmp_path: Path) -> None:
    settings = make_settings(sink=f"jsonl:{tmp_path / 'calls'}", spool_url=f"sqlite:///{tmp_path / 'spool.db'}")
    async with serving(create_app(lambda: open_edge(settings))) as url, httpx2.AsyncClient() as http:
        answer = await http.post(f"{url}/r/e", content=beacon("p1"), headers={"origin": ORIGIN})
        assert answer.status_code == 202
        assert (await http.get(f"{url}/readyz")).status_code == 200
    assert '"itemId":"p1"' in (tmp_path / "calls").read_text()


async def test_a_sink_that_cannot_be_opened_leaves_the_spool_to_the_next_try(tmp_path: Path) -> None:
    spool_url = f"sqlite:///{tmp_path / 'spool.db'}"
    with pytest.raises(RelayError, match="cannot write"):
        async with open_edge(make_settings(sink=f"jsonl:{tmp_path / 'no' / 'folder'}", spool_url=spool_url)):
            pass
    async with open_edge(make_settings(sink=f"jsonl:{tmp_path / 'calls'}", spool_url=spool_url)) as edge:
        assert edge.readiness.report().ready


async def test_the_example_serves_the_host_and_the_relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in relay_environ(sink=f"jsonl:{tmp_path / 'calls'}").items():
        monkeypatch.setenv(name, value)
    async with serving(create_host_app()) as url, httpx2.AsyncClient() as http:
        assert (await http.get(url)).text == "your application"
        assert (await http.get(f"{url}/r/s.js")).status_code == 200
        answer = await http.post(f"{url}/r/e", content=beacon("p2"), headers={"origin": ORIGIN})
        assert answer.status_code == 202
    assert '"itemId":"p2"' in (tmp_path / "calls").read_text()
