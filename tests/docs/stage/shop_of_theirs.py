"""The shop of the example in docs/emulator-api.md: a relay that knows AWS by its environment alone, and a click."""

import atexit
import json
import os
import subprocess
import sys
import urllib.request

from relay.core.clock import SystemClock
from relay.identity.tokens import SiteClaims, Tokens
from relay.testing import PersonalizeEmulator
from tests.support.relay import KEY, ORIGIN, ROOT, SESSION, relay_environ

_url: list[str] = []


def start_my_shop(env: dict[str, str]) -> None:
    """A relay in a process of its own, which ends with the suite."""
    relay = subprocess.Popen(
        [sys.executable, "-m", "relay", "serve"],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | relay_environ(tracking_id=PersonalizeEmulator().tracking_id) | env,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(relay.kill)
    assert relay.stdout is not None
    _url[:] = [relay.stdout.readline().split()[2].rstrip(",")]


def click_something() -> None:
    """What the shop's page sends."""
    beacon = {
        "v": 1,
        "token": Tokens([KEY], clock=SystemClock()).mint(SiteClaims("default")),
        "sessionId": SESSION,
        "eventList": [{"eventType": "Click", "itemId": "p1"}],
    }
    headers = {"Origin": ORIGIN, "Content-Type": "text/plain"}
    request = urllib.request.Request(f"{_url[0]}/e", json.dumps(beacon).encode(), headers)  # noqa: S310  # loopback
    with urllib.request.urlopen(request, timeout=15) as answer:  # noqa: S310  # the same
        assert answer.status == 202
