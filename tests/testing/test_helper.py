"""`relay.testing`: the emulator in a user's own suite."""

import json
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest

from relay.testing import PersonalizeEmulator

EVENT: Any = {"eventType": "View", "itemId": "p1", "sentAt": 1_795_312_345}


def _put(emulator: PersonalizeEmulator, **call: Any) -> Any:
    client = boto3.client("personalize-events", **emulator.client_options)
    return client.put_events(**{"trackingId": emulator.tracking_id, "sessionId": "s", "eventList": [EVENT]} | call)


def test_events_that_came_are_there_to_be_asked_for() -> None:
    with PersonalizeEmulator() as emulator:
        _put(emulator, userId="ada")
        [event] = emulator.events()
        assert (event["sessionId"], event["userId"], event["itemId"]) == ("s", "ada", "p1")
        [call] = emulator.calls("PutEvents", taken=True)
        assert (call.operation, call.status, call.error) == ("PutEvents", 200, None)
        assert emulator.interactions()[0]["ITEM_ID"] == "p1"
        emulator.forget()
        assert emulator.events() == []


def test_what_was_loaded_is_recommended_and_filtered() -> None:
    with PersonalizeEmulator() as emulator:
        emulator.load(
            items=[{"itemId": "p1", "brand": "a", "price": 3}, {"itemId": "p2", "brand": "b", "price": 9.5}],
            users=[{"userId": "ada", "age": 30}],
            interactions=[
                {"userId": "ada", "itemId": "p2"},
                {"userId": "ada", "itemId": "p1", "eventType": "Purchase"},
            ],
        )
        personalize = boto3.client("personalize", **emulator.client_options)
        made = personalize.create_filter(
            name="b",
            datasetGroupArn=emulator.arn("dataset-group/demo"),
            filterExpression='INCLUDE ItemID WHERE Items.BRAND IN ("b") IF CurrentUser.AGE > 18',
        )
        runtime = boto3.client("personalize-runtime", **emulator.client_options)
        answer = runtime.get_recommendations(
            campaignArn=emulator.arn("campaign/home"), userId="ada", filterArn=made["filterArn"]
        )
        assert [item["itemId"] for item in answer["itemList"]] == ["p2"]
        assert [row["EVENT_TYPE"] for row in emulator.interactions()] == ["View", "Purchase"]


def test_two_runs_with_one_seed_are_alike() -> None:
    ids: list[str] = []
    for _ in range(2):
        with PersonalizeEmulator(seed=7) as emulator:
            runtime = boto3.client("personalize-runtime", **emulator.client_options)
            answer = runtime.get_recommendations(campaignArn=emulator.arn("campaign/home"), userId="ada")
            ids.append(answer["recommendationId"])
    assert ids[0] == ids[1]


def test_it_misbehaves_on_demand_and_behaves_again() -> None:
    with PersonalizeEmulator() as emulator:
        emulator.misbehave(error={"code": "AccessDeniedException", "limit": 1})
        client = boto3.client("personalize-events", **emulator.client_options)
        with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
            _put(emulator)
        _put(emulator)
        with pytest.raises(ValueError, match="nonsense"):
            emulator.misbehave(nonsense=1)
        assert [call.taken for call in emulator.calls("PutEvents")] == [False, True]


def test_waiting_for_events_ends_with_them_or_says_how_many_came() -> None:
    with PersonalizeEmulator() as emulator:
        _put(emulator)
        assert len(emulator.wait_for_events(1)) == 1
        with pytest.raises(TimeoutError, match="1 of 2 events"):
            emulator.wait_for_events(2, timeout_s=0.05)


def test_an_id_that_is_missing_is_said_to_be() -> None:
    with PersonalizeEmulator() as emulator:
        with pytest.raises(ValueError, match="itemId is missing"):
            emulator.load(items=[{"brand": "a"}])
        with pytest.raises(ValueError, match="does not exist"):
            emulator.load(items=[{"itemId": "a"}], dataset_group="nothing")


def test_starting_and_stopping_have_their_order() -> None:
    emulator = PersonalizeEmulator()
    with pytest.raises(RuntimeError, match="not running"):
        _ = emulator.url
    emulator.start()
    port = int(emulator.url.rpartition(":")[2])
    with pytest.raises(RuntimeError, match="running already"):
        emulator.start()
    emulator.stop()
    emulator.stop()
    with PersonalizeEmulator(port=port) as again:
        assert again.url.endswith(f":{port}")
        with pytest.raises(OSError, match="in use"):
            PersonalizeEmulator(port=port).start()
    with socket.socket() as free:
        assert free.connect_ex(("127.0.0.1", port)) != 0


def test_its_page_is_there_for_people() -> None:
    with PersonalizeEmulator() as emulator, urllib.request.urlopen(emulator.url) as page:  # noqa: S310  # loopback
        assert b"Personalize emulator" in page.read()


@pytest.mark.process
def test_the_fixture_works_in_a_suite_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["relay.testing.fixtures"]\n')
    (tmp_path / "test_shop.py").write_text(
        "import boto3, pytest\n"
        "@pytest.fixture\n"
        "def personalize_emulator_options(tmp_path):\n"
        "    return {'s3_dir': tmp_path, 'tracking_id': 'mine'}\n"
        "def test_one(personalize_emulator):\n"
        "    client = boto3.client('personalize-events', **personalize_emulator.client_options)\n"
        f"    client.put_events(trackingId='mine', sessionId='s', eventList=[{json.dumps(EVENT)}])\n"
        "    assert len(personalize_emulator.events()) == 1\n"
        "def test_another_begins_anew(personalize_emulator):\n"
        "    assert personalize_emulator.events() == []\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "2 passed" in ended.stdout, ended.stdout
