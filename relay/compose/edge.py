"""Puts the parts of the edge together, around whatever spool it is given."""

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from relay.core.clock import Clock
from relay.core.setting_values import Rate, proxy_secret_parts
from relay.core.settings import Settings
from relay.core.telemetry import Metrics
from relay.identity.decision import Identities, VerifyIdentity
from relay.identity.tokens import IdentityClaims, TokenFault, Tokens
from relay.insight.datasets import Datasets
from relay.insight.insight import Insight
from relay.intake.from_backend import BackendIntake
from relay.intake.from_browser import Destination, Intake
from relay.intake.sources import Sources
from relay.spool.administration import SpoolAdministration
from relay.spool.contract import Spool
from relay.web.rate_limit import NetworkLimit, RateLimit
from relay.web.readiness import Readiness
from relay.web.routes.client_address import ClientAddress
from relay.web.routes.edge import Edge, EdgeSite
from relay.web.routes.proxy_secret import ProxySecret
from relay.web.routes.snippet_shelf import SnippetShelf
from relay.web.routes.unknown_snippets import UnknownSnippets
from relay.web.routes.unseen_proxy import UnseenProxy
from relay.wire.properties import ANY_NAME, PropertyNames

if TYPE_CHECKING:  # needs the extra `jwt`
    from relay.identity.jwt import JwtIdentity


def make_edge(
    settings: Settings,
    *,
    spool: Spool,
    metrics: Metrics,
    clock: Clock,
    snippets: SnippetShelf,
    insight: Insight,
    jwt_identity: "JwtIdentity | None" = None,
    administration: SpoolAdministration | None = None,
    problems: Callable[[], Sequence[str]],
) -> Edge:
    """The edge over an open spool.

    Args:
        settings: How to run.
        spool: Where events go.
        metrics: What to count with.
        clock: What time it is.
        snippets: What to serve.
        insight: Is told what happens.
        administration: The spool, for the pages for people.
        jwt_identity: Verifies the site's own JWTs, if it has such.
        problems: What keeps events from being delivered, now.
    """
    tokens = make_tokens(settings, clock)
    secret = None
    if settings.proxy_secret is not None:
        secret = ProxySecret(*proxy_secret_parts(settings.proxy_secret), clock=clock)
    # A proxy may stand in front that nobody has told of; with a secret of its own there is one, and it is known.
    unseen = UnseenProxy(clock=clock) if settings.client_ip_header is None else None
    client_address = ClientAddress(header=settings.client_ip_header, trusted=settings.trusted_proxies)
    unknown_snippets = UnknownSnippets(clock=clock)
    watched = [one.problems for one in (client_address, secret, unseen, unknown_snippets) if one is not None]

    names = property_names(settings)
    sources = Sources(settings.keys()[0])

    def make_id() -> str:
        return secrets.token_hex(16)

    return Edge(
        sites=_sites(settings),
        tokens=tokens,
        intake=Intake(
            spool=spool,
            identities=Identities(
                verify=_verifier(tokens, jwt_identity),
                sessions=spool.sessions,
                erased=spool.erased,
                secret_key=settings.keys()[0],
            ),
            metrics=metrics,
            clock=clock,
            make_id=make_id,
            sources=sources,
            max_event_age_s=settings.max_event_age_s,
            property_names=names,
            on_taken=insight.took,
        ),
        backend_intake=BackendIntake(
            spool=spool,
            erased=spool.erased,
            metrics=metrics,
            make_id=make_id,
            sources=sources,
            property_names=names,
        ),
        spool=spool,
        metrics=metrics,
        clock=clock,
        readiness=Readiness(
            stats=spool.stats,
            spool_max_bytes=settings.spool_max_bytes,
            spool_problems=spool.problems,
            other_problems=lambda: [*problems(), *spool.warnings(), *(line for one in watched for line in one())],
            clock=clock,
        ),
        snippets=snippets,
        insight=insight,
        unknown_snippets=unknown_snippets,
        jwt_identity=jwt_identity,
        administration=administration,
        datasets=_datasets(settings, clock),
        client_address=client_address,
        max_body_bytes=settings.max_body_bytes,
        identity_cookie=settings.identity_cookie,
        limit_address=_network_limit(settings.rate_limit_ip, clock),
        limit_refused=_network_limit(settings.rate_limit_ip, clock),
        limit_session=_rate_limit(settings.rate_limit_session, clock),
        limit_site=_rate_limit(settings.rate_limit_site, clock),
        proxy_secret=secret,
        unseen_proxy=unseen,
        show_users=settings.admin_show_users,
        bots="keep" if settings.dev else settings.bots,
        gpc=settings.gpc,
    )


def property_names(settings: Settings) -> PropertyNames:
    """Which properties may enter the spool, by whatever way."""
    if settings.properties_allow is None and settings.properties_deny is None:
        return ANY_NAME
    allow = settings.properties_allow
    return PropertyNames(
        None if allow is None else frozenset(map(str.lower, allow)),
        frozenset(map(str.lower, settings.properties_deny or ())),
    )


def make_tokens(settings: Settings, clock: Clock) -> Tokens:
    """What mints and verifies with these settings."""
    site_not_before_s = {
        name: max(site.tokens_not_before or 0, settings.site_tokens_not_before or 0)
        for name, site in settings.all_sites().items()
    }
    return Tokens(
        settings.keys(),
        clock=clock,
        leeway_s=settings.token_leeway_s,
        identity_max_age_s=settings.identity_max_age_s,
        site_not_before_s=site_not_before_s,
        server_not_before_s=settings.server_tokens_not_before,
    )


def _sites(settings: Settings) -> dict[str, EdgeSite]:
    return {
        name: EdgeSite(
            destination=Destination(name, site.tracking_id, frozenset(site.event_types) if site.event_types else None),
            origins=frozenset(site.allowed_origins),
            action_interactions_target=site.action_interactions_tracking_id,
        )
        for name, site in settings.all_sites().items()
    }


def _datasets(settings: Settings, clock: Clock) -> Datasets | None:
    if settings.sink != "personalize":
        return None
    return Datasets({site.tracking_id: site.region for site in settings.all_sites().values()}, clock=clock)


def _verifier(tokens: Tokens, jwt_identity: "JwtIdentity | None") -> VerifyIdentity:
    if jwt_identity is None:
        return tokens.identity

    def either(token: object) -> IdentityClaims | TokenFault:
        own = tokens.identity(token)
        return own if own not in (TokenFault.FORGED, TokenFault.MALFORMED) else jwt_identity.identity(token)

    return either


def _rate_limit(rate: Rate | None, clock: Clock) -> RateLimit | None:
    return RateLimit(per_s=rate.per_s, clock=clock) if rate else None


def _network_limit(rate: Rate | None, clock: Clock) -> NetworkLimit | None:
    return NetworkLimit(per_s=rate.per_s, clock=clock) if rate else None
