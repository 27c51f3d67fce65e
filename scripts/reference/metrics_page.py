"""docs/reference/metrics.md."""

from typing import Any, Final

from prometheus_client.core import Metric

from relay.core.clock import SystemClock
from relay.core.model import SpoolStats
from relay.core.telemetry import Metrics
from scripts.reference.documented import table

HEAD: Final = """# Metrics

`/metrics` on the admin listener, in the Prometheus text format. What moves them and what to do about it is in
[operations](../operations.md#metrics); the values of `reason` and `result` are in [reasons](reasons.md).
"""

_NOTHING: Final = SpoolStats(
    accepted=0, delivered=0, buried={}, erased=0, pending=0, size_bytes=0, oldest_accepted_at_ms=None
)


def page() -> str:
    """The whole page."""
    metrics = Metrics()
    metrics.watch_spool(lambda: _NOTHING, SystemClock())
    rows = [_row(family) for family in metrics.registry.collect()]
    return "\n".join([HEAD, table(["Metric", "Kind", "Meaning"], sorted(rows)), ""])


def _row(family: Metric) -> list[str]:
    labels: Any = getattr(family, "_labelnames", ())  # only samples would say it, and there are none yet
    if family.type == "info":
        labels = tuple(family.samples[0].labels)
    name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
    return [f"`{name}{{{','.join(labels)}}}`" if labels else f"`{name}`", family.type, family.documentation]
