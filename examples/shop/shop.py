"""The shop's backend: pages, cart, login. Between requests it keeps nothing; the visit is in a signed cookie."""

import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import pages
from catalog import CATEGORIES, PRODUCTS
from layout import Frame, page
from recommender import Recommender, open_recommender
from relay.core.clock import SystemClock
from relay.tokens import SiteClaims, Tokens, mint_identity
from visit import USERS, Order, Visit, Visits

HERE: Final = Path(__file__).parent
_IDENTITY_TTL_S: Final = 3600
_MAX_FORM_BYTES: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    """Where everything is, and the key this backend shares with the relay."""

    relay_url: str
    emulator_url: str
    secret_key: str
    site: str
    campaign_arn: str
    items_dataset_arn: str | None
    debug: bool = False


class Shop:
    """The endpoints."""

    def __init__(self, settings: ShopSettings) -> None:
        self._settings = settings
        self._visits = Visits(settings.secret_key)
        self._site_token = Tokens([settings.secret_key], clock=SystemClock()).mint(SiteClaims(settings.site))
        self._recommender: Recommender

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        """Open and close the connection to Personalize."""
        async with open_recommender(
            campaign_arn=self._settings.campaign_arn, items_dataset_arn=self._settings.items_dataset_arn
        ) as self._recommender:
            yield

    async def home(self, request: Request) -> Response:
        """`/`."""
        visit = self._visits.read(request)
        recommended = await self._recommender.for_visitor(self._visitor(request, visit), 8)
        return self._page(request, visit, "Home", pages.home(recommended, visit.user))

    async def category(self, request: Request) -> Response:
        """`/c/SLUG`."""
        visit = self._visits.read(request)
        shown = CATEGORIES.get(request.path_params["slug"])
        if shown is None:
            return await self.missing(request, None)
        recommended = await self._recommender.for_visitor(self._visitor(request, visit), 10)
        return self._page(request, visit, shown.name, pages.category(shown, recommended), current=shown.slug)

    async def product(self, request: Request) -> Response:
        """`/p/ID`."""
        visit = self._visits.read(request)
        shown = PRODUCTS.get(request.path_params["id"])
        if shown is None:
            return await self.missing(request, None)
        together = await self._recommender.with_product(shown, self._visitor(request, visit), 4)
        main = pages.product(shown, together)
        return self._page(request, visit, shown.name, main, current=shown.category, viewed=shown.id)

    async def cart(self, request: Request) -> Response:
        """`/cart`."""
        visit = self._visits.read(request)
        visitor = self._visitor(request, visit)
        recommended = await self._recommender.for_visitor(visitor, 10, without=[*visit.cart])
        return self._page(request, visit, "Cart", pages.cart(visit.cart, recommended))

    async def add(self, request: Request) -> Response:
        """Put one product into the cart, and show it."""
        visit = self._visits.read(request)
        product_id = await _field(request, "item")
        if product_id not in PRODUCTS:
            return PlainTextResponse("no such product\n", 400)
        visit.add(product_id)
        visit.news = "added"
        return self._go(visit, "/cart")

    async def remove(self, request: Request) -> Response:
        """Take a product out of the cart."""
        visit = self._visits.read(request)
        visit.cart.pop(await _field(request, "item"), None)
        return self._go(visit, "/cart")

    async def checkout(self, request: Request) -> Response:
        """`/checkout`: look at the order, then place it."""
        visit = self._visits.read(request)
        if not visit.cart:
            return self._go(visit, "/cart")
        if request.method != "POST":
            return self._page(request, visit, "Check out", pages.checkout(visit.cart, visit.user))
        visit.order = Order(f"KC-{secrets.randbelow(90000) + 10000}", visit.cart)
        visit.cart, visit.news = {}, "ordered"
        return self._go(visit, "/thanks")

    async def thanks(self, request: Request) -> Response:
        """`/thanks`: the order just placed."""
        visit = self._visits.read(request)
        if visit.order is None:
            return self._go(visit, "/")
        main = pages.thanks(visit.order, is_fresh=visit.news == "ordered")
        return self._page(request, visit, "Thank you", main)

    async def login(self, request: Request) -> Response:
        """`/login`: choose a user."""
        visit = self._visits.read(request)
        if request.method != "POST":
            return self._page(request, visit, "Sign in", pages.login())
        user = await _field(request, "user")
        if user not in USERS:
            return PlainTextResponse("no such user\n", 400)
        if visit.user not in (None, user):
            return PlainTextResponse("sign out first\n", 409)
        visit.user, visit.news = user, "signed-in"
        return self._go(visit, "/")

    async def logout(self, request: Request) -> Response:
        """Forget the user; the next page tells the snippet."""
        visit = self._visits.read(request)
        visit.user, visit.order, visit.cart, visit.news = None, None, {}, "signed-out"
        response = self._go(visit, "/")
        self._visits.write_session(None, response)
        return response

    async def session(self, request: Request) -> Response:
        """The page tells the relay's session id, and gets an identity token for it if somebody is signed in."""
        session = await _field(request, "id")
        response = JSONResponse({"identity": self._identity(self._visits.read(request), session)})
        try:
            self._visits.write_session(session, response)
        except ValueError:
            return PlainTextResponse("no such session\n", 400)
        return response

    async def identity(self, request: Request) -> Response:
        """A fresh identity token for who is signed in; the snippet asks when the last one has expired."""
        token = self._identity(self._visits.read(request), self._visits.session(request))
        return PlainTextResponse("nobody is signed in\n", 403) if token is None else JSONResponse({"identity": token})

    async def names(self, _: Request) -> Response:
        """Product id → name, for the strip."""
        return JSONResponse({product.id: product.name for product in PRODUCTS.values()})

    async def missing(self, request: Request, _: Exception | None) -> Response:
        """404."""
        response = self._page(request, self._visits.read(request), "Not found", pages.missing())
        response.status_code = 404
        return response

    def _visitor(self, request: Request, visit: Visit) -> str | None:
        return visit.user or self._visits.session(request)

    def _identity(self, visit: Visit, session: str | None) -> str | None:
        if session is None or visit.user is None or visit.user not in USERS:
            return None
        return mint_identity(
            visit.user, secret_key=self._settings.secret_key, session_id=session, ttl_s=_IDENTITY_TTL_S
        )

    def _page(self, request: Request, visit: Visit, title: str, main: str, **options: str) -> Response:
        frame = Frame(
            relay_url=self._settings.relay_url,
            emulator_url=self._settings.emulator_url,
            site_token=self._site_token,
            debug=self._settings.debug,
            user=visit.user if visit.user in USERS else None,
            identity=self._identity(visit, self._visits.session(request)),
            session=self._visits.session(request),
            cart_size=sum(visit.cart.values()),
            news=visit.take_news(),
        )
        response = HTMLResponse(page(frame, title, main, **options), headers={"cache-control": "no-store"})
        self._visits.write(visit, response)
        return response

    def _go(self, visit: Visit, path: str) -> Response:
        response = RedirectResponse(path, 303)
        self._visits.write(visit, response)
        return response


async def _field(request: Request, name: str) -> str:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MAX_FORM_BYTES:
            return ""
    return parse_qs(body.decode("ascii", "replace")).get(name, [""])[0]


def create_app(settings: ShopSettings) -> Starlette:
    """The shop as an ASGI application."""
    shop = Shop(settings)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    routes = [
        Route("/", shop.home),
        Route("/c/{slug}", shop.category),
        Route("/p/{id}", shop.product),
        Route("/cart", shop.cart, methods=["GET"]),
        Route("/cart", _from_here(shop.add), methods=["POST"]),
        Route("/cart/remove", _from_here(shop.remove), methods=["POST"]),
        Route("/checkout", _from_here(shop.checkout), methods=["GET", "POST"]),
        Route("/thanks", shop.thanks),
        Route("/login", _from_here(shop.login), methods=["GET", "POST"]),
        Route("/logout", _from_here(shop.logout), methods=["POST"]),
        Route("/session", _from_here(shop.session), methods=["POST"]),
        Route("/identity", shop.identity),
        Route("/names.json", shop.names),
        Route("/healthz", healthz),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
    return Starlette(
        routes=routes,
        lifespan=shop.lifespan,
        exception_handlers={404: shop.missing},
        middleware=[Middleware(SecurityHeaders, policy=_policy(settings)), Middleware(GZipMiddleware)],
    )


Endpoint = Callable[[Request], Awaitable[Response]]


def _from_here(endpoint: Endpoint) -> Endpoint:
    """Let only the shop's own pages post to it."""

    async def answer(request: Request) -> Response:
        origin = request.headers.get("origin")
        if request.method == "POST" and origin and urlsplit(origin).netloc != request.url.netloc:
            return PlainTextResponse("posted from another site\n", 403)
        return await endpoint(request)

    return answer


def _policy(settings: ShopSettings) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {settings.relay_url}",
            f"connect-src 'self' {settings.relay_url} {settings.emulator_url}",
            "style-src 'self'",
            "img-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    )


class SecurityHeaders:
    """Adds the content security policy and its companions to every answer."""

    def __init__(self, app: Any, policy: str) -> None:
        self._app = app
        self._headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
        ]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
