"""Who sends what: requests of every kind for a session, each with what it shows. Decides nothing."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relay.identity.tokens import ServerClaims, SiteClaims, Tokens, mint_identity
from tests.identity.chance.ledger import Session
from tests.identity.chance.rules import Reading, Shown
from tests.identity.chance.stage_clock import StageClock
from tests.support.clock import FakeClock
from tests.support.login_provider import AUDIENCE, ISSUER
from tests.support.relay import KEY

COOKIE: Final = "__Host-relay-identity"
LONG_AGO_MS: Final = 3 * 86_400_000
_KINDS: Final = {
    "none": 30, "valid": 20, "for this session": 12, "for another session": 7, "expired": 4, "ended": 2, "forged": 4,
    "from the future": 2, "junk": 2, "a site token": 1, "cookie": 4, "forged, beside a good cookie": 1, "JWT": 6,
    "JWT expired": 2, "JWT forged": 2, "backend, user": 8, "backend, no user": 4,
}  # fmt: skip
_JUNK: Final[tuple[Any, ...]] = ("", "x.y.z", 5, True, {}, ["ann"], "a.b.c.d", None, "\ud800")


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request for one session, the same on every try."""

    path: str = "/r/e"
    body: dict[str, Any] = field(default_factory=dict[str, Any])
    bearer: str | None = None
    cookie: str | None = None
    user: str | None = None
    """Whose good token, or whom the backend names."""
    elsewhere: bool = False
    """The token is for another session."""
    word: str = "none"
    """Of the answer, where there is no good token."""

    @property
    def is_signed(self) -> bool:
        """Whether there is a token of ours, good or not."""
        return self.bearer is None and (self.user is not None or self.word != "none")

    def readings(self, refused: set[bool], *, outlived: bool) -> tuple[Reading, ...]:
        """What it may mean.

        Args:
            refused: What may hold of its user: whether they are erased.
            outlived: Whether a later try came when no token of before was good any more.
        """
        found = [Reading(Shown.NOTHING, "expired")] if outlived and self.is_signed else []
        if self.user is None:
            return (*found, Reading(Shown.NOTHING, self.word))
        if False in refused:
            found.append(Reading(Shown.ELSEWHERE, "mismatch") if self.elsewhere else Reading(Shown.USER, "", self.user))
        if True in refused:
            found.append(Reading(Shown.NOTHING, "invalid"))
            if self.elsewhere:
                found.append(Reading(Shown.ELSEWHERE, "mismatch"))
        return tuple(found)


class Cast:
    """Makes requests."""

    def __init__(
        self, rng: random.Random, clock: StageClock, login: Ed25519PrivateKey, sites: dict[str, list[str]]
    ) -> None:
        """Take what requests are made of.

        Args:
            rng: For choosing.
            clock: The run's.
            login: The key that signs JWTs.
            sites: By tracking id.
        """
        self._rng = rng
        self.clock = clock
        self.sites = sites
        self._login = login
        self._forger = Ed25519PrivateKey.generate()
        tokens = Tokens([KEY], clock=FakeClock(clock.now_ms() - 60_000))
        names = [site for some in sites.values() for site in some]
        self._tokens = {site: tokens.mint(SiteClaims(site)) for site in names}
        self._servers = {site: tokens.mint(ServerClaims(site, ("events", "erase", "allow"))) for site in names}

    @property
    def bearer(self) -> str:
        """A server token."""
        return self._servers["shop"]

    def request(self, session: Session, site: str, user: str, events: list[dict[str, Any]]) -> Request:
        """One of any kind; a user may be named by it, or not."""
        kinds = {kind: weight for kind, weight in _KINDS.items() if events or not kind.startswith(("none", "backend"))}
        if is_a_backends(session):
            kinds = {kind: weight for kind, weight in kinds.items() if kind.startswith("backend")}
        [kind] = self._rng.choices(list(kinds), list(kinds.values()))
        if kind.startswith("backend"):
            body: dict[str, Any] = {"sessionId": session.name[1], "eventList": events}
            named = user if kind == "backend, user" else None
            if named:
                body["userId"] = int(named) if named.isdigit() and self._rng.random() < 0.5 else named
            return Request(path="/api/v1/events", body=body, bearer=self._servers[site], user=named)
        body = {
            "v": 1, "token": self._tokens[site], "sessionId": session.name[1], "userId": "mallory", "eventList": events,
        }  # fmt: skip
        if kind == "none":
            return Request(body=body)
        return self._shown(kind, body, session.name[1], user)

    def _shown(self, kind: str, body: dict[str, Any], session_id: str, user: str) -> Request:
        """A beacon of one of these kinds."""
        good = {
            "valid": lambda: self._token(user),
            "for this session": lambda: self._token(user, session_id),
            "for another session": lambda: self._token(user, "f" * 32),
            "JWT": lambda: self._jwt(user, self._login),
        }
        worthless: dict[str, tuple[str, Callable[[], object]]] = {
            "expired": ("expired", lambda: self._token(user, at_ms=-LONG_AGO_MS)),
            "ended": ("expired", lambda: self._token(user, at_ms=-7_200_000, ttl_s=600)),
            "forged": ("invalid", lambda: self._token(user, key="forged" * 6)),
            "from the future": ("invalid", lambda: self._token(user, at_ms=LONG_AGO_MS)),
            "a site token": ("invalid", lambda: body["token"]),
            "JWT expired": ("expired", lambda: self._jwt(user, self._login, ago_s=7200)),
            "JWT forged": ("invalid", lambda: self._jwt(user, self._forger)),
        }
        cookie = f"{COOKIE}={self._token(user)}"
        if kind in good:
            return Request(body=body | {"identity": good[kind]()}, user=user, elsewhere=kind == "for another session")
        if kind in worthless:
            word, made = worthless[kind]
            return Request(body=body | {"identity": made()}, word=word)
        if kind == "junk":
            return self._junk(body)
        if kind == "cookie":
            return Request(body=body, cookie=cookie, user=user)
        return Request(body=body | {"identity": self._token(user, key="forged" * 6)}, cookie=cookie, word="invalid")

    def _junk(self, body: dict[str, Any]) -> Request:
        junk = self._rng.choice(_JUNK) if body["eventList"] else "x.y.z"
        if junk is None:
            return Request(body=body | {"identity": None})
        return Request(body=body | {"identity": junk}, word="none" if junk == "" else "invalid")

    def _token(
        self, user: str, session_id: str | None = None, *, at_ms: int = 0, ttl_s: int | None = None, key: str = KEY
    ) -> str:
        made = FakeClock(self.clock.now_ms() + at_ms)
        return mint_identity(user, secret_key=key, clock=made, session_id=session_id, ttl_s=ttl_s)

    def _jwt(self, user: str, key: Ed25519PrivateKey, *, ago_s: int = 0) -> str:
        made_s = self.clock.now_ms() // 1000 - ago_s
        claims: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": made_s, "exp": made_s + 3600}
        if user.isdigit():
            claims["sub"] = int(user)
        return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "k1"})


def is_a_backends(session: Session) -> bool:
    """Whether its id is one that no page could send."""
    return ":" in session.name[1]
