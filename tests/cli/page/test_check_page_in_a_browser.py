"""`personalize-relay check --page URL --browser`: what a visitor's browser makes of the page."""

from collections.abc import AsyncGenerator

import pytest

from tests.cli.page.shop import GOOD, Shop, shop

pytestmark = pytest.mark.browser


@pytest.fixture
async def site() -> AsyncGenerator[Shop]:
    async with shop() as running:
        yield running


async def test_what_was_seen_and_sent_is_told_and_a_relay_leaves_it_out(site: Shop) -> None:
    findings = await site.findings(site.page(), browser=True)
    assert (findings.warnings, findings.problems) == ([], [])
    assert "seen: 2 items of home-top: p1, p2" in findings.good
    assert "sent: 1 View" in findings.good
    assert "relay: took this visit for a robot's, and left 1 event out" in findings.good
    assert await site.relay.records() == []


async def test_lists_further_down_are_scrolled_to(site: Shop) -> None:
    findings = await site.findings(site.page(f"<div style='height: 2000px'></div>{GOOD}"), browser=True)
    assert "seen: 2 items of home-top: p1, p2" in findings.good


async def test_where_robots_are_kept_the_answers_verdict_is_told() -> None:
    async with shop(bots="keep", event_types="Click") as site:
        findings = await site.findings(site.page(), browser=True)
    assert "relay: refused an event: unknown_event_type eventType" in findings.problems


async def test_a_tag_and_items_that_scripts_put_in_are_found(site: Shop) -> None:
    body = f"<script>document.body.insertAdjacentHTML('beforeend', `{GOOD}`)</script>"
    late = (
        "<script>const tag = document.createElement('script');"
        f"tag.async = true; tag.src = '{site.src}'; tag.dataset.token = '{site.relay.site_token}';"
        "document.head.append(tag)</script>"
    )
    url = site.page(body, tag=late)
    assert "tag: the page has none" in (await site.findings(url)).problems[0]
    findings = await site.findings(url, browser=True)
    assert (findings.warnings, findings.problems) == ([], [])
    assert "items: 2 items in 1 list, 0 outside, 1 view" in findings.good


async def test_a_script_that_the_browser_stops_is_told_with_the_reason(site: Shop) -> None:
    findings = await site.findings(site.page(content_security_policy="script-src 'none'"), browser=True)
    assert any(line.startswith(f"browser: {site.src}: csp; ") for line in findings.problems)
    assert any("did not start" in line for line in findings.problems)


async def test_a_tag_that_waits_for_consent_says_so(site: Shop) -> None:
    findings = await site.findings(site.page(tag=site.tag(more='data-consent="required"')), browser=True)
    assert findings.problems == []
    assert any("waits for consent" in line for line in findings.good)


async def test_a_relay_that_refuses_the_page_is_told_in_its_own_words(site: Shop) -> None:
    findings = await site.findings(site.page(tag=site.tag(token="forged.x.y")), browser=True)
    assert any(line.startswith("relay: 1 event given up, refused HTTP 401, token_") for line in findings.problems)
