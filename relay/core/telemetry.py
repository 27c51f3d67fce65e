"""Metrics of one relay, in a registry of its own; docs/reference/metrics.md is made of this file."""

import platform
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Info, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from relay.core.clock import Clock
from relay.core.model import SpoolStats
from relay.core.version import VERSION

MAX_UNKNOWN_NAMES: Final = 200
"""Names of unknown fields that are counted apart; the rest is `other`."""

Label = str | int | tuple[str | int, ...]
"""The value of a counter's label; of one with several labels, their values."""


class Counts(dict[Label, int], Collector):
    """A counter with labels for the loop alone: `counts[value] += n`. The library's costs as much as an event."""

    def __init__(self, name: str, text: str, *, label: str | tuple[str, ...], registry: CollectorRegistry) -> None:
        super().__init__()
        self._name = name
        self._text = text
        self._labels = [label] if isinstance(label, str) else label
        registry.register(self)

    def __missing__(self, value: Label) -> int:
        return 0

    def add_bounded(self, value: str, count: int, *, most: int) -> None:
        """Count a value that others choose: past `most` of them, what is new is `other`."""
        self[value if value in self or len(self) < most else "other"] += count

    def __hash__(self) -> int:  # type: ignore[override]  # a registry keeps its collectors in a dict
        return id(self)

    def collect(self) -> Iterator[Metric]:
        """As the library's counter."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for labels, count in self.by_labels():
            family.add_metric(labels, count)
        yield family

    def by_labels(self) -> Iterator[tuple[tuple[str, ...], int]]:
        """Each count with its labels as text."""
        for value, count in self.items():
            yield tuple(map(str, value)) if isinstance(value, tuple) else (str(value),), count


class BeaconCounts(Counts):
    """Beacons answered: `counts[status, error] += 1`; `error` is the word of a refusal, or empty."""

    def __init__(self, *, registry: CollectorRegistry) -> None:
        text = "Beacons answered, by HTTP status and the error it named."
        super().__init__("relay_beacons", text, label=("status", "error"), registry=registry)

    def by_status(self) -> dict[str, int]:
        """The sum for each status."""
        sums: dict[str, int] = {}
        for (status, _), count in self.by_labels():
            sums[status] = sums.get(status, 0) + count
        return sums


class Tally(Collector):
    """A histogram for the loop alone: the library's takes two locks for every value, this one a tenth of the time."""

    def __init__(self, name: str, text: str, *, buckets: Sequence[float], registry: CollectorRegistry) -> None:
        self._name = name
        self._text = text
        self._bounds = tuple(map(float, buckets))
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe(self, value: float, count: int = 1) -> None:
        """Count a value, `count` times."""
        self._counts[bisect_left(self._bounds, value)] += count
        self._sum += value * count

    def collect(self) -> Iterator[Metric]:
        """As the library's histogram."""
        bounds = [*map(str, self._bounds), "+Inf"]
        buckets = list(zip(bounds, map(float, accumulate(self._counts)), strict=True))
        yield HistogramMetricFamily(self._name, self._text, buckets=buckets, sum_value=self._sum)


class DroppedField(Protocol):
    """A field that was left out."""

    @property
    def field(self) -> str:
        """Its name, of a closed list."""
        ...

    @property
    def reason(self) -> str:
        """Why, of a closed list."""
        ...


class Metrics:
    """Counters and histograms the parts of the relay write to."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        build = Info("relay_build", "1, with the version that runs and the Python it runs on.", registry=self.registry)
        build.info({"version": VERSION, "python": platform.python_version()})
        counts = partial(Counts, registry=self.registry)
        counter = partial(Counter, registry=self.registry)
        tally = partial(Tally, registry=self.registry)
        self.beacons = BeaconCounts(registry=self.registry)
        self.beacons_ignored = counts(
            "relay_beacons_ignored", "Beacons taken and thrown away, by cause: a kind of bot, or gpc.", label="cause"
        )
        self.beacons_marked = counts("relay_beacons_marked", "Beacons of bots that were taken, by kind.", label="cause")
        self.snippets_unknown = counter(
            "relay_snippets_unknown", "Requests for a snippet by a hash that was never installed here."
        )
        self.events_rejected = counts("relay_events_rejected", "Events refused at the door, by reason.", label="reason")
        self.fields_dropped = counts(
            "relay_fields_dropped",
            "Fields left out of events that were taken, by field and reason.",
            label=("field", "reason"),
        )
        self.fields_unknown = counts(
            "relay_fields_unknown",
            "Fields that nobody knows, ignored, by name; 200 names, then `other`.",
            label="field",
        )
        self.events_without_item = counter("relay_events_without_item", "Events taken without an itemId.")
        self.beacons_numbered = counts(
            "relay_beacons_numbered",
            "Beacons by the number their page gave them, and its family of browsers: arrived, late, repeated, or"
            " missing (skipped; those that are late came after all).",
            label=("state", "browser"),
        )
        self.events_lost = counts(
            "relay_events_lost", "Events a page had to give up, as reported by it.", label="reason"
        )
        self.identities = counts("relay_identities", "Beacons by what their identity token said.", label="result")
        self.link_events = counter(
            "relay_link_events", "Events repeated with the user after a login, to link the anonymous session."
        )
        self.put_events_calls = counts("relay_put_events_calls", "PutEvents calls, by outcome.", label="outcome")
        self.put_events_batch_size = tally(
            "relay_put_events_batch_size", "Events in one PutEvents call.", buckets=tuple(range(1, 11))
        )
        self.delivery_seconds = tally(
            "relay_delivery_seconds",
            "Seconds from accepted to delivered.",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 86400),
        )

    def count_fields(self, dropped: Iterable["DroppedField"], unknown: Mapping[str, int]) -> None:
        """Count fields that were left out, and names nobody knows."""
        for one in dropped:
            self.fields_dropped[one.field, one.reason] += 1
        for name, count in unknown.items():
            self.fields_unknown.add_bounded(name, count, most=MAX_UNKNOWN_NAMES)

    def watch_spool(self, stats: Callable[[], SpoolStats], clock: Clock, *, name: str = "") -> None:
        """Show the spool's ledger, read anew at every scrape.

        Args:
            stats: The ledger.
            clock: Of the relay.
            name: The same at every relay on the spool, and at no other: their totals are one, and not to be added.
        """
        self.registry.register(_SpoolCollector(stats, clock))
        Info(
            "relay_spool", "1, with the spool; relays that share one show the same totals.", registry=self.registry
        ).info({"spool": name})

    def exposition(self) -> bytes:
        """Everything, in the Prometheus text format."""
        return generate_latest(self.registry)


class _SpoolCollector(Collector):
    def __init__(self, stats: Callable[[], SpoolStats], clock: Clock) -> None:
        self._stats = stats
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        stats = self._stats()
        yield CounterMetricFamily("relay_events_accepted", "Events put on disk and acknowledged.", stats.accepted)
        yield CounterMetricFamily("relay_events_delivered", "Events the service took.", stats.delivered)
        yield CounterMetricFamily("relay_events_erased", "Pending events removed by an erasure.", stats.erased)
        buried = CounterMetricFamily("relay_events_buried", "Events kept but no longer tried.", labels=["reason"])
        for reason, count in stats.buried.items():
            buried.add_metric([reason], count)
        yield buried
        discarded = "Buried events forgotten for good, by a person or past their bound."
        yield CounterMetricFamily("relay_events_discarded", discarded, stats.discarded)
        kept = stats.kept
        yield GaugeMetricFamily("relay_buried_records", "Buried events kept now.", kept.records)
        yield GaugeMetricFamily("relay_buried_bytes", "Bytes of the buried events kept now.", kept.bytes)
        yield GaugeMetricFamily(
            "relay_buried_oldest_seconds", "How long the first of them is kept.", self._age_s(kept.oldest_at_ms)
        )
        yield CounterMetricFamily(
            "relay_bindings_damaged", "Bindings found damaged, and forgotten.", stats.damaged_bindings
        )
        yield GaugeMetricFamily("relay_events_pending", "Events waiting or on their way.", stats.pending)
        yield GaugeMetricFamily("relay_spool_bytes", "Bytes the spool holds on disk.", stats.size_bytes)
        age_s = self._age_s(stats.oldest_accepted_at_ms)
        yield GaugeMetricFamily("relay_spool_oldest_seconds", "Age of the oldest pending event.", age_s)

    def _age_s(self, since_ms: int | None) -> float:
        return 0.0 if since_ms is None else max(0.0, (self._clock.now_ms() - since_ms) / 1000)
