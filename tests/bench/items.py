"""What two thousand items cost a page's main thread in Chromium, second after second, with the snippet and without.

CPU of the main thread by the browser's own counters (`Performance.getMetrics`), once the first looks are over: whole
tasks, for observers make the browser work too, and the script in them.
"""

import asyncio
from dataclasses import dataclass
from statistics import median
from typing import Final

from playwright.async_api import Browser

from tests.bench.ratios import Figure
from tests.support.browser import chromium
from tests.support.collector import Collector, collecting

ITEMS: Final = 2000
SETTLED_MS: Final = 3000
"""After the load: what is in sight has had its second."""
LENGTHS: Final = 5
"""A measurement is so many times as long as a round elsewhere: 20 s by default."""
COUNTDOWN: Final = """<p id="left"></p><script>
    let left = 9999;
    setInterval(() => { document.querySelector('#left').innerHTML = `<b>${left--}</b> <i>left</i>` }, 50);
</script>"""
SCROLLING: Final = "<script>setInterval(() => scrollBy(0, 20), 100)</script>"
LAYER: Final = '<div style="position:fixed;inset:0;background:#fff">cookies?</div>'


def _items(style: str, inside: str = "item") -> str:
    items = "".join(f'<a data-relay-item="p{i}" style="{style}">{inside}</a>' for i in range(ITEMS))
    return f'<section data-relay-list data-relay-recommendation-id="R" style="line-height:0">{items}</section>'


ROWS: Final = _items("display:block;height:40px;line-height:1")
TILES: Final = _items("display:inline-block;width:12px;height:12px", "")
PAGES: Final = {
    "nothing happens": ROWS,
    "a countdown, 20 times a second": COUNTDOWN + ROWS,
    "scrolled by 200 px a second": ROWS + SCROLLING,
    "all in the window, behind a layer": TILES + LAYER,
    "all in the window, of no height": _items("display:block;height:0;overflow:hidden", ""),
}
"""Bodies of pages of 800 by 600."""


@dataclass(frozen=True)
class Spent:
    """Milliseconds of the main thread's CPU, a second."""

    tasks: float
    script: float


async def spent(browser: Browser, url: str, seconds: float) -> Spent:
    """Of the page at `url`, in a fresh profile."""
    context = await browser.new_context(viewport={"width": 800, "height": 600})
    page = await context.new_page()
    await page.goto(url)
    devtools = await context.new_cdp_session(page)
    await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

    async def passes(ms: float) -> None:
        await page.evaluate(f"new Promise(done => setTimeout(done, {ms}))")

    async def counters() -> dict[str, float]:
        return {one["name"]: one["value"] for one in (await devtools.send("Performance.getMetrics"))["metrics"]}

    await passes(SETTLED_MS)
    before = await counters()
    await passes(seconds * 1000)
    after = await counters()
    await context.close()
    task, script = (after[name] - before[name] for name in ("TaskDuration", "ScriptDuration"))
    return Spent(task * 1000 / seconds, script * 1000 / seconds)


def serve(collector: Collector) -> None:
    """Each page twice, at `/0` and `/1`, … with the snippet, and without at `/bare/0`."""
    for number, body in enumerate(PAGES.values()):
        collector.page(f"/{number}", body)
        collector.raw(f"/bare/{number}", f"<!doctype html><body>{body}</body>")


async def _measure(rounds: int, seconds: float) -> list[Figure]:
    rows: list[Figure] = []
    # Being asked by tools from where calls come costs it a second look at the source.
    async with collecting() as collector, chromium(args=("--js-flags=--no-enable-lazy-source-positions",)) as browser:
        serve(collector)
        # A site can own cookies on this one, as in real life.
        origin = collector.origin.replace("127.0.0.1", "www.shop.test")
        for number, name in enumerate(PAGES):
            turns: list[tuple[Spent, ...]] = []
            for _ in range(rounds):
                # At once: each has a main thread of its own, and the machine's drift is the same for both.
                both = (spent(browser, f"{origin}{path}/{number}", LENGTHS * seconds) for path in ("/bare", ""))
                turns.append(tuple(await asyncio.gather(*both)))
            for what in ("tasks", "script"):
                before, after = ([getattr(one, what) for one in side] for side in zip(*turns, strict=True))
                added = median(more - less for less, more in zip(before, after, strict=True))
                for who, value in (("without", median(before)), ("with s.js", median(after)), ("added", added)):
                    rows.append(Figure(f"{name}: {what}", who, "ms a second", value, None, None, None))
    return rows


def run(*, rounds: int, seconds: float) -> list[Figure]:
    """Milliseconds of main thread a second, with the snippet, without, and what it adds."""
    return asyncio.run(_measure(rounds, seconds))
