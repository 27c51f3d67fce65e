"""What is kept of where events came from: enough to tell one who floods from the rest, and to count what is missing."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from relay.core.model import Piece, Provenance
from tests.support.relay import RunningEdge, running_edge

FIRST, SECOND = "first-session-00000", "second-session-0000"


def proxied() -> AbstractAsyncContextManager[RunningEdge]:
    return running_edge(client_ip_header="X-Real-IP", trusted_proxies="127.0.0.0/8")


async def came(edge: RunningEdge, *, session: str, address: str = "", **fields: Any) -> Provenance:
    """Of a beacon from this address."""
    headers = {"x_real_ip": address} if address else {}
    answer = await edge.post(edge.beacon(session=session, **fields), **headers)
    assert answer.status_code == 202
    (lease,) = await edge.spool.lease(max_sessions=1)
    (record,) = lease.records
    edge.spool.settle(lease, delivered=[Piece(record, record.waiting)])
    assert record.came is not None
    return record.came


async def test_events_of_one_address_have_one_source_whatever_session_they_name() -> None:
    async with proxied() as edge:
        first = await came(edge, session=FIRST, address="198.51.100.7")
        again = await came(edge, session=SECOND, address="198.51.100.7")
        other = await came(edge, session=FIRST, address="198.51.100.8")
        assert first.source == again.source != other.source
        assert "198.51.100.7" not in repr(first)


async def test_behind_a_proxy_nobody_told_of_each_session_is_a_source_of_its_own() -> None:
    async with running_edge() as edge:
        first = await came(edge, session=FIRST)
        other = await came(edge, session=SECOND)
        again = await came(edge, session=FIRST)
        assert first.source == again.source != other.source
        assert 0 < first.source < 1 << 61


async def test_a_restart_changes_no_source() -> None:
    async with proxied() as edge:
        before = await came(edge, session=FIRST, address="198.51.100.7")
    async with proxied() as edge:
        assert (await came(edge, session=FIRST, address="198.51.100.7")).source == before.source


async def test_the_number_of_a_beacon_and_what_its_page_gave_up_stay_with_its_events() -> None:
    async with running_edge() as edge:
        kept = await came(edge, session=FIRST, seq=7, lost={"outbox_full": 2, "made up": 3})
        assert (kept.beacon_seq, kept.lost) == (7, {"outbox_full": 2, "other": 3})
        without = await came(edge, session=FIRST)
        assert (without.beacon_seq, without.lost, without.dropped) == (None, None, ())


async def test_fields_that_were_left_out_are_named_once_each() -> None:
    async with running_edge() as edge:
        events = [{"eventType": "View", "itemId": f"p{n}", "eventValue": "much", "properties": 5} for n in range(3)]
        kept = await came(edge, session=FIRST, eventList=events)
        assert kept.dropped == ("eventValue", "properties")
