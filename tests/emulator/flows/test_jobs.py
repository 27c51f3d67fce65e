"""Import, export and deletion jobs: what they do, what they report, and what they never touch."""

import base64
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from relay.testing import PersonalizeEmulator
from tests.emulator.flows.account import ROLE, Account

GOOD = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\nu1,p1,1719511760,View\n"


def _job(account: Account, dataset: str, name: str, location: str) -> dict[str, Any]:
    made = account.personalize.create_dataset_import_job(
        jobName=name, datasetArn=dataset, dataSource={"dataLocation": location}, roleArn=ROLE
    )
    arn = made["datasetImportJobArn"]
    return dict(account.personalize.describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"])


@pytest.mark.parametrize(
    ("content", "report"),
    [
        (b"USER_ID,ITEM_ID,TIMESTAMP\nu1,p1,1719511760\n", "missing the following headers: [EVENT_TYPE]"),
        (b"\xef\xbb\xbf" + GOOD.encode(), "missing the following headers: [USER_ID]"),
        (GOOD.replace(",", ";").encode(), "missing the following headers"),
        (GOOD.encode("utf-16"), "not UTF-8"),
        (GOOD.replace("1719511760", "1719511760000").encode(), "line 2: TIMESTAMP is no time in seconds"),
        (GOOD.replace("1719511760", "yesterday").encode(), "line 2: TIMESTAMP is no long: 'yesterday'"),
        (GOOD.replace("p1", "").encode(), "line 2: ITEM_ID is empty"),
        (GOOD.replace("u1", "u" * 257).encode(), "line 2: USER_ID has more than 256 characters"),
        ((GOOD + "u1\n" * 30).encode(), "and 20 more"),
        (b"", "missing the following headers"),
    ],
)
def test_a_file_that_does_not_fit_fails_the_job_with_a_report_and_changes_nothing(
    account: Account, content: bytes, report: str
) -> None:
    group = account.group("shop")
    datasets = account.shop(group)
    before = account.emulator.interactions()
    location = account.upload("bad.csv", "")
    (account.bucket / "bad.csv").write_bytes(content)
    job = _job(account, datasets["interactions"], "bad", location)
    assert job["status"] == "CREATE FAILED"
    assert report in job["failureReason"]
    assert account.emulator.interactions() == before


def test_a_full_import_replaces_and_an_incremental_one_adds(account: Account) -> None:
    datasets = account.shop(account.group("shop"))
    assert account.imported(datasets["interactions"], "again", [_row("u1", "p1")])["status"] == "ACTIVE"
    assert len(account.emulator.interactions()) == 1
    more = account.imported(datasets["interactions"], "more", [_row("u2", "p2")], importMode="INCREMENTAL")
    assert (more["status"], more["importMode"]) == ("ACTIVE", "INCREMENTAL")
    assert [row["USER_ID"] for row in account.emulator.interactions()] == ["u1", "u2"]


def test_nothing_outside_the_folder_is_ever_read_or_written(account: Account, tmp_path: Path) -> None:
    datasets = account.shop(account.group("shop"))
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "secret.csv").write_text(GOOD)
    (account.bucket / "link.csv").symlink_to(outside / "secret.csv")
    (account.bucket / "folder").symlink_to(outside)
    os.mkfifo(account.bucket / "pipe.csv")
    for number, location in enumerate(
        (
            f"s3://bucket/../../{outside.name}/secret.csv",
            f"s3://../{outside.name}/secret.csv",
            "s3://bucket/link.csv",
            "s3://bucket/folder/secret.csv",
            "s3://bucket/folder",
            "s3://bucket/pipe.csv",
            "s3://bucket//etc/passwd",
            "s3://bucket/nothing.csv",
            "http://localhost/secret.csv",
        )
    ):
        job = _job(account, datasets["interactions"], f"job-{number}", location)
        assert job["status"] == "CREATE FAILED", location
    made = account.personalize.create_dataset_export_job(
        jobName="out",
        datasetArn=datasets["items"],
        roleArn=ROLE,
        jobOutput={"s3DataDestination": {"path": "s3://bucket/folder/"}},
    )
    described = account.personalize.describe_dataset_export_job(datasetExportJobArn=made["datasetExportJobArn"])
    assert described["datasetExportJob"]["status"] == "CREATE FAILED"
    assert [path.name for path in outside.iterdir()] == ["secret.csv"]


def test_without_a_folder_there_is_no_s3_and_jobs_are_refused() -> None:
    with PersonalizeEmulator() as emulator:
        import_job = {"jobName": "j", "datasetArn": emulator.arn("dataset/demo/ITEMS"), "roleArn": ROLE}
        personalize = Account.client(emulator, "personalize")
        with pytest.raises(personalize.exceptions.InvalidInputException, match="--s3-dir"):
            personalize.create_dataset_import_job(**import_job, dataSource={"dataLocation": "s3://bucket/a.csv"})


def test_an_export_holds_what_was_put_and_what_was_imported(account: Account) -> None:
    group = account.group("shop")
    datasets = account.shop(group)
    account.events.put_items(datasetArn=datasets["items"], items=[{"itemId": "new", "properties": '{"price": 2.5}'}])
    for mode, rows in (("PUT", 1), ("BULK", 30), ("ALL", 31)):
        account.personalize.create_dataset_export_job(
            jobName=mode,
            datasetArn=datasets["items"],
            ingestionMode=mode,
            roleArn=ROLE,
            jobOutput={"s3DataDestination": {"path": "s3://bucket/exports/"}},
        )
        account.personalize.list_dataset_export_jobs(datasetArn=datasets["items"])
        head, *lines = account.download(f"exports/{mode}.csv").splitlines()
        assert (head, len(lines)) == ("ITEM_ID,CATEGORY,PRICE", rows)
    assert account.download("exports/PUT.csv").splitlines()[1] == "new,,2.5"


def test_a_data_deletion_job_really_deletes(tmp_path: Path) -> None:
    (tmp_path / "s3").mkdir()
    data: dict[str, Any] = {"s3_dir": tmp_path / "s3", "data_dir": tmp_path / "data"}
    with PersonalizeEmulator(**data) as emulator:
        account = Account(emulator, tmp_path / "s3")
        group = account.group("shop")
        datasets = account.shop(group)
        tracking_id = account.personalize.create_event_tracker(name="web", datasetGroupArn=group)["trackingId"]
        event = {"eventType": "View", "itemId": "p1", "sentAt": time.time()}
        for session, user in (("anonymous", None), ("anonymous", "u-gone"), ("other", "u-stays")):
            who = {"userId": user} if user else {}
            account.events.put_events(trackingId=tracking_id, sessionId=session, **who, eventList=[event])
        for user in ("u-gone", "u-stays", "u1"):
            account.events.put_users(datasetArn=datasets["users"], users=[{"userId": user, "properties": '{"age": 1}'}])
        job = account.personalize.create_data_deletion_job(
            jobName="erase",
            datasetGroupArn=group,
            dataSource={"dataLocation": account.upload("erase.csv", "USER_ID\nu-gone\nu1\nu-never\n")},
            roleArn=ROLE,
        )["dataDeletionJobArn"]
        shown = account.personalize.describe_data_deletion_job(dataDeletionJobArn=job)["dataDeletionJob"]
        assert (shown["status"], shown["numDeleted"]) == ("COMPLETED", 2)
        left = {row["USER_ID"] for row in emulator.interactions()}
        assert "u-stays" in left
        assert "u2" in left
        assert not left & {"u-gone", "u1"}
        assert [one["sessionId"] for one in emulator.events()] == ["other"]
    lines = (tmp_path / "data" / "journal.jsonl").read_text().splitlines()
    bodies = [base64.b64decode(json.loads(line).get("call", {}).get("body", "")).decode() for line in lines]
    journal = "\n".join([*lines, *bodies])
    assert "u-stays" in journal
    for gone in ("u-gone", '"anonymous"', '"u1"'):
        assert gone not in journal
    with PersonalizeEmulator(**data) as again:
        assert {row["USER_ID"] for row in again.interactions()} == left
        assert len(again.calls("PutEvents")) == 3


def test_what_was_imported_is_there_after_a_restart(tmp_path: Path) -> None:
    (tmp_path / "s3").mkdir()
    data: dict[str, Any] = {"s3_dir": tmp_path / "s3", "data_dir": tmp_path / "data"}
    with PersonalizeEmulator(**data) as emulator:
        account = Account(emulator, tmp_path / "s3")
        group = account.group("shop")
        account.shop(group)
        version = account.trained(group, "personal", "aws-user-personalization")
        campaign = account.personalize.create_campaign(name="home", solutionVersionArn=version)["campaignArn"]
        before = account.runtime.get_recommendations(campaignArn=campaign, userId="u4")["itemList"]
    with PersonalizeEmulator(**data) as again:
        runtime = Account.client(again, "personalize-runtime")
        assert runtime.get_recommendations(campaignArn=campaign, userId="u4")["itemList"] == before


def test_states_take_their_time_and_a_training_can_be_stopped(tmp_path: Path) -> None:
    with PersonalizeEmulator(s3_dir=tmp_path, state_seconds=3600) as emulator:
        personalize = Account.client(emulator, "personalize")
        made = personalize.create_solution(
            name="slow",
            datasetGroupArn=emulator.arn("dataset-group/demo"),
            recipeArn="arn:aws:personalize:::recipe/aws-sims",
        )
        described = personalize.describe_solution(solutionArn=made["solutionArn"])["solution"]
        assert described["status"] == "CREATE PENDING"
        with pytest.raises(personalize.exceptions.ResourceInUseException):
            personalize.create_solution_version(solutionArn=made["solutionArn"])
        filter_arn = personalize.create_filter(
            name="f",
            datasetGroupArn=emulator.arn("dataset-group/demo"),
            filterExpression="INCLUDE ItemID WHERE Items.PRICE > 1",
        )["filterArn"]
        runtime = Account.client(emulator, "personalize-runtime")
        with pytest.raises(runtime.exceptions.InvalidInputException, match="CREATE PENDING"):
            runtime.get_recommendations(campaignArn=emulator.arn("campaign/demo"), userId="u", filterArn=filter_arn)


def _row(user: str, item: str) -> dict[str, Any]:
    return {"USER_ID": user, "ITEM_ID": item, "TIMESTAMP": 1_719_511_760, "EVENT_TYPE": "View"}


def test_the_answer_to_properties_of_amplify_is_the_same_everywhere(account: Account) -> None:
    """`itemId` inside `properties`, as Amplify sends it, is the item: for training, filters, ranking and figures."""
    group = account.group("shop")
    account.shop(group)
    tracking_id = account.personalize.create_event_tracker(name="web", datasetGroupArn=group)["trackingId"]
    event = {"eventType": "View", "sentAt": 1_795_312_345, "properties": json.dumps({"itemId": "p7", "eventValue": 3})}
    account.events.put_events(trackingId=tracking_id, sessionId="s", userId="amplified", eventList=[event])
    [row] = [row for row in account.emulator.interactions() if row["USER_ID"] == "amplified"]
    assert (row["ITEM_ID"], row["EVENT_VALUE"]) == ("p7", "3")
    version = account.trained(group, "personal", "aws-user-personalization")
    campaign = account.personalize.create_campaign(name="home", solutionVersionArn=version)["campaignArn"]
    seen = account.personalize.create_filter(
        name="seen", datasetGroupArn=group, filterExpression='INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("View")'
    )["filterArn"]
    answer = account.runtime.get_recommendations(campaignArn=campaign, userId="amplified", filterArn=seen)
    assert [item["itemId"] for item in answer["itemList"]] == ["p7"]
    account.emulator.misbehave(refuse_items=["p7"])
    with pytest.raises(account.events.exceptions.InvalidInputException):
        account.events.put_events(trackingId=tracking_id, sessionId="s", eventList=[event])
