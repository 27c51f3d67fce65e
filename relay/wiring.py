"""The composition root: settings in, a running relay out. Only here and in `cli` a backend is named."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from random import Random

from relay.bindings import Bindings
from relay.bundled import bundled
from relay.clock import Clock, SystemClock
from relay.dispatcher import Dispatcher
from relay.identity import Identities
from relay.intake import Destination, Intake
from relay.rate_limit import RateLimit
from relay.readiness import Readiness
from relay.routes.client_address import ClientAddress
from relay.routes.edge import Edge, EdgeSite
from relay.routes.snippet_file import SnippetFile
from relay.setting_values import Rate
from relay.settings import Settings
from relay.sink.base import Sink
from relay.sink.jsonl import JsonlSink
from relay.sink.personalize import PersonalizeSink
from relay.spool.base import Spool
from relay.spool.memory import MemorySpool
from relay.spool.sqlite import SqliteSpool
from relay.telemetry import Metrics
from relay.tokens import Tokens

CALL_DEADLINE_S = 10.0
"""The most one call to the service may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """A relay that takes and delivers events, without its listeners."""

    edge: Edge
    dispatcher: Dispatcher


@asynccontextmanager
async def open_relay(settings: Settings, *, clock: Clock | None = None) -> AsyncGenerator[Relay]:
    """Open spool and sink and begin to deliver; on leaving, what is not delivered stays in the spool.

    Raises:
        SpoolError: the spool cannot be opened, or another process has it.
        RelayError: the snippet is missing.
    """
    clock = clock or SystemClock()
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        snippet = SnippetFile(bundled("snippet"))
        spool = await stack.enter_async_context(_spool(settings, clock))
        metrics.watch_spool(spool.stats, clock)
        sink = await stack.enter_async_context(_sink(settings))
        bindings = Bindings(clock=clock, ttl_s=settings.binding_ttl_s)
        bindings.load(await spool.bindings())
        dispatcher = await stack.enter_async_context(
            Dispatcher(
                spool,
                sink,
                clock=clock,
                metrics=metrics,
                random=Random(),  # noqa: S311 - jitter, not a secret
                max_in_flight=settings.max_in_flight,
                calls_per_s=settings.put_events_per_s,
                linger_s=settings.linger_s,
                max_linger_s=settings.max_linger_s,
            )
        )
        tokens = make_tokens(settings, clock)
        readiness = Readiness(
            stats=spool.stats, spool_max_bytes=settings.spool_max_bytes, problems=dispatcher.problems, clock=clock
        )
        intake = Intake(
            spool=spool,
            identities=Identities(tokens=tokens, bindings=bindings, secret_key=settings.keys()[0]),
            bindings=bindings,
            metrics=metrics,
            clock=clock,
            make_id=lambda: secrets.token_hex(16),
            max_event_age_s=settings.max_event_age_s,
        )
        edge = Edge(
            sites=_edge_sites(settings),
            tokens=tokens,
            intake=intake,
            spool=spool,
            metrics=metrics,
            clock=clock,
            readiness=readiness,
            snippet=snippet,
            client_address=ClientAddress(header=settings.client_ip_header, trusted=settings.trusted_proxies),
            max_body_bytes=settings.max_body_bytes,
            identity_cookie=settings.identity_cookie,
            limit_address=_rate_limit(settings.rate_limit_ip, clock),
            limit_session=_rate_limit(settings.rate_limit_session, clock),
        )
        yield Relay(edge=edge, dispatcher=dispatcher)


@asynccontextmanager
async def open_edge(settings: Settings) -> AsyncGenerator[Edge]:
    """A relay's `Edge`, for an application that serves it itself; drains on leaving, as `serve` does."""
    async with open_relay(settings) as relay:
        yield relay.edge
        relay.edge.readiness.draining = True
        await relay.dispatcher.drain(settings.drain_s)


def make_tokens(settings: Settings, clock: Clock) -> Tokens:
    """What mints and verifies with these settings."""
    site_not_before_s = {
        name: max(site.tokens_not_before or 0, settings.site_tokens_not_before or 0)
        for name, site in settings.all_sites().items()
    }
    return Tokens(
        settings.keys(),
        clock=clock,
        leeway_s=settings.token_leeway_s,
        identity_max_age_s=settings.identity_max_age_s,
        site_not_before_s=site_not_before_s,
        server_not_before_s=settings.server_tokens_not_before,
    )


def _edge_sites(settings: Settings) -> dict[str, EdgeSite]:
    return {
        name: EdgeSite(
            destination=Destination(name, site.tracking_id, frozenset(site.event_types) if site.event_types else None),
            origins=frozenset(site.allowed_origins),
        )
        for name, site in settings.all_sites().items()
    }


def _spool(settings: Settings, clock: Clock) -> AbstractAsyncContextManager[Spool]:
    if settings.spool_url == "memory:":
        return MemorySpool(clock=clock, max_bytes=settings.spool_max_bytes)
    return SqliteSpool(settings.spool_url.removeprefix("sqlite:///"), clock=clock, max_bytes=settings.spool_max_bytes)


def _sink(settings: Settings) -> AbstractAsyncContextManager[Sink]:
    kind, _, path = settings.sink.partition(":")
    if kind == "jsonl":
        return nullcontext(JsonlSink(path))
    regions = {site.tracking_id: site.region for site in settings.all_sites().values() if site.region}
    return PersonalizeSink(regions=regions, max_in_flight=settings.max_in_flight, deadline_s=CALL_DEADLINE_S)


def _rate_limit(rate: Rate | None, clock: Clock) -> RateLimit | None:
    return RateLimit(per_s=rate.per_s, clock=clock) if rate else None
