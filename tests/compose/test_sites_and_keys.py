"""Several sites on one relay, and keys that rotate under them."""

from pathlib import Path

import pytest

from relay.core.clock import SystemClock
from relay.identity.tokens import SiteClaims, Tokens, mint_identity
from relay.spool.memory import MemorySpool
from relay.spool.sqlite.spool import SqliteSpool
from tests.support.emulator import TRACKING_ID
from tests.support.relay import KEY, ORIGIN, running_edge, running_relay, until

BOOKS = """
[sites.books]
tracking_id = "books-tracker"
allowed_origins = ["https://books.example"]
event_types = ["Read"]
"""


async def test_each_site_has_its_own_tracker_origins_and_event_types(tmp_path: Path) -> None:
    config = tmp_path / "relay.toml"
    config.write_text(BOOKS)
    async with running_edge(config=config) as relay:
        books = Tokens([KEY], clock=relay.clock).mint(SiteClaims("books"))
        read = {"eventType": "Read"}
        ok = await relay.post(relay.beacon(read, {"eventType": "View"}, token=books), origin="https://books.example")
        assert ok.json()["accepted"] == 1
        assert ok.json()["rejected"] == [{"index": 1, "reason": "unknown_event_type", "field": "eventType"}]
        assert (await relay.post(relay.beacon(read, token=books), origin=ORIGIN)).status_code == 403
        assert (await relay.post(relay.beacon(read), origin="https://books.example")).status_code == 403
        unknown = Tokens([KEY], clock=relay.clock).mint(SiteClaims("gone"))
        assert (await relay.post(relay.beacon(read, token=unknown))).status_code == 401
        await relay.send(read)
        assert {record.key.target for record in await relay.records()} == {"books-tracker", TRACKING_ID}


async def test_a_user_of_one_site_is_nobody_on_another(tmp_path: Path) -> None:
    config = tmp_path / "relay.toml"
    config.write_text(BOOKS)
    async with running_edge(config=config) as relay:
        books = Tokens([KEY], clock=relay.clock).mint(SiteClaims("books"))
        await relay.send({"eventType": "View"}, identity=relay.login("u1"))
        await relay.post(relay.beacon({"eventType": "Read"}, token=books), origin="https://books.example")
        users = {record.key.target: record.user_id for record in await relay.records()}
        assert users == {TRACKING_ID: "u1", "books-tracker": None}


@pytest.mark.parametrize("durable", [False, True])
async def test_a_login_on_one_site_gives_nothing_that_waits_on_another_its_user(tmp_path: Path, durable: bool) -> None:
    config = tmp_path / "relay.toml"
    config.write_text(BOOKS)
    clock = SystemClock()
    memory = MemorySpool(clock=clock, max_bytes=1 << 24)
    async with (
        SqliteSpool(tmp_path / "spool.db", clock=clock, max_bytes=1 << 24) if durable else memory as spool,
        running_edge(config=config, spool=spool, clock=clock) as relay,
    ):
        books = Tokens([KEY], clock=clock).mint(SiteClaims("books"))
        await relay.send({"eventType": "View"})
        answer = await relay.post(relay.beacon({"eventType": "Read"}, token=books), origin="https://books.example")
        assert answer.status_code == 202
        await relay.post(
            relay.beacon(token=books, eventList=[], identity=relay.login("u1")), origin="https://books.example"
        )
        users = {record.key.target: record.user_id for record in await relay.records()}
        assert users == {TRACKING_ID: None, "books-tracker": "u1"}


async def test_a_site_lingers_by_its_own_measure_and_a_stop_ends_it(tmp_path: Path) -> None:
    config, calls = tmp_path / "relay.toml", tmp_path / "calls.jsonl"
    config.write_text(f"{BOOKS}linger_s = 30\n")
    async with running_relay(config=config, sink=f"jsonl:{calls}") as relay:
        books = Tokens([KEY], clock=relay.clock).mint(SiteClaims("books"))
        answer = await relay.post(relay.beacon({"eventType": "Read"}, token=books), origin="https://books.example")
        assert answer.status_code == 202
        await relay.send({"eventType": "View"})
        await until(lambda: relay.relay.edge.spool.stats().delivered == 1)
        assert "books-tracker" not in calls.read_text()
    assert "books-tracker" in calls.read_text()


async def test_keys_rotate_without_a_401_when_relays_go_first() -> None:
    clock = SystemClock()
    spool = MemorySpool(clock=clock, max_bytes=1 << 24)
    old, new = KEY, "the-next-key-" * 3
    page_token = Tokens([old], clock=clock).mint(SiteClaims("default"))
    signing = old
    # 1. relays learn the new key, 2. relays and backends sign with it, 3. pages get tokens of it, 4. the old one goes
    for number, (keys, moves_on) in enumerate(
        [([old], None), ([old, new], None), ([new, old], "backend"), ([new, old], "page"), ([new], None)]
    ):
        if moves_on == "backend":
            signing = new
        if moves_on == "page":
            page_token = Tokens(keys, clock=clock).mint(SiteClaims("default"))
        async with running_edge(clock=clock, spool=spool, secret_keys=",".join(keys)) as relay:
            answer = await relay.post(
                relay.beacon(
                    {"eventType": "View", "eventId": f"e{number}"},
                    token=page_token,
                    identity=mint_identity("u1", secret_key=signing, clock=clock),
                )
            )
            assert (answer.status_code, answer.json()["identity"]) == (202, "ok"), keys
    async with running_edge(clock=clock, spool=spool, secret_keys=new) as relay:
        forged = Tokens([old], clock=clock).mint(SiteClaims("default"))
        assert (await relay.post(relay.beacon(token=forged))).status_code == 401
        assert {record.user_id for record in await relay.records()} == {"u1"}
