"""Whatever number a page shows, a link beside it, or over its column, leads to what it counts."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from relay.emulator.wire.faults import FaultSpec
from relay.insight.remedies import REMEDIES
from tests.insight.explained import Page
from tests.insight.test_pages import PAGES, admin, data, first_buried
from tests.support.emulator import running_emulator
from tests.support.relay import SESSION, RunningRelay, running_relay

MINIMUM = {"/": 9, "/events": 8, "/sessions": 3, f"/sessions/{SESSION}": 5, "/refusals": 3, "/lists": 20,
           "/losses": 10, "/properties": 4, "/buried": 1}  # fmt: skip
"""Blocks with numbers that have to be there, so that an empty page proves nothing."""


@pytest.fixture(scope="module")
async def relay(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[RunningRelay]:
    """A relay to which something of every kind has happened."""
    url = f"sqlite:///{tmp_path_factory.mktemp('spool')}/s.db"
    async with (
        running_emulator() as emulator,
        running_relay(env=emulator.env, spool_url=url, archive_bytes="1048576", gpc="off") as relay,
    ):
        emulator.emulator.faults.apply(FaultSpec(refuse_items=["bad"]))
        event = {"eventType": "Click", "itemId": "p1", "impression": ["p1", "p2"], "recommendationId": "RID-1",
                 "metricAttribution": {"eventAttributionSource": "home"}, "properties": {"price": 1}}  # fmt: skip
        await relay.send(event, {"eventType": "Purchase", "properties": {"price": 2}}, seq=2, lost={"outbox_full": 3})
        await relay.send(event | {"eventValue": "much"}, {"eventType": ""}, seq=5)
        await relay.send({"eventType": "View", "itemId": "p1", "sentAt": 1}, seq=4)
        await relay.send({"eventType": "View", "itemId": "bad"}, session="session-of-bert-0001")
        await first_buried(relay)
        await relay.post(relay.beacon(), origin="https://other.example")
        await relay.post(relay.beacon(), sec_gpc="1")
        await relay.delivered()
        yield relay


async def explained(relay: RunningRelay, path: str, **form: str) -> tuple[int, Page]:
    """How many blocks of a page have numbers, each of them explained."""
    url = f"{relay.admin_url}{path}"
    if form:
        answer = await relay.http.post(url, data=form, headers=admin(relay) | {"accept": "text/html"})
    else:
        answer = await relay.http.get(url, headers={"accept": "text/html"})
    page = Page(answer.text)
    numbers = list(page.numbers())
    for block, links in numbers:
        known = [link for link in links if link.startswith("/words#")]
        assert known, (path, block.kind, " ".join(block.text.split()), links)
        assert {link.partition("#")[2] for link in known} <= REMEDIES.keys(), (path, known)
    return len(numbers), page


@pytest.mark.parametrize("path", [*(path for path in PAGES if path != "/words"), f"/sessions/{SESSION}"])
async def test_every_number_of_a_page_has_a_link_to_what_it_counts(relay: RunningRelay, path: str) -> None:
    count, _ = await explained(relay, path)
    assert count >= MINIMUM[path]


async def test_the_numbers_of_rarer_pages_have_one_too(relay: RunningRelay) -> None:
    number = str((await first_buried(relay))["number"])
    assert (await explained(relay, "/buried", verb="discard", number=number))[0] == 1
    assert (await explained(relay, "/buried?done=7"))[0] == 2
    await explained(relay, "/sessions?q=p1")
    await explained(relay, "/sessions/nobody-knows-this-one-000")
    await explained(relay, "/events?type=Click")


async def test_a_problem_with_numbers_in_it_has_one_too(tmp_path: Path) -> None:
    async with (
        running_emulator() as emulator,
        running_relay(
            env=emulator.env | {"AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": "http://127.0.0.1:1"},
            spool_url=f"sqlite:///{tmp_path}/s.db",
        ) as relay,
    ):
        await relay.send()
        async with asyncio.timeout(15):
            while not (await data(relay, "/"))["readiness"]["problems"]:  # noqa: ASYNC110 - asked over HTTP
                await asyncio.sleep(0.05)
        _, page = await explained(relay, "/")
        assert any("no delivery to" in block.text for block in page.blocks)


async def test_every_word_a_page_links_to_is_on_the_page_of_words(relay: RunningRelay) -> None:
    words = Page((await relay.http.get(f"{relay.admin_url}/words")).text)
    assert words.anchors == REMEDIES.keys() | {"age"}


def test_a_number_that_nothing_explains_is_found() -> None:
    table = (
        "<table><tr><th><a href='/words#times'>Times</a></th><th>Events</th><th>Why</th></tr>"
        "<tr><td>1,234</td><td>12.5%</td><td><a href='/words#origin'>origin</a> 403</td></tr></table>"
    )
    page = Page(f"<main><p>3 of <a href='/words#event'>them</a></p><p>4 <time>5</time></p>{table}</main>")
    assert [(block.text, links) for block, links in page.numbers()] == [
        ("3 of them", ["/words#event"]),
        ("4 ", []),
        ("1,234", ["/words#times"]),
        ("12.5%", []),
        ("origin 403", ["/words#origin", "/words#origin"]),
    ]
