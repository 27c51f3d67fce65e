"""What is counted, and that it stays within its bounds."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from relay.core.model import Reason
from relay.identity.decision import IdentityResult
from relay.insight.browser_family import FAMILIES, browser_family
from relay.insight.event_ring import ALL_BELOW, KEPT_MS, MOST_BYTES, EventRing
from relay.insight.minute_rows import HOUR_S, MINUTE_S, InsightStore, MemoryStore, RefusalRow
from relay.insight.refusals import MOST_CAUSES, Refusals
from relay.insight.remedies import REMEDIES
from relay.insight.sqlite_store import SqliteStore
from relay.spool.schedule.session_gaps import REMEMBERED, SessionGaps
from relay.web.routes.known_bots import BotKind
from tests.support.clock import FakeClock

NOW_S = 1_795_000_000


def states(*numbers: int, gaps: SessionGaps | None = None) -> list[tuple[str, int]]:
    gaps = gaps or SessionGaps()
    return [tuple(gaps.saw("s", number)) for number in numbers]  # type: ignore[misc]  # a pair


def test_beacons_in_order_have_arrived() -> None:
    assert states(1, 2, 3) == [("arrived", 0)] * 3


def test_a_number_that_is_skipped_is_missing_until_it_comes_late() -> None:
    assert states(1, 4, 2, 3) == [("arrived", 0), ("arrived", 2), ("late", 0), ("late", 0)]


def test_a_number_that_comes_twice_is_repeated() -> None:
    assert states(1, 2, 2, 1) == [("arrived", 0), ("arrived", 0), ("repeated", 0), ("repeated", 0)]


def test_what_came_before_the_first_that_was_seen_was_not_missed() -> None:
    assert states(7, 6, 8) == [("arrived", 0), ("arrived", 0), ("arrived", 0)]


def test_a_huge_number_of_a_stranger_counts_no_more_than_a_thousand() -> None:
    assert states(1, 2**53) == [("arrived", 0), ("arrived", 1000)]
    assert states(1, 2 + REMEMBERED, 1)[-1] == ("repeated", 0)


def test_sessions_are_forgotten_past_the_bound() -> None:
    gaps = SessionGaps(most=2)
    for session in ("a", "b", "c"):
        gaps.saw(session, 1)
    assert tuple(gaps.saw("a", 9)) == ("arrived", 0)


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        (b"", "none"),
        (b"curl/8", "other"),
        (
            b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
            "Chrome",
        ),
        (b"Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15", "Safari"),
        (b"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0", "Edge"),
        (b"Mozilla/5.0 (X11; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox"),
        (b"\xff" * 5000, "other"),
    ],
)
def test_browsers_are_told_apart_by_family(agent: bytes, family: str) -> None:
    assert browser_family(agent) == family
    assert family in FAMILIES


def refused(refusals: Refusals, number: int, *, trusted: bool) -> None:
    refusals.add("beacon", "origin", "origin", f"https://o{number}.example", trusted=trusted, at_ms=number)


def test_strangers_cannot_push_out_what_allowed_origins_are_told() -> None:
    refusals = Refusals(FakeClock())
    refused(refusals, 0, trusted=True)
    for number in range(1, 3000):
        refused(refusals, number, trusted=False)
    rows = refusals.taken_away()
    assert [row.key[3] for row in rows if row.trusted] == ["https://o0.example"]
    assert len(rows) <= MOST_CAUSES


def test_a_cause_is_logged_once_a_minute_and_the_line_says_how_often(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    refusals = Refusals(clock)
    with caplog.at_level("INFO", logger="relay"):
        for number in range(50):
            refused(refusals, number, trusted=False)
        clock.advance(61)
        refused(refusals, 51, trusted=False)
    said = [record.__dict__["count"] for record in caplog.records]
    assert said == [1, 50]


def test_what_is_no_origin_is_not_shown_as_one() -> None:
    refusals = Refusals(FakeClock())
    refusals.add("beacon", "origin", "origin", "<script>", trusted=False, at_ms=1)
    (row,) = refusals.taken_away()
    assert row.key[3] == "(no origin)"


def test_event_types_of_a_stranger_are_bounded_in_number_and_length() -> None:
    refusals = Refusals(FakeClock())
    for number in range(200):
        refusals.add(
            "event", "unknown_event_type", "eventType", event_type=f"{number}" + "x" * 300, trusted=True, at_ms=1
        )
    types = {row.key[5] for row in refusals.taken_away()}
    assert len(types) <= 51
    assert max(map(len, types)) <= 64


def test_every_word_the_relay_says_no_with_is_explained() -> None:
    words = {*map(str, Reason), *map(str, BotKind), *(str(one) for one in IdentityResult if one not in ("none", "ok"))}
    assert words <= REMEDIES.keys()


def test_above_two_hundred_a_second_a_sample_of_whole_sessions_is_kept_and_the_rest_is_counted() -> None:
    ring = EventRing()
    for number in range(1000):
        if ring.admits(1000, f"session-{number % 100}", 1):
            ring.add(1000, f"session-{number % 100}", 100, number)
    kept = [one for one in ring.newest_first() if one.number > ALL_BELOW]
    assert 0 < len(kept) < 400
    assert len(ring) + ring.left_out == 1000
    assert len({one.session_id for one in kept}) < 40


def test_the_ring_is_bounded_in_bytes_and_in_time() -> None:
    ring = EventRing()
    for number in range(100):
        ring.add(number * 1000, "s", MOST_BYTES // 10, number)
    assert len(ring) == 10
    ring.add(99_000 + KEPT_MS, "s", 1, "last")
    assert [one.what for one in ring.newest_first()] == ["last", 99]


@asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncGenerator[InsightStore]:
    if kind == "memory":
        yield MemoryStore()
    else:
        async with SqliteStore(folder / "counts") as store:
            yield store


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_store_adds_up_and_forgets_what_is_old(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as store:
        old, key = NOW_S - 3 * HOUR_S, ("list", "source", "a", "seen")
        await store.add(old, {key: 5}, [])
        await store.add(NOW_S, {key: 1, ("x",): 2}, [RefusalRow(("r",), False, 2, 10, 20)])
        await store.add(NOW_S, {key: 1}, [RefusalRow(("r",), True, 3, 5, 15)])
        assert await store.since(MINUTE_S, NOW_S - HOUR_S) == Counter({key: 2, ("x",): 2})
        assert await store.since(HOUR_S, NOW_S - 24 * HOUR_S) == Counter({key: 7, ("x",): 2})
        assert await store.since(MINUTE_S, 0) == Counter({key: 2, ("x",): 2}), "minutes are forgotten sooner"
        assert await store.refusals(10) == [RefusalRow(("r",), True, 5, 5, 20)]


async def test_counts_outlive_a_restart_and_a_damaged_file_costs_counts_only(tmp_path: Path) -> None:
    path = tmp_path / "counts"
    async with SqliteStore(path) as store:
        await store.add(NOW_S, {("x",): 2}, [])
    async with SqliteStore(path) as store:
        assert await store.since(HOUR_S, 0) == Counter({("x",): 2})
    path.write_bytes(b"no database" * 1000)
    async with SqliteStore(path) as store:
        await store.add(NOW_S, {("x",): 1}, [])
        assert await store.since(HOUR_S, 0) == Counter({("x",): 1})


async def test_a_store_that_cannot_be_written_raises_nothing(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "gone" / "counts") as store:
        await store.add(NOW_S, {("x",): 1}, [])
        assert await store.since(HOUR_S, 0) == Counter()
        assert await store.refusals(1) == []
