"""examples/deploy/observability: rules that Prometheus takes and a dashboard of metrics that exist."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from relay.core.clock import SystemClock
from relay.core.model import SpoolStats
from relay.core.telemetry import Metrics
from tests.support.tree import ROOT

FOLDER = ROOT / "examples/deploy/observability"
RULES: dict[str, Any] = yaml.safe_load((FOLDER / "rules.yml").read_text())
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
DOCUMENTED = set(re.findall(r"^\| `(\w+)", (ROOT / "docs/reference/metrics.md").read_text(), re.MULTILINE))
_METRIC = re.compile(r"\b(?:relay|process)_\w+")
_SERIES_OF = re.compile(r"_(?:bucket|sum|count)$")
_DURATION = re.compile(r"(?:\d+[smhd])+")


def rules() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def test_every_metric_of_rules_and_dashboard_exists() -> None:
    named = {name for expression in expressions() for name in _METRIC.findall(expression)}
    assert len(named) > 20
    assert {name for name in named if name not in DOCUMENTED and _SERIES_OF.sub("", name) not in DOCUMENTED} == set()


def test_every_label_that_is_asked_for_is_one_of_its_metric() -> None:
    text = (ROOT / "docs/reference/metrics.md").read_text()
    labels = {name: set(given.split(",")) for name, given in re.findall(r"`(\w+)\{([\w,]+)\}`", text)}
    for expression in expressions():
        for name, selectors in re.findall(r"((?:relay|process)_\w+)\{([^}]*)\}", expression):
            asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selectors)) - {"instance", "job"}
            assert asked <= labels.get(name, set()), expression
        for by in re.findall(r"by \(([^)]*)\)", expression):
            asked = set(re.split(r",\s*", by)) - {"instance", "le"}
            known = set().union(*(labels.get(name, set()) for name in _METRIC.findall(expression)))
            assert asked <= known, expression


def test_rules_have_nothing_that_prometheus_would_refuse() -> None:
    for group in RULES["groups"]:
        assert set(group) <= {"name", "interval", "rules"}
    for rule in rules():
        kinds = {"record", "alert"} & set(rule)
        assert len(kinds) == 1
        assert set(rule) <= {"record", "alert", "expr", "for", "labels", "annotations"}
        assert all(
            isinstance(one, str) for one in (*rule.get("labels", {}).values(), *rule.get("annotations", {}).values())
        )
        assert _DURATION.fullmatch(rule.get("for", "1m"))
        for opening, closing in ("()", "{}", "[]"):
            assert rule["expr"].count(opening) == rule["expr"].count(closing)
    names = [rule.get("alert") or rule["record"] for rule in rules()]
    assert len(names) == len(set(names))


def test_every_alert_says_what_it_is_and_what_to_do() -> None:
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in ("page", "ticket")
            assert rule["annotations"]["summary"]
            assert rule["annotations"]["description"].endswith(".")


def test_promtool_takes_the_rules() -> None:
    own = ROOT / "build/promtool/usr/bin/promtool"
    promtool = shutil.which("promtool") or (str(own) if own.exists() else None)
    if promtool is None:
        pytest.skip("no promtool here: scripts/install-test-tools")
    done = subprocess.run(
        [promtool, "check", "rules", str(FOLDER / "rules.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_are_told_apart_and_lie_beside_each_other() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        own = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not own & cells, panel["title"]
        cells |= own
    assert all(target["datasource"]["uid"] == "${source}" for panel in panels() for target in panel["targets"])


def test_version_and_process_are_in_what_is_scraped() -> None:
    metrics = Metrics()
    nothing = SpoolStats(
        accepted=0, delivered=0, buried={}, erased=0, pending=0, size_bytes=0, oldest_accepted_at_ms=None
    )
    metrics.watch_spool(lambda: nothing, SystemClock())
    text = metrics.exposition().decode()
    assert re.search(r'^relay_build_info\{python="[\d.]+",version="[\d.]+"\} 1.0$', text, re.MULTILINE)
    if Path("/proc/self/stat").exists():
        assert re.search(r"^process_cpu_seconds_total \d", text, re.MULTILINE)
