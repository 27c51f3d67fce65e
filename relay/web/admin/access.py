"""Who may look at the admin listener: which host names it answers to, and when it asks for a token.

Health and metrics, which hold counts only, are for everybody who reaches the listener. The rest is for who comes from
this machine to this machine, not through a proxy, or shows a server token with the scope `admin`: as a bearer, or given
once to a form and kept in a cookie that no script reads. Whatever changes something needs the token and its own
origin.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from http.cookies import SimpleCookie
from ipaddress import ip_address
from pathlib import Path
from typing import Final, cast
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from relay.identity.tokens import TokenFault
from relay.web.routes.answer import Refusal, send_bytes, send_json
from relay.web.routes.edge import edge_of
from relay.web.routes.header_fields import fields_of
from relay.web.routes.request_body import ClientGoneError, read_body

COOKIE: Final = "relay_admin"
_EXEMPT: Final = ("/metrics", "/healthz", "/readyz")
_SAFE: Final = ("GET", "HEAD")
_LOGIN: Final = "/login"
_MOST_FORM_BYTES: Final = 8192
_FORWARDING: Final = (
    *(b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"),
    *(b"cf-connecting-ip", b"true-client-ip", b"fastly-client-ip", b"cloudfront-viewer-address"),
)
_FORM: Final = (Path(__file__).parent / "page" / "login.html").read_bytes()
_WRONG_FORM: Final = _FORM.replace(
    b"<!-- wrong -->",
    b'<p role="alert">That is no server token of this relay with the scope <code>admin</code>, or it has ended.</p>',
)
_STYLE: Final = _FORM.partition(b"<style>")[2].partition(b"</style>")[0]
"""In the form itself: who has no token gets no file."""
_STYLE_HASH: Final = b64encode(sha256(_STYLE).digest())
FORM_HEADERS: Final = (
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'sha256-%b'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        % _STYLE_HASH,
    ),
    (b"referrer-policy", b"no-referrer"),
)


class Access:
    """In front of the admin application."""

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str] | None = None) -> None:
        """Take what it guards.

        Args:
            app: The pages.
            hosts: Names it answers to, without port; None for `localhost` and whatever address it is reached at.
        """
        self._app = app
        self._hosts = None if hosts is None else frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let through."""
        if scope["type"] != "http" or scope["path"] in _EXEMPT:
            await self._app(scope, receive, send)
            return
        fields = fields_of(scope["headers"])
        try:
            self._check_host(scope, fields)
            if scope["path"] == _LOGIN and scope["method"] == "POST":
                await _log_in(scope, fields, receive, send)
                return
            _check_token(scope, fields)
        except Refusal as refusal:
            if refusal.status == 401 and b"text/html" in fields.get(b"accept", b"") and scope["method"] in _SAFE:
                await send_bytes(send, 401, b"" if scope["method"] == "HEAD" else _FORM, FORM_HEADERS)
            else:
                await send_json(send, refusal.status, refusal.problem, refusal.headers)
            return
        except ClientGoneError:
            return
        await self._app(scope, receive, send)

    def _check_host(self, scope: Scope, fields: Mapping[bytes, bytes]) -> None:
        """A page of another name that resolves to this machine must not read what is here (DNS rebinding)."""
        name = _name(fields.get(b"host", b""))
        own = {"localhost", str(scope["server"][0])} if scope.get("server") else {"localhost"}
        if name not in (own if self._hosts is None else self._hosts):
            raise Refusal(421, "misdirected", "this listener does not answer to that name; see RELAY_ADMIN_HOSTS")


def _check_token(scope: Scope, fields: Mapping[bytes, bytes]) -> None:
    bearer, cookie = _bearer(fields), _cookie(fields)
    allowed = _allows(scope, bearer) or _allows(scope, cookie)
    if scope["method"] in _SAFE:
        if not allowed and not _is_local(scope, fields):
            challenge = ((b"www-authenticate", b"Bearer"),)
            raise Refusal(401, "token_needed", "send a server token with the scope admin", headers=challenge)
        return
    if not allowed:
        raise Refusal(401, "token_needed", "what changes something needs a server token with the scope admin")
    if b"origin" in fields or not _allows(scope, bearer):  # a program with a bearer has no origin
        _check_same_origin(fields)


def may_change(scope: Scope) -> bool:
    """Whether who asks has shown a token that allows changes."""
    fields = fields_of(scope["headers"])
    return _allows(scope, _bearer(fields)) or _allows(scope, _cookie(fields))


def login_form() -> bytes:
    """Where a token is given once."""
    return _FORM


def _check_same_origin(fields: Mapping[bytes, bytes]) -> None:
    origin = fields.get(b"origin", b"").decode("latin-1")
    if origin.partition("://")[2] != fields.get(b"host", b"").decode("latin-1"):
        raise Refusal(403, "origin", "only a page of this listener may ask for that")


async def _log_in(scope: Scope, fields: Mapping[bytes, bytes], receive: Receive, send: Send) -> None:
    _check_same_origin(fields)
    form = parse_qs((await read_body(receive, fields, max_bytes=_MOST_FORM_BYTES)).decode("latin-1"))
    token = form.get("token", [""])[0].strip()
    if not _allows(scope, token):
        await send_bytes(send, 401, _WRONG_FORM, FORM_HEADERS)
        return
    secure = "; Secure" if fields[b"origin"].startswith(b"https:") else ""
    cookie = f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}".encode("latin-1")
    await send_bytes(send, 303, b"", ((b"location", b"/"), (b"set-cookie", cookie)))


def _allows(scope: Scope, token: str | None) -> bool:
    if not token:
        return False
    claims = edge_of(scope).tokens.server(token)
    return not isinstance(claims, TokenFault) and "admin" in claims.scope


def _bearer(fields: Mapping[bytes, bytes]) -> str | None:
    kind, _, token = fields.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _cookie(fields: Mapping[bytes, bytes]) -> str | None:
    morsel = SimpleCookie(fields.get(b"cookie", b"")[:16384].decode("latin-1")).get(COOKIE)
    return None if morsel is None else morsel.value


def _is_local(scope: Scope, fields: Mapping[bytes, bytes]) -> bool:
    """From loopback to loopback, and nobody stands between."""
    ends = (scope.get("client"), scope.get("server"))
    return all(end is not None and _is_loopback(str(cast("tuple[str, int]", end)[0])) for end in ends) and not any(
        name in fields for name in _FORWARDING
    )


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _name(host: bytes) -> str:
    """A `Host` without its port, and without the brackets of an IPv6 address."""
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]
