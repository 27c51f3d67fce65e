"""What the snippet costs a page, by the browser's own record of its main thread."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.browser.snippet.shop import NEVER
from tests.support.collector import Collector

pytestmark = [pytest.mark.browser, pytest.mark.cost]

START_MS = 5.0
"""Main thread spent by the script in its first 100 ms: evaluation, first look at the page, first observations."""
OTHERS = 2.0
"""This machine may be doing other things."""


def script_ms(trace: list[dict[str, Any]], *, within_ms: float) -> float:
    """CPU of the main thread spent in s.js, outermost entries only, since its evaluation began."""
    entries = sorted(
        (entry["ts"], entry.get("dur", 0), entry.get("tdur", 0))
        for entry in trace
        if entry["name"] in {"EvaluateScript", "FunctionCall"}
        and entry["ph"] == "X"
        and "/r/s.js" in json.dumps(entry.get("args", {}))
    )
    begin, end, total = entries[0][0], 0, 0
    for at, duration, cpu in entries:
        if at >= end and at - begin < within_ms * 1000:
            total += cpu
            end = at + duration
    return total / 1000


async def test_two_thousand_items_cost_no_long_task_and_little_at_the_start(
    collector: Collector, browser: Browser, page: Page, record_property: Callable[[str, object], None]
) -> None:
    items = "".join(
        f'<a data-relay-item="p{i}" href="#{i}" style="display:block;height:40px">item {i}</a>' for i in range(2000)
    )
    body = f'<section data-relay-list data-relay-recommendation-id="R">{items}</section>'
    # The script comes once the page is there, so that its own cost stands alone.
    await page.goto(collector.raw("/", f"<!doctype html>{body}"))
    await page.evaluate(
        """() => {
            window.longTasks = [];
            new PerformanceObserver(list => longTasks.push(...list.getEntries().map(entry => entry.duration)))
                .observe({type: 'longtask'});
            return new Promise(done => setTimeout(done, 300));
        }"""
    )
    await browser.start_tracing(page=page, categories=["devtools.timeline"])
    await page.evaluate(
        f"""() => new Promise(done => {{
            const holder = document.createElement('template');
            holder.innerHTML = '<i {NEVER}></i>';
            const script = document.createElement('script');
            Object.assign(script.dataset, holder.content.firstChild.dataset, {{token: 'site'}});
            script.src = '/r/s.js';
            script.onload = () => setTimeout(done, 1500);
            document.head.append(script);
        }})"""
    )
    await page.evaluate("new Promise(done => { scrollTo(0, 40000); setTimeout(done, 1500) })")
    trace = json.loads(await browser.stop_tracing())["traceEvents"]
    spent = script_ms(trace, within_ms=100)
    record_property("start_ms", spent)
    record_property("all_ms", script_ms(trace, within_ms=1e6))
    assert await page.evaluate("longTasks") == []
    assert spent < START_MS * OTHERS, f"{spent:.1f} ms of main thread at the start"
