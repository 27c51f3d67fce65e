"""Whose every event is, whatever people, pages and the network do."""

import pytest
from playwright.async_api import Browser

from tests.browser.snippet.random_visitors import visit
from tests.support.collector import Collector

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.mark.parametrize("seed", range(8))
async def test_every_event_arrives_once_as_the_user_it_happened_under(
    collector: Collector, browser: Browser, seed: int
) -> None:
    await visit(collector, browser, seed, steps=40)
