"""Who has to go when a listener has no room: from what network a connection comes, and what it is doing."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from relay.web.listener import bounds
from relay.web.listener.shares import FairShares
from tests.support.raw_http import connected_from, request
from tests.support.relay import running_edge


@dataclass(eq=False)
class Fake:
    """A connection of an address."""

    peer: str
    since_s: float = 0.0
    kind: int = 0

    def patience(self) -> int:
        return self.kind


def shares(room: int = 8, proxies: tuple[str, ...] = ()) -> Any:
    return FairShares(room=lambda: room, key=lambda peer: None if peer in proxies else peer)


def test_nobody_is_asked_while_half_of_the_room_is_free() -> None:
    one = shares()
    assert [one.add(Fake("a")) for _ in range(4)] == [None] * 4


def test_past_half_the_network_with_more_than_its_share_gives_up_its_slowest() -> None:
    one = shares()
    first = Fake("b")
    crowd = [Fake("a", since_s=float(10 - number)) for number in range(4)]
    for each in (first, *crowd):
        assert one.add(each) is None
    assert one.add(Fake("a", since_s=20.0)) is crowd[-1]


def test_in_a_full_room_a_newcomer_gets_the_place_of_the_largest_network() -> None:
    one = shares(room=4)
    crowd = [Fake("a", since_s=float(number)) for number in range(2)] + [Fake("b"), Fake("c")]
    for each in crowd:
        one.add(each)
    assert one.add(Fake("d")) is crowd[0]


def test_who_is_being_answered_never_has_to_go() -> None:
    one = shares(room=2)
    for _ in range(2):
        one.add(Fake("a", kind=2))
    newcomer = Fake("a")
    assert one.add(newcomer) in (newcomer, None)
    last = Fake("a", kind=2)
    assert one.add(last) in (last, newcomer)


def test_an_idle_one_goes_after_those_that_owe_a_request() -> None:
    one = shares(room=3)
    idle, slow = Fake("a", since_s=0.0, kind=1), Fake("a", since_s=5.0, kind=0)
    for each in (idle, slow, Fake("a", kind=2)):
        one.add(each)
    assert one.add(Fake("a", since_s=9.0)) is slow


def test_a_trusted_proxy_has_no_share() -> None:
    one = shares(room=10, proxies=("p",))
    assert [one.add(Fake(peer)) for peer in ("a", *"ppppppppp")] == [None] * 10


def test_what_is_closed_has_no_place() -> None:
    one = shares(room=2)
    first = Fake("a")
    one.add(first)
    one.remove(first)
    one.remove(first)
    assert len(one) == 0
    assert one.add(Fake("b")) is None


async def test_slow_heads_of_one_address_do_not_keep_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_CONNECTIONS", 20)
    async with running_edge() as relay, AsyncExitStack() as stack:
        for _ in range(60):
            await stack.enter_async_context(connected_from(relay, "127.0.0.66"))
        for number in range(2, 12):
            async with connected_from(relay, f"127.0.0.{number}") as good:
                await good.say(request(relay))
                assert (await good.answer())[0] == 202


async def test_a_trusted_proxy_may_have_every_connection_of_the_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_CONNECTIONS", 40)
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(
            running_edge(client_ip_header="X-Forwarded-For", trusted_proxies="127.0.0.1/32")
        )
        await stack.enter_async_context(connected_from(relay, "127.0.0.2"))
        many = [await stack.enter_async_context(connected_from(relay, "127.0.0.1")) for _ in range(30)]
        for one in many:
            await one.say(request(relay))
            assert (await one.answer())[0] == 202
