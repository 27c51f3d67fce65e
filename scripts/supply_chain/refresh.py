"""`make advisories`: asks OSV about every package that is locked, in whatever version, and writes `advisories.json`."""

import json
import sys
import urllib.request
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final

from scripts.supply_chain.audit import FILE, Advisory, advisories
from scripts.supply_chain.locked import all_packages

_OSV: Final = "https://api.osv.dev/v1/query"


def main() -> None:
    """Write the file, once everything was answered."""
    found: dict[tuple[str, str], Advisory] = {(one.id, one.package): one for one in advisories()}
    for ecosystem, name in sorted({(one.ecosystem, one.name) for one in all_packages()}):
        asked = json.dumps({"package": {"ecosystem": ecosystem, "name": name}}).encode()
        request = urllib.request.Request(_OSV, asked, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - a constant https URL
                said = json.load(answer)
        except (OSError, ValueError) as error:
            sys.exit(f"{_OSV} does not answer for {name} ({error}): advisories.json stays as it was")
        for one in from_osv(said.get("vulns", ()), ecosystem, name):
            found[one.id, one.package] = one
    write(found.values(), refreshed=date.today().isoformat())  # noqa: DTZ011  any date near


def write(some: Iterable[Advisory], *, refreshed: str) -> None:
    """Sorted, so that a change can be read."""
    listed = [one._asdict() for one in sorted(some, key=lambda one: (one.ecosystem, one.package, one.id))]
    FILE.write_text(json.dumps({"refreshed": refreshed, "advisories": listed}, indent=1, ensure_ascii=False) + "\n")


def from_osv(vulnerabilities: Iterable[dict[str, Any]], ecosystem: str, name: str) -> Iterator[Advisory]:
    """What OSV says of one package, as advisories. Those that were withdrawn are left out."""
    for one in vulnerabilities:
        if "withdrawn" in one:
            continue
        affected: list[str] = []
        for entry in one.get("affected", ()):
            if entry["package"]["ecosystem"] != ecosystem or entry["package"]["name"] != name:
                continue
            ranges = [span for span in entry.get("ranges", ()) if span["type"] != "GIT"]
            for span in ranges:
                affected += _specifiers(span["events"])
            if not ranges:
                affected += [f"=={version}" for version in entry.get("versions", ())]
        if affected:
            yield Advisory(one["id"], ecosystem, name, affected, one.get("summary", "")[:200])


def _specifiers(events: Iterable[dict[str, str]]) -> Iterator[str]:
    """`introduced` begins a range, `fixed` or `last_affected` ends it."""
    began: str | None = None
    for event in events:
        if "introduced" in event:
            began = event["introduced"]
        elif began is not None:
            end = f"<{event['fixed']}" if "fixed" in event else f"<={event['last_affected']}"
            yield end if began == "0" else f">={began},{end}"
            began = None
    if began is not None:
        yield f">={began}"


if __name__ == "__main__":
    main()
