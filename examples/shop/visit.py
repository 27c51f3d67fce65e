"""What the shop knows of a visit, in signed cookies: who is signed in, the cart, the last order. Nothing on disk."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from catalog import PRODUCTS, Product

_VISIT: Final = "kiln_visit"
_SESSION: Final = "kiln_session"
"""Apart from the visit: the page sends it in the background, and must not undo what a click did meanwhile."""
USERS: Final[Mapping[str, str]] = {"ada": "Ada", "grace": "Grace"}
"""User id → name. A real shop asks for a password."""

_MAX_LINES: Final = 20
_MAX_QUANTITY: Final = 9
_SESSION_ID: Final = re.compile(r"[A-Za-z0-9._~-]{16,256}")


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


class Visits:
    """Reads and writes the cookies."""

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt="shop.visit")

    def read(self, request: Request) -> Visit:
        """The visit of a request; a new one where the cookie is missing or not ours."""
        try:
            return msgspec.convert(self._serializer.loads(request.cookies.get(_VISIT, "")), Visit)
        except (BadSignature, msgspec.ValidationError):
            return Visit()

    def write(self, visit: Visit, response: Response) -> None:
        """Put the visit into the answer."""
        _set(response, _VISIT, self._serializer.dumps(msgspec.to_builtins(visit)))

    def session(self, request: Request) -> str | None:
        """The relay's session id, as the page told it last; None before it did."""
        try:
            session = self._serializer.loads(request.cookies.get(_SESSION, ""))
        except BadSignature:
            return None
        return session if isinstance(session, str) else None

    def write_session(self, session: str | None, response: Response) -> None:
        """Remember the session id, or forget it.

        Raises:
            ValueError: it is none.
        """
        if session is None:
            response.delete_cookie(_SESSION)
        elif _SESSION_ID.fullmatch(session):
            _set(response, _SESSION, self._serializer.dumps(session))
        else:
            raise ValueError("not a session id")


def _set(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=30 * 86400, httponly=True, samesite="lax")
