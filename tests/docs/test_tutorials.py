"""The tutorials and the quick start of the README, word by word, from a wheel in an empty directory."""

import json
from pathlib import Path

import pytest

from tests.docs.blocks import blocks
from tests.docs.stage.walk import quick_start, walk
from tests.support.tree import ROOT

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

OPEN_THE_PAGE = f'PYTHONPATH={ROOT} "$TREE/.venv/bin/python" {ROOT}/tests/docs/stage/reader.py\n'
DELIVERED = "until personalize-relay spool status --json | grep -q '\"pending\": 0'; do sleep 0.2; done\n"


def lines(paper: str) -> str:
    """All blocks in order; Python is typed into Python."""
    return "\n".join(
        block.text if block.language == "sh" else f"python3 - <<'PYTHON'\n{block.text}PYTHON" for block in blocks(paper)
    )


@pytest.mark.browser
async def test_the_first_event_arrives_in_the_order_of_the_tutorial(tmp_path: Path, wheels: Path) -> None:
    install, emulator, relay, page, look, beacon, status, end = (b.text for b in blocks("docs/tutorial/first-event.md"))
    visit = OPEN_THE_PAGE + DELIVERED
    said = await walk(
        "\n".join([install, emulator, relay, page, visit, look, beacon, DELIVERED, status, end]), tmp_path, wheels
    )
    calls = [json.loads(line) for line in said.splitlines() if line.startswith('{"n":')]
    events = [event for call in calls for event in call["body"]["eventList"]]
    assert [(event["eventType"], event["itemId"]) for event in events] == [("View", "p1"), ("Click", "p2")]
    click = events[1]
    assert sorted(click["impression"]) == ["p2", "p3"]
    assert click["metricAttribution"] == {"eventAttributionSource": "also-good"}
    assert '"accepted":1' in said


async def test_recommendations_come_from_nothing_in_the_order_of_the_tutorial(tmp_path: Path, wheels: Path) -> None:
    said = await walk(lines("docs/tutorial/recommendations.md"), tmp_path, wheels)
    assert "['bowl'," in said


async def test_the_readme_runs_a_relay_from_the_wheel(tmp_path: Path, wheels: Path) -> None:
    said = await walk(quick_start(blocks("README.md", "sh")), tmp_path, wheels)
    assert "is ACTIVE in eu-west-1" in said
    assert '<script async src="https://events.shop.example/r/s.js" data-token="' in said


async def test_the_demo_runs_from_the_wheel(tmp_path: Path, wheels: Path) -> None:
    (block,) = [one for one in blocks("README.md", "sh") if "personalize-relay demo" in one.text]
    install, demo = block.text.strip().splitlines()
    said = await walk(
        f"python3 -m venv venv && . venv/bin/activate\n{install}\n{demo.split('#')[0]} >demo.log 2>&1 &\n"
        "until curl -sf http://127.0.0.1:8083/healthz; do sleep 0.2; done\n"
        "curl -s http://127.0.0.1:8083/ | grep '/r/s.js'\n"
        "kill -INT %1; wait %1\n",
        tmp_path,
        wheels,
    )
    assert '<script async src="http://127.0.0.1:8080/r/s.js"' in said
