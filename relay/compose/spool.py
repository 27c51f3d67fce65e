"""From a URL to a spool, and to where counts are kept: the one place that knows which backends there are."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from importlib.metadata import version
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from relay.core.clock import Clock
from relay.core.settings import Settings
from relay.insight.minute_rows import InsightStore, MemoryStore
from relay.insight.sqlite_store import SqliteStore
from relay.spool.administration import SpoolAdministration
from relay.spool.contract import BINDING_TTL_S, Spool
from relay.spool.memory import MemorySpool
from relay.spool.schedule.buried_bounds import BuriedBounds
from relay.spool.sqlite.admin.administration import SqliteAdministration
from relay.spool.sqlite.spool import SqliteSpool

if TYPE_CHECKING:  # needs the extra `postgres`
    from relay.spool.postgres.link import Server


class SpoolOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a spool is run; each backend takes what it has a use for."""

    max_bytes: int
    bounds: BuriedBounds = BuriedBounds()
    binding_ttl_s: float = BINDING_TTL_S
    archive_bytes: int = 0
    iam: bool = False
    """The database's password is a token of AWS IAM."""
    pooled: bool = False
    """A pooler in transaction mode stands before the database."""


class Backend(NamedTuple):
    """How a kind of spool is opened, seen from outside, and where counts are kept that go with it.

    All get what stands behind the scheme; the second, too, whether the password is a token of AWS IAM.
    """

    open: Callable[[str, Clock, SpoolOptions], AbstractAsyncContextManager[Spool]]
    administration: Callable[[str, Clock, bool], SpoolAdministration | None]
    counts: Callable[[str, Clock, SpoolOptions], AbstractAsyncContextManager[InsightStore]]
    is_file: bool = False
    is_shared: bool = False
    """By relays of several hosts."""


def open_spool(url: str, options: SpoolOptions, *, clock: Clock) -> AbstractAsyncContextManager[Spool]:
    """The spool of a URL, open while it is entered."""
    backend, place = _found(url)
    return backend.open(place, clock, options)


def look_into(url: str, clock: Clock, *, iam: bool = False) -> SpoolAdministration | None:
    """The spool of a URL, to be looked at and repaired; None where there is nothing to look at from outside."""
    backend, place = _found(url)
    return backend.administration(place, clock, iam)


def file_of(url: str) -> Path | None:
    """The file of a spool that is one."""
    backend, place = _found(url)
    return _file(place) if backend.is_file else None


def name_of(url: str) -> str:
    """What every relay on this spool calls it, and no other: its place without a role, else this host's file."""
    backend, place = _found(url)
    if backend.is_shared:
        parts = urlsplit(url)
        return parts.netloc.rpartition("@")[2] + parts.path
    return f"{gethostname()}:{_file(place).absolute() if backend.is_file else url}"


def url_of(text: str) -> str:
    """A URL as it is; what is none is a file."""
    return text if text.partition(":")[0] in _BACKENDS else f"sqlite:///{text}"


def spool_of(settings: Settings, clock: Clock) -> AbstractAsyncContextManager[Spool]:
    """The spool of a relay."""
    return open_spool(settings.spool_url, _options(settings), clock=clock)


def counts_of(settings: Settings, clock: Clock) -> AbstractAsyncContextManager[InsightStore]:
    """Where a relay keeps what it counts: beside its spool, which has been opened."""
    backend, place = _found(settings.spool_url)
    return backend.counts(place, clock, _options(settings))


def _options(settings: Settings) -> SpoolOptions:
    most = settings.spool_max_bytes // 4 if settings.buried_max_bytes is None else settings.buried_max_bytes
    bounds = BuriedBounds(
        max_bytes=most,
        records=settings.buried_warn_records,
        bytes=settings.buried_warn_bytes,
        age_s=settings.buried_warn_age_s,
    )
    return SpoolOptions(
        max_bytes=settings.spool_max_bytes,
        bounds=bounds,
        binding_ttl_s=settings.binding_ttl_s,
        archive_bytes=settings.archive_bytes,
        iam=settings.spool_iam,
        pooled=settings.spool_pooled,
    )


def _memory(_place: str, clock: Clock, options: SpoolOptions) -> AbstractAsyncContextManager[Spool]:
    return MemorySpool(clock=clock, max_bytes=options.max_bytes, binding_ttl_s=options.binding_ttl_s)


def _sqlite(place: str, clock: Clock, options: SpoolOptions) -> AbstractAsyncContextManager[Spool]:
    return SqliteSpool(
        _file(place),
        clock=clock,
        max_bytes=options.max_bytes,
        bounds=options.bounds,
        binding_ttl_s=options.binding_ttl_s,
        archive_bytes=options.archive_bytes,
    )


def _nothing_to_look_at(_place: str, _clock: Clock, _iam: bool) -> SpoolAdministration | None:
    return None


def _postgres(place: str, clock: Clock, options: SpoolOptions) -> AbstractAsyncContextManager[Spool]:
    from relay.spool.postgres.spool import PostgresSpool  # noqa: PLC0415 - needs the extra `postgres`

    return PostgresSpool(
        _server(place, iam=options.iam, pooled=options.pooled),
        clock=clock,
        max_bytes=options.max_bytes,
        version=version("personalize-relay"),
        bounds=options.bounds,
        binding_ttl_s=options.binding_ttl_s,
        archive_bytes=options.archive_bytes,
    )


def _postgres_administration(place: str, clock: Clock, iam: bool) -> SpoolAdministration:
    from relay.spool.postgres.administration import PostgresAdministration  # noqa: PLC0415 - needs the extra `postgres`

    return PostgresAdministration(_server(place, iam=iam, pooled=True), clock=clock)


def _shared_counts(place: str, clock: Clock, options: SpoolOptions) -> AbstractAsyncContextManager[InsightStore]:
    from relay.insight.shared_store import SharedStore  # noqa: PLC0415 - needs the extra `postgres`

    server = _server(place, iam=options.iam, pooled=options.pooled)
    return SharedStore(server.connection("relay counts"), clock=clock)


def _server(place: str, *, iam: bool, pooled: bool) -> "Server":
    from relay.spool.postgres.link import Server  # noqa: PLC0415 - needs the extra `postgres`

    url = f"postgresql:{place}"
    if not iam:
        return Server(url, pooled=pooled)
    from relay.sink.personalize.account import Account  # noqa: PLC0415 - a third of a second
    from relay.sink.personalize.database_token import DatabaseTokens  # noqa: PLC0415 - the same

    return Server(url, DatabaseTokens(url, Account()), pooled=pooled)


def _sqlite_administration(place: str, clock: Clock, _iam: bool) -> SpoolAdministration:
    return SqliteAdministration(_file(place), clock=clock)


def _counts_in_file(place: str, _clock: Clock, _options: SpoolOptions) -> AbstractAsyncContextManager[InsightStore]:
    path = _file(place)
    return SqliteStore(path.with_name(path.name + ".insight"))


def _counts_in_memory(_place: str, _clock: Clock, _options: SpoolOptions) -> AbstractAsyncContextManager[InsightStore]:
    return nullcontext(MemoryStore())


def _file(place: str) -> Path:
    return Path(place.removeprefix("///"))


_BACKENDS: Final[dict[str, Backend]] = {
    "memory": Backend(_memory, _nothing_to_look_at, _counts_in_memory),
    "postgresql": Backend(_postgres, _postgres_administration, _shared_counts, is_shared=True),
    "sqlite": Backend(_sqlite, _sqlite_administration, _counts_in_file, is_file=True),
}


def _found(url: str) -> tuple[Backend, str]:
    scheme, _, place = url.partition(":")
    return _BACKENDS[scheme], place  # `RELAY_SPOOL_URL` names no other
