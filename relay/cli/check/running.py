"""What the relay that runs with these settings says of itself, and of what it has delivered, if one does."""

import http.client
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from relay.cli.screen import harmless
from relay.core.clock import SystemClock
from relay.core.settings import Settings
from relay.identity.tokens import ServerClaims, Tokens
from relay.insight.minute_rows import OTHER
from relay.web.readiness import Report

_PATIENCE_S: Final = 5.0
_MOST_BYTES: Final = 1 << 20


class Sent(msgspec.Struct):
    """How often what was delivered in the last day."""

    properties: Counter[str] = msgspec.field(default_factory=Counter[str])
    types: Counter[str] = msgspec.field(default_factory=Counter[str])
    without_item: Counter[str] = msgspec.field(default_factory=Counter[str])
    """By type."""


class _Row(msgspec.Struct):
    site: str
    events: int
    name: str = ""
    type: str = ""
    withoutItem: int = 0  # noqa: N815 - as in the answer


class _TooOld(msgspec.Struct):
    events: int


class _Page(msgspec.Struct):
    properties: list[_Row]
    eventTypes: list[_Row]  # noqa: N815 - as in the answer
    tooOld: _TooOld  # noqa: N815 - the same


class RunningRelaySays(NamedTuple):
    """What it says; nothing where nobody answers."""

    warnings: Sequence[str] = ()
    """Reasons and problems of its `/readyz`, and events it refused for their time; one line each."""
    sent: Mapping[str, Sent] = MappingProxyType({})
    """What it has delivered, by site."""


def look_at_running(settings: Settings) -> RunningRelaySays:
    """Ask it."""
    try:
        report = msgspec.json.decode(_asked(settings, "/readyz", {}), type=Report)
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        return RunningRelaySays()  # it does not run, or something else does
    lines = [f"the running relay: {harmless(line)}" for line in (*report.reasons, *report.problems)]
    page = _page(settings)
    if page is None:
        return RunningRelaySays(lines)
    if page.tooOld.events:
        lines.append(
            f"the running relay: {page.tooOld.events} events were rejected as bad_time: too old, or of the future"
        )
    return RunningRelaySays(lines, _sent(page))


def _sent(page: _Page) -> dict[str, Sent]:
    found: dict[str, Sent] = {}
    for row in (*page.properties, *page.eventTypes):
        if OTHER in (row.name, row.type):
            continue
        for site in row.site.split(", "):  # of sites that share a tracker nobody can tell whose it was
            of_site = found.setdefault(site, Sent())
            if row.name:
                of_site.properties[row.name] += row.events
            else:
                of_site.types[row.type] += row.events
            if row.withoutItem:
                of_site.without_item[row.type] += row.withoutItem
    return found


def _page(settings: Settings) -> _Page | None:
    token = Tokens(settings.keys(), clock=SystemClock()).mint(ServerClaims(settings.site, ("admin",)))
    headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
    try:
        return msgspec.json.decode(_asked(settings, "/properties", headers), type=_Page)
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        return None  # the same, or of an earlier version


def _asked(settings: Settings, path: str, headers: Mapping[str, str]) -> bytes:
    if not settings.admin_port:
        raise ConnectionError
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.admin_host, settings.admin_host)  # noqa: S104  any: here
    connection = http.client.HTTPConnection(host, settings.admin_port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", path, headers={"Host": f"localhost:{settings.admin_port}", **headers})
        return connection.getresponse().read(_MOST_BYTES)
    finally:
        connection.close()
