"""`make audit`: whether a locked version is one of `advisories.json`; asks nobody.

`make advisories` adds to that file what OSV (https://osv.dev) knows, which needs the network; what was put in by hand
stays.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from scripts.supply_chain.locked import Package, all_packages

FILE: Final = Path(__file__).parent / "advisories.json"


class Advisory(NamedTuple):
    """Versions that are known to be bad, and why."""

    id: str
    ecosystem: str
    package: str
    affected: list[str]
    """Specifiers as pip knows them, such as `>=0.39,<0.49.1`; one of them is enough."""
    summary: str

    def is_about(self, package: Package) -> bool:
        """Whether this version is one of them."""
        if self.ecosystem != package.ecosystem or canonicalize_name(self.package) != canonicalize_name(package.name):
            return False
        try:
            version = Version(package.version)
        except InvalidVersion:
            return f"=={package.version}" in self.affected
        return any(SpecifierSet(one, prereleases=True).contains(version) for one in self.affected)


def advisories(file: Path = FILE) -> list[Advisory]:
    """Those of the file."""
    return [Advisory(**one) for one in json.loads(file.read_text())["advisories"]]


def findings(packages: Iterable[Package], known: Iterable[Advisory]) -> list[str]:
    """One line for each locked package that is known to be bad."""
    listed = list(known)
    return [
        f"{package.name} {package.version}: {one.id}: {one.summary}"
        for package in packages
        for one in listed
        if one.is_about(package)
    ]


def main() -> None:
    """Print what is found; 1 if anything is."""
    packages = all_packages()
    found = findings(packages, advisories())
    for line in found:
        print(line)  # noqa: T201 - the result
    refreshed = json.loads(FILE.read_text())["refreshed"] or "never, it is by hand: `make advisories`"
    print(f"{len(packages)} packages, {len(found)} known to be bad; the list was refreshed {refreshed}")  # noqa: T201
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
