"""`put` with the files people have, each as they have it, up to what arrives at the service."""

import codecs
import gzip
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.personalize.command_line import Finished, command
from tests.personalize.test_put_command import FAST, items_arn, kept
from tests.support.emulator import RunningEmulator, running_emulator

pytestmark = pytest.mark.process

SCHEMA = """{"type":"record","name":"Items","namespace":"com.amazonaws.personalize.schema","version":"1.0","fields":[
{"name":"ITEM_ID","type":"string"},
{"name":"PRICE","type":["null","float"]},
{"name":"CATEGORY_L1","type":["null","string"],"categorical":true},
{"name":"DESCRIPTION","type":["null","string"],"textual":true},
{"name":"STOCK","type":["null","int"]},
{"name":"CREATION_TIMESTAMP","type":["null","long"]},
{"name":"IS_NEW","type":["null","boolean"]},
{"name":"memberClass","type":["null","string"]}]}"""


@pytest.fixture
async def fast() -> AsyncGenerator[RunningEmulator]:
    async with running_emulator(state_seconds=0, quotas={}) as running:
        yield running


async def put(running: RunningEmulator, folder: Path, name: str, data: bytes, *rest: str) -> Finished:
    (folder / name).write_bytes(data)
    (folder / "items.avsc").write_text(SCHEMA)
    return await command(
        "put", "items", name, "--dataset-arn", items_arn(running), "--schema", "items.avsc", *FAST, *rest,
        env=running.env, cwd=folder,
    )  # fmt: skip


def refused(folder: Path, name: str) -> dict[str, str]:
    lines = (folder / f"{name}.rejected.jsonl").read_bytes().splitlines()
    found: list[dict[str, Any]] = [msgspec.json.decode(line) for line in lines]
    return {line["data"].partition(",")[0]: line["reason"] for line in found}


async def test_times_in_milliseconds_negative_or_zero_are_refused_and_seconds_are_sent(
    fast: RunningEmulator, tmp_path: Path
) -> None:
    data = b"ITEM_ID,CREATION_TIMESTAMP\na,1700000000000\nb,-5\nc,1700000000\nd,0\ne,1700000000.0\n"
    ended = await put(fast, tmp_path, "times.csv", data)
    assert ended.code == 0, ended.err
    assert refused(tmp_path, "times.csv") == {"a": "bad_time", "b": "bad_time", "d": "bad_time"}
    assert kept(fast) == {name: {"creationTimestamp": 1_700_000_000} for name in "ce"}


async def test_what_other_programs_write_arrives(fast: RunningEmulator, tmp_path: Path) -> None:
    csv = "ITEM_ID,PRICE,STOCK\n{},1.5,3.0\n"
    for name, data in {
        "a.csv.gz": gzip.compress(csv.format("a").encode()),
        "b.csv": codecs.BOM_UTF16_LE + csv.format("b").encode("utf-16-le"),
        "c.csv": ("sep=;\r\n" + csv.format("c").replace(",", ";")).encode(),
        "d.json": b'[{"ITEM_ID":"d","PRICE":1.5,"STOCK":3}]',
        "e.json": b'{\n  "ITEM_ID": "e",\n  "PRICE": "1.5",\n  "STOCK": 3.0\n}\n',
        "f.tsv": csv.format("f").replace(",", "\t").encode(),
    }.items():
        ended = await put(fast, tmp_path, name, data)
        assert ended.code == 0, (name, ended.err)
    assert kept(fast) == {name: {"price": 1.5, "stock": 3} for name in "abcdef"}


async def test_a_semicolon_is_one_line_with_the_option_that_helps(fast: RunningEmulator, tmp_path: Path) -> None:
    ended = await put(fast, tmp_path, "semicolon.csv", b"ITEM_ID;PRICE\na;1.5\n")
    assert ended.code == 2
    (line,) = [line for line in ended.lines if not line.startswith("note: ")]
    assert "--delimiter ';'" in line
    assert line.startswith("semicolon.csv: ")
    assert "ARN" not in line
    assert (await put(fast, tmp_path, "semicolon.csv", b"ITEM_ID;PRICE\na;1.5\n", "--delimiter", ";")).code == 0
    assert (await put(fast, tmp_path, "tab.csv", b"ITEM_ID\tPRICE\nb\t1.5\n", "--delimiter", "tab")).code == 0
    assert kept(fast) == {name: {"price": 1.5} for name in "ab"}


async def test_null_words_and_guessed_names_are_told_once(fast: RunningEmulator, tmp_path: Path) -> None:
    rows = "".join(f"p{n},NULL,\\N,x\n" for n in range(30))
    data = f"ITEM_ID,CATEGORY_L1,PRICE,memberClass\n{rows}".encode()
    ended = await put(fast, tmp_path, "nulls.csv", data, "--null", r"\N")
    assert ended.code == 0, ended.err
    notes = [line for line in ended.lines if line.startswith("note: ")]
    assert [note.split(":")[1].strip() for note in notes] == [
        "column memberClass (as memberClass)",
        "column CATEGORY_L1",
    ]
    assert "--null NULL" in notes[1]
    assert kept(fast)["p7"] == {"categoryL1": "NULL", "price": None, "memberClass": "x"}


async def test_a_broken_download_is_one_line_and_what_came_before_it_is_sent(
    fast: RunningEmulator, tmp_path: Path
) -> None:
    whole = ('[{"ITEM_ID":"a"},{"ITEM_ID":"b"}' + ',{"ITEM_ID":"c').encode()
    ended = await put(fast, tmp_path, "cut.json", whole)
    assert ended.code == 2
    assert "row 3 is not closed" in ended.lines[-1]
    assert set(kept(fast)) == {"a", "b"}
    again = await put(fast, tmp_path, "cut.json", whole + b'"}]')
    assert again.code == 0, again.err
    assert set(kept(fast)) == {"a", "b", "c"}
    assert len(fast.bodies("PutItems")) == 2


async def test_interactions_without_a_type_need_to_be_told_one(fast: RunningEmulator, tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("USER_ID,ITEM_ID,TIMESTAMP\n298,474,884182806\n115,265,881171488.0\n")
    arguments = ("put", "interactions", "ratings.csv", "--tracking-id", fast.tracking_id)
    ended = await command(*arguments, env=fast.env, cwd=tmp_path)
    assert (ended.code, len(ended.lines)) == (2, 1), ended.err
    assert "--event-type" in ended.err
    ended = await command(*arguments, "--event-type", "Watch", env=fast.env, cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert sorted((e["userId"], e["itemId"], e["sentAt"], e["eventType"]) for e in fast.events()) == [
        ("115", "265", 881171488, "Watch"),
        ("298", "474", 884182806, "Watch"),
    ]
    bad = await command(*arguments, "--event-type", " ", env=fast.env, cwd=tmp_path)
    assert bad.code == 2
