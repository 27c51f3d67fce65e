"""Every package the locks name: Python's from `requirements/`, the snippet's build tools from `package-lock.json`."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
SHIPPED: Final = ROOT / "requirements/run.txt"
_PINNED: Final = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)


class Package(NamedTuple):
    """One version of one package."""

    ecosystem: str
    """As OSV names it: `PyPI` or `npm`."""
    name: str
    version: str

    @property
    def purl(self) -> str:
        """Its package URL."""
        name = self.name.replace("@", "%40") if self.ecosystem == "npm" else self.name.lower().replace("_", "-")
        return f"pkg:{self.ecosystem.lower()}/{name}@{self.version}"


def python_packages(file: Path) -> list[Package]:
    """Of one file that `make lock` wrote."""
    return [Package("PyPI", name, version) for name, version in _PINNED.findall(file.read_text())]


def npm_packages(file: Path) -> Iterator[Package]:
    """Of one `package-lock.json`."""
    for path, entry in json.loads(file.read_text())["packages"].items():
        if path and not entry.get("link"):
            yield Package("npm", entry.get("name", path.rpartition("node_modules/")[2]), entry["version"])


def all_packages() -> list[Package]:
    """Whatever any lock of the tree names."""
    found = {one for file in (ROOT / "requirements").glob("*.txt") for one in python_packages(file)}
    for file in ROOT.rglob("package-lock.json"):
        if "node_modules" not in file.parts and ".venv" not in file.parts:
            found.update(npm_packages(file))
    return sorted(found)
