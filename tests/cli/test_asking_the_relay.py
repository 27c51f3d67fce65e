"""`session`, `refusals`, `lists` and `held` as processes, beside a relay at work."""

import json
from pathlib import Path

import pytest

from tests.cli.test_serve import run
from tests.support.relay import SESSION, relay_environ, running_relay

pytestmark = pytest.mark.process


async def test_they_show_what_the_pages_show(tmp_path: Path) -> None:
    env = relay_environ()
    async with running_relay(spool_url=f"sqlite:///{tmp_path}/s.db", sink=f"jsonl:{tmp_path}/out") as relay:
        event = {"eventId": "e1", "eventType": "Click", "itemId": "p1", "eventValue": "much",
                 "metricAttribution": {"eventAttributionSource": "home-top"}}  # fmt: skip
        await relay.send(event, identity=relay.login("anna"))
        await relay.delivered()
        at = ("--admin", relay.admin_url)
        code, out, _ = await run("session", SESSION, *at, **env)
        assert code == 0
        assert "e1" in out
        assert "eventValue (bad_number)" in out
        assert "delivered" in out
        code, out, _ = await run("refusals", "--json", *at, **env)
        assert [one["reason"] for one in json.loads(out)["refusals"]] == ["bad_number"]
        code, out, _ = await run("lists", *at, **env)
        assert "home-top" in out
        code, out, _ = await run("held", "--user", "anna", "--json", *at, **env)
        assert json.loads(out)["sessions"] == [SESSION]
        code, _, err = await run("session", "nobody-knows-this-one", *at, **env)
        assert code == 1
        assert "Nothing is known" in err


async def test_without_a_relay_they_say_where_they_looked() -> None:
    env = relay_environ(admin_port="1")
    code, _, err = await run("refusals", **env)
    assert code == 1
    assert "http://127.0.0.1:1 cannot be asked" in err
    assert "RELAY_ADMIN_PORT" in err


async def test_without_keys_a_person_is_not_asked_about(tmp_path: Path) -> None:
    async with running_relay(spool_url=f"sqlite:///{tmp_path}/s.db", sink=f"jsonl:{tmp_path}/out") as relay:
        code, _, err = await run("held", "--user", "anna", "--admin", relay.admin_url)
        assert code == 1
        assert "RELAY_SECRET_KEYS" in err
