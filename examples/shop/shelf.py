"""Lists of products as HTML, with the attributes the snippet reads."""

from collections.abc import Iterable
from html import escape

from catalog import Product
from recommender import Recommended


def price(amount: float) -> str:
    """In euros."""
    return f"€{amount:,.0f}" if amount == int(amount) else f"€{amount:,.2f}"


def picture(product: Product, *, css: str = "", eager: bool = False) -> str:
    """A product's picture; decorative, its name stands beside it."""
    loading = "eager" if eager else "lazy"
    return (
        f'<img class="{css}" src="/static/art/{escape(product.id)}.svg" alt="" width="400" height="400" '
        f'loading="{loading}">'
    )


def card(product: Product, *, eager: bool = False) -> str:
    """One product in a list: a plain link that says which item it is."""
    new = '<span class="tag">New</span>' if product.new else ""
    return f"""
<li><a class="card" data-relay-item="{escape(product.id)}" href="/p/{escape(product.id)}">
  <span class="card-picture">{picture(product, eager=eager)}{new}</span>
  <span class="card-name">{escape(product.name)}</span>
  <span class="card-price">{price(product.price)}</span>
</a></li>"""


def shelf(
    title: str,
    shown: Recommended | Iterable[Product],
    *,
    source: str,
    line: str = "",
    more: str = "",
    row: bool = False,
    eager: bool = False,
) -> str:
    """A titled list. Clicks in it carry its recommendation id, its source, and what was really seen of it.

    Args:
        title: Its heading.
        shown: Products; a recommendation also tells its id.
        source: Where on the site it is, for Personalize's metric attribution.
        line: A sentence below the heading.
        more: Address of the whole list.
        row: One row to scroll sideways instead of a grid.
        eager: Whether its pictures are on the first screen.
    """
    recommended = shown if isinstance(shown, Recommended) else Recommended(list(shown))
    recommendation = f' data-relay-recommendation-id="{escape(recommended.id)}"' if recommended.id is not None else ""
    cards = "".join(card(product, eager=eager) for product in recommended.products)
    link = f'<a class="more" href="{escape(more)}">See all</a>' if more else ""
    text = f'<p class="line">{escape(line)}</p>' if line else ""
    tab_stop = f' tabindex="0" role="region" aria-label="{escape(title)}"' if row else ""
    return f"""
<section class="shelf">
  <header><div><h2>{escape(title)}</h2>{text}</div>{link}</header>
  <div class="{"row" if row else "grid"}"{tab_stop}>
    <ul data-relay-list data-relay-source="{escape(source)}"{recommendation}>{cards}</ul>
  </div>
</section>"""
