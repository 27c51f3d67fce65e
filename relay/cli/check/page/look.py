"""All of it: the page is fetched, read, and what it leads to is asked."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from relay.cli.check.page.document import read
from relay.cli.check.page.fetching import FetchError, fetching
from relay.cli.check.page.findings import Findings
from relay.cli.check.page.marks import look_at_marks
from relay.cli.check.page.reaching import look_at_endpoint, look_at_script
from relay.cli.check.page.tag import Where, look_at_tag
from relay.core.bundled import bundled
from relay.core.clock import Clock
from relay.core.settings import Settings
from relay.web.routes.snippet_file import SnippetFile
from relay.web.routes.snippet_shelf import make_shelf

if TYPE_CHECKING:  # needs the extra `browser`
    from relay.cli.check.page.visit import Visit


async def look_at(url: str, *, settings: Settings, clock: Clock, browser: bool = False) -> Findings:
    """What was found on a page.

    Args:
        url: Of the page.
        settings: Of the relay it sends to: its keys, sites and origins.
        clock: Of this machine.
        browser: Also open it in Chromium, scroll, and see what is seen and sent.

    Raises:
        click.UsageError: no URL of a page, or no browser to be had.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise click.UsageError(f"--page: {url!r} is no address of a page; write it out, https://shop.example/")
    findings = Findings()
    async with fetching() as fetcher:
        try:
            page = await fetcher.ask(url, headers={"accept": "text/html"})
        except FetchError as error:
            findings.wrong(f"page: {error}")
            return findings
        if page.status >= 400:
            findings.wrong(f"page: {page.url} answers HTTP {page.status}")
            return findings
        findings.well(f"page: {page.url}, HTTP {page.status}, {len(page.body):,} bytes")
        where = Where(url=page.url, policies=page.policies)
        html, visit = page.text, None
        if browser:
            visit = await _visit(page.url, settings.prefix)
            html = visit.html
        document = read(html, page.url, prefix=settings.prefix)
        found = look_at_tag(document, where, findings, settings=settings, clock=clock)
        site = None
        if found is not None:
            tag, site = found
            shelf = make_shelf(
                SnippetFile.read(bundled("snippet")),
                SnippetFile.read(bundled("snippet"), "inspect.js"),
                releases=bundled("snippet_releases"),
            )
            await look_at_script(fetcher, tag, where.origin, findings, shelf=shelf)
            await look_at_endpoint(fetcher, tag, where.origin, findings)
        look_at_marks(document, findings, event_types=site.event_types if site else None)
        if visit is not None:
            visit.tell(findings)
    return findings


async def _visit(url: str, prefix: str) -> "Visit":
    try:
        from relay.cli.check.page.visit import visit  # noqa: PLC0415 - needs the extra `browser`
    except ModuleNotFoundError as error:
        raise click.UsageError(f"--browser: {error.msg}; pip install 'personalize-relay[browser]'") from None
    return await visit(url, prefix=prefix)
