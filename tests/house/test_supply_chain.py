"""What the relay is made of: told in full, the same each time, and none of it known to be bad."""

import json
import re
import socket

import pytest

from scripts.supply_chain import refresh
from scripts.supply_chain.audit import FILE, Advisory, advisories, findings
from scripts.supply_chain.locked import ROOT, SHIPPED, Package, all_packages, python_packages
from scripts.supply_chain.refresh import from_osv
from scripts.supply_chain.sbom import bill

OSV = {
    "id": "GHSA-x",
    "summary": "bad",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "idna"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.5"}, {"introduced": "2.0"}]},
                {"type": "GIT", "events": [{"introduced": "0"}]},
            ],
        },
        {"package": {"ecosystem": "PyPI", "name": "other"}, "versions": ["9"]},
    ],
}


def test_no_locked_version_is_known_to_be_bad() -> None:
    assert findings(all_packages(), advisories()) == []


def test_every_lock_of_the_tree_is_looked_at() -> None:
    found = {(one.ecosystem, one.name) for one in all_packages()}
    assert {("PyPI", "starlette"), ("PyPI", "hatchling"), ("npm", "esbuild"), ("npm", "fastify")} <= found


def test_a_bad_version_is_found_and_a_good_one_is_not() -> None:
    known = [Advisory("X-1", "PyPI", "Some_Package", ["<1.0.1", ">=2.0,<2.3"], "bad")]
    versions = {"1.0": True, "1.0.1": False, "2.2.9": True, "2.3": False, "2.0rc1": False}
    for version, is_bad in versions.items():
        assert bool(findings([Package("PyPI", "some-package", version)], known)) is is_bad, version
    assert findings([Package("npm", "some-package", "1.0")], known) == []


def test_what_osv_answers_becomes_ranges() -> None:
    (one,) = from_osv([OSV, {**OSV, "id": "y", "withdrawn": "2026-01-01"}], "PyPI", "idna")
    assert one == Advisory("GHSA-x", "PyPI", "idna", ["<1.5", ">=2.0"], "bad")


def test_where_osv_cannot_be_asked_one_line_says_so_and_the_list_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    before = FILE.read_bytes()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setattr(refresh, "_OSV", f"http://127.0.0.1:{nobody.getsockname()[1]}/")
        with pytest.raises(SystemExit, match=r"does not answer for .* stays as it was"):
            refresh.main()
    assert FILE.read_bytes() == before


def test_the_bill_names_every_package_that_ships_and_the_snippet_by_its_hash() -> None:
    document = bill()
    components = {one["purl"]: one for one in document["components"]}
    assert {one.purl for one in python_packages(SHIPPED)} <= components.keys()
    (snippet,) = [one for one in document["components"] if one["name"] == "personalize-relay snippet"]
    assert len(snippet["hashes"][0]["content"]) == 64
    tools = [one for purl, one in components.items() if purl.startswith("pkg:npm/") and one is not snippet]
    assert {one["scope"] for one in tools} == {"excluded"}, "they build the snippet, and are not in it"
    references = {one["ref"] for one in document["dependencies"]}
    assert {to for one in document["dependencies"] for to in one["dependsOn"]} <= references
    root = document["dependencies"][0]
    assert any(to.startswith("pkg:pypi/starlette@") for to in root["dependsOn"])


def test_the_bill_is_the_same_each_time() -> None:
    assert json.dumps(bill()) == json.dumps(bill())


def test_the_snippet_in_the_tree_is_checked_to_be_the_build_of_its_source() -> None:
    """`make test` runs `npm test`, whose first step builds it anew and compares every byte."""
    scripts = json.loads((ROOT / "js-snippet/package.json").read_text())["scripts"]
    assert scripts["test"].startswith("node build.mjs --check &&")
    assert re.search(
        r"^test: .*\n(?:\t.*\n)*\tcd js-snippet && npm test --silent$", (ROOT / "Makefile").read_text(), re.M
    )
    assert "dependencies" not in json.loads((ROOT / "js-snippet/package.json").read_text())
