"""OpenTelemetry traces: a span a beacon, and a span a call, with a link to each beacon whose events it carries.

`RELAY_TRACE=otlp`. Where they go, how many and under which name say the ordinary `OTEL_…` variables. No user id, no
token and no value of a property is in them. A call links the beacons this process took since it began, the last ones;
of events that waited on disk meanwhile nobody remembers the span. Needs the extra `otel`.
"""

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, Tracer

from relay.core.clock import Clock
from relay.core.model import Batch
from relay.core.version import VERSION
from relay.insight.delivered import entries_of
from relay.insight.insight import Insight
from relay.insight.told import RefusedBeacon
from relay.intake.from_browser import Begun, Taken
from relay.sink.base import Delivered, Outcome, Refused, Sink, awaited

MOST_LINKED: Final = 50_000
"""Events whose beacon's span is remembered until they have left; past it the oldest are forgotten. About 20 MB."""
FLUSH_S: Final = 5.0
"""How long the end waits for a collector to take the last spans."""
_NS_A_MS: Final = 1_000_000
_log: Final = logging.getLogger("relay")


class Traces:
    """Makes the spans."""

    def __init__(self, tracer: Tracer, clock: Clock) -> None:
        self._tracer = tracer
        self._clock = clock
        self._of_event: OrderedDict[str, SpanContext] = OrderedDict()

    def took(self, begun: Begun, taken: Taken) -> None:
        """A beacon was taken: from its arrival until its events were on disk."""
        attributes: dict[str, Any] = {
            "http.response.status_code": 202,
            "relay.site": begun.decision.identity.site,
            "session.id": begun.session_id,
            "relay.accepted": taken.accepted,
            "relay.rejected": len(taken.rejected),
            "relay.dropped": len(taken.dropped or ()),
            "relay.identity": str(taken.identity),
        }
        context = self._beacon(begun.at_ms, attributes)
        for event_id in begun.event_ids:
            self._of_event[event_id] = context
        while len(self._of_event) > MOST_LINKED:
            self._of_event.popitem(last=False)

    def refused(self, beacon: RefusedBeacon) -> None:
        """A beacon was not taken, or thrown away."""
        if beacon.kind not in ("beacon", "ignored"):
            return
        word = "relay.ignored" if beacon.kind == "ignored" else "error.type"
        attributes = {"http.response.status_code": beacon.status, word: beacon.error, "relay.site": beacon.site}
        self._beacon(self._clock.now_ms(), attributes, failed=beacon.status >= 500)

    def called(self, batch: Batch, outcome: Outcome, began_ms: int) -> None:
        """A call was made, and this came of it."""
        ids = [one.eventId for one in entries_of(batch)]
        found = [context for one in ids if (context := self._of_event.get(one)) is not None]
        contexts = {context.span_id: context for context in found}
        attributes: dict[str, Any] = {
            "rpc.system": "aws-api",
            "rpc.service": "PersonalizeEvents",
            "rpc.method": str(batch.key.operation),
            "session.id": batch.key.session_id,
            "relay.events": batch.size,
            "relay.outcome": type(outcome).__name__.lower(),
        }
        if isinstance(outcome, Delivered):
            attributes["aws.request_id"] = outcome.request_id
        else:
            attributes["error.type"] = outcome.code
        span = self._tracer.start_span(
            str(batch.key.operation),
            kind=SpanKind.CLIENT,
            attributes=attributes,
            links=[Link(context) for context in contexts.values()],
            start_time=began_ms * _NS_A_MS,
        )
        if not isinstance(outcome, Delivered):
            span.set_status(Status(StatusCode.ERROR))
        span.end(max(began_ms, self._clock.now_ms()) * _NS_A_MS)
        if isinstance(outcome, Delivered | Refused):
            for one in ids:
                self._of_event.pop(one, None)

    def _beacon(self, began_ms: int, attributes: dict[str, Any], *, failed: bool = False) -> SpanContext:
        span = self._tracer.start_span(
            "beacon", kind=SpanKind.SERVER, attributes=attributes, start_time=began_ms * _NS_A_MS
        )
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(max(began_ms, self._clock.now_ms()) * _NS_A_MS)
        return span.get_span_context()


class TracedInsight(Insight):
    """Tells the traces, too."""

    def __init__(self, traces: Traces, **options: Any) -> None:
        """Take the traces, and what `Insight` takes."""
        super().__init__(**options)
        self._traces = traces

    def took(self, begun: Begun, taken: Taken) -> None:
        """See `Insight`."""
        super().took(begun, taken)
        self._traces.took(begun, taken)

    def refused(self, beacon: RefusedBeacon) -> None:
        """See `Insight`."""
        super().refused(beacon)
        self._traces.refused(beacon)


class TracedSink:
    """A sink whose calls are spans, from when they are sent until it is known how they went."""

    def __init__(self, sink: Sink, traces: Traces, clock: Clock) -> None:
        self._sink = sink
        self._traces = traces
        self._clock = clock

    def send(self, batch: Batch, done: Callable[[Outcome], None]) -> None:
        """See `Sink`."""
        began_ms = self._clock.now_ms()

        def traced(outcome: Outcome) -> None:
            done(outcome)
            try:
                self._traces.called(batch, outcome, began_ms)
            except Exception as error:  # noqa: BLE001 - of the library's; no trace is worth a delivery
                _log.error("a call could not be traced", exc_info=error)

        self._sink.send(batch, traced)

    async def deliver(self, batch: Batch) -> Outcome:
        """See `Sink`."""
        return await awaited(self.send, batch)


@asynccontextmanager
async def tracing(clock: Clock) -> AsyncGenerator[Traces]:
    """Traces that are sent in the background; the last of them on leaving, as far as somebody takes them in time."""
    named = Resource({SERVICE_NAME: "personalize-relay", SERVICE_VERSION: VERSION})
    provider = TracerProvider(resource=named.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield Traces(provider.get_tracer("relay", VERSION), clock)
    finally:
        ending = threading.Thread(target=provider.shutdown, daemon=True)  # a collector that hangs holds up no exit
        ending.start()
        await asyncio.to_thread(ending.join, FLUSH_S)
