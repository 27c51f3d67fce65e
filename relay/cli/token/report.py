"""What `token inspect` says: the kind of a token, what is in it, and whether a relay with these settings takes it."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from relay.core.clock import Clock
from relay.core.errors import RelayError
from relay.core.inspection_settings import InspectionSettings
from relay.identity.tokens import IdentityClaims, ServerClaims, SiteClaims, TokenFault, Tokens

_KINDS: Final[tuple[tuple[str, type[SiteClaims | IdentityClaims | ServerClaims]], ...]] = (
    ("site", SiteClaims),
    ("identity", IdentityClaims),
    ("server", ServerClaims),
)
EXPLAINED: Final = {
    TokenFault.MISSING: "there is nothing",
    TokenFault.MALFORMED: "not a token, or one that was changed on its way",
    TokenFault.FORGED: "not signed with any of RELAY_SECRET_KEYS",
    TokenFault.BAD_PAYLOAD: "rightly signed, but what it says is not what a token of this kind says",
    TokenFault.EXPIRED: "expired",
    TokenFault.FROM_FUTURE: "signed by a clock too far ahead of this one (RELAY_TOKEN_LEEWAY_S)",
    TokenFault.REVOKED: "revoked: it was made before {setting}",
}
_REVOKING: Final = {
    "site": "RELAY_SITE_TOKENS_NOT_BEFORE, or tokens_not_before of its site",
    "server": "RELAY_SERVER_TOKENS_NOT_BEFORE",
}

Report = dict[str, object]


async def inspected(token: str, settings: InspectionSettings, clock: Clock) -> Report:
    """The report; `accepted` says whether a relay takes it.

    Raises:
        RelayError: the keys for JWTs cannot be read.
    """
    tokens = _tokens(settings, clock)
    fault = TokenFault.FORGED
    for kind, claims_type in _KINDS:
        found = tokens.verify(claims_type, token)
        if isinstance(found, TokenFault):
            fault = found if found is not TokenFault.FORGED else fault
            continue
        verified = {"site": tokens.site, "identity": tokens.identity, "server": tokens.server}[kind](token)
        why = _unknown_site(found.claims, settings)
        if isinstance(verified, TokenFault):
            why = EXPLAINED[verified].format(setting=_REVOKING.get(kind, ""))
        return {
            "accepted": why is None,
            "kind": kind,
            "claims": msgspec.to_builtins(found.claims),
            "signed_at": datetime.fromtimestamp(found.signed_at_s, UTC).isoformat(),
            "why": why or "in order",
        }
    return await _of_jwt(token, settings, clock) or {"accepted": False, "kind": "unknown", "why": EXPLAINED[fault]}


def _tokens(settings: InspectionSettings, clock: Clock) -> Tokens:
    everywhere_s = settings.site_tokens_not_before or 0
    return Tokens(
        settings.keys(),
        clock=clock,
        leeway_s=settings.token_leeway_s,
        identity_max_age_s=settings.identity_max_age_s,
        site_not_before_s={
            **dict.fromkeys(settings.known_sites() or (settings.site,), everywhere_s),
            **{name: max(site.tokens_not_before or 0, everywhere_s) for name, site in settings.sites.items()},
        },
        server_not_before_s=settings.server_tokens_not_before,
    )


def _unknown_site(claims: SiteClaims | IdentityClaims | ServerClaims, settings: InspectionSettings) -> str | None:
    known = settings.known_sites()
    if isinstance(claims, IdentityClaims) or not known or claims.site in known:
        return None
    return f"there is no site {claims.site!r}; there is {', '.join(known)}"


async def _of_jwt(token: str, settings: InspectionSettings, clock: Clock) -> Report | None:
    """Of a JWT; None where it is none."""
    try:
        from relay.identity.jwks import Jwks  # noqa: PLC0415 - needs the extra `jwt`
        from relay.identity.jwt import JwtFault, JwtIdentity, is_jwt  # noqa: PLC0415 - the same
    except ImportError:
        if token.count(".") != 2 or not token.startswith("eyJ"):
            return None
        why = "to look into a JWT needs a library: pip install 'personalize-relay[jwt]'"
        return {"accepted": False, "kind": "perhaps a JWT", "why": why}
    if not is_jwt(token):
        return None
    report: Report = {"accepted": False, "kind": "jwt"}
    missing = [
        f"RELAY_JWT_{name}"
        for name, value in (
            ("JWKS", settings.jwt_jwks),
            ("ISSUER", settings.jwt_issuer),
            ("AUDIENCE", settings.jwt_audience),
        )
        if not value
    ]
    if missing:
        return report | {"why": f"a relay takes a JWT with RELAY_JWT_*, and {', '.join(missing)} is not set"}
    async with Jwks(settings.jwt_jwks or "", clock=clock) as keys:
        if problems := keys.problems():
            raise RelayError(problems[0])
        verified = JwtIdentity(
            keys,
            issuer=settings.jwt_issuer or "",
            audience=settings.jwt_audience or "",
            claim=settings.jwt_claim,
            clock=clock,
            leeway_s=settings.token_leeway_s,
            max_age_s=settings.identity_max_age_s,
        ).verify(token)
    if isinstance(verified, JwtFault):
        return report | {"why": verified.why}
    return report | {"accepted": True, "claims": msgspec.to_builtins(verified), "why": "in order"}
