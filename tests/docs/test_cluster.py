"""docs/tutorial/cluster.md by hand, word by word: relays, PostgreSQL, nginx, a real Prometheus; and its dashboard."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.docs.blocks import blocks
from tests.docs.stage.walk import walk
from tests.support.postgres import bin_folder
from tests.support.tree import ROOT

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

PAPER = "docs/tutorial/cluster.md"
PROMETHEUS = ROOT / "build/promtool/usr/bin/prometheus"
DASHBOARD = 'PYTHONPATH="$TREE" "$TREE/.venv/bin/python" -m tests.docs.stage.dashboard "$RELAY_SECRET_KEYS"\n'
TOTAL_IS_FOUR = r"""
total='sum(max by (spool) (relay_events_accepted_total * on (instance, job) group_left (spool) relay_spool_info))'
asked="query=$total == 4 and count(relay_spool_info) == 2"
for _ in $(seq 100); do
  curl -sg http://127.0.0.1:9090/api/v1/query --data-urlencode "$asked" | grep '"4"' >/dev/null && break
  sleep 0.3
done
curl -sfg http://127.0.0.1:9090/api/v1/query --data-urlencode "$asked" | grep '"4"' >/dev/null
"""
"""Both relays tell of the same four events, and the dashboard's way to ask does not add them up."""
_AS_NOBODY = """#!/bin/sh
# PostgreSQL refuses to run as root, which the reader is not.
chown -R nobody database
exec setpriv --reuid=nobody --regid=nogroup --clear-groups {program} "$@"
"""


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder that everybody may enter, the database's user, too; with the programs of the page."""
    try:
        database = bin_folder()
    except LookupError as missing:
        pytest.skip(str(missing))
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    prometheus = shutil.which("prometheus") or (PROMETHEUS if PROMETHEUS.exists() else None)
    if nginx is None or prometheus is None:
        pytest.skip("nginx or Prometheus is not installed; scripts/install-test-tools does it")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        programs = folder / "programs"
        programs.mkdir()
        for program in (database / "initdb", database / "pg_ctl", database / "createdb", nginx, prometheus):
            link = programs / Path(program).name
            if os.getuid() == 0 and link.name in ("initdb", "pg_ctl"):
                link.write_text(_AS_NOBODY.format(program=program))
                link.chmod(0o755)
            else:
                link.symlink_to(program)
        yield folder


async def test_the_cluster_goes_on_without_a_relay_and_every_panel_of_the_dashboard_has_data(
    room: Path, wheels: Path
) -> None:
    by_compose, *by_hand = (block.text for block in blocks(PAPER, "sh"))
    *build, visitors, dies, asks, away = by_hand
    assert by_compose.startswith("docker compose")
    path = f"export PATH={room / 'programs'}:$PATH\n"
    said = await walk(path + "\n".join([*build, visitors, TOTAL_IS_FOUR, dies, asks, DASHBOARD, away]), room, wheels)
    assert said.count('"accepted":1') == 8
    assert dict(re.findall(r'"instance":"([^"]+)","job":"relay"},"value":\[[\d.]+,"(\d)"', said)) == {
        "127.0.0.1:9091": "0",
        "127.0.0.1:9092": "1",
    }
    assert said.rstrip().endswith("every panel has data")


def test_the_rules_know_the_relays_by_the_job_of_every_prometheus_there_is() -> None:
    (job,) = set(re.findall(r'job="(\w+)"', (ROOT / "examples/deploy/observability/rules.yml").read_text()))
    compose = yaml.safe_load((ROOT / "examples/deploy/compose/prometheus.yml").read_text())
    assert [one["job_name"] for one in compose["scrape_configs"]] == [job]
    assert f"job_name: {job}\n" in (ROOT / PAPER).read_text()
