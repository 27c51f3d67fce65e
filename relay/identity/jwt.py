"""Identity from the site's own JWTs, for sites whose login already makes them."""

from typing import Any, Final

import jwt
from jwt.exceptions import PyJWTError
from jwt.types import Options

from relay.core.clock import Clock
from relay.identity.jwks import ALGORITHMS, Jwks
from relay.identity.tokens import IdentityClaims, TokenFault, is_id

MAX_JWT_CHARS: Final = 8192
"""Longer strings are refused before any work is done on them."""


class JwtIdentity:
    """Verifies JWTs: signed by one of the keys with its algorithm, from the issuer, for the audience, in time."""

    def __init__(
        self, keys: Jwks, *, issuer: str, audience: str, claim: str, clock: Clock, leeway_s: float, max_age_s: float
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._claim = claim
        self._clock = clock
        self._leeway_s = leeway_s
        self._max_age_s = max_age_s

    async def prepare(self, token: object) -> None:
        """Let an unknown key be looked for, before `identity` verifies."""
        header = _header(token)
        if header is not None:
            await self._keys.look_for(header.get("kid"))

    def identity(self, token: object) -> IdentityClaims | TokenFault:
        """The user a JWT names. Never raises, whatever `token` is."""
        header = _header(token)
        if header is None or not isinstance(token, str):
            return TokenFault.MALFORMED
        key = self._keys.find(header.get("kid"))
        # The key says which algorithm it is for; the token has to agree, not to choose.
        if key is None or header.get("alg") != key.algorithm_name:
            return TokenFault.FORGED
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer,
                # Times are ours to check: with the relay's clock and leeway.
                options=Options(
                    require=["exp", "iss", "aud", self._claim], verify_exp=False, verify_iat=False, verify_nbf=False
                ),
            )
        except PyJWTError:
            return TokenFault.FORGED
        except (ValueError, TypeError, RecursionError):
            return TokenFault.MALFORMED
        return self._verified(claims)

    def _verified(self, claims: dict[str, Any]) -> IdentityClaims | TokenFault:
        user_id = claims.get(self._claim)
        times = [claims.get(name) for name in ("exp", "iat", "nbf")]
        if not isinstance(user_id, str) or not is_id(user_id) or not all(map(_is_time, times)):
            return TokenFault.BAD_PAYLOAD
        exp_s, iat_s, nbf_s = times
        now_s = self._clock.now_ms() / 1000
        if max(iat_s or 0, nbf_s or 0) > now_s + self._leeway_s:
            return TokenFault.FROM_FUTURE
        end_s = min(exp_s or 0, (iat_s if iat_s is not None else now_s) + self._max_age_s)
        return TokenFault.EXPIRED if now_s >= end_s + self._leeway_s else IdentityClaims(user_id)


def _header(token: object) -> dict[str, Any] | None:
    if not isinstance(token, str) or len(token) > MAX_JWT_CHARS or not token.isascii() or token.count(".") != 2:
        return None
    try:
        header = jwt.get_unverified_header(token)
    except (PyJWTError, ValueError, TypeError, RecursionError):
        return None
    return header if header.get("alg") in ALGORITHMS and isinstance(header.get("kid", ""), str) else None


def _is_time(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11)
