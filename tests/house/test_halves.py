"""`make test` runs the suite in two halves: each test is in one of them, and either can make it fail."""

import subprocess
from pathlib import Path

import pytest

from tests.support.relay import ROOT


@pytest.mark.parametrize("failing", ["nothing", "(browser or faults)", "(not browser and not faults)"])
def test_the_suite_fails_when_either_half_does(tmp_path: Path, failing: str) -> None:
    stand_in = tmp_path / "pytest"
    stand_in.write_text(f'#!/bin/sh\necho "$@"\ncase "$*" in *"{failing}"*) exit 1 ;; esac\n')
    stand_in.chmod(0o755)
    done = subprocess.run([ROOT / "scripts/test-halves", stand_in], capture_output=True, text=True, check=False)
    assert done.returncode == (failing != "nothing")
    halves = sorted(line.partition(" | ")[0] for line in done.stdout.splitlines())
    assert halves == ["browsers-and-faults", "rest"]


def test_each_test_is_in_one_half() -> None:
    marked = [{"browser": browser, "faults": faults} for browser in (False, True) for faults in (False, True)]
    script = (ROOT / "scripts/test-halves").read_text()
    halves = [line.split('"')[1] for line in script.splitlines() if line.startswith("half ") and '"' in line]
    assert len(halves) == 2
    for one in marked:
        assert sum(bool(eval(half, {}, one)) for half in halves) == 1  # noqa: S307  two lines of our own script
