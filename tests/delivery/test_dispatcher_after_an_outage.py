"""Ten minutes of outage, and what follows, in time that costs nothing; `python -m tests.bench.outage` prints more."""

from tests.bench.outage import recover


def test_the_backlog_drains_many_times_faster_than_one_call_a_beacon_and_visitors_of_now_wait_less_than_5_s() -> None:
    found = recover("pages", scale=0.05)
    assert found.live_quantile_s(0.99) < 5
    assert found.ratio > 8, "about 10; the less traffic, the more chance"
    assert len(found.live_s) > 5000


def test_where_pages_never_hide_less_can_be_merged_and_visitors_of_now_still_wait_less_than_5_s() -> None:
    found = recover("spa", scale=0.05)
    assert found.live_quantile_s(0.99) < 5
    assert found.ratio > 4
