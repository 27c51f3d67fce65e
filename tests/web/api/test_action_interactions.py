"""Interactions with actions go to the tracking id of their dataset; the one of the event tracker is never it."""

import json
from pathlib import Path

import pytest

from relay.core.errors import SettingsError
from tests.personalize.command_line import command
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import make_settings, relay_environ, running_edge, running_relay, until
from tests.web.api.test_server_api import ACTIONS_ID, actions, call

ONE = {"actionId": "a", "sessionId": "s", "eventType": "Taken", "timestamp": 1764100000}
ACTIONS_SCHEMA = {
    "type": "record",
    "name": "Actions",
    "namespace": "com.amazonaws.personalize.schema",
    "fields": [{"name": "ACTION_ID", "type": "string"}, {"name": "VALUE", "type": ["null", "long"]}],
    "version": "1.0",
}


async def set_up(emulator: RunningEmulator, folder: Path) -> dict[str, str]:
    """The settings that `setup` prints."""
    (folder / "actions.avsc").write_text(json.dumps(ACTIONS_SCHEMA))
    made = await command(
        *("setup", "--name", "shop", "--actions", str(folder / "actions.avsc")), env=emulator.env, cwd=folder
    )
    assert made.code == 0, made.err
    lines = [line.partition("=") for line in made.out.splitlines() if not line.startswith("#")]
    return {name.removeprefix("RELAY_").lower(): value for name, _, value in lines if name.startswith("RELAY_")}


@pytest.mark.process
async def test_what_setup_prints_takes_them_to_the_service_and_check_finds_nothing_wrong(tmp_path: Path) -> None:
    async with running_emulator(state_seconds=0) as emulator:
        settings = await set_up(emulator, tmp_path)
        async with running_relay(env=emulator.env, **settings) as relay:
            own = settings["action_interactions_tracking_id"]
            for body in ({}, {"trackingId": own}):
                answer = await call(relay, "action-interactions", {"actionInteractions": [ONE]} | body)
                assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
            for other in ("another", settings["tracking_id"]):
                answer = await call(relay, "action-interactions", {"trackingId": other, "actionInteractions": [ONE]})
                assert (answer.status_code, answer.json()["error"]) == (400, "unknown_tracking_id")
            await relay.delivered()
        sent = emulator.bodies("PutActionInteractions")
    assert [(body["trackingId"], body["actionInteractions"][0]["actionId"]) for body in sent] == [(own, "a")] * 2


async def test_without_the_setting_each_request_names_it_and_an_event_tracker_s_is_refused() -> None:
    async with running_edge() as edge:
        assert (await call(edge, "action-interactions", actions(ONE))).status_code == 202
        (record,) = await edge.records()
        assert record.key.target == ACTIONS_ID
        for body in ({}, {"trackingId": edge.settings.tracking_id}):
            answer = await call(edge, "action-interactions", {"actionInteractions": [ONE]} | body)
            assert (answer.status_code, answer.json()["field"]) == (400, "trackingId")
            assert "which `setup` prints" in answer.json()["detail"]


async def test_one_that_the_service_does_not_know_holds_up_nothing_else_and_strangers_do_not_read_it() -> None:
    async with running_emulator() as emulator, running_relay(env=emulator.env, drain_s="0.2") as relay:
        await call(relay, "action-interactions", actions(ONE))
        await until(lambda: bool(relay.relay.dispatcher.problems()))
        await relay.send({"eventType": "View", "itemId": "p1"})
        await until(lambda: len(emulator.events()) == 1)
        assert relay.relay.edge.spool.stats().pending == 1
        public, admin = [(await relay.http.get(f"{url}/readyz")).text for url in (relay.url, relay.admin_url)]
    assert ACTIONS_ID in admin
    assert ACTIONS_ID not in public
    assert "no delivery to a dataset for " in public


def test_the_event_tracker_s_cannot_be_set_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "relay.toml").write_text(
        '[sites.two]\ntracking_id = "t2"\nallowed_origins = ["https://two.example"]\n'
        'action_interactions_tracking_id = "t2"\n'
    )
    with pytest.raises(SettingsError) as caught:
        make_settings(tmp_path / "relay.toml", tracking_id="t1", action_interactions_tracking_id="t1")
    named = [line.partition(": ")[0] for line in caught.value.problems]
    assert named == ["[sites.two] action_interactions_tracking_id", "RELAY_ACTION_INTERACTIONS_TRACKING_ID"]


@pytest.mark.process
async def test_check_tells_which_it_is(tmp_path: Path) -> None:
    async with running_emulator(state_seconds=0) as emulator:
        settings = await set_up(emulator, tmp_path)
        right = await command("check", env=emulator.env | relay_environ(**settings), cwd=tmp_path)
        settings["action_interactions_tracking_id"], own = "another", settings["action_interactions_tracking_id"]
        wrong = await command("check", env=emulator.env | relay_environ(**settings), cwd=tmp_path)
    assert (right.code, f"tracking id {own}" in right.out) == (0, True)
    assert (wrong.code, wrong.lines) == (
        1,
        [f"site default: interactions with actions go to another, and the dataset group has {own} for them"],
    )
