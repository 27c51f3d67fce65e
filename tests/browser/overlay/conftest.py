"""The browser of the snippet's tests."""

from tests.browser.snippet.conftest import browser, context, page

__all__ = ["browser", "context", "page"]
