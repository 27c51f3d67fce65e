"""`make build` writes `dist/personalize-relay-VERSION.cdx.json`: what is in the wheel and beneath it, as CycloneDX 1.6.

`python -m scripts.supply_chain.sbom FOLDER` writes it elsewhere, as `make release` does.

The same tree gives the same bytes: no time, and a serial number made of the contents.
"""

import hashlib
import json
import re
import sys
import tomllib
import uuid
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.supply_chain.locked import ROOT, SHIPPED, Package, npm_packages, python_packages

_SPDX: Final = re.compile(r"[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*")
_SNIPPET: Final = ROOT / "js-snippet"


def bill() -> dict[str, Any]:
    """The whole document."""
    version = _version()
    relay = f"pkg:pypi/personalize-relay@{version}"
    locked = python_packages(SHIPPED)
    snippet = _snippet()
    tools = sorted(npm_packages(_SNIPPET / "package-lock.json"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": relay,
                "name": "personalize-relay",
                "version": version,
                "purl": relay,
                "licenses": [{"expression": "MIT"}],
            }
        },
        "components": [
            *(_component(one) for one in locked),
            snippet,
            *({**_component(one), "scope": "excluded"} for one in tools),  # they build the snippet, and are not in it
        ],
        "dependencies": [
            {"ref": relay, "dependsOn": sorted([snippet["bom-ref"], *_refs(project["dependencies"], locked)])},
            *({"ref": one.purl, "dependsOn": _refs(_required(one.name), locked)} for one in locked),
            {"ref": snippet["bom-ref"], "dependsOn": []},
        ],
    }
    contents = json.dumps(document, sort_keys=True)
    return {**document, "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, contents)}"}


def _version() -> str:
    found = re.search(r'"(\d[^"]*)"', (ROOT / "relay/core/version.py").read_text())
    if found is None:
        raise ValueError("relay/core/version.py names no version")
    return found[1]


def _component(package: Package) -> dict[str, Any]:
    component = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
    }
    expression = _licence(package.name) if package.ecosystem == "PyPI" else None
    return {**component, "licenses": [{"expression": expression}]} if expression else component


def _licence(name: str) -> str | None:
    try:
        said = metadata(name)
    except PackageNotFoundError:  # for another platform
        return None
    expression = next((said[field] for field in ("License-Expression", "License") if field in said), "")
    return expression if _SPDX.fullmatch(expression) else None


def _snippet() -> dict[str, Any]:
    """The script pages load, by the hash that names it."""
    named = json.loads((_SNIPPET / "package.json").read_text())
    digest = hashlib.sha256((_SNIPPET / "dist/s.js").read_bytes()).hexdigest()
    purl = f"pkg:npm/{named['name']}@{named['version']}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": "personalize-relay snippet",
        "version": named["version"],
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "licenses": [{"expression": named["license"]}],
    }


def _required(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def _refs(requirements: list[str], locked: list[Package]) -> list[str]:
    by_name = {canonicalize_name(one.name): one.purl for one in locked}
    wanted = [Requirement(one) for one in requirements]
    names = {canonicalize_name(one.name) for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})}
    return sorted(by_name[name] for name in names if name in by_name)


def main() -> None:
    """Write it beside the wheel."""
    document = bill()
    version = document["metadata"]["component"]["version"]
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist"
    file = folder / f"personalize-relay-{version}.cdx.json"
    folder.mkdir(exist_ok=True)
    file.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
