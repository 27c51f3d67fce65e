"""The content of each page as HTML."""

from collections.abc import Mapping
from html import escape

from catalog import CATEGORIES, POPULAR, PRODUCTS, Category, Product, newest, of_category, products
from recommender import Recommended
from shelf import picture, price, shelf
from visit import USERS, Order, lines, total

FREE_SHIPPING_FROM = 80.0
SHIPPING = 4.9


def home(recommended: Recommended, user: str | None) -> str:
    """Everything worth a look."""
    if user:
        title, line = f"Recommended for you, {USERS[user]}", "From what you looked at, here and on earlier visits."
    elif recommended.id:
        title, line = "Recommended for you", "It follows what you click: look at a plant or two and come back."
    else:
        title, line = "A good place to start", "What others take home. Click around, and this list becomes yours."
    popular = [product for product in products(POPULAR) if product not in recommended.products]
    tiles = "".join(
        f'<li><a class="tile" href="/c/{category.slug}">{picture(of_category(category.slug)[0])}'
        f"<span>{escape(category.name)}</span></a></li>"
        for category in CATEGORIES.values()
    )
    faces = "".join(picture(PRODUCTS[id_], eager=True) for id_ in ("hearth-teapot", "monstera", "linen-table-lamp"))
    return f"""
<section class="hero">
  <div>
    <p class="eyebrow">Autumn collection</p>
    <h1>Things for a quieter home</h1>
    <p>Pots, plants and lamps from small workshops, made to be used every day and looked at for years.</p>
    <p><a class="button" href="#new">See what is new</a></p>
  </div>
  <div class="faces" aria-hidden="true">{faces}</div>
</section>
{shelf(title, recommended, source="home-recommended", line=line, eager=True)}
{shelf("Popular this week", popular, source="home-popular", row=True)}
<section class="shelf"><header><h2>Around the house</h2></header><ul class="tiles">{tiles}</ul></section>
<div id="new">{shelf("New in", newest()[:8], source="home-new", line="Unpacked this month.")}</div>
{shelf("Patient green company", of_category("plants"), source="home-plants", more="/c/plants", row=True)}
{shelf("Light for long evenings", of_category("light"), source="home-light", more="/c/light", row=True)}
"""


def category(shown: Category, recommended: Recommended) -> str:
    """One shelf and what goes with it."""
    things = of_category(shown.slug)
    return f"""
<div class="lead"><p class="eyebrow">{len(things)} things</p><h1>{escape(shown.name)}</h1><p>{escape(shown.line)}</p></div>
{shelf(f"All {shown.name.lower()}", things, source=f"category-{shown.slug}", eager=True)}
{shelf("You may also like", recommended, source=f"category-{shown.slug}-recommended", row=True)}
"""  # noqa: E501 - reads as the page it is


def product(shown: Product, together: Recommended) -> str:
    """One thing, and what is seen together with it."""
    shelf_of = CATEGORIES[shown.category]
    siblings = [other for other in of_category(shown.category) if other.id != shown.id]
    new = '<span class="tag">New</span>' if shown.new else ""
    return f"""
<article class="product">
  <div class="product-picture">{picture(shown, eager=True)}{new}</div>
  <div class="product-text">
    <p class="eyebrow"><a href="/c/{shelf_of.slug}">{escape(shelf_of.name)}</a></p>
    <h1>{escape(shown.name)}</h1>
    <p class="price">{price(shown.price)}</p>
    <p class="text">{escape(shown.text)}</p>
    <form method="post" action="/cart">
      <button class="button" name="item" value="{escape(shown.id)}" data-relay-item="{escape(shown.id)}"
        data-relay-event="AddToCart" data-relay-value="{shown.price:g}">Add to cart</button>
    </form>
    <dl>
      <div><dt>Details</dt><dd>{escape(shown.detail)}</dd></div>
      <div><dt>Delivery</dt><dd>In two to four days, free from {price(FREE_SHIPPING_FROM)}</dd></div>
      <div><dt>Returns</dt><dd>Thirty days, no questions</dd></div>
    </dl>
  </div>
</article>
{shelf("Often seen together", together, source="product-together")}
{shelf(f"More {shelf_of.name.lower()}", siblings, source="product-siblings", more=f"/c/{shelf_of.slug}", row=True)}
"""


def cart(quantities: Mapping[str, int], recommended: Recommended) -> str:
    """What will be bought."""
    if not quantities:
        content = f"""
<div class="empty">{picture(PRODUCTS["seagrass-basket"])}<div><h1>Your cart is empty</h1>
<p>Nothing in here yet. The basket is for sale, too.</p><p><a class="button" href="/">Look around</a></p></div></div>"""
    else:
        content = f"""
<h1>Your cart</h1>
<div class="columns"><ul class="lines">{_lines(quantities, removable=True)}</ul>
<aside class="summary"><h2>Summary</h2>{_sum(quantities)}<a class="button wide" href="/checkout">Check out</a></aside></div>"""  # noqa: E501
    return content + shelf("You may also like", recommended, source="cart-recommended", row=True)


def checkout(quantities: Mapping[str, int], user: str | None) -> str:
    """The last page before the purchase."""
    name = USERS[user] if user else "Guest"
    return f"""
<h1>Check out</h1>
<div class="columns">
<form method="post" action="/checkout" class="address" id="order">
  <p class="note">A demonstration: nothing is charged, nothing is sent, and what you type goes nowhere.</p>
  <label>Name<input autocomplete="off" value="{escape(name)}"></label>
  <label>Street<input autocomplete="off" value="Lane of Kilns 7"></label>
  <div class="pair"><label>Postcode<input autocomplete="off" value="1017"></label>
  <label>City<input autocomplete="off" value="Cloverfield"></label></div>
  <fieldset><legend>Payment</legend>
    <label class="choice"><input type="radio" name="pay" checked> By invoice</label>
    <label class="choice"><input type="radio" name="pay"> On collection</label></fieldset>
</form>
<aside class="summary"><h2>Your order</h2><ul class="lines small">{_lines(quantities)}</ul>{_sum(quantities)}
<button class="button wide" form="order">Place order</button></aside></div>"""


def thanks(order: Order, *, is_fresh: bool) -> str:
    """After the purchase. While it is fresh, the page tells the relay of it, once."""
    bought = " data-purchase" if is_fresh else ""
    told = "".join(
        f'<li data-item="{escape(bought_one.id)}" data-value="{bought_one.price * quantity:g}" '
        f'data-quantity="{quantity}"></li>'
        for bought_one, quantity in lines(order.lines)
    )
    return f"""
<div class="narrow"><p class="eyebrow">Order {escape(order.number)}</p><h1>Thank you</h1>
<p>We are wrapping it in more paper than strictly needed.</p>
<ul class="lines">{_lines(order.lines)}</ul>{_sum(order.lines)}
<ul hidden{bought} data-order="{escape(order.number)}">{told}</ul>
<p><a class="button" href="/">Back to the shop</a></p></div>"""


def login() -> str:
    """Two people to be."""
    people = "".join(
        f'<li><form method="post" action="/login"><button class="person" name="user" value="{user}">'
        f'<span class="avatar" aria-hidden="true">{escape(name[0])}</span><span><strong>{escape(name)}</strong>'
        f"<small>user id &ldquo;{user}&rdquo;</small></span></button></form></li>"
        for user, name in USERS.items()
    )
    return f"""
<div class="narrow"><h1>Sign in</h1>
<p>Choose who to be. The shop&rsquo;s backend signs an identity token, the page hands it to the relay, and from then on,
also for what this visit did before, events carry the user.</p><ul class="people">{people}</ul></div>"""


def missing() -> str:
    """There is no such page."""
    return f"""
<div class="empty">{picture(PRODUCTS["print-low-sun"])}<div><h1>Nothing here</h1>
<p>This page has moved out, or never lived here.</p>
<p><a class="button" href="/">Back to the shop</a></p></div></div>"""


def _lines(quantities: Mapping[str, int], *, removable: bool = False) -> str:
    return "".join(_line(shown, quantity, removable=removable) for shown, quantity in lines(quantities))


def _line(shown: Product, quantity: int, *, removable: bool) -> str:
    remove = (
        f'<form method="post" action="/cart/remove"><button class="quiet" name="item" value="{escape(shown.id)}" '
        f'aria-label="Remove {escape(shown.name)}">Remove</button></form>'
        if removable
        else ""
    )
    return f"""<li class="line-item">{picture(shown)}<div><a href="/p/{escape(shown.id)}">{escape(shown.name)}</a>
<small>{quantity} &times; {price(shown.price)}</small>{remove}</div>
<strong>{price(shown.price * quantity)}</strong></li>"""


def _sum(quantities: Mapping[str, int]) -> str:
    goods = total(quantities)
    shipping = 0.0 if goods >= FREE_SHIPPING_FROM else SHIPPING
    return f"""<dl class="sum"><div><dt>Goods</dt><dd>{price(goods)}</dd></div>
<div><dt>Delivery</dt><dd>{price(shipping) if shipping else "free"}</dd></div>
<div class="total"><dt>Total</dt><dd>{price(goods + shipping)}</dd></div></dl>"""
