"""What the routes need, handed to them as the typed lifespan state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypedDict, cast

from starlette.types import Scope

from relay.core.clock import Clock
from relay.core.telemetry import Metrics
from relay.identity.tokens import Tokens
from relay.insight.datasets import Datasets
from relay.insight.insight import Insight
from relay.intake.from_backend import BackendIntake
from relay.intake.from_browser import Destination, Intake
from relay.spool.administration import SpoolAdministration
from relay.spool.contract import Spool
from relay.web.rate_limit import NetworkLimit, RateLimit
from relay.web.readiness import Readiness
from relay.web.routes.client_address import ClientAddress
from relay.web.routes.proxy_secret import ProxySecret
from relay.web.routes.snippet_shelf import SnippetShelf
from relay.web.routes.unknown_snippets import UnknownSnippets
from relay.web.routes.unseen_proxy import UnseenProxy

if TYPE_CHECKING:  # needs the extra `jwt`
    from relay.identity.jwt import JwtIdentity

ANY_ORIGIN = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSite:
    """A site as the edge sees it."""

    destination: Destination
    origins: frozenset[str]
    action_interactions_target: str | None = None
    """The tracking id of its dataset of action interactions; None where requests name it."""

    def allows(self, origin: str) -> bool:
        """Whether pages of this origin may send."""
        return origin in self.origins or ANY_ORIGIN in self.origins


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One relay, seen from HTTP."""

    sites: Mapping[str, EdgeSite]
    tokens: Tokens
    intake: Intake
    backend_intake: BackendIntake
    spool: Spool
    metrics: Metrics
    clock: Clock
    readiness: Readiness
    insight: Insight
    snippets: SnippetShelf
    unknown_snippets: UnknownSnippets
    client_address: ClientAddress
    max_body_bytes: int
    identity_cookie: str | None = None
    administration: SpoolAdministration | None = None
    """The spool, for the pages for people; None where it cannot be looked at from outside."""
    datasets: Datasets | None = None
    """What stands behind the trackers, for the pages for people; None where events go elsewhere."""
    jwt_identity: "JwtIdentity | None" = None
    limit_address: NetworkLimit | None = None
    limit_refused: NetworkLimit | None = None
    """Of what an address sends that is no beacon, or has no valid token: its own, for the address may be a CDN's."""
    limit_session: RateLimit | None = None
    limit_site: RateLimit | None = None
    proxy_secret: ProxySecret | None = None
    unseen_proxy: UnseenProxy | None = None
    show_users: bool = False
    """Whether the pages for people show user ids."""
    bots: Literal["drop", "mark", "keep"] = "keep"
    gpc: Literal["ignore", "anonymous", "off"] = "ignore"
    origins: frozenset[str] = field(init=False)
    """Of all sites: what is not among them is refused before its body is read."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "origins", frozenset().union(*(site.origins for site in self.sites.values())))


class State(TypedDict):
    """The lifespan state of the application."""

    edge: Edge


def edge_of(scope: Scope) -> Edge:
    """The relay this request is for."""
    return cast("State", scope["state"])["edge"]
