"""A visit of the page in a local Chromium: what is seen, what is sent, and what the relay says to it.

Chromium without a screen says so in its name, and a relay leaves what such visitors send out (`RELAY_BOTS`), so that
nothing of the visit reaches the service; where the relay keeps them, it does. Needs the extra `browser`.
"""

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import click
from playwright.async_api import Error, Page, Request, Response, async_playwright

from relay.cli.check.page.findings import Findings, examples, plural

_CHROMIUMS: Final = ("chromium", "chromium-browser", "google-chrome")
"""As the system has it; without any, the one that `playwright install` brings."""
_LOAD_MS: Final = 30_000
_START_MS: Final = 10_000
_SEE_MS: Final = 1_400
"""At each place: what is looked at for a second is seen."""
_MOST_SCREENS: Final = 20
_FLUSH_MS: Final = 10_000
_MOST_EVENTS: Final = 1000

_BEGAN: Final = "() => window.relay?.q && !window.relay.q.forEach"
_LISTEN: Final = """() => {
  const heard = window.__relayHeard = { seen: [], sent: [], lost: [] };
  const on = (topic, listener) => window.relay.q.push([Date.now(), ['on', topic, listener]]);
  on('seen', (element) => {
    const list = element.closest('[data-relay-list]')?.dataset;
    heard.seen.push([list?.relaySource || list?.relayRecommendationId || '', element.dataset.relayItem ?? '']);
  });
  on('sent', (answer) => heard.sent.push(answer));
  on('lost', (loss) => heard.lost.push(loss));
}"""
_FLUSH: Final = """(ms) => new Promise((done) => {
  setTimeout(done, ms);
  window.relay.q.push([Date.now(), ['flush', done]]);
})"""
_SCROLL: Final = """() => {
  const before = scrollY;
  scrollBy({ top: innerHeight * 0.8, behavior: 'instant' });
  return scrollY > before;
}"""


@dataclass(slots=True, kw_only=True)
class Visit:
    """What happened."""

    html: str = ""
    """The page once its scripts had run."""
    began: bool = False
    screens: int = 0
    seen: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Source or recommendation id of the list, and the item."""
    events: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    statuses: list[int] = field(default_factory=list[int])
    """Of the relay's answers."""
    taken: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    """The bodies of its 202s."""
    lost: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    """What the page gave up, with the relay's word for it."""
    failed: list[str] = field(default_factory=list[str])
    said: list[str] = field(default_factory=list[str])
    """What the snippet, or the page's content security policy, said on the console."""
    needs_consent: bool = False

    def tell(self, findings: Findings) -> None:
        """Say what came of it."""
        for line in dict.fromkeys(self.said):
            findings.wrong(f"browser: the console says: {line}")
        for line in dict.fromkeys(self.failed):
            findings.wrong(f"browser: {line}; look at the page's content security policy, and at the way to the relay")
        if not self.began:
            findings.wrong(
                f"browser: the snippet did not start within {_START_MS // 1000} s; what is above says why, or the"
                " page's own scripts do"
            )
            return
        findings.well(f"browser: the snippet runs; {plural(self.screens, 'screen')} of the page were looked at")
        lists: dict[str, list[str]] = {}
        for name, item in dict.fromkeys(self.seen):
            lists.setdefault(name, []).append(item)
        for name, items in lists.items():
            findings.well(f"seen: {plural(len(items), 'item')} of {name or 'a list without a name'}: {examples(items)}")
        if not lists:
            findings.well("seen: no item of any list")
        self._tell_sent(findings)

    def _tell_sent(self, findings: Findings) -> None:
        types = Counter(str(event.get("eventType")) for event in self.events)
        told = ", ".join(f"{count} {name}" for name, count in types.most_common())
        findings.well(f"sent: {told or 'no event; items seen go along with the next click on their list'}")
        if self.needs_consent and not self.events:
            findings.well("sent: the tag waits for consent, and nothing is sent before relay('consent', true)")
        for answer in self.taken:
            if ignored := answer.get("ignored"):
                findings.well(f"relay: took this visit for a robot's, and left {plural(ignored, 'event')} out")
            else:
                findings.well(f"relay: {plural(answer.get('accepted', 0), 'event')} accepted")
            for one in answer.get("rejected", ()):
                findings.wrong(f"relay: refused an event: {one.get('reason')} {one.get('field', '')}")
            for one in answer.get("dropped", ()):
                findings.wrong(f"relay: left a field out: {one.get('field')}, {one.get('reason')}")
        for loss in self.lost:
            why = f"HTTP {loss['status']}, {loss.get('error')}: {loss.get('detail')}" if "status" in loss else ""
            findings.wrong(f"relay: {plural(loss.get('events', 0), 'event')} given up, {loss.get('reason')} {why}")
        for status in sorted({*self.statuses} - {loss.get("status") for loss in self.lost} - {202}):
            findings.wrong(f"relay: HTTP {status}; the page tries again later")


async def visit(url: str, *, prefix: str) -> Visit:
    """Open the page, look at all of it for as long as a visitor would, and send what was recorded.

    Raises:
        click.UsageError: there is no Chromium, or the page cannot be opened in it.
    """
    made = Visit()
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(
                executable_path=next(
                    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
                ),
                chromium_sandbox=os.geteuid() != 0,
                # Otherwise `navigator.webdriver` is true, and the snippet sends nothing.
                args=["--headless=new", "--disable-blink-features=AutomationControlled"],
            )
        except Error as error:
            said = error.message.strip().splitlines()
            raise click.UsageError(f"--browser: {said[0] if said else error}; `playwright install chromium`") from None
        try:
            page = await browser.new_page()
            _listen(page, made, prefix)
            try:
                await page.goto(url, wait_until="load", timeout=_LOAD_MS)
                await _look(page, made)
            except Error as error:
                made.failed.append(error.message.strip().splitlines()[0])
        finally:
            await browser.close()
    return made


async def _look(page: Page, made: Visit) -> None:
    try:
        await page.wait_for_function(_BEGAN, timeout=_START_MS)
        made.began = True
        await page.evaluate(_LISTEN)
    except Error:
        made.html = await page.content()
        return
    made.needs_consent = bool(await page.locator("script[data-token][data-consent=required]").count())
    for _ in range(_MOST_SCREENS):
        made.screens += 1
        await page.wait_for_timeout(_SEE_MS)
        if not await page.evaluate(_SCROLL):
            break
    made.html = await page.content()
    await page.evaluate(_FLUSH, _FLUSH_MS)
    heard = await page.evaluate("() => window.__relayHeard")
    made.seen = [(str(name), str(item)) for name, item in heard["seen"]]
    made.taken, made.lost = heard["sent"], heard["lost"]


def _listen(page: Page, made: Visit, prefix: str) -> None:
    script = re.compile(re.escape(prefix) + r"/s(\.[^/]+)?\.js(\?|$)")
    beacon = re.compile(re.escape(prefix) + r"/e(\?|$)")

    def on_request(request: Request) -> None:
        if request.method == "POST" and beacon.search(request.url) and len(made.events) < _MOST_EVENTS:
            made.events += _object(request.post_data).get("eventList", [])

    def on_response(response: Response) -> None:
        if response.request.method == "POST" and beacon.search(response.url):
            made.statuses.append(response.status)

    def on_failure(request: Request) -> None:
        if script.search(request.url) or (beacon.search(request.url) and request.method == "POST"):
            made.failed.append(f"{request.url}: {request.failure}")

    def on_console(text: str) -> None:
        is_policy = "Content Security Policy" in text and (script.search(text) or beacon.search(text))
        if text.startswith("[relay]") or is_policy:
            made.said.append(text)

    page.on("request", on_request)
    page.on("response", on_response)
    page.on("requestfailed", on_failure)
    page.on("console", lambda message: on_console(message.text))


def _object(text: str | None) -> Mapping[str, Any]:
    try:
        found = json.loads(text or "")
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
