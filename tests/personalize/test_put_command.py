"""`put` as a user runs it, against a real emulator: formats, refusals, interruption, and what a second run does."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relay.emulator.wire.faults import FaultSpec, Rule
from relay.personalize.connection import connect
from relay.personalize.setup import SetupPlan, set_up
from tests.personalize.command_line import Finished, command, started
from tests.support.emulator import RunningEmulator, running_emulator

pytestmark = pytest.mark.process

FAST = ("--calls-per-s", "1000")


@pytest.fixture
async def fast(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[RunningEmulator]:
    """An emulator without quotas."""
    async with running_emulator(state_seconds=0, quotas={}) as running:
        for name, value in running.env.items():
            monkeypatch.setenv(name, value)
        yield running


def items_arn(running: RunningEmulator) -> str:
    return running.emulator.arn("dataset/demo/ITEMS")


def kept(running: RunningEmulator, kind: str = "items") -> dict[str, Any]:
    records = running.emulator.records.of(kind)  # type: ignore[arg-type] # one of the three kinds
    return {name: msgspec.json.decode(properties or "{}") for (_, name), properties in records.items()}


async def put(running: RunningEmulator, *arguments: str, cwd: Path, stdin: bytes = b"", **env: str) -> Finished:
    kind, file, *rest = arguments
    return await command(
        "put", kind, file, "--dataset-arn", items_arn(running), *rest, env=running.env | env, cwd=cwd, stdin=stdin
    )


async def test_csv_and_json_lines_and_standard_input_end_in_the_same_items(
    fast: RunningEmulator, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text('ITEM_ID,CATEGORY,PRICE\np1,a|b,12\np2,,\n"p,3",c,0.5\n')
    (tmp_path / "b.jsonl").write_text('{"itemId":"p4","category":["a","b"],"price":12}\n{"ITEM_ID":"p5"}\n')
    one = await put(fast, "items", "a.csv", *FAST, "--json", cwd=tmp_path)
    assert one.code == 0, one.err
    assert (one.json["rows"], one.json["sent"], one.json["rejected"], one.json["done"]) == (3, 3, 0, True)
    two = await put(fast, "items", "b.jsonl", *FAST, cwd=tmp_path)
    assert two.code == 0, two.err
    assert two.lines[-1] == "Done, 2 rows: 2 items sent."
    three = await put(fast, "items", "-", *FAST, cwd=tmp_path, stdin=b"itemId,price\np6,7\n")
    assert three.code == 0, three.err
    assert kept(fast) == {
        "p1": {"category": "a|b", "price": 12.0},
        "p2": {"category": None, "price": None},
        "p,3": {"category": "c", "price": 0.5},
        "p4": {"category": "a|b", "price": 12.0},
        "p5": {},
        "p6": {"price": 7.0},
    }
    assert not (tmp_path / "a.csv.rejected.jsonl").exists()


async def test_refused_rows_are_put_aside_with_their_reason(fast: RunningEmulator, tmp_path: Path) -> None:
    fast.emulator.faults.apply(FaultSpec(refuse_items=["p7"]))
    rows = [f"p{n},x,{n}" for n in range(20)]
    rows[3], rows[5] = "p3,x,cheap", ",x,1"
    (tmp_path / "a.csv").write_text("ITEM_ID,CATEGORY,PRICE\n" + "\n".join(rows))
    ended = await put(fast, "items", "a.csv", *FAST, cwd=tmp_path)
    assert ended.code == 0
    assert ended.lines[-1] == "Done, 20 rows: 17 items sent, 3 refused (see a.csv.rejected.jsonl)."
    assert set(kept(fast)) == {f"p{n}" for n in range(20)} - {"p3", "p5", "p7"}
    refused = [msgspec.json.decode(line) for line in (tmp_path / "a.csv.rejected.jsonl").read_bytes().splitlines()]
    assert [(row["row"], row["reason"], row["data"]) for row in refused] == [
        (4, "bad_number", "p3,x,cheap"),
        (6, "empty", ",x,1"),
        (8, "InvalidInputException", "p7,x,7"),
    ]
    assert "PRICE" in refused[0]["detail"]


async def test_a_finished_file_is_not_sent_twice_unless_told_to(fast: RunningEmulator, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("ITEM_ID,PRICE\np1,1\np2,x\n")
    assert (await put(fast, "items", "a.csv", *FAST, cwd=tmp_path)).code == 0
    again = await put(fast, "items", "a.csv", *FAST, "--json", cwd=tmp_path)
    assert again.code == 3
    assert again.json["alreadyDone"] is True
    assert (tmp_path / "a.csv.rejected.jsonl").exists()
    assert len(fast.bodies("PutItems")) == 1
    assert (await put(fast, "items", "a.csv", *FAST, "--restart", cwd=tmp_path)).code == 0
    assert len(fast.bodies("PutItems")) == 2
    with file.open("a") as more:
        more.write("p9,9\n")
    assert (await put(fast, "items", "a.csv", *FAST, cwd=tmp_path)).code == 0
    assert [item["itemId"] for item in fast.bodies("PutItems")[-1]["items"]] == ["p9"]
    file.write_text("ITEM_ID,PRICE\np8,8\np2,x\np9,9\n")
    changed = await put(fast, "items", "a.csv", *FAST, cwd=tmp_path)
    assert changed.code == 2
    assert "--restart" in changed.err


async def test_a_file_that_does_not_suit_the_dataset_is_told_before_a_call(
    fast: RunningEmulator, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("ITEM,PRICE,COLOUR\np1,1,red\n")
    ended = await put(fast, "items", "a.csv", *FAST, cwd=tmp_path)
    assert ended.code == 2
    assert len(ended.lines) == 3
    assert "'ITEM'" in ended.lines[0]
    assert "'COLOUR'" in ended.lines[1]
    assert "ITEM_ID is missing" in ended.lines[2]
    wrong = await command("put", "users", "a.csv", "--dataset-arn", items_arn(fast), env=fast.env, cwd=tmp_path)
    assert wrong.code == 2
    assert "ITEMS" in wrong.err
    nowhere = fast.emulator.arn("dataset/none/ITEMS")
    gone = await command("put", "items", "a.csv", "--dataset-arn", nowhere, env=fast.env, cwd=tmp_path)
    assert (gone.code, len(gone.lines)) == (1, 1)
    assert fast.bodies("PutItems") == fast.bodies("PutItems", taken=False) == []


async def test_unknown_columns_can_be_left_out_and_the_schema_can_come_from_a_file(
    fast: RunningEmulator, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("ITEM_ID,PRICE,COLOUR\np1,1,red\n")
    (tmp_path / "s.avsc").write_text(
        '{"type":"record","fields":[{"name":"ITEM_ID","type":"string"},{"name":"PRICE","type":"string"}]}'
    )
    fast.emulator.faults.apply(FaultSpec(error=Rule(code="AccessDeniedException", operations=["DescribeDataset"])))
    denied = await put(fast, "items", "a.csv", "--ignore-unknown", cwd=tmp_path)
    assert denied.code == 1
    assert "personalize:DescribeDataset" in denied.err
    ended = await put(fast, "items", "a.csv", "--ignore-unknown", "--schema", "s.avsc", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert kept(fast) == {"p1": {"price": "1"}}


async def test_users_and_actions_go_into_their_datasets(fast: RunningEmulator, tmp_path: Path) -> None:
    schema = (
        '{"type":"record","name":"%s","namespace":"com.amazonaws.personalize.schema","version":"1.0","fields":[%s]}'
    )
    users = '{"name":"USER_ID","type":"string"},{"name":"AGE","type":["null","int"]}'
    actions = '{"name":"ACTION_ID","type":"string"},{"name":"VALUE","type":["null","long"]}'
    interactions = (
        '{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"}'
    )
    plan = SetupPlan(
        name="people",
        domain="custom",
        schemas={
            "Interactions": schema % ("Interactions", interactions),
            "Users": schema % ("Users", users),
            "Actions": schema % ("Actions", actions),
        },
    )
    async with connect() as connection:
        arns = (await set_up(connection, plan)).dataset_arns
    (tmp_path / "u.csv").write_text("USER_ID,AGE\nu1,12\nu2,\n")
    (tmp_path / "a.jsonl").write_text('{"actionId":"a1","value":3}\n')
    for kind, file, arn in (("users", "u.csv", arns["Users"]), ("actions", "a.jsonl", arns["Actions"])):
        ended = await command("put", kind, file, "--dataset-arn", arn, env=fast.env, cwd=tmp_path)
        assert ended.code == 0, ended.err
    assert kept(fast, "users") == {"u1": {"age": 12}, "u2": {"age": None}}
    assert kept(fast, "actions") == {"a1": {"value": 3}}


@pytest.mark.faults
@pytest.mark.parametrize(
    ("name", "code"),
    [("ResourceNotFoundException", 1), ("AccessDeniedException", 1), ("ExpiredTokenException", 2)],
)
async def test_an_error_that_lies_in_no_row_ends_it_in_one_line_and_can_be_gone_on_from(
    fast: RunningEmulator, tmp_path: Path, name: str, code: int
) -> None:
    (tmp_path / "a.csv").write_text("ITEM_ID\n" + "".join(f"p{n}\n" for n in range(200)))
    fast.emulator.faults.apply(FaultSpec(error=Rule(code=name, operations=["PutItems"], status=400, skip=5, limit=50)))
    ended = await put(fast, "items", "a.csv", *FAST, cwd=tmp_path)
    assert ended.code == code
    assert ended.lines[-1].startswith("PutItems: ")
    fast.emulator.faults.apply(FaultSpec())
    assert (await put(fast, "items", "a.csv", *FAST, cwd=tmp_path)).code == 0
    assert set(kept(fast)) == {f"p{n}" for n in range(200)}


@pytest.mark.faults
@pytest.mark.parametrize("kind", ["throttling", "server_error", "reset", "html"])
async def test_what_passes_is_tried_again(fast: RunningEmulator, tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.csv").write_text("ITEM_ID\n" + "".join(f"p{n}\n" for n in range(100)))
    fast.emulator.faults.apply(msgspec.convert({kind: {"skip": 2, "limit": 1}}, FaultSpec))
    ended = await put(fast, "items", "a.csv", *FAST, "--json", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert ended.json["calls"] == 11
    assert set(kept(fast)) == {f"p{n}" for n in range(100)}


async def test_at_the_quota_of_the_service_nothing_is_throttled(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ITEM_ID\n" + "".join(f"p{n}\n" for n in range(300)))
    async with running_emulator(state_seconds=0) as running:
        ended = await put(running, "items", "a.csv", "--json", cwd=tmp_path)
    assert ended.code == 0
    assert (ended.json["calls"], ended.json["throttled"]) == (30, 0)


async def until_calls(running: RunningEmulator, count: int) -> None:
    async with asyncio.timeout(40):
        while running.emulator.calls.last_n < count:  # noqa: ASYNC110 - the emulator rings no bell
            await asyncio.sleep(0.01)


@pytest.mark.faults
async def test_an_interrupt_settles_what_is_in_flight_and_the_next_run_goes_on(
    fast: RunningEmulator, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("ITEM_ID\n" + "".join(f"p{n}\n" for n in range(2000)))
    arguments = ("put", "items", "a.csv", "--dataset-arn", items_arn(fast), "--calls-per-s", "100")
    async with started(*arguments, env=fast.env, cwd=tmp_path) as process:
        await until_calls(fast, 40)
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert b"Stopped after" in err
    assert b"Traceback" not in err
    assert (await put(fast, "items", "a.csv", *FAST, cwd=tmp_path)).code == 0
    sent = Counter(item["itemId"] for body in fast.bodies("PutItems") for item in body["items"])
    assert sent == {f"p{n}": 1 for n in range(2000)}


async def test_an_interrupt_ends_a_read_of_standard_input_that_never_comes(
    fast: RunningEmulator, tmp_path: Path
) -> None:
    arguments = ("put", "items", "-", "--dataset-arn", items_arn(fast), "--format", "csv", *FAST)
    async with started(*arguments, env=fast.env, cwd=tmp_path, stdin=asyncio.subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"ITEM_ID\n" + b"".join(b"p%d\n" % n for n in range(10)))
        await until_calls(fast, 3)  # DescribeDataset, DescribeSchema, PutItems
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 20) == 1
    assert len(kept(fast)) == 10


def catalogue(rows: int, seed: int) -> tuple[bytes, dict[str, Any], set[str], set[int]]:
    """A file with one bad row in a hundred: its bytes, what is to be kept, ids to refuse, rows that are bad."""
    rng = random.Random(seed)
    lines = ["ITEM_ID,CATEGORY,PRICE"]
    expected: dict[str, Any] = {}
    refused: set[str] = set()
    bad_rows: set[int] = set()
    for n in range(rows):
        if n % 100 == 50:
            bad_rows.add(n + 1)
            bad = rng.randrange(5)
            lines.append(("p%d,a,dear", ",a,%d", "p%d,a", '"p%d"x,a,1', "refused%d,a,1")[bad] % n)
            if bad == 4:
                refused.add(f"refused{n}")
            continue
        price = rng.randrange(10_000)
        lines.append(f'p{n},"a|b, {n}",{price / 100}')
        expected[f"p{n}"] = {"category": f"a|b, {n}", "price": price / 100}
    return ("\n".join(lines) + "\n").encode(), expected, refused, bad_rows


async def test_a_place_that_cannot_be_written_to_is_one_line(fast: RunningEmulator, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ITEM_ID\np1\n")
    (tmp_path / "a.csv.put.json.new").mkdir()
    ended = await put(fast, "items", "a.csv", *FAST, cwd=tmp_path)
    assert (ended.code, len(ended.lines)) == (1, 1)
    assert "a.csv.put.json.new" in ended.err


@pytest.mark.faults
@pytest.mark.parametrize("rows", [3000, 50_000])
@pytest.mark.timeout(300)
async def test_a_killed_upload_is_gone_on_with_and_the_items_are_exactly_those_of_the_file(
    fast: RunningEmulator, tmp_path: Path, rows: int
) -> None:
    data, expected, refused, bad_rows = catalogue(rows, seed=7)
    (tmp_path / "items.csv").write_bytes(data)
    fast.emulator.faults.apply(FaultSpec(refuse_items=sorted(refused)))
    arguments = ("put", "items", "items.csv", "--dataset-arn", items_arn(fast), *FAST)
    for share in (0.3, 0.6):
        async with started(*arguments, env=fast.env, cwd=tmp_path) as process:
            await until_calls(fast, int(rows / 10 * share))
            process.kill()
            await process.communicate()
        assert process.returncode == -signal.SIGKILL
    ended = await command(*arguments, "--json", env=fast.env, cwd=tmp_path, timeout_s=240)
    assert ended.code == 0, ended.err
    assert kept(fast) == expected
    assert (ended.json["rows"], ended.json["sent"], ended.json["rejected"]) == (rows, len(expected), len(bad_rows))
    lines = [msgspec.json.decode(line) for line in (tmp_path / "items.csv.rejected.jsonl").read_bytes().splitlines()]
    assert [line["row"] for line in lines] == sorted(bad_rows)
    sent = Counter(item["itemId"] for body in fast.bodies("PutItems") for item in body["items"])
    assert sent.total() - len(sent) <= 2 * 8 * 10  # twice killed, at most eight calls in flight
