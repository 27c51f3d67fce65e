"""Site, identity and server tokens: signed with itsdangerous, one salt a purpose, several keys for rotation.

The library's traps, closed here: verifying needs no clock of its own (ages are ours, with leeway on both sides),
text is capped and ASCII before it is looked at, what decompresses is bounded, a payload has exactly the fields
below, and of the many strings that carry one signature only the canonical one is a token.
"""

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from traceback import clear_frames
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar

import msgspec
from itsdangerous import BadData, BadPayload, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode

from relay.core.clock import Clock, SystemClock
from relay.core.limits import MAX_ID_CHARS

MAX_TOKEN_CHARS: Final = 2048
"""Longer strings are refused before any work is done on them."""

MAX_PAYLOAD_BYTES: Final = 8192
"""What a token's payload may grow to when it is compressed."""

_MAX_PLAIN_CHARS: Final = MAX_TOKEN_CHARS - 64
"""Of a payload that is not compressed; time and signature follow it."""

MAX_CACHED: Final = 20_000
"""Verified tokens remembered, those forgotten first that were not used among the last half as many; about 8 MB."""

Scope = Literal["events", "records", "identity", "erase", "allow", "admin", "users", "items", "actions"]
SCOPES: Final[tuple[Scope, ...]] = ("events", "records", "identity", "erase")
"""What a server token allows when nobody says otherwise."""

ALL_SCOPES: Final[tuple[Scope, ...]] = (*SCOPES, "allow", "admin")
"""What one may be made to allow; the last two only where it was asked for. Older tokens name `users`, `items` or
`actions`, parts of `records`."""


class SiteClaims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of this site."""

    salt: ClassVar[str] = "relay.site.v1"
    site: str


class IdentityClaims(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """This visitor is that user, says the site's backend."""

    salt: ClassVar[str] = "relay.identity.v1"
    sub: str
    sid: str | None = None
    """The only session it is for."""
    exp: int | None = None
    """Unix seconds; ends it before the relay's own maximum age."""


class ServerClaims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A backend of this site, and what it may do."""

    salt: ClassVar[str] = "relay.server.v1"
    site: str
    scope: tuple[Scope, ...]


Claims = SiteClaims | IdentityClaims | ServerClaims

C = TypeVar("C", bound=SiteClaims | IdentityClaims | ServerClaims)


class TokenFault(StrEnum):
    """Why a token is not accepted."""

    MISSING = "missing"
    MALFORMED = "malformed"
    FORGED = "forged"
    """Signed with no key of ours, or for another purpose."""
    BAD_PAYLOAD = "bad_payload"
    EXPIRED = "expired"
    FROM_FUTURE = "from_future"
    REVOKED = "revoked"


class Token(msgspec.Struct, Generic[C], frozen=True):
    """A token whose signature was right."""

    claims: C
    signed_at_s: int


class Tokens:
    """Mints and verifies with one set of keys. Not for several threads."""

    def __init__(
        self,
        keys: Sequence[str],
        *,
        clock: Clock,
        leeway_s: float = 60.0,
        identity_max_age_s: float = 86400.0,
        site_not_before_s: Mapping[str, int] | None = None,
        server_not_before_s: int | None = None,
    ) -> None:
        """Take the keys, the signing one first; they must have been checked (`Settings`)."""
        self._clock = clock
        self._leeway_s = leeway_s
        self._identity_max_age_s = identity_max_age_s
        self._site_not_before_s = site_not_before_s or {}
        self._server_not_before_s = server_not_before_s
        self._serializers = {
            kind.salt: _serializer(keys, kind.salt, clock) for kind in (SiteClaims, IdentityClaims, ServerClaims)
        }
        # Two generations, for that is lighter than an order of use.
        self._young: dict[tuple[str, str], Token[Any]] = {}
        self._old: dict[tuple[str, str], Token[Any]] = {}

    def mint(self, claims: Claims) -> str:
        """A token for the claims, signed now with the first key.

        Raises:
            ValueError: the claims are not valid, so that no relay would accept the token.
        """
        payload = msgspec.to_builtins(claims)
        if not _valid(claims):
            raise ValueError(f"not valid in a token: {payload}")
        text = self._serializers[claims.salt].dumps(payload)
        if len(text) > MAX_TOKEN_CHARS:
            raise ValueError("the token would be too long")
        return text

    def site(self, token: object) -> SiteClaims | TokenFault:
        """Which site a token is for. Never raises, whatever `token` is."""
        verified = self.verify(SiteClaims, token)
        if not isinstance(verified, Token):
            return verified
        if verified.signed_at_s < self._site_not_before_s.get(verified.claims.site, 0):
            return TokenFault.REVOKED
        return self._timely(verified.signed_at_s) or verified.claims

    def identity(self, token: object) -> IdentityClaims | TokenFault:
        """Which user a token is for. Never raises, whatever `token` is."""
        verified = self.verify(IdentityClaims, token)
        if not isinstance(verified, Token):
            return verified
        end_s = verified.signed_at_s + self._identity_max_age_s
        if verified.claims.exp is not None:
            end_s = min(end_s, verified.claims.exp)
        return self._timely(verified.signed_at_s, end_s) or verified.claims

    def server(self, token: object) -> ServerClaims | TokenFault:
        """What a backend may do. Never raises, whatever `token` is."""
        verified = self.verify(ServerClaims, token)
        if isinstance(verified, TokenFault):
            return verified
        if verified.signed_at_s < (self._server_not_before_s or 0):
            return TokenFault.REVOKED
        return self._timely(verified.signed_at_s) or verified.claims

    def verify(self, kind: type[C], token: object) -> Token[C] | TokenFault:
        """Signature and payload, without regard to time; for time see `site`, `identity`, `server`."""
        if not isinstance(token, str):
            return TokenFault.MISSING if token is None else TokenFault.MALFORMED
        if not token:
            return TokenFault.MISSING
        if len(token) > MAX_TOKEN_CHARS or not token.isascii():
            return TokenFault.MALFORMED
        key = (kind.salt, token)
        cached: Token[C] | None = self._young.get(key)
        if cached is not None:
            return cached
        cached = self._old.get(key)
        verified = self._check(kind, token) if cached is None else cached
        # Only canonical strings get here, one a signature: nobody can fill the cache with twins of one token.
        if not isinstance(verified, TokenFault):
            self._young[key] = verified
            if len(self._young) >= MAX_CACHED // 2:
                self._old, self._young = self._young, {}
        return verified

    def _check(self, kind: type[C], token: str) -> Token[C] | TokenFault:
        signature = token.rpartition(".")[2]
        try:
            if base64_encode(base64_decode(signature)).decode("ascii") != signature:
                return TokenFault.MALFORMED
            payload, signed_at = self._serializers[kind.salt].loads(token, return_timestamp=True)
            claims = msgspec.convert(payload, kind)
        except BadData as error:
            clear_frames(error.__traceback__)  # the library's keep the error itself: a cycle that holds the request
            return TokenFault.BAD_PAYLOAD if isinstance(error, BadPayload) else TokenFault.FORGED
        except (msgspec.ValidationError, RecursionError):
            return TokenFault.BAD_PAYLOAD
        except (ValueError, TypeError, OverflowError, OSError):
            return TokenFault.MALFORMED
        if not _valid(claims):
            return TokenFault.BAD_PAYLOAD
        return Token(claims, int(signed_at.timestamp()))

    def _timely(self, signed_at_s: float, end_s: float | None = None) -> TokenFault | None:
        now_s = self._clock.now_ms() / 1000
        # A signer stamps whole seconds, rounded down.
        if signed_at_s > now_s + self._leeway_s:
            return TokenFault.FROM_FUTURE
        if end_s is not None and now_s >= end_s + self._leeway_s:
            return TokenFault.EXPIRED
        return None


def mint_identity(
    user_id: str,
    *,
    secret_key: str,
    session_id: str | None = None,
    ttl_s: int | None = None,
    clock: Clock | None = None,
) -> str:
    """An identity token, for the site's backend to hand to its page after login.

    Args:
        user_id: 1 to 256 characters.
        secret_key: The first of `RELAY_SECRET_KEYS`.
        session_id: If given, the token is good for this session only.
        ttl_s: If given, it ends after that many seconds, else at the relay's `RELAY_IDENTITY_MAX_AGE_S`.
        clock: Instead of the machine's.

    Raises:
        ValueError: a user id that is empty, too long or not text.
    """
    clock = clock or SystemClock()
    exp = None if ttl_s is None else clock.now_ms() // 1000 + ttl_s
    return Tokens([secret_key], clock=clock).mint(IdentityClaims(sub=user_id, sid=session_id, exp=exp))


def _serializer(keys: Sequence[str], salt: str, clock: Clock) -> URLSafeTimedSerializer:
    class ClockedSigner(TimestampSigner):
        def get_timestamp(self) -> int:
            return clock.now_ms() // 1000

    return _BoundedSerializer(
        list(reversed(keys)),  # the library signs with the last
        salt=salt,
        signer=ClockedSigner,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


class _BoundedSerializer(URLSafeTimedSerializer):
    def dump_payload(self, obj: Any) -> bytes:
        """As the library, but compressed only if it would be too long: the snippet reads whose token it is.

        Two tokens of one user, of which `exp` made one compressible, looked to it like two users.
        """
        plain = base64_encode(self.serializer.dumps(obj))
        return plain if len(plain) <= _MAX_PLAIN_CHARS else super().dump_payload(obj)

    def load_payload(self, payload: bytes, *args: Any, **kwargs: Any) -> Any:
        """As the library, but a compressed payload may not grow past `MAX_PAYLOAD_BYTES`."""
        if payload.startswith(b"."):
            try:
                start = zlib.decompressobj().decompress(base64_decode(payload[1:]), MAX_PAYLOAD_BYTES + 1)
            except (BadData, zlib.error) as error:
                raise BadPayload("not compressed as it says", original_error=error) from error
            if len(start) > MAX_PAYLOAD_BYTES:
                raise BadPayload("too large")
        return super().load_payload(payload, *args, **kwargs)


def _valid(claims: Claims) -> bool:
    match claims:
        case SiteClaims():
            return is_id(claims.site)
        case IdentityClaims():
            return is_id(claims.sub) and (claims.sid is None or is_id(claims.sid))
        case ServerClaims():
            return is_id(claims.site) and len(claims.scope) > 0


def is_id(text: str) -> bool:
    """Whether a text can be the id of a site, a user or a session: 1 to 256 characters that say something."""
    if not 1 <= len(text) <= MAX_ID_CHARS or text.isspace() or "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return text.lower() not in _SLIPS


_SLIPS: Final = frozenset({"null", "undefined", "nan", "none", "[object object]"})
"""What a variable without a value turns into as text: never a user, a site or a session."""
