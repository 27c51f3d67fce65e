"""Makes happen what the dashboard is to show, at the relays of docs/tutorial/cluster.md, and asks for every panel.

Run as `python -m tests.docs.stage.dashboard KEY`; ends when each query has had an answer with data, or after a minute.
"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Final

from relay.core.clock import SystemClock
from relay.identity.tokens import SiteClaims, Tokens, mint_identity
from tests.support.tree import ROOT

PUBLIC: Final = "http://127.0.0.1:8080"
PROMETHEUS: Final = "http://127.0.0.1:9090"
EMULATOR: Final = "http://127.0.0.1:8082"
ORIGIN: Final = "http://localhost:8000"
PATIENCE_S: Final = 60
KEY: Final = sys.argv[1]


def ask(url: str, body: object = None, *, method: str | None = None, **headers: str) -> Any:
    """What it answers, JSON or nothing; whatever the status."""
    data = None if body is None else json.dumps(body).encode()
    named = {"Content-Type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
    request = urllib.request.Request(url, data, named, method=method)  # noqa: S310  # loopback
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:  # noqa: S310  # the same
            text = answer.read()
    except urllib.error.HTTPError as refused:
        text = refused.read()
    return json.loads(text) if text[:1] in (b"{", b"[") else None


def beacon(session: str, *events: object, **fields: object) -> dict[str, object]:
    token = Tokens([KEY], clock=SystemClock()).mint(SiteClaims("default"))
    return {"v": 1, "token": token, "sessionId": f"dashboard-session-{session}", "eventList": list(events)} | fields


def visit(turn: int) -> None:
    """Of everything one."""
    view = {"eventType": "View", "itemId": "lamp"}
    for body, headers in [
        (beacon(f"good-{turn}", view, identity=mint_identity("ann", secret_key=KEY), seq=1), {}),
        (beacon(f"good-{turn}", view, seq=4, lost={"outbox_full": 1}), {}),
        (beacon(f"refused-{turn}", {"eventType": "View", "itemId": "refused"}), {}),
        (beacon(f"odd-{turn}", {"itemId": "without a type"}, {"eventType": "View"}, view | {"eventValue": "dear"}), {}),
        (beacon(f"robot-{turn}", view), {"User_Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}),
        ({"v": 1}, {}),
    ]:
        ask(f"{PUBLIC}/r/e", body, Origin=ORIGIN, **headers)
    ask(f"{PUBLIC}/r/s.{turn:016x}.js", Origin=ORIGIN, Referer=f"{ORIGIN}/")


def query(expression: str) -> list[Any]:
    """What Prometheus answers, as Grafana would ask it."""
    filled = expression.replace("$instance", ".*").replace("$__rate_interval", "30s")
    answer = ask(f"{PROMETHEUS}/api/v1/query?{urllib.parse.urlencode({'query': filled})}")
    assert answer["status"] == "success", (expression, answer)
    found: list[Any] = answer["data"]["result"]
    return found


def expressions() -> set[str]:
    dashboard = json.loads((ROOT / "examples/deploy/observability/dashboard.json").read_text())
    return {target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())}


def main() -> None:
    """Visits, until all has been answered with data."""
    ask(f"{EMULATOR}/_emulator/faults", {"refuse_items": ["refused"]}, method="PUT")
    missing = expressions()
    deadline_s = time.monotonic() + PATIENCE_S
    turn = 0
    while missing and time.monotonic() < deadline_s:
        turn += 1
        visit(turn)
        time.sleep(0.5)  # Prometheus looks once a second
        missing = {one for one in missing if not query(one)}
    if missing:
        sys.exit("no data for\n" + "\n".join(sorted(missing)))
    sys.stdout.write("every panel has data\n")


if __name__ == "__main__":
    main()
