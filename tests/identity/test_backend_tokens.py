"""`examples/backend-tokens`: what backends in other languages mint, a relay takes, over real HTTP up to the service."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpx2
import pytest

from relay.core.clock import SystemClock
from relay.identity.tokens import IdentityClaims, TokenFault, Tokens
from tests.support.clock import FakeClock
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import KEY, ROOT, RunningRelay, running_relay

FOLDER: Final = ROOT / "examples" / "backend-tokens"
ENV: Final = {"RELAY_SECRET_KEYS": f"{KEY}, an-older-key-of-which-backends-know-nothing", "APP_SECRET": "app" * 12}
DIFFICULT: Final = 'ünï/<&>"#42 \\ \N{BANANA}'
"""A user id with everything that JSON writers treat each in their own way."""

COMMANDS: Final[dict[str, list[str]]] = {
    "Python": [sys.executable, "identity_token.py"],
    "Node": ["node", "identity-token.mjs"],
    "PHP": ["php", "identity_token.php"],
    "Ruby": ["ruby", "identity_token.rb"],
    "Go": ["go", "run", "identity_token.go"],
}
SERVERS: Final[dict[str, list[str]]] = {
    "Starlette": ["uvicorn", "starlette_app:app", "--port", "0"],
    "Django": ["uvicorn", "django_app:app", "--port", "0"],
    "Flask": ["flask", "--app", "flask_app", "run", "--port", "0"],
}


@dataclass(frozen=True)
class World:
    """A relay that knows the key, and the service behind it."""

    relay: RunningRelay
    emulator: RunningEmulator

    async def user_of(self, item: str, session: str) -> str | None:
        """The user with whom a view of the item, from the session and without a token, reaches the service."""
        await self.relay.send({"eventType": "View", "itemId": item}, session=session)
        await self.relay.delivered()
        (event,) = [event for event in self.emulator.events() if event["itemId"] == item]
        assert event["sessionId"] == session
        user: str | None = event.get("userId")
        return user


@pytest.fixture(scope="module")
async def world() -> AsyncGenerator[World]:
    async with running_emulator() as emulator, running_relay(env=emulator.env) as relay:
        yield World(relay, emulator)


async def mint(language: str, *arguments: str) -> str:
    """What the example prints."""
    command = COMMANDS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not on this machine")
    code, out, err = await run([*command, *arguments], ENV)
    assert (code, err) == (0, ""), language
    return out.removesuffix("\n")


async def run(command: list[str], env: dict[str, str]) -> tuple[int, str, str]:
    """Exit code, stdout, stderr; beside the examples."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=FOLDER,
        env=os.environ | env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.parametrize("language", list(COMMANDS))
@pytest.mark.timeout(240)  # Go compiles its library the first time
async def test_a_token_minted_in_this_language_binds_the_session(language: str, world: World) -> None:
    session = f"session-of-{language.lower()}-01"
    token = await mint(language, DIFFICULT)
    assert (await world.relay.send(eventList=[], session=session, identity=token))["identity"] == "ok"
    assert await world.user_of(f"{language}-1", session) == DIFFICULT


@pytest.mark.parametrize("language", list(COMMANDS))
@pytest.mark.timeout(240)  # the same
async def test_its_session_and_its_end_are_kept(language: str, world: World) -> None:
    whole = 256 * "a"
    own, other = f"session-of-{language.lower()}-02", f"session-of-{language.lower()}-03"
    token = await mint(language, "--session", own, "--ttl", "600", whole)
    assert (await world.relay.send(eventList=[], session=other, identity=token))["identity"] == "mismatch"
    assert await world.user_of(f"{language}-2", other) is None
    assert (await world.relay.send(eventList=[], session=own, identity=token))["identity"] == "ok"
    assert await world.user_of(f"{language}-3", own) == whole
    later = FakeClock(SystemClock().now_ms() + 661_000)  # and the leeway
    assert Tokens([KEY], clock=later).identity(token) is TokenFault.EXPIRED
    sooner = FakeClock(SystemClock().now_ms() + 590_000)
    claims = Tokens([KEY], clock=sooner).identity(token)
    assert isinstance(claims, IdentityClaims)
    assert (claims.sub, claims.sid) == (whole, own)


@pytest.mark.parametrize("keys", ["", "short", ", an-older-key-of-which-backends-know-nothing", "x" * 31])
@pytest.mark.parametrize("language", list(COMMANDS))
@pytest.mark.timeout(240)  # the same
async def test_no_token_is_made_with_a_key_no_relay_takes(language: str, keys: str) -> None:
    command = COMMANDS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not on this machine")
    code, out, err = await run([*command, "user-42"], {"RELAY_SECRET_KEYS": keys})
    assert (code, out) == (1, "")
    (line, *rest) = err.splitlines()
    assert "RELAY_SECRET_KEYS" in line
    assert "at least 32" in line
    assert rest in ([], ["exit status 1"]), "the second is `go run`'s"


@pytest.mark.parametrize("framework", list(SERVERS))
async def test_an_application_with_a_key_no_relay_takes_does_not_start(framework: str) -> None:
    module = SERVERS[framework][-3].partition(":")[0] if framework != "Flask" else "flask_app"
    code, out, err = await run(
        [sys.executable, "-c", f"import {module}"], {"RELAY_SECRET_KEYS": "", "APP_SECRET": "app" * 12}
    )
    assert (code, out) == (1, "")
    assert "RELAY_SECRET_KEYS" in err
    assert "Traceback" not in err


@asynccontextmanager
async def serving(framework: str) -> AsyncGenerator[httpx2.AsyncClient]:
    """The example as its first lines say to run it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *SERVERS[framework]),
        cwd=FOLDER,
        env=os.environ | ENV | {"PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        assert process.stdout is not None
        said = ""
        async with asyncio.timeout(30):
            while not (found := re.search(r"on (http://127\.0\.0\.1:\d+)", said)):
                line = await process.stdout.readline()
                assert line, said
                said += line.decode()
        async with httpx2.AsyncClient(base_url=found[1], timeout=15) as http:
            yield http
    finally:
        process.terminate()
        await process.communicate()


@pytest.mark.parametrize("framework", list(SERVERS))
async def test_an_application_of_this_framework_names_its_logged_in_user(framework: str, world: World) -> None:
    session = f"session-of-{framework.lower()}-01"
    async with serving(framework) as http:
        assert (await http.get("/relay-identity")).status_code == 204
        assert (await http.post("/login", json={"user": DIFFICULT})).status_code == 204
        answer = await http.get("/relay-identity")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    answered = await world.relay.send(eventList=[], session=session, identity=answer.json()["identity"])
    assert answered["identity"] == "ok"
    assert await world.user_of(framework, session) == DIFFICULT


def test_the_token_in_the_readme_is_the_one_that_comes_out() -> None:
    readme = (FOLDER / "README.md").read_text()
    found = re.search(r"^(eyJ\S+)$", readme, re.MULTILINE)
    assert found
    claims = Tokens([KEY], clock=FakeClock(1_795_312_345_000)).mint(IdentityClaims("user-42"))
    assert found[1] == claims
    assert f"`{KEY}`" in readme


def test_every_file_is_in_the_readme_and_in_a_test() -> None:
    readme = (FOLDER / "README.md").read_text()
    files = {path.name for path in FOLDER.iterdir() if path.is_file()} - {"README.md"}
    tested = json.dumps([COMMANDS, SERVERS])
    for name in files:
        assert f"]({name})" in readme
        assert name.removesuffix(".py") in tested
