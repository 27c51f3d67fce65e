"""The counters and the histogram of the loop say what the library's would."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from relay.core.telemetry import Counts, Tally


@given(st.lists(st.floats(0, 20) | st.sampled_from([1.0, 2.5, 10.0])))
def test_a_tally_is_exposed_like_a_histogram(values: list[float]) -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    histogram = Histogram("relay_x", "Some.", buckets=(1, 2.5, 10), registry=theirs)
    tally = Tally("relay_x", "Some.", buckets=(1, 2.5, 10), registry=ours)
    for value in values:
        histogram.observe(value)
        tally.observe(value)
    expected = [line for line in generate_latest(theirs).splitlines() if b"_created" not in line]
    assert generate_latest(ours).splitlines() == expected


@given(st.lists(st.tuples(st.sampled_from(["a", "b", 202]), st.integers(0, 5))))
def test_counts_are_exposed_like_a_counter(steps: list[tuple[str | int, int]]) -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    counter = Counter("relay_x", "Some.", ["kind"], registry=theirs)
    counts = Counts("relay_x", "Some.", label="kind", registry=ours)
    for kind, n in steps:
        counter.labels(kind).inc(n)
        counts[kind] += n
    expected = [line for line in generate_latest(theirs).splitlines() if b"_created" not in line]
    assert generate_latest(ours).splitlines() == expected
