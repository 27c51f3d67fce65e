"""What the shop knows of a visit, in one signed cookie: who is signed in, the cart, the last order. Nothing on disk."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from catalog import PRODUCTS, Product

COOKIE: Final = "kiln_visit"
USERS: Final[Mapping[str, str]] = {"ada": "Ada", "grace": "Grace"}
"""User id → name. A real shop asks for a password."""

_MAX_LINES: Final = 20
_MAX_QUANTITY: Final = 9
_RELAY_SESSION = re.compile(r"([\w~-]{16,256})\.\w+")


class Order(msgspec.Struct, frozen=True):
    """What was bought."""

    number: str
    lines: dict[str, int]


class Visit(msgspec.Struct):
    """The cookie's content."""

    user: str | None = None
    cart: dict[str, int] = {}
    order: Order | None = None
    news: str | None = None
    """What the next page says once: `added`, `signed-in`, `signed-out`, `ordered`."""

    def add(self, product_id: str) -> None:
        """One more of this product in the cart, within bounds."""
        if product_id in self.cart or len(self.cart) < _MAX_LINES:
            self.cart[product_id] = min(self.cart.get(product_id, 0) + 1, _MAX_QUANTITY)

    def take_news(self) -> str | None:
        """The news, which is no news from now on."""
        news, self.news = self.news, None
        return news


def lines(quantities: Mapping[str, int]) -> list[tuple[Product, int]]:
    """Products and how many of each."""
    return [(PRODUCTS[id_], quantity) for id_, quantity in quantities.items() if id_ in PRODUCTS]


def total(quantities: Mapping[str, int]) -> float:
    """What it costs, in euros."""
    return sum(product.price * quantity for product, quantity in lines(quantities))


def relay_session(request: Request) -> str | None:
    """The snippet's session id, which it keeps in a cookie of the site; None before it ran for the first time."""
    match = _RELAY_SESSION.fullmatch(request.cookies.get("relay_session", ""))
    return match[1] if match else None


class Visits:
    """Reads and writes the cookie."""

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt="shop.visit")

    def read(self, request: Request) -> Visit:
        """The visit of a request; a new one where the cookie is missing or not ours."""
        try:
            content = self._serializer.loads(request.cookies.get(COOKIE, ""))
            return msgspec.convert(content, Visit)
        except (BadSignature, msgspec.ValidationError):
            return Visit()

    def write(self, visit: Visit, response: Response) -> None:
        """Put the visit into the answer."""
        value = self._serializer.dumps(msgspec.to_builtins(visit))
        response.set_cookie(COOKIE, value, max_age=30 * 86400, httponly=True, samesite="lax")
