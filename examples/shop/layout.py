"""The frame of every page: script tag, header, news, footer."""

from dataclasses import dataclass
from html import escape
from typing import Final

from catalog import CATEGORIES
from visit import USERS

_NEWS: Final = {
    "added": "Added to your cart.",
    "signed-in": "Welcome back. What you looked at before now counts for you.",
    "signed-out": "You are signed out. A new visit has begun.",
    "ordered": "Thank you. Your order is on its way.",
}

_MARK: Final = (
    '<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><path d="M6 30V15a10 10 0 0 1 20 0v15h-6V16a4 4 0 0 0-8 '
    '0v14z"/><circle cx="16" cy="24" r="3.200"/></svg>'
)
_CART: Final = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 8h12l1 12H5zM9 8V6.500a3 3 0 0 1 6 0V8"/></svg>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the frame of a page needs to know."""

    relay_url: str
    emulator_url: str
    site_token: str
    debug: bool
    user: str | None
    identity: str | None
    """The identity token of who is signed in, made by this backend for `session`."""
    session: str | None
    """The relay's session, as this backend knows it."""
    cart_size: int
    news: str | None


def page(frame: Frame, title: str, main: str, *, current: str = "", viewed: str = "") -> str:
    """A whole page.

    Args:
        frame: What is around it.
        title: In the title bar.
        main: Its content, as HTML.
        current: Slug of the category it belongs to.
        viewed: Id of the product the page is about, for its `View`.
    """
    identity = f' data-identity="{escape(frame.identity)}"' if frame.identity else ""
    session = f' data-session="{escape(frame.session)}"' if frame.session else ""
    signed_out = " data-signed-out" if frame.news == "signed-out" else ""
    debug = " data-debug" if frame.debug else ""
    view = f' data-relay-view="{escape(viewed)}"' if viewed else ""
    news = f'<p class="news" role="status">{escape(_NEWS[frame.news])}</p>' if frame.news in _NEWS else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} · Kiln &amp; Clover</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/shop.css">
<link rel="stylesheet" href="/static/strip.css">
<script async src="{escape(frame.relay_url)}/r/s.js" data-token="{escape(frame.site_token)}" data-identity-url="/identity"{debug}></script>
<script defer src="/static/shop.js"></script>
<script defer src="/static/strip.js" data-emulator="{escape(frame.emulator_url)}"></script>
</head>
<body{session}{identity}{signed_out}>
<a class="skip" href="#main">Skip to the content</a>
{_header(frame, current)}
{news}
<main id="main"{view}>{main}</main>
<noscript><p class="news">Without scripts the shop works, and nobody learns what you look at: recommendations stay
what others take home.</p></noscript>
{_FOOTER}
</body>
</html>
"""  # noqa: E501 - the script tag as one pastes it


def _header(frame: Frame, current: str) -> str:
    links = "".join(
        f'<li><a href="/c/{category.slug}"{_current(category.slug == current)}>{escape(category.name)}</a></li>'
        for category in CATEGORIES.values()
    )
    if frame.user:
        account = (
            f'<form method="post" action="/logout" class="account"><span class="avatar" aria-hidden="true">'
            f'{escape(USERS[frame.user][0])}</span><span class="who">{escape(USERS[frame.user])}</span>'
            f'<button class="quiet">Sign out</button></form>'
        )
    else:
        account = '<a class="account" href="/login">Sign in</a>'
    return f"""
<header class="top">
  <div class="bar">
    <a class="brand" href="/">{_MARK}<span>Kiln &amp; Clover</span></a>
    <nav aria-label="Shop"><ul>{links}</ul></nav>
    <div class="tools">{account}
      <a class="cart" href="/cart" aria-label="Cart, {frame.cart_size} items">{_CART}<span>{frame.cart_size}</span></a>
    </div>
  </div>
</header>"""


def _current(is_current: bool) -> str:
    return ' aria-current="page"' if is_current else ""


_FOOTER: Final = f"""
<footer class="bottom">
  <div>
    <p class="brand">{_MARK}<span>Kiln &amp; Clover</span></p>
    <p>A shop that does not exist, to show what Personalize Relay does: the drawer below lists every call that
    Amazon Personalize, here an emulator on this machine, received from this page.</p>
  </div>
  <ul>
    <li><a href="/">Home</a></li><li><a href="/cart">Cart</a></li><li><a href="/login">Sign in</a></li>
  </ul>
</footer>"""
