"""What this machine can tell of the settings by itself."""

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from relay.cli.screen import harmless
from relay.compose.impressions import refused_impressions
from relay.compose.spool import file_of, look_into
from relay.core.bundled import bundled
from relay.core.clock import Clock
from relay.core.errors import RelayError, SpoolError
from relay.core.model import Operation
from relay.core.settings import Settings
from relay.spool.administration import SpoolFindings, Waiting
from relay.web.listener import bounds
from relay.web.listener.open_files import raise_limit, room
from relay.web.routes.client_address import ClientAddress
from relay.web.routes.snippet_file import SnippetFile


def local_problems(settings: Settings, clock: Clock) -> list[str]:
    """What keeps a relay from working, one line each."""
    problems: list[str] = []
    try:
        SnippetFile.read(bundled("snippet"))
    except RelayError as error:
        problems.append(str(error))
    for variable, file in (
        ("RELAY_SPOOL_URL", file_of(settings.spool_url)),
        ("RELAY_SINK", Path(settings.sink.removeprefix("jsonl:")) if settings.sink != "personalize" else None),
    ):
        if file is not None:
            problems += _file_problems(variable, file)
    return problems + _revoking_too_much(settings, clock)


def local_warnings(settings: Settings, clock: Clock) -> list[str]:
    """What works, but not as one would think, one line each."""
    proxies = ClientAddress(header=settings.client_ip_header, trusted=settings.trusted_proxies).problems()
    return [
        *proxies,
        *_few_connections(settings),
        *refused_impressions(settings),
        *_waiting_for_nobody(settings, clock),
    ]


def _few_connections(settings: Settings) -> list[str]:
    files = raise_limit()
    connections = room(files, others=settings.max_in_flight)
    if connections >= bounds.MAX_CONNECTIONS:
        return []
    line = (
        f"the process may open {files} files, so that the public listener holds {connections} connections of"
        f" {bounds.MAX_CONNECTIONS}; raise the limit (LimitNOFILE in systemd, ulimit -Hn in a shell)"
    )
    return [line]


def _waiting_for_nobody(settings: Settings, clock: Clock) -> list[str]:
    """Events of a tracking id that was corrected, or taken out, keep the old one and are tried for ever."""
    known = {site.tracking_id for site in settings.all_sites().values()}
    try:
        found = asyncio.run(_waiting(settings, clock))
    except SpoolError:
        return []  # told where the events are looked at
    return [
        f"{one.pending:,} events wait for the tracking id {harmless(one.target)}, which no site has;"
        " `spool export --csv --ids --tracking-id` and `put interactions` take them elsewhere,"
        " `spool discard --waiting-for` forgets them"
        for one in found
        if one.operation == Operation.PUT_EVENTS and one.target not in known
    ]


def spool_findings(settings: Settings, clock: Clock) -> SpoolFindings:
    """What the spool's server says, where there is one."""
    spool = look_into(settings.spool_url, clock, iam=settings.spool_iam)
    return SpoolFindings() if spool is None else asyncio.run(spool.check())


async def _waiting(settings: Settings, clock: Clock) -> Sequence[Waiting]:
    spool = look_into(settings.spool_url, clock, iam=settings.spool_iam)
    return (await spool.status()).waiting if spool is not None and await spool.is_there() else ()


def _revoking_too_much(settings: Settings, clock: Clock) -> list[str]:
    """A moment in the future refuses every token until then, those made meanwhile too."""
    moments = {
        "RELAY_SITE_TOKENS_NOT_BEFORE": settings.site_tokens_not_before,
        "RELAY_SERVER_TOKENS_NOT_BEFORE": settings.server_tokens_not_before,
        **{f"[sites.{name}] tokens_not_before": site.tokens_not_before for name, site in settings.sites.items()},
    }
    now_s = clock.now_ms() / 1000
    return [
        f"{name}: {_moment(moment_s)} is to come: until then every token is refused, those made from now on too"
        for name, moment_s in moments.items()
        if moment_s is not None and moment_s > now_s + settings.token_leeway_s
    ]


def _moment(moment_s: int) -> str:
    try:
        return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{moment_s} (milliseconds?)"


def _file_problems(variable: str, path: Path) -> list[str]:
    folder = path.absolute().parent
    if not folder.is_dir():
        return [f"{variable}: there is no folder {folder}; make it, or name another"]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [f"{variable}: the folder {folder} cannot be written to; let the relay's user write there"]
    if path.exists() and (path.is_dir() or not os.access(path, os.R_OK | os.W_OK)):
        return [f"{variable}: {path} cannot be read and written as a file"]
    return []
