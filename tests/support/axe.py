"""axe-core in a page of a test: what a person with a screen reader, a keyboard or weak sight would stumble over."""

from functools import cache
from typing import Any

from playwright.async_api import Page

from tests.support.tree import ROOT


async def violations(page: Page) -> list[str]:
    """What axe finds, a line each: its rule, and the first elements."""
    await page.evaluate(_axe())
    found: dict[str, Any] = await page.evaluate("() => axe.run({ reporter: 'v2', iframes: false })")
    return [
        f"{one['id']}: {node['html'][:120]} ({' '.join(node.get('failureSummary', '').split())[:200]})"
        for one in found["violations"]
        for node in one["nodes"][:3]
    ]


@cache
def _axe() -> str:
    return (ROOT / "js-snippet/node_modules/axe-core/axe.min.js").read_text()
