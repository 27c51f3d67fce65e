"""The composition root: settings in, a running relay out. Only here and in `cli` a backend is named."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

from relay.compose.edge import make_edge
from relay.compose.spool import counts_of, look_into, name_of, spool_of
from relay.core.bundled import bundled
from relay.core.clock import Clock, SystemClock
from relay.core.settings import Settings
from relay.core.telemetry import Metrics
from relay.delivery.dispatcher import Dispatcher
from relay.identity.session_stitching import Links
from relay.insight.insight import Insight
from relay.sink.base import Sink
from relay.sink.jsonl import JsonlSink
from relay.sink.workers.sink import WorkerSink
from relay.web.routes.edge import Edge
from relay.web.routes.snippet_file import SnippetFile
from relay.web.routes.snippet_shelf import make_shelf

if TYPE_CHECKING:  # needs the extra `jwt`
    from relay.identity.jwt import JwtIdentity

CALL_DEADLINE_S: Final = 10.0
"""The most one call to the service may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """A relay that takes and delivers events, without its listeners."""

    edge: Edge
    dispatcher: Dispatcher
    until_broken: Callable[[], Coroutine[Any, Any, str]]
    """Waits until the spool can only be opened anew; why."""

    def step_aside(self) -> None:
        """Say that it is about to end: to load balancers, and to relays that share the spool."""
        self.edge.readiness.draining = True
        self.edge.spool.step_aside()


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
        snippet = SnippetFile.read(bundled("snippet"))
        inspector = SnippetFile.read(bundled("snippet"), "inspect.js")
        opening = asyncio.create_task(stack.enter_async_context(spool_of(settings, clock)))
        await asyncio.sleep(0)  # now it reads, on threads of its own: the sink takes nearly as long
        try:
            sink = await stack.enter_async_context(_sink(settings, clock))
        finally:
            spool = await opening
        metrics.watch_spool(spool.stats, clock, name=name_of(settings.spool_url))
        kept = await spool.keep_snippet(snippet.hash, snippet.bodies["identity"])
        links: Links | None = None
        if settings.link_after_s is not None:
            links = Links(spool, clock=clock, metrics=metrics, after_s=settings.link_after_s)
            await stack.enter_async_context(links)
            spool.watch(links)
        store = await stack.enter_async_context(counts_of(settings, clock))
        insight = Insight(store=store, clock=clock, metrics=metrics, spool=spool)
        if settings.trace is not None:
            from relay.insight.traces import TracedInsight, TracedSink, tracing  # noqa: PLC0415 - the extra `otel`

            traces = await stack.enter_async_context(tracing(clock))
            insight = TracedInsight(traces, store=store, clock=clock, metrics=metrics, spool=spool)
            sink = TracedSink(sink, traces, clock)
        await stack.enter_async_context(insight)
        spool.watch(insight)
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
                lingers=_lingers(settings),
                max_linger_s=settings.max_linger_s,
                on_delivered=[
                    *([] if links is None else [links.delivered]),
                    *([spool.archive] if settings.archive_bytes else []),
                ],
                on_called=insight.called,
            )
        )
        jwt_identity, jwks_problems = await _jwt_identity(settings, clock, stack)
        edge = make_edge(
            settings,
            spool=spool,
            metrics=metrics,
            clock=clock,
            snippets=make_shelf(snippet, inspector, releases=bundled("snippet_releases"), kept=kept),
            insight=insight,
            jwt_identity=jwt_identity,
            administration=look_into(settings.spool_url, clock, iam=settings.spool_iam),
            problems=lambda: [*dispatcher.problems(), *jwks_problems()],
        )
        yield Relay(edge=edge, dispatcher=dispatcher, until_broken=spool.until_broken)


@asynccontextmanager
async def open_edge(settings: Settings) -> AsyncGenerator[Edge]:
    """A relay's `Edge`, for an application that serves it itself; drains on leaving, as `serve` does."""
    async with open_relay(settings) as relay:
        yield relay.edge
        relay.step_aside()
        await relay.dispatcher.drain(settings.drain_s)


async def _jwt_identity(
    settings: Settings, clock: Clock, stack: AsyncExitStack
) -> "tuple[JwtIdentity | None, Callable[[], list[str]]]":
    if settings.jwt_jwks is None:
        return None, list
    from relay.identity.jwks import Jwks  # noqa: PLC0415 - needs the extra `jwt`, which Settings has made sure of
    from relay.identity.jwt import JwtIdentity  # noqa: PLC0415 - the same

    keys = await stack.enter_async_context(Jwks(settings.jwt_jwks, clock=clock))
    jwt_identity = JwtIdentity(
        keys,
        issuer=settings.jwt_issuer or "",
        audience=settings.jwt_audience or "",
        claim=settings.jwt_claim,
        clock=clock,
        leeway_s=settings.token_leeway_s,
        max_age_s=settings.identity_max_age_s,
    )
    return jwt_identity, keys.problems


def _lingers(settings: Settings) -> dict[str, float]:
    """By tracking id. Every site is named, so that one may wait less than the rest, too."""
    return {
        site.tracking_id: settings.linger_s if site.linger_s is None else site.linger_s
        for site in settings.all_sites().values()
    }


def _sink(settings: Settings, clock: Clock) -> AbstractAsyncContextManager[Sink]:
    kind, _, path = settings.sink.partition(":")
    if kind == "jsonl":
        return JsonlSink(Path(path))
    regions = {
        tracking_id: site.region
        for site in settings.all_sites().values()
        for tracking_id in (site.tracking_id, site.action_interactions_tracking_id)
        if site.region and tracking_id
    }
    if settings.workers:
        return WorkerSink(
            workers=settings.workers,
            regions=regions,
            max_in_flight=settings.max_in_flight,
            deadline_s=CALL_DEADLINE_S,
            clock=clock,
        )
    from relay.sink.personalize.sink import PersonalizeSink  # noqa: PLC0415 - a third of a second, while the spool opens

    return PersonalizeSink(
        regions=regions, max_in_flight=settings.max_in_flight, deadline_s=CALL_DEADLINE_S, clock=clock
    )
