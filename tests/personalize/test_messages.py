"""What goes wrong is one line: the cause, and the remedy that helps."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from relay.emulator.wire.faults import FaultSpec, Rule
from tests.personalize.command_line import command
from tests.support.emulator import RunningEmulator

pytestmark = pytest.mark.process

KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
GONE = "http://127.0.0.1:9"


@pytest.mark.parametrize("kind", ["sso_session", "sso_start_url"])
async def test_who_is_not_logged_in_is_told_to_log_in_in_one_line(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    own = "sso_session = my" if kind == "sso_session" else "sso_start_url = https://x.example\nsso_region = eu-west-1"
    file.write_text(
        f"[profile shop]\n{own}\nsso_account_id = 123456789012\nsso_role_name = R\nregion = eu-west-1\n"
        "[sso-session my]\nsso_region = eu-west-1\nsso_start_url = https://x.example\n"
    )
    ended = await command(
        "tracker", "list", env={"AWS_CONFIG_FILE": str(file), "AWS_PROFILE": "shop", "HOME": str(tmp_path)}
    )
    assert (ended.code, len(ended.lines)) == (2, 1), ended.err
    assert "aws sso login" in ended.err


async def test_a_region_without_the_service_is_told_with_those_that_have_it() -> None:
    for region in ("eu-south-2", "xx-nowhere-1"):
        ended = await command("tracker", "list", env=KEYS | {"AWS_REGION": region, "HTTPS_PROXY": GONE})
        assert (ended.code, len(ended.lines)) == (2, 1), ended.err
        assert f"not in {region}" in ended.err
        assert "eu-west-1" in ended.err
    ended = await command("tracker", "list", env=KEYS | {"AWS_REGION": "eu-west-1", "HTTPS_PROXY": GONE})
    assert (ended.code, len(ended.lines)) == (1, 1), ended.err
    assert "not in" not in ended.err


@asynccontextmanager
async def somebody_else(folder: Path) -> AsyncGenerator[str]:
    """A TLS server whose certificate nobody has signed."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = await asyncio.create_subprocess_exec(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate),
        "-days", "2", "-subj", "/CN=localhost", stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await made.wait() == 0
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "localhost", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"


async def test_a_certificate_nobody_signed_is_not_tried_again_and_the_bundle_is_named(tmp_path: Path) -> None:
    async with somebody_else(tmp_path) as url:
        ended = await command(
            "tracker", "list", env=KEYS | {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_PERSONALIZE": url}
        )
    assert (ended.code, len(ended.lines)) == (2, 1), ended.err
    assert "AWS_CA_BUNDLE" in ended.err
    assert "tried again" not in ended.err


async def test_put_does_not_go_on_for_minutes_against_a_certificate_nobody_signed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ITEM_ID\np1\n")
    (tmp_path / "s.avsc").write_text('{"type":"record","fields":[{"name":"ITEM_ID","type":"string"}]}')
    async with somebody_else(tmp_path) as url:
        ended = await command(
            *("put", "items", "a.csv", "--dataset-arn", "arn:aws:personalize:eu-west-1:1:dataset/demo/ITEMS"),
            *("--schema", "s.avsc"),
            env=KEYS | {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": url},
            cwd=tmp_path,
        )
    assert (ended.code, len(ended.lines)) == (2, 1), ended.err
    assert "AWS_CA_BUNDLE" in ended.err


async def test_an_account_that_is_not_open_for_the_service_is_not_told_of_permissions(
    emulator: RunningEmulator,
) -> None:
    emulator.emulator.faults.apply(
        FaultSpec(error=Rule(code="OptInRequired", operations=["ListEventTrackers"], status=403))
    )
    ended = await command("tracker", "list", env=emulator.env)
    assert (ended.code, len(ended.lines)) == (1, 1), ended.err
    assert "registration" in ended.err
    assert "personalize:ListEventTrackers" not in ended.err


async def test_the_second_tracker_of_a_group_names_the_first_and_no_other_name(emulator: RunningEmulator) -> None:
    made = await command("setup", "--name", "shop", "--json", env=emulator.env)
    group, tracker = made.json["datasetGroupArn"], made.json["eventTracker"]
    ended = await command("tracker", "create", "--name", "other", "--dataset-group-arn", group, env=emulator.env)
    assert (ended.code, len(ended.lines)) == (3, 1), ended.err
    assert tracker["trackingId"] in ended.err
    assert "another name" not in ended.err
    assert "delete it first" in ended.err


class Answering:
    """A service of one's own whose every answer is the same."""

    def __init__(self, body: object) -> None:
        self._body = msgspec.json.encode(body)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        writer.write(
            b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: r\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
            % len(self._body)
            + self._body
        )
        await writer.drain()
        writer.close()


@pytest.mark.parametrize(
    ("arguments", "body", "missing"),
    [
        (["tracker", "list"], {}, "no eventTrackers"),
        (["tracker", "describe", "arn:aws:personalize:eu-west-1:1:event-tracker/x"], {}, "no eventTracker"),
        (
            ["tracker", "describe", "arn:aws:personalize:eu-west-1:1:event-tracker/x"],
            {"eventTracker": {"name": "x", "status": "ACTIVE"}},
            "eventTrackerArn",
        ),
        (["setup", "--name", "shop"], {}, "no datasetGroups"),
        (["setup", "--name", "shop"], {"datasetGroups": []}, "no datasetGroupArn"),
    ],
)
async def test_an_answer_without_a_field_is_one_line_that_names_it(
    arguments: list[str], body: object, missing: str
) -> None:
    async with await asyncio.start_server(Answering(body), "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ended = await command(*arguments, env=KEYS | {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_PERSONALIZE": url})
    assert ended.code == 1
    assert missing in ended.lines[-1]
    assert "AWS_ENDPOINT_URL_PERSONALIZE" in ended.lines[-1]


async def test_actions_come_with_a_dataset_for_what_is_done_with_them(
    emulator: RunningEmulator, tmp_path: Path
) -> None:
    fields = '{"name":"ACTION_ID","type":"string"},{"name":"VALUE","type":["null","long"]}'
    file = tmp_path / "actions.avsc"
    file.write_text(
        '{"type":"record","name":"Actions","namespace":"com.amazonaws.personalize.schema","version":"1.0",'
        f'"fields":[{fields}]}}'
    )
    made = await command("setup", "--name", "acts", "--actions", str(file), "--json", env=emulator.env)
    assert made.code == 0, made.err
    assert set(made.json["datasetArns"]) == {"Interactions", "Actions", "Action_Interactions"}
    tracking_id = made.json["actionInteractionsTrackingId"]
    assert tracking_id
    assert tracking_id != made.json["eventTracker"]["trackingId"]
    again = await command("setup", "--name", "acts", "--actions", str(file), env=emulator.env)
    assert again.code == 3, again.err
    assert f"RELAY_ACTION_INTERACTIONS_TRACKING_ID={tracking_id}" in again.out
