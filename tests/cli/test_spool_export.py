"""`personalize-relay spool export` as a process."""

import csv
import json
from pathlib import Path

import pytest

from relay.core.model import NewRecord
from tests.cli.filled_spool import fill, spool
from tests.cli.test_serve import run
from tests.support.emulator import TRACKING_ID, running_emulator
from tests.support.records import SESSION, key, new_record, single

pytestmark = pytest.mark.process


@pytest.fixture
async def events(tmp_path: Path) -> Path:
    """Pending and buried events of three sessions: a user's, a bound one, an anonymous one."""
    path = tmp_path / "spool.db"

    def record(number: int, session: str, user: str | None = None, **fields: object) -> NewRecord:
        body = {"eventType": "View", "eventId": f"e{number}", "itemId": f"p{number}", "sentAt": 1795312345, **fields}
        return single(key(session), user, f"e{number}", json.dumps(body).encode())

    await fill(
        path,
        [
            record(1, SESSION, properties='{"numRatings":12,"inStock":true}', impression=["p1", "p2"], eventValue=9.5),
            record(2, SESSION, "anna", recommendationId="RID", metricAttribution={"eventAttributionSource": "home"}),
            record(3, "bound-session-0001"),
            record(4, "anonymous-session-1"),
            record(5, SESSION, "anna", itemId=None),
        ],
        buried=(1,),
    )
    return path


async def test_pending_and_buried_events_are_exported_as_an_interactions_file(events: Path, tmp_path: Path) -> None:
    code, out, err = await spool("export", "--csv", str(tmp_path / "out.csv"), path=events)
    assert (code, out) == (0, "")
    assert err.startswith("3 rows written; left out: 1 without a user")
    text = (tmp_path / "out.csv").read_text()
    head, *rows = csv.reader(text.splitlines())
    assert head == ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE", "RECOMMENDATION_ID", "IMPRESSION",
                    "EVENT_ATTRIBUTION_SOURCE", "IN_STOCK", "NUM_RATINGS"]  # fmt: skip
    assert rows == [
        ["anna", "p1", "1795312345", "View", "9.5", "", "p1|p2", "", "true", "12"],
        ["anna", "p2", "1795312345", "View", "", "RID", "", "home", "", ""],
        ["bert", "p3", "1795312345", "View", "", "", "", "", "", ""],
    ]
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o600


async def test_an_export_can_keep_sessions_and_anonymous_events(events: Path) -> None:
    _, out, _ = await spool("export", "--csv", "--anonymous", path=events)
    assert "anonymous-session-1,p4," in out
    _, out, _ = await spool("export", "--csv", "--ids", "--property", "numRatings", path=events)
    head, *rows = csv.reader(out.splitlines())
    assert head[-3:] == ["NUM_RATINGS", "SESSION_ID", "EVENT_ID"]
    assert [(row[0], *row[-2:]) for row in rows] == [
        ("anna", SESSION, "e1"),
        ("anna", SESSION, "e2"),
        ("bert", "bound-session-0001", "e3"),
        ("", "anonymous-session-1", "e4"),
        ("anna", SESSION, "e5"),
    ]


async def test_events_of_two_trackers_are_never_in_one_file(path: Path, tmp_path: Path) -> None:
    await fill(path, [new_record("e7", target="tracker-2", user_id="carl")])
    code, out, err = await spool("export", "--csv", path=path)
    assert (code, out) == (2, "")
    assert "tracker-1, tracker-2" in err
    code, out, _ = await spool("export", "--csv", "--tracking-id", "tracker-2", path=path)
    assert (code, [row.partition(",")[0] for row in out.splitlines()]) == (0, ["USER_ID", "carl"])
    assert (await spool("export", "--csv", "--tracking-id", "tracker-3", path=path))[0] == 3


async def test_what_was_exported_can_be_put_into_another_dataset_group(events: Path, tmp_path: Path) -> None:
    assert (await spool("export", "--csv", str(tmp_path / "out.csv"), "--ids", path=events))[0] == 0
    async with running_emulator() as emulator:
        code, _, err = await run(
            "put", "interactions", str(tmp_path / "out.csv"), "--tracking-id", TRACKING_ID,
            **emulator.env,
        )  # fmt: skip
        assert code == 0, err
        assert {(event["eventId"], event.get("userId"), event["sessionId"]) for event in emulator.events()} == {
            ("e1", "anna", SESSION),
            ("e2", "anna", SESSION),
            ("e3", "bert", "bound-session-0001"),
            ("e4", None, "anonymous-session-1"),
            ("e5", "anna", SESSION),
        }
