"""The browser and the collector of the snippet's tests."""

from tests.browser.snippet.conftest import browser, collector, context, page

__all__ = ["browser", "collector", "context", "page"]
