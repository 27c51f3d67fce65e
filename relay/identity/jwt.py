"""Identity from the site's own JWTs, for sites whose login already makes them."""

from typing import Any, Final, NamedTuple

import jwt
from jwt.exceptions import PyJWTError
from jwt.types import Options

from relay.core.clock import Clock
from relay.identity.jwks import ALGORITHMS, Jwks
from relay.identity.tokens import IdentityClaims, TokenFault, is_id

MAX_JWT_CHARS: Final = 8192
"""Longer strings are refused before any work is done on them."""

MOST_NAMED: Final = 1000
"""Unknown keys remembered with the time when they were first named."""

PUBLISHED_S: Final = 5.0
"""A provider shows a key before it signs with it, give or take this much: the two clocks differ."""


class JwtFault(NamedTuple):
    """Why a JWT is not taken."""

    fault: TokenFault
    why: str
    """One line, for a person."""


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
        self._first_named: dict[str | None, float] = {}

    async def prepare(self, token: object) -> float:
        """Let an unknown key be looked for, before `identity` verifies.

        Returns:
            0, or in how many seconds to come again: the token is younger than the last reading of the keys, which may
            not be read again yet, or cannot be read now, so that nobody knows whether it is good. One that does not say
            how old it is counts from when its key was first named here.
        """
        header = _header(token)
        if header is None or not isinstance(token, str):
            return 0.0
        key_id, now_s = header.get("kid"), self._clock.now_ms() / 1000
        if self._keys.find(key_id) is not None:
            return 0.0
        signed_s = _signed_at_s(token)
        if signed_s is None:
            signed_s = self._named_since_s(key_id, now_s)
        await self._keys.look_for(key_id)
        if self._keys.find(key_id) is not None:
            self._first_named.pop(key_id, None)
            return 0.0
        is_younger = self._keys.known_at_s - PUBLISHED_S < signed_s <= now_s + self._leeway_s
        return self._keys.again_in_s if is_younger else 0.0

    def _named_since_s(self, key_id: str | None, now_s: float) -> float:
        """When the key was first named. Past the bound the one named first is forgotten, and is named first again."""
        if key_id not in self._first_named and len(self._first_named) >= MOST_NAMED:
            del self._first_named[next(iter(self._first_named))]
        return self._first_named.setdefault(key_id, now_s - PUBLISHED_S)

    def identity(self, token: object) -> IdentityClaims | TokenFault:
        """The user a JWT names. Never raises, whatever `token` is."""
        verified = self.verify(token)
        return verified.fault if isinstance(verified, JwtFault) else verified

    def verify(self, token: object) -> IdentityClaims | JwtFault:
        """The same, with the reason in words."""
        header = _header(token)
        if header is None or not isinstance(token, str):
            return JwtFault(TokenFault.MALFORMED, f"not a JWT signed by {', '.join(ALGORITHMS)}")
        key_id = header.get("kid")
        key = self._keys.find(key_id)
        if key is None:
            named = "names no key, and there is more than one" if key_id is None else f"its key {key_id[:80]!r} is none"
            return JwtFault(TokenFault.FORGED, f"{named} of those of RELAY_JWT_JWKS")
        # The key says which algorithm it is for; the token has to agree, not to choose.
        if header.get("alg") != key.algorithm_name:
            return JwtFault(
                TokenFault.FORGED, f"signed by {header.get('alg')}, but its key is for {key.algorithm_name}"
            )
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer,
                # Times and the user are ours to check: with the relay's clock and leeway, and whole numbers are ids.
                options=Options(
                    require=["exp", "iss", "aud", self._claim],
                    verify_exp=False,
                    verify_iat=False,
                    verify_nbf=False,
                    verify_sub=False,
                    verify_jti=False,
                ),
            )
        except jwt.InvalidIssuerError:
            return JwtFault(TokenFault.FORGED, f"its iss is not {self._issuer!r} (RELAY_JWT_ISSUER)")
        except jwt.InvalidAudienceError:
            return JwtFault(TokenFault.FORGED, f"its aud is not {self._audience!r} (RELAY_JWT_AUDIENCE)")
        except jwt.MissingRequiredClaimError as error:
            return JwtFault(TokenFault.FORGED, f"the claim {error.claim} is missing")
        except jwt.InvalidSignatureError:
            return JwtFault(TokenFault.FORGED, "its signature is not that of the key it names")
        except PyJWTError as error:
            return JwtFault(TokenFault.FORGED, str(error))
        except (ValueError, TypeError, RecursionError):
            return JwtFault(TokenFault.MALFORMED, "cannot be read")
        return self._checked(claims)

    def _checked(self, claims: dict[str, Any]) -> IdentityClaims | JwtFault:
        user_id = claims.get(self._claim)
        if isinstance(user_id, int) and not isinstance(user_id, bool):
            user_id = _text(user_id)
        if not isinstance(user_id, str) or not is_id(user_id):
            return JwtFault(TokenFault.BAD_PAYLOAD, f"the claim {self._claim} is not a user id (RELAY_JWT_CLAIM)")
        for name in ("exp", "iat", "nbf"):
            if not _is_time(claims.get(name)):
                return JwtFault(TokenFault.BAD_PAYLOAD, f"the claim {name} is no time in seconds")
        exp_s, iat_s, nbf_s = (claims.get(name) for name in ("exp", "iat", "nbf"))
        now_s = self._clock.now_ms() / 1000
        early_s = max(iat_s or 0, nbf_s or 0) - now_s
        if early_s > self._leeway_s:
            return JwtFault(TokenFault.FROM_FUTURE, f"its iat or nbf is {early_s:.0f} s ahead of this clock")
        end_s = min(exp_s or 0, (iat_s if iat_s is not None else now_s) + self._max_age_s)
        if now_s >= end_s + self._leeway_s:
            return JwtFault(TokenFault.EXPIRED, f"expired {now_s - end_s:.0f} s ago (exp, RELAY_IDENTITY_MAX_AGE_S)")
        return IdentityClaims(user_id)


def is_jwt(token: str) -> bool:
    """Whether a text has the form of a JWT, whoever signed it; no token of ours names an algorithm."""
    header = _header(token, algorithms=None)
    return header is not None and isinstance(header.get("alg"), str)


def _header(token: object, algorithms: tuple[str, ...] | None = ALGORITHMS) -> dict[str, Any] | None:
    if not isinstance(token, str) or len(token) > MAX_JWT_CHARS or not token.isascii() or token.count(".") != 2:
        return None
    try:
        header = jwt.get_unverified_header(token)
    except (PyJWTError, ValueError, TypeError, RecursionError):
        return None
    if algorithms is not None and header.get("alg") not in algorithms:
        return None
    return header if isinstance(header.get("kid", ""), str) else None


def _signed_at_s(token: str) -> float | None:
    """What the token says of it itself: good for deciding when to verify, for nothing else."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options=Options(verify_signature=False))
    except (PyJWTError, ValueError, TypeError, RecursionError):
        return None
    signed_s = claims.get("iat")
    return signed_s if signed_s is not None and _is_time(signed_s) else None


def _text(number: int) -> str | None:
    try:
        return str(number)
    except ValueError:  # more digits than Python writes
        return None


def _is_time(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11)
