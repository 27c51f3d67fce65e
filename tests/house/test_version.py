"""The version stands in one place; the npm package, which cannot read it there, says the same."""

import json
from importlib.metadata import version

from relay.core.version import VERSION
from tests.support.tree import ROOT


def test_the_npm_package_has_the_version_of_the_relay() -> None:
    manifest = json.loads((ROOT / "js-snippet/package.json").read_text())
    lock = json.loads((ROOT / "js-snippet/package-lock.json").read_text())
    assert {manifest["version"], lock["version"], lock["packages"][""]["version"]} == {VERSION}, "scripts/set-version"


def test_the_installed_distribution_has_the_version_of_the_code() -> None:
    assert version("personalize-relay") == VERSION
