"""What looking costs: three pages of the admin listener open in a real Chromium, against none.

Accept throughput is measured in a closed loop, with pages and without in turn on one relay. Chromium runs on the load's
CPU and gives way to it. The memory is that of a new relay for each, which takes and delivers 1,000 events a second:
after a minute, and after two. What both grow by is what they remember up to its bound: event ids for ten minutes or
300,000 of them, rate limits, sessions, and the events that pages show.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench import accept
from tests.bench.contestants import SECRET, Contestant, relay
from tests.bench.latency import one_round as constant_rate
from tests.bench.load.wrk import Round
from tests.bench.machine import LOAD_CPU, resident_bytes
from tests.bench.processes import free_port
from tests.bench.ratios import Figure, alternate, figures
from tests.bench.token import site_token
from tests.support.browser import ARGS, chromium_path

PAGES = ("/", "/events", "/refusals")
REFERENCE = "no page open"
OPEN = "three pages open"
CONNECTIONS = 64
BEACONS_PER_S = 334.0
"""Each has three events: 1,000 a second and a little more."""


def run(*, rounds: int, seconds: float) -> list[Figure]:
    """Requests a second, CPU a request and memory with pages and without; fifteen rounds' time is the minute."""
    token = site_token(SECRET)
    with ExitStack() as stack:
        browser = stack.enter_context(_browser())
        one = stack.enter_context(relay(sink_url=None))
        turns = {
            REFERENCE: partial(_round, one, seconds, token, None),
            OPEN: partial(_round, one, seconds, token, browser),
        }
        results = alternate(turns, rounds=rounds)
        memory = {REFERENCE: [_memory(seconds, token, None)], OPEN: [_memory(seconds, token, browser)]}
    return [
        *figures("requests/s", "1/s", results, lambda r: r.requests_per_s, reference=REFERENCE),
        *figures("CPU a request", "us", results, lambda r: r.cpu_us, reference=REFERENCE),
        *figures("latency p99", "ms", results, lambda r: r.p99_ms, reference=REFERENCE),
        *figures("memory after a minute", "MB", memory, lambda m: m.first_mb, reference=REFERENCE),
        *figures("memory after two", "MB", memory, lambda m: m.second_mb, reference=REFERENCE),
    ]


def _round(one: Contestant, seconds: float, token: str, browser: Browser | None) -> Round:
    with ExitStack() as stack:
        if browser is not None:
            stack.enter_context(_open(browser, one))
        return accept.one_round(one, seconds, token, CONNECTIONS)


class _Memory(NamedTuple):
    first_mb: float
    second_mb: float


def _memory(seconds: float, token: str, browser: Browser | None) -> _Memory:
    port = free_port()
    with ExitStack() as stack:
        busy = stack.enter_context(relay(sink_url=f"http://127.0.0.1:{port}"))
        if browser is not None:
            stack.enter_context(_open(browser, busy))

        def after_a_minute() -> float:
            constant_rate(busy, BEACONS_PER_S, 15 * seconds, token, port)
            return resident_bytes(busy.pid) / 1e6

        return _Memory(after_a_minute(), after_a_minute())


@contextmanager
def _open(browser: Browser, one: Contestant) -> Iterator[list[Page]]:
    """The pages, loaded and following."""
    context = browser.new_context()
    pages = [context.new_page() for _ in PAGES]
    for page, path in zip(pages, PAGES, strict=True):
        page.goto(f"{one.admin_url}{path}")
    try:
        yield pages
    finally:
        context.close()


@contextmanager
def _browser() -> Iterator[Browser]:
    with tempfile.TemporaryDirectory(prefix="relay-bench-") as folder:
        polite = Path(folder) / "chromium"
        taskset, nice = shutil.which("taskset"), shutil.which("nice")
        polite.write_text(f'#!/bin/sh\nexec {taskset} -c {LOAD_CPU} {nice} -n 19 {chromium_path()} "$@"\n')
        polite.chmod(0o755)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(polite), args=[*ARGS])
            yield browser
            browser.close()
