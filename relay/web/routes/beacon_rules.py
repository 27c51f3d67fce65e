"""What a beacon must be to be taken, whichever way it came; a broken rule is a `Refusal`."""

from collections.abc import Awaitable, Mapping
from typing import Final

import msgspec
from starlette.requests import cookie_parser

from relay.core.errors import SpoolError, SpoolFullError
from relay.identity.decision import ANONYMOUS, Decision
from relay.identity.tokens import SiteClaims
from relay.insight.browser_family import browser_family
from relay.intake.from_browser import Begun, Came
from relay.web.rate_limit import NetworkLimit, cost
from relay.web.routes.answer import Refusal
from relay.web.routes.client_address import is_public
from relay.web.routes.edge import ANY_ORIGIN, Edge, EdgeSite
from relay.web.routes.known_bots import bot_kind
from relay.wire.beacon import Beacon, NotABeaconError, decode

MOST_LOST: Final = 10_000
"""Of one reason in one beacon, so many count at most: it is a stranger's word, and goes into a sum."""

_FULL_RETRY_S: Final = 30
_DISK_RETRY_S: Final = 5
_MAX_COOKIE_BYTES: Final = 16_384
_CROSS_SITE: Final = (b"cross-site", b"same-site")


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """A beacon that may be taken."""

    beacon: Beacon
    site: EdgeSite
    identity_token: object
    ignored: str | None
    """Why none of it is wanted after all, if so."""
    network: str | None
    """Whose it is; None where one visitor's cannot be told from another's."""
    origin: str
    """Empty where there is none."""
    browser: str
    """Its family."""


def allowed_origin(edge: Edge, headers: Mapping[bytes, bytes]) -> str | None:
    """The origin, if it is one of any site's; None when there is none, which says nothing about a browser.

    Every browser sends `Origin` with a POST from a page, so a request without one is no page's. It still needs its
    site token, and cannot use a cookie.
    """
    raw = headers.get(b"origin")
    if raw is None:
        if headers.get(b"sec-fetch-site", b"").strip().lower() in _CROSS_SITE:
            raise Refusal(403, "origin", "a page of another site must say its Origin", field="origin")
        return None
    origin = raw.decode("latin-1")
    if origin not in edge.origins and (origin == "null" or ANY_ORIGIN not in edge.origins):
        raise Refusal(403, "origin", "this Origin is not in RELAY_ALLOWED_ORIGINS", field="origin")
    return origin


def admit(edge: Edge, headers: Mapping[bytes, bytes], peer: str | None, origin: str | None, body: bytes) -> Admitted:
    """Look at a beacon; what costs least to refuse comes first: shape, address, token, origin, session.

    `Sec-Purpose: prefetch;prerender` is not looked at. The snippet sends nothing while a page is prerendered, so such a
    beacon is of a client that knows what it does; and a refusal is final: true events of an outbox would be lost.
    """
    if edge.unseen_proxy is not None:
        edge.unseen_proxy.saw(headers)
    network = edge.client_address.key(peer, headers)
    try:
        beacon = decode(body)
        site = _site(edge, beacon)
    except NotABeaconError as error:
        _spend(edge.limit_refused, network, cost(1, len(body)))
        raise Refusal(400, error.reason, error.detail, field=error.field) from None
    except Refusal:
        _spend(edge.limit_refused, network, cost(1, len(body)))
        raise
    events = len(beacon.events)
    weight = cost(events, len(body))
    _spend(edge.limit_address, network, weight)
    if origin is not None and not site.allows(origin):
        raise Refusal(403, "origin", "this Origin is not one of the site's", field="origin")
    identity_token = beacon.identity
    if identity_token is None and edge.identity_cookie is not None and origin is not None:
        identity_token = _cookie(edge.identity_cookie, headers)
    if not events and identity_token is None:
        raise Refusal(400, "empty", "eventList is empty and there is no identity", field="eventList")
    name = site.destination.site
    if edge.limit_session is not None:
        _refuse_if(edge.limit_session.wait_s((name, beacon.session_id), weight), "session")
    if edge.limit_site is not None:
        _refuse_if(edge.limit_site.wait_s(name, weight), "site")
    if edge.gpc == "anonymous" and headers.get(b"sec-gpc") == b"1":
        identity_token = ANONYMOUS
    browser = browser_family(headers.get(b"user-agent", b""))
    unwanted = _unwanted(edge, headers)
    return Admitted(beacon, site, identity_token, unwanted, _visitor(edge, network), origin or "", browser)


def _visitor(edge: Edge, network: str) -> str | None:
    """The network, unless it may be that of a proxy which nobody has told of: then it is everybody's."""
    if edge.unseen_proxy is not None and (edge.unseen_proxy.is_there or not is_public(network)):
        return None
    return network


def _unwanted(edge: Edge, headers: Mapping[bytes, bytes]) -> str | None:
    if edge.gpc == "off" and headers.get(b"sec-gpc") == b"1":
        return "gpc"
    if edge.bots == "keep":
        return None
    kind = bot_kind(headers.get(b"user-agent", b""))
    if kind is not None and edge.bots == "mark":
        edge.metrics.beacons_marked[kind] += 1
        return None
    return kind


def decide(edge: Edge, admitted: Admitted) -> Decision | Awaitable[Decision]:
    """Who sent it; to be awaited only where other relays have to be asked."""
    return edge.intake.decide(
        destination=admitted.site.destination,
        session_id=admitted.beacon.session_id,
        identity_token=admitted.identity_token,
    )


def begin(edge: Edge, admitted: Admitted, decision: Decision) -> Begun:
    """Hand its events to the spool; nobody waits for the disk yet.

    Raises:
        SpoolError: see `not_stored`.
    """
    beacon = admitted.beacon
    edge.metrics.identities[decision.result] += 1
    for reason, count in beacon.lost.items():
        edge.metrics.events_lost[reason] += min(count, MOST_LOST)
    if beacon.unknown:
        edge.metrics.count_fields((), beacon.unknown)
    return edge.intake.begin(
        beacon.events,
        destination=admitted.site.destination,
        session_id=beacon.session_id,
        sent_at_ms=beacon.sent_at_ms,
        decision=decision,
        dropped=beacon.dropped,
        came=Came(admitted.network, beacon.seq, beacon.lost, admitted.origin, admitted.browser, beacon.unknown),
    )


def not_stored(edge: Edge, error: SpoolError) -> Refusal:
    """The spool could not take the events: noted for `/readyz`, and to be tried again."""
    edge.readiness.spool_refused(error)
    if isinstance(error, SpoolFullError):
        return Refusal(503, "spool_full", "no room for events now", retry_after_s=_FULL_RETRY_S)
    return Refusal(503, "spool_unwritable", "events cannot be stored now", retry_after_s=_DISK_RETRY_S)


def _site(edge: Edge, beacon: Beacon) -> EdgeSite:
    claims = edge.tokens.site(beacon.token)
    if not isinstance(claims, SiteClaims):
        raise Refusal(401, f"token_{claims}", "the site token is not valid here", field="token")
    site = edge.sites.get(claims.site)
    if site is None:
        raise Refusal(
            401, "token_unknown_site", "the site token is for a site this relay does not serve", field="token"
        )
    return site


def _spend(limit: NetworkLimit | None, network: str, weight: int) -> None:
    if limit is not None:
        _refuse_if(limit.wait_s(network, weight), "address")


def _refuse_if(wait_s: int, what: str) -> None:
    if wait_s:
        raise Refusal(429, "too_many", f"too many events from this {what}", retry_after_s=wait_s)


def _cookie(name: str, headers: Mapping[bytes, bytes]) -> str | None:
    raw = headers.get(b"cookie", b"")
    if len(raw) > _MAX_COOKIE_BYTES:
        return None
    return cookie_parser(raw.decode("latin-1")).get(name) or None
