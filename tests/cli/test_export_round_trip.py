"""What `spool export --csv --ids` writes, `put interactions` takes: every event that could be delivered, as it is."""

import csv
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_serve import run
from tests.support.emulator import TRACKING_ID, running_emulator
from tests.support.relay import served_relay, until

pytestmark = pytest.mark.process

DIFFICULT: list[dict[str, Any]] = [
    {"itemId": "p1", "properties": {"itemId": "other", "eventValue": 5, "eventId": "mine", "price": 1, "PRICE": 2}},
    {"properties": {"itemId": "amplify", "eventValue": "2.5"}},
    {"properties": {"itemId": 42}},
    {"properties": {"sessionID2": "x", "SESSION_ID ": "y", "properties": {"deep": [1, {"a": None}]}}},
    {"itemId": "p|1", "impression": ["p|1", "p2", "[p3]"]},
    {"itemId": "[1]", "impression": ["[1]", "2"]},
    {"itemId": 'q"u,o\nt\re;', "properties": {"note": "a\r\nb", "ü": "ß€\U0001f34c", "big": 12345678901234567}},
    {"itemId": "=1+1", "eventValue": 1e-7, "recommendationId": "RID-1", "properties": {"": "no name"}},
    {"itemId": "p4", "eventValue": 3, "metricAttribution": {"eventAttributionSource": "home; top, 'x'"}},
    {"itemId": "NULL", "impression": ["x" * 39] * 25},
    {"itemId": " p5 ", "properties": '{"price": 1.50, "price2": "1,5"}'},
    {},
]


def made_up(rng: random.Random, number: int) -> dict[str, Any]:
    """An event of any fields, with names and values that could be mistaken for others."""
    names = ["itemId", "ITEM_ID", "eventValue", "eventId", "price", "PRICE", "Price", "a b", "USER", "PROPERTIES", "x"]
    values: list[Any] = ["", "1", 1, 1.5, None, True, "a|b", "[1]", "{", '"', ",", "\n", ["x"], {"y": 1}, "NaN", "\\N"]
    event: dict[str, Any] = {"eventType": rng.choice(["View", "a,b", "Ünï"]), "eventId": f"made-up-{number}"}
    if rng.random() < 0.7:
        event["itemId"] = rng.choice(["p1", "p|2", "[3]", "4", "ä", "p 5", '"', "'"])
    if rng.random() < 0.3:
        event["impression"] = [rng.choice(["p1", "p|2", "[3]", "]"]) for _ in range(rng.randrange(1, 4))]
    if rng.random() < 0.3:
        event["eventValue"] = rng.choice([0, 1.25, -3e-9, 1e30])
    if rng.random() < 0.8:
        event["properties"] = {rng.choice(names): rng.choice(values) for _ in range(rng.randrange(1, 4))}
    return event


def lifted(event: dict[str, Any]) -> dict[str, Any]:
    """The event with the item and the value it has among its properties only, as the file has them."""
    properties = json.loads(event.get("properties", "{}"))
    item, value = properties.get("itemId"), properties.get("eventValue")
    is_id = isinstance(item, str | int) and not isinstance(item, bool) and str(item).strip() not in ("", "NaN")
    if "itemId" not in event and is_id:
        event = event | {"itemId": str(item)}
    if "eventValue" not in event and value is not None and not isinstance(value, bool):
        try:
            number = float(value)
        except (TypeError, ValueError):
            return event
        if math.isfinite(number):
            event = event | {"eventValue": number}
    return event


async def test_every_event_that_could_be_delivered_comes_back_as_it_is(tmp_path: Path) -> None:
    rng = random.Random(20261125)
    sent = [{"eventType": "View", "eventId": f"d{n}"} | event for n, event in enumerate(DIFFICULT)]
    sent += [made_up(rng, n) for n in range(300)]
    taken = 0
    async with running_emulator() as emulator:
        gone = {**emulator.env, "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": "http://127.0.0.1:9"}
        async with served_relay(tmp_path, env=gone, drain_s="0") as relay:
            for start in range(0, len(sent), 50):
                user = relay.login(f"user, {start}") if start % 100 else None
                session = f"session-of-this-test-{start}"
                answer = await relay.send(*sent[start : start + 50], session=session, identity=user)
                taken += answer["accepted"]
            relay.process.terminate()
            assert await relay.ended() == 0
        file, spool = tmp_path / "out.csv", f"sqlite:///{tmp_path / 'spool.db'}"
        code, _, err = await run("spool", "export", "--csv", "--ids", str(file), RELAY_SPOOL_URL=spool)
        assert code == 0, err
        assert f"{taken} rows written; left out: none" in err
        async with served_relay(tmp_path, env=emulator.env):
            await until(lambda: len(emulator.events()) == taken)
        delivered = {event["eventId"]: lifted(event) for event in emulator.events()}
    assert len(delivered) == taken > 200
    async with running_emulator() as emulator:
        code, out, err = await run(
            "put", "interactions", str(file), "--tracking-id", TRACKING_ID, "--json", **emulator.env
        )
        assert code == 0, err
        assert json.loads(out)["rejected"] == 0
        put = {event["eventId"]: event for event in emulator.events()}
    assert put == delivered


async def test_a_file_for_the_service_has_each_column_once_and_items_among_the_properties(tmp_path: Path) -> None:
    async with running_emulator() as emulator:
        gone = {**emulator.env, "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": "http://127.0.0.1:9"}
        async with served_relay(tmp_path, env=gone, drain_s="0") as relay:
            events = [{"eventType": "View", "eventId": f"d{n}"} | event for n, event in enumerate(DIFFICULT[:3])]
            await relay.send(*events, identity=relay.login("u1"))
            relay.process.terminate()
            assert await relay.ended() == 0
    spool = f"sqlite:///{tmp_path / 'spool.db'}"
    code, out, err = await run("spool", "export", "--csv", RELAY_SPOOL_URL=spool)
    assert code == 0
    head, *rows = csv.reader(out.splitlines())
    assert len(set(head)) == len(head)
    assert head[8:] == ["PRICE"]
    assert [(row[1], row[4], row[8]) for row in rows] == [("p1", "5", "1"), ("amplify", "2.5", ""), ("42", "", "")]
    assert "eventId, eventValue, itemId" in err
