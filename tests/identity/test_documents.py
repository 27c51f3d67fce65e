"""What `docs/identity.md` and `docs/key-rotation.md` name is there."""

import re

import pytest

from relay.core.clock import SystemClock
from relay.core.settings import Settings
from relay.core.telemetry import Metrics
from relay.identity.decision import IdentityResult
from relay.spool.memory import MemorySpool
from tests.support.relay import ROOT

NAMES = ["identity.md", "key-rotation.md"]


def text(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def test_every_answer_on_identity_is_explained() -> None:
    head, *rows = re.findall(r"^\| `(\w+)` \|", text("identity.md"), re.MULTILINE)
    assert head == "identity"
    assert rows == list(IdentityResult)


@pytest.mark.parametrize("name", NAMES)
def test_settings_metrics_and_files_they_name_exist(name: str) -> None:
    settings = {f"RELAY_{field.upper()}" for field in Settings.model_fields}
    assert set(re.findall(r"RELAY_[A-Z_]+[A-Z]", text(name))) <= settings
    metrics, clock = Metrics(), SystemClock()
    metrics.watch_spool(MemorySpool(clock=clock, max_bytes=1).stats, clock)
    counters = {f"{metric.name}_total" for metric in metrics.registry.collect() if metric.type == "counter"}
    assert set(re.findall(r"relay_[a-z_]+_total", text(name))) <= counters
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text(name)):
        assert (ROOT / "docs" / target).exists(), target
