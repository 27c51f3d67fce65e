"""Rate limits: the rate, the burst, and the bounds."""

from relay.web.rate_limit import NetworkLimit, RateLimit, cost
from tests.support.clock import FakeClock
from tests.support.relay import running_edge


def test_a_burst_of_ten_seconds_passes_and_then_the_rate() -> None:
    clock = FakeClock()
    limit = RateLimit(per_s=20, clock=clock)
    assert sum(limit.wait_s("a", 1) == 0 for _ in range(300)) == 200
    clock.advance(1)
    assert sum(limit.wait_s("a", 1) == 0 for _ in range(300)) == 20


def test_keys_do_not_share() -> None:
    limit = RateLimit(per_s=1, clock=FakeClock())
    assert limit.wait_s("a", 10) == 0
    assert limit.wait_s("a", 1) == 1
    assert limit.wait_s("b", 10) == 0


def test_the_wait_that_is_told_is_enough_and_refusals_cost_nothing() -> None:
    clock = FakeClock()
    limit = RateLimit(per_s=2, clock=clock)
    assert limit.wait_s("a", 20) == 0
    waits = [limit.wait_s("a", 10) for _ in range(100)]
    assert set(waits) == {5}
    clock.advance(5)
    assert limit.wait_s("a", 10) == 0


def test_a_beacon_larger_than_the_burst_passes_alone_and_is_paid_for() -> None:
    clock = FakeClock()
    limit = RateLimit(per_s=20, clock=clock)
    assert limit.wait_s("a", 500) == 0
    assert limit.wait_s("a", 1) == 16
    clock.advance(24)
    assert limit.wait_s("a", 20) == 0


def test_a_wall_clock_that_steps_back_changes_nothing() -> None:
    clock = FakeClock()
    limit = RateLimit(per_s=1, clock=clock)
    limit.wait_s("a", 10)
    clock.advance(10)
    clock.step(-86_400)
    assert limit.wait_s("a", 10) == 0


def test_memory_is_bounded_however_many_keys_come() -> None:
    limit = RateLimit(per_s=1, clock=FakeClock(), most_keys=100)
    for number in range(10_000):
        limit.wait_s(number, 1)
        assert len(limit) <= 100


def test_who_keeps_sending_is_remembered_however_many_others_come() -> None:
    limit = RateLimit(per_s=1, clock=FakeClock(), most_keys=100)
    assert limit.wait_s("flood", 10) == 0
    for number in range(10_000):
        limit.wait_s(number, 1)
        assert number % 10 or limit.wait_s("flood", 1)


def test_what_a_beacon_costs_are_its_events_or_the_bytes_of_as_many() -> None:
    assert [cost(0, 200), cost(1, 2048), cost(1, 2049), cost(10, 4096), cost(1, 65536)] == [1, 1, 2, 10, 32]


def test_a_48_has_sixteen_times_the_rate_of_a_64() -> None:
    limit = NetworkLimit(per_s=1, clock=FakeClock())
    networks = [f"2001:db8:1:{number:x}::/64" for number in range(300)]
    taken = sum(limit.wait_s(network, 10) == 0 for network in networks)
    assert taken == 16
    assert limit.wait_s("2001:db8:2:1::/64", 10) == 0
    assert limit.wait_s("198.51.100.7", 10) == 0


async def test_bytes_count_and_a_beacon_of_text_is_several_events() -> None:
    async with running_edge(rate_limit_ip="1/s", clock=FakeClock()) as relay:
        large = relay.beacon({"eventType": "View", "note": "x" * 60_000})
        assert (await relay.post(large)).status_code == 202
        assert (await relay.post(relay.beacon())).status_code == 429


async def test_refused_tokens_and_bodies_spend_a_budget_of_their_own() -> None:
    async with running_edge(rate_limit_ip="1/s", clock=FakeClock()) as relay:
        statuses = [(await relay.post(relay.beacon(token="x.y.z"))).status_code for _ in range(15)]
        assert statuses == [401] * 10 + [429] * 5
        assert (await relay.post(b"{")).status_code == 429
        assert (await relay.post(relay.beacon())).status_code == 202


async def test_a_site_has_a_rate_of_its_own_if_it_is_given_one() -> None:
    async with running_edge(rate_limit_site="1/s", clock=FakeClock()) as relay:
        statuses = []
        for number in range(12):
            answer = await relay.post(relay.beacon(session=f"0123456789abcdef{number}"))
            statuses.append(answer.status_code)
        assert statuses == [202] * 10 + [429] * 2
        assert answer.json() == {"error": "too_many", "detail": "too many events from this site"}
        assert answer.headers["retry-after"]
