"""How many events arrive when pages end: `python -m tests.browser.soak --count 200`.

Each visit is a profile of its own, so that no later page can send what an earlier one failed to. Exits 1 when an event
is lost, arrives twice, or was never made.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from playwright.async_api import Browser, Page
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.support.browser import chromium, until
from tests.support.collector import Collector, collecting

NEVER: Final = 'data-flush-ms="600000"'
"""Events leave at the end of the page, or not at all."""


VISIT_S: Final = 60.0
"""More is a browser that hangs."""


@dataclass
class Tally:
    """What became of the visits of one case."""

    made: int = 0
    arrived: int = 0
    repeated: int = 0
    invented: int = 0
    took_ms: list[float] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Every event arrived, once, and no other."""
        return self.arrived == self.made and not self.repeated and not self.invented


async def close(page: Page) -> None:
    await page.close()


async def navigate(page: Page) -> None:
    await page.click("#same")


async def navigate_cross_site(page: Page) -> None:
    await page.click("#other")


async def go_and_close(page: Page) -> None:
    await page.click("#same", no_wait_after=True)
    await page.close()


async def go_by_script(page: Page) -> None:
    # Later, so that Playwright has its answer first; and to the end, or it may wait for ever for its profile to close.
    await page.evaluate("void setTimeout(() => location.replace('/plain'), 50)")
    await page.wait_for_url("**/plain")


CASES: Final[dict[str, Callable[[Page], Awaitable[None]]]] = {
    "close the tab": close,
    "click a link of the site": navigate,
    "click a link to another site": navigate_cross_site,
    "click and close at once": go_and_close,
    "the page sends itself away": go_by_script,
}


def serve(collector: Collector) -> None:
    """The page of the visits, and a plain one they end on."""
    collector.raw("/plain", "<!doctype html>plain")
    other = collector.origin.replace("127.0.0.1", "other.test")
    collector.page(
        "/",
        '<main data-relay-view="v">view</main><button data-relay-item="b">buy</button>'
        f'<a id="same" data-relay-item="s" href="/plain">same</a> '
        f'<a id="other" data-relay-item="o" href="{other}/plain">other</a>',
        tag=NEVER,
    )


def expected(case: str) -> list[tuple[str, str]]:
    """What one visit of this case is to bring."""
    clicked = {"click a link to another site": "o", "click a link of the site": "s", "click and close at once": "s"}
    clicks = ["b", *([clicked[case]] if case in clicked else [])]
    return sorted([("View", "v"), *(("Click", item) for item in clicks)])


async def visit(browser: Browser, collector: Collector, case: str, tally: Tally) -> None:
    """One visitor: looks, clicks, goes."""
    collector.beacons.clear()
    collector.taken.clear()
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(collector.origin + "/")
    await page.evaluate("new Promise(done => relay('session', done))")
    await page.click("button")
    wanted = expected(case)
    began = time.perf_counter()
    await CASES[case](page)
    try:
        await until(lambda: len(collector.events) >= len(wanted), within_s=5)
        tally.took_ms.append((time.perf_counter() - began) * 1000)
    except AssertionError:
        pass  # counted below
    await context.close()
    came = collector.summary()
    tally.made += len(wanted)
    tally.arrived += sum(1 for event in wanted if event in came)
    tally.invented += sum(1 for event in came if event not in wanted)
    tally.repeated += sum(len(beacon["eventList"]) for beacon in collector.beacons) - len(came)


async def run(count: int, cases: list[str]) -> bool:
    """Each case `count` times; whether all was whole."""
    console = Console(width=110)
    tallies: list[Tally] = []
    async with collecting() as collector, chromium() as browser:
        serve(collector)
        for case in cases:
            tally = Tally()
            tallies.append(tally)
            for _ in track(range(count), description=case, console=console):
                async with asyncio.timeout(VISIT_S):
                    await visit(browser, collector, case, tally)
            table = Table("case", "visits", "events", "arrived", "rate", "twice", "invented", "median ms")
            figures = (count, tally.made, tally.arrived, f"{tally.arrived / tally.made:.2%}")
            speed = f"{median(tally.took_ms or [0]):.0f}"
            table.add_row(case, *map(str, figures), str(tally.repeated), str(tally.invented), speed)
            console.print(table)
    return all(tally.is_whole for tally in tallies)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="visits of each case (default 200)")
    parser.add_argument("--case", choices=list(CASES), help="only this one")
    args = parser.parse_args()
    sys.exit(not asyncio.run(run(args.count, [args.case] if args.case else list(CASES))))


if __name__ == "__main__":
    main()
