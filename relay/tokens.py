"""Tokens for the site's own backend, in Python: mint and check. The face of `relay.identity.tokens`."""

from relay.identity.tokens import (
    IdentityClaims,
    ServerClaims,
    SiteClaims,
    TokenFault,
    Tokens,
    mint_identity,
)

__all__ = ["IdentityClaims", "ServerClaims", "SiteClaims", "TokenFault", "Tokens", "mint_identity"]
