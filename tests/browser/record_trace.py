"""Records the click stream that the demo ships: `python -m tests.browser.record_trace examples/shop/trace.jsonl`.

A dozen visitors in a real browser look around the shop, by a seeded throw of dice. What the emulator received of them
is the trace, one event a line, with sessions by number and times from the first event on.
"""

import asyncio
import json
import random
import sys
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from tests.support.browser import chromium, until
from tests.support.demo import RunningDemo, running_demo

VISITORS = 12
AT_ONCE = 2
STEPS = range(3, 8)


async def visit(browser: Browser, shop: str, dice: random.Random) -> None:
    """One visitor: looks at lists, clicks what is in view, perhaps signs in, perhaps buys."""
    width, height = dice.choice([(1280, 900), (390, 844)])
    context = await browser.new_context(base_url=shop, viewport={"width": width, "height": height})
    page = await context.new_page()
    await page.goto(dice.choice(["/", "/", "/c/plants", "/c/light", "/c/ceramics"]))
    user = dice.choice([None, None, "Ada", "Grace"])
    for _ in range(dice.choice(STEPS)):
        await look_and_click(page, dice)
        if dice.random() < 0.3:
            await page.get_by_role("button", name="Add to cart").click()
            await page.wait_for_url("**/cart")
            if user is not None:
                await page.goto("/login")
                await page.get_by_role("button", name=user).click()
                await page.get_by_role("button", name="Sign out").wait_for()
                user = None
            elif dice.random() < 0.5:
                await page.goto("/checkout")
                await page.get_by_role("button", name="Place order").click()
                await page.wait_for_url("**/thanks")
        if dice.random() < 0.4 or not await page.locator("[data-relay-list] .card").count():
            await page.goto("/")
    await page.close()
    await context.close()


async def look_and_click(page: Page, dice: random.Random) -> None:
    """Bring a list into view, look at it for a moment, and click one of the items on the screen."""
    shelf = dice.choice(await page.locator("[data-relay-list]").all())
    await shelf.scroll_into_view_if_needed()
    await page.wait_for_timeout(dice.randrange(1200, 2600))
    cards = [card for card in await shelf.locator(".card").all() if await is_on_screen(card)]
    await dice.choice(cards or await shelf.locator(".card").all()).click()
    await page.wait_for_url("**/p/*")
    await page.wait_for_timeout(dice.randrange(300, 1500))


async def is_on_screen(card: Any) -> bool:
    """Whether the middle of an element is in view, above the drawer's bar."""
    found: bool = await card.evaluate(
        "card => { const {x, y, width, height} = card.getBoundingClientRect();"
        " return x >= 0 && x + width <= innerWidth && y > 70 && y + height / 2 < innerHeight - 60 }"
    )
    return found


async def record(demo: RunningDemo) -> list[dict[str, Any]]:
    """Let them all visit, and give what arrived in order of time."""
    gate = asyncio.Semaphore(AT_ONCE)
    async with chromium() as browser:

        async def one(number: int) -> None:
            async with gate:
                await visit(browser, demo.shop, random.Random(number))

        await asyncio.gather(*(one(number) for number in range(VISITORS)))

    async def is_quiet() -> bool:
        return await demo.pending() == 0

    await until(is_quiet)
    return sorted(await demo.events(), key=lambda event: float(event["sentAt"]))


def line(event: dict[str, Any], sessions: dict[str, str], first_s: float) -> str:
    """One event of the trace."""
    session = sessions.setdefault(event["sessionId"], f"visit-{len(sessions) + 1:02}")
    known = {"user": event["userId"]} if "userId" in event else {}
    fields = {name: event[name] for name in event if name not in ("sessionId", "userId", "sentAt", "eventId")}
    return json.dumps({"at": round((event["sentAt"] - first_s) * 1000), "session": session, **known, "event": fields})


async def main() -> list[str]:
    """The lines of a new trace."""
    async with running_demo("--no-replay") as demo:
        events = await record(demo)
    sessions: dict[str, str] = {}
    return [line(event, sessions, events[0]["sentAt"]) for event in events]


if __name__ == "__main__":
    lines = asyncio.run(main())
    Path(sys.argv[1]).write_text("".join(f"{one}\n" for one in lines), encoding="utf-8")
    sys.stdout.write(f"{len(lines)} events in {sys.argv[1]}\n")
