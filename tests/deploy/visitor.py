"""A visitor of the shop of compose.yaml, run inside the image: only the standard library, no relay code.

Its last line is what the emulator has received.
"""

import json
import re
import sys
import time
import urllib.request

ORIGIN = "http://localhost:8083"
PATIENCE_S = 60


def get(url: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    """Status and text, however long the other side takes to begin."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310  # http, all of them
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # the same
                return answer.status, answer.read().decode()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)  # between two tries: the shop of another container starts when it starts


def main() -> None:
    """Look at the shop, tell of it by way of nginx, and ask the emulator what came."""
    _, page = get("http://shop:8083/")
    tag = re.search(r'<script async src="http://localhost:8080/r/s\.js" data-token="([^"]+)"', page)
    assert tag, page
    assert get("http://nginx/r/s.js")[0] == 200
    event = {"eventType": "View", "itemId": "monstera", "eventId": "of-the-visitor"}
    beacon = {"v": 1, "token": tag[1], "sessionId": "a-visitor-of-the-image", "eventList": [event]}
    status, answer = get(
        "http://nginx/r/e", json.dumps(beacon).encode(), **{"Origin": ORIGIN, "Content-Type": "text/plain"}
    )
    assert (status, json.loads(answer)["accepted"]) == (202, 1)
    deadline = time.monotonic() + PATIENCE_S
    calls = ""
    while "of-the-visitor" not in calls and time.monotonic() < deadline:
        _, calls = get("http://emulator:8082/_emulator/calls?operation=PutEvents")
        time.sleep(0.1)  # between two looks over HTTP
    sys.stdout.write(calls)


main()
